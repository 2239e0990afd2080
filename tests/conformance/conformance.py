#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the same random operations on a mount, in a local directory and in memory, and compares every
answer and, now and then, everything that is there.

usage: conformance.py files|settings --vmxfs PROGRAM [--operations N] [--seed S] [-o OPTION]...
                      [--delay-ms MS --proxy PROGRAM] [--only NUMBER,...]

--delay-ms   the mount goes over a private sshd, with this delay each way; else over a child process
--only       these operations of the seed alone, which is how a failure is replayed

Where something differs it looks for the fewest operations of the seed that still fail, and prints
them with the command that does them again. Status 1 then.
"""

import argparse
import os
import random
import shlex
import sys
import time

import files
import settings
from mounted import Failure, Lab
from voices import shorten

SUITES = {"files": files, "settings": settings}
SHRINK_S = 120
TOLD_MAX = 60  # operations that are listed


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--vmxfs", required=True)
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(1000000))
    parser.add_argument("-o", dest="options", action="append", default=[])
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--proxy")
    parser.add_argument("--only", type=lambda text: [int(word) for word in text.split(",")])
    return parser.parse_args()


class Runs:
    """Runs parts of a seed, each in a place of its own."""

    def __init__(self, lab, suite, seed):
        self.lab, self.suite, self.seed, self.count = lab, suite, seed, 0
        self.lacks = set()

    def run(self, numbers):
        """The operations that came to be done up to the failure, and what it is; or None."""
        self.count += 1
        trial = self.suite.Trial(self.lab, self.seed, f"run{self.count}")
        self.lacks |= trial.lacks
        try:
            for i, number in enumerate(numbers):
                wrong = trial.step(number)
                if wrong:
                    return numbers[:i + 1], wrong
            wrong = trial.finish()
            return (numbers, wrong) if wrong else None
        finally:
            trial.end()

    def shrink(self, numbers, wrong):
        """Leaves out what is not needed for a failure, as long as there is time."""
        deadline = time.monotonic() + SHRINK_S
        size = len(numbers) // 2
        while size and time.monotonic() < deadline and self.lab.alive():
            start = 0
            while start < len(numbers) and time.monotonic() < deadline and self.lab.alive():
                fewer = numbers[:start] + numbers[start + size:]
                failure = self.run(fewer) if fewer else None
                if failure:
                    numbers, wrong = failure
                else:
                    start += size
            size //= 2
        return numbers, wrong


def replay(args, numbers):
    words = ["python3", sys.argv[0], args.suite, "--vmxfs", args.vmxfs, "--seed", str(args.seed)]
    for option in args.options:
        words += ["-o", option]
    if args.delay_ms:
        words += ["--delay-ms", str(args.delay_ms), "--proxy", args.proxy]
    return shlex.join(words + ["--only", ",".join(map(str, numbers))])


def tell(args, suite, numbers, wrong):
    print(f"seed {args.seed}: {len(numbers)} operations fail:")
    for number in numbers[-TOLD_MAX:]:
        print(f"  {number}: {' '.join(map(shorten, suite.operation(args.seed, number)))}")
    print(f"operation {numbers[-1]}: {wrong}")
    print(f"again: {replay(args, numbers)}")


def main():
    args = arguments()
    os.umask(0o022)
    suite = SUITES[args.suite]
    numbers = args.only or list(range(args.operations))
    proxy = (args.proxy, args.delay_ms) if args.delay_ms else None
    with Lab(args.vmxfs, [*suite.OPTIONS, *args.options], proxy) as lab:
        runs = Runs(lab, suite, args.seed)
        failure = runs.run(numbers)
        if failure:
            print(f"operation {failure[0][-1]}: {failure[1]}", flush=True)
            if not args.only:
                failure = runs.shrink(*failure)
            tell(args, suite, *failure)
            if not lab.alive():
                print(f"vmxfs has ended: {lab.said()}")
            return 1
        status = lab.unmount()
        if status:
            print(f"vmxfs ended with {status}: {lab.said()}")
            return 1
    left_out = f", without {', '.join(sorted(runs.lacks))}" if runs.lacks else ""
    print(f"{args.suite}: {len(numbers)} operations, seed {args.seed}{left_out}: all alike")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as e:
        sys.exit(f"conformance: {e}")
