# SPDX-License-Identifier: MIT
"""Chance that can be repeated: the N-th operation of a seed is always the same."""

import random

SLOTS = 6  # for handles

class Draw:
    """Draws the words of one operation."""

    def __init__(self, seed, number):
        self.rng = random.Random(f"{seed}/{number}")

    def one(self, choices):
        return self.rng.choice(choices)

    def chance(self, share):
        return self.rng.random() < share

    def slot(self):
        return self.rng.randrange(SLOTS)
