# SPDX-License-Identifier: MIT
"""A .vmx as text, read by a reader of the suite's own: the second check of what vmxfs writes."""

import re

LINE = re.compile(rb'[^\r\n]*(?:\r\n|\r|\n|$)')
SETTING = re.compile(rb'[ \t]*([^\0 \t#=]+)[ \t]*=[ \t]*(?:"([^"]*)"|((?!")[^ \t#]*))[ \t]*(?:#.*)?$', re.DOTALL)
ESCAPED = re.compile(rb"[\x01-\x08\x0a-\x1f\x7f\"|]")


def unescape(value):
    return re.sub(rb"\|([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m.group(1).decode()), value)


def escape(value):
    return ESCAPED.sub(lambda m: b"|%02X" % m.group()[0], value)


class Line:
    """key: None for what is no setting. around: all of the line but the key's spelling and the value."""

    def __init__(self, text):
        self.text = text
        body = text.rstrip(b"\r\n")
        match = SETTING.match(body)
        self.key = self.value = self.around = None
        if match:
            self.key = match.group(1)
            self.value = unescape(match.group(2) if match.group(2) is not None else match.group(3))
            which = 2 if match.group(2) is not None else 3
            self.around = body[:match.start(1)], body[match.end(1):match.start(which)].rstrip(b'"'), \
                body[match.end(which):].lstrip(b'"'), text[len(body):]


def lines(text):
    return [Line(part) for part in LINE.findall(text) if part]


def settings(text):
    """The last value of each key, by its folded name."""
    return {line.key.lower(): line.value for line in lines(text) if line.key is not None}


def spelled(text):
    """The spelling of each key, of its last line, by its folded name."""
    return {line.key.lower(): line.key for line in lines(text) if line.key is not None}


def others(text, touched):
    """The lines of all other keys, and those that are no settings, in their order."""
    return [line.text.rstrip(b"\r\n") for line in lines(text)
            if line.key is None or line.key.lower() not in touched]


def damage(before, after, touched, source, target):
    """What a change of these keys (folded) has done to a text that it must not do; or None. The key
    source was renamed to target in place, if the text had it."""
    if others(before, touched) != others(after, touched):
        return "other lines changed"
    old, new = lines(before), lines(after)
    for key in touched:
        old_key = source if key == target else key
        was = [line for line in old if line.key is not None and line.key.lower() == old_key]
        now = [line for line in new if line.key is not None and line.key.lower() == key]
        if len(now) > 1:
            return f"{len(now)} lines for {key!r}"
        if was and now and was[-1].around[:-1] != now[0].around[:-1]:
            return f"{was[-1].text!r} became {now[0].text!r}"
    return None


def with_setting(text, key, value):
    """The text with a setting: its line is changed, or comes to the end."""
    ending = b"\r\n" if b"\r\n" in text else b"\n"
    found = lines(text)
    for line in found:
        if line.key is not None and line.key.lower() == key.lower():
            line.text = b"".join((line.around[0], line.key, line.around[1], b'"', escape(value), b'"',
                                  *line.around[2:]))
            return b"".join(line.text for line in found)
    if found and not text.endswith((b"\n", b"\r")):
        text += ending
    return text + key + b' = "' + escape(value) + b'"' + ending
