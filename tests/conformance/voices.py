# SPDX-License-Identifier: MIT
"""What the voices of the suite have in common: the mount, a local directory and the model."""

import collections
import errno
import os

NAME_MAX = 255
EMPTY = "nothing to do"  # the operation makes no sense in this state


class NotOpen(Exception):
    """The slot of an operation has no handle."""


class _Any:
    """What no voice can foretell: it equals everything."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None

    def __repr__(self):
        return "ANY"


ANY = _Any()
Stat = collections.namedtuple("Stat", "kind mode size links mtime")


def answer(voice, operation):
    """What a voice answers: a value, or the name of an errno."""
    try:
        return getattr(voice, operation[0])(*operation[1:])
    except NotOpen:
        return EMPTY
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


def shorten(value):
    """A value for a person: long bytes are told by their length and ends."""
    if isinstance(value, (bytes, bytearray)) and len(value) > 60:
        return f"<{len(value)} bytes {bytes(value[:12])!r}...{bytes(value[-12:])!r}>"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return "(" + ", ".join(map(shorten, value)) + ")"
    return repr(value)


def first_difference(a, b):
    """Where two texts differ."""
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return i
    return min(len(a), len(b))


def told_difference(got, expected):
    """Why two answers differ, in a line."""
    if isinstance(got, bytes) and isinstance(expected, bytes):
        return f"{len(got)} bytes, expected {len(expected)}; they differ at {first_difference(got, expected)}"
    return f"{shorten(got)}, expected {shorten(expected)}"


def tree_differences(got, expected):
    """A line for each path of two trees (Model.tree) that is not the same."""
    for path in sorted(set(got) | set(expected)):
        if path not in got:
            yield f"{os.fsdecode(path)!r} is missing"
        elif path not in expected:
            yield f"{os.fsdecode(path)!r} should not be there"
        else:
            for one, other in zip(got[path], expected[path]):
                if one != other:
                    yield f"{os.fsdecode(path)!r}: {told_difference(one, other)}"
