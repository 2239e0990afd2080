# SPDX-License-Identifier: MIT
"""The plan that the relays of a mount follow: tests/support/sftp-relay.h has the same layout."""

import mmap
import struct

NONE, CUT, KILL, STALL, DELAY, LATE = range(6)
TO_SERVER, TO_CLIENT = range(2)

LAYOUT = struct.Struct("=9I4xQ2Q")
WORDS = ("armed", "fault", "direction", "lasting", "delay_ms", "released", "fired", "open", "connections")
AFTER, PASSED = 40, (48, 56)


class Plan:
    def __init__(self, path):
        with open(path, "wb") as f:
            f.truncate(LAYOUT.size)
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), LAYOUT.size)

    def word(self, name):
        return struct.unpack_from("=I", self.page, 4 * WORDS.index(name))[0]

    def set_word(self, name, value):
        struct.pack_into("=I", self.page, 4 * WORDS.index(name), value)

    def passed(self, direction):
        return struct.unpack_from("=Q", self.page, PASSED[direction])[0]

    def arm(self, fault, direction=TO_SERVER, after=0, lasting=0, delay_ms=0):
        """The fault comes once, when after bytes have passed in that direction from now on."""
        self.disarm()
        for name, value in (("fault", fault), ("direction", direction), ("lasting", lasting),
                            ("delay_ms", delay_ms), ("released", 0), ("fired", 0)):
            self.set_word(name, value)
        struct.pack_into("=3Q", self.page, AFTER, after, 0, 0)
        self.set_word("armed", 1)

    def disarm(self):
        self.set_word("armed", 0)

    def release(self):
        """Ends a stall, and delivers what is late."""
        self.set_word("released", 1)
