# SPDX-License-Identifier: MIT
"""As much of a .vmx as a host needs: settings of a text, and files that are replaced whole."""
import os
import re


def read_file(path):
    """The text, or None if there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
            return f.read()
    except OSError:
        return None


def write_file(path, text):
    fresh = f"{path}.new-{os.getpid()}"
    with open(fresh, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
        f.write(text)
    if os.path.exists(path):
        os.chmod(fresh, os.stat(path).st_mode & 0o7777)
    os.rename(fresh, path)


def _line(pattern):
    return re.compile(rf'(?im)^[ \t]*({pattern})[ \t]*=[ \t]*(?:"([^"\n]*)"|([^"\s#]*))[^\n]*\n?')


def get(text, key):
    """The value, or None."""
    found = _line(re.escape(key)).search(text)
    if not found:
        return None
    value = found.group(2) if found.group(2) is not None else found.group(3)
    return re.sub(r"\|([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), value)


def is_true(text, key):
    return (get(text, key) or "").upper() == "TRUE"


def put(text, key, value):
    line = f'{key} = "{value}"\n'
    found = _line(re.escape(key)).search(text)
    if found:
        return text[:found.start()] + line + text[found.end():]
    if text and not text.endswith("\n"):
        text += "\n"
    return text + line


def drop(text, pattern):
    """Without the settings whose whole name is matched."""
    return _line(pattern).sub("", text)
