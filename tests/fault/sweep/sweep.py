#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets the link of a mount fail at every byte of every operation that changes something, and judges
what was told against what the server has.

usage: sweep.py --vmxfs PROGRAM --relay PROGRAM [--seed S] [--first N] [--count N | --minutes M]
                [--workers N] [--timeout S] [--record FILE] [--operation NAME...] [--fault NAME...]

A case is a function of seed and number, among the operations and faults that are chosen (all):
"--seed S --first N --count 1" repeats one. --record adds the
counts to a file, of which tally.py prints the table. Exits with 1 where a promise was broken that
KNOWN does not list, or where an operation never succeeded.
"""

import collections
import dataclasses
import errno
import os
import random
import shutil
import sys
import tempfile
import threading
import time

import cases
import lab
import operations
import relay
import tally

FAULTS = {"cut": relay.CUT, "kill": relay.KILL, "stall": relay.STALL, "delay": relay.DELAY,
          "late": relay.LATE, "down": relay.CUT}  # down: nobody can connect until the call has ended
WEIGHTS = {"cut": 44, "kill": 40, "stall": 6, "delay": 3, "late": 6, "down": 1}

# What is known to be broken: operation and fault (None: all), what shows it, and why. It is counted in the
# last column of the table and fails neither the command nor the sample.
KNOWN = tuple(
    (name, "late", "changed by the late delivery",
     "a file that was closed may be written to at once: what its last user left unanswered is forgotten")
    for name in ("plain write, closed", "plain copy, closed"))

# What a call may be told that did nothing. Only EIO may leave open whether something was done.
FAILURES = {errno.EIO, errno.ENOLCK}
DELAY_MS = 300
SLACK_S = 40  # for a machine that is busy with other things
REFUSED_S = 60  # so long what a late request could undo is refused
HANG_S = 900
CALM_TIMEOUT_S = 60  # without a fault nothing may fail, however slow the machine is
LITTER_PATIENCE_S = 120
ENOUGH = 5  # cases of one operation, of which one at least must succeed


@dataclasses.dataclass(frozen=True)
class Case:
    number: int
    operation: int  # index
    fault: str
    direction: int
    where: float  # of the bytes that the operation needs
    lasting: bool


def make_case(options, number, count):
    """Consecutive numbers go through the operations, so that few cases meet all of them."""
    rng = random.Random(f"{options.seed}/{number}")
    faults = options.fault or list(WEIGHTS)
    fault = rng.choices(faults, [WEIGHTS[name] for name in faults])[0]
    direction = relay.TO_SERVER if fault == "late" else rng.randrange(2)
    lasting = fault == "down" or (fault == "stall" and rng.random() < 0.5)
    return Case(number, number % count, fault, direction, rng.random(), lasting)


def is_known(result):
    """Whether all that is wrong is. What lies around after a known fault belongs to it."""
    entries = [text for name, fault, text, _ in KNOWN
               if name in (None, result["operation"]) and fault in (None, result["fault"])]
    other = [wrong for wrong in result["wrong"] if not any(text in wrong for text in entries)]
    return len(other) < len(result["wrong"]) and all(wrong.startswith("litter") for wrong in other)


class Judge:
    """One case on one mount: does it, and notes what is wrong."""

    def __init__(self, mount, operation, case, size, timeout):
        self.mount, self.operation, self.case = mount, operation, case
        self.size, self.timeout = size, timeout
        self.patience = 10 * timeout + SLACK_S
        self.wrong = []
        self.place = None

    def run(self):
        self.place = lab.Place(self.mount, f"case{self.case.number}", self.operation.before)
        try:
            return self.judge()
        finally:
            if self.mount.alive():
                self.place.remove()

    def judge(self):
        self.settle()  # a machine that is busy with other things can make the link fail by itself
        self.operation.warm(self.place)
        told, took = self.call_with_fault()
        fired = self.mount.plan.word("fired")
        late = self.case.fault == "late" and fired
        at_once = self.place.files()
        files = at_once if late else self.settled_files()
        end = self.judge_answer(told, took, files)
        if end == "new" and files != at_once:
            self.wrong.append("told success too early: " + operations.difference(files, at_once))
        if late:
            files = self.judge_late(told, files)
        if self.mount.alive():
            self.judge_return(files)
        if not self.mount.alive():
            self.wrong.append(f"vmxfs ended: {self.mount.said()}")
        return {"operation": self.operation.name, "fault": self.case.fault, "fired": fired, "told": told,
                "end": end, "waited": took / self.timeout, "wrong": self.wrong}

    def settle(self):
        if not self.mount.settle():
            self.wrong.append("the mount is not connected again")

    def settled_files(self):
        self.settle()
        return self.place.files()

    def call_with_fault(self):
        case = self.case
        self.mount.plan.arm(FAULTS[case.fault], case.direction, int(case.where * self.size[case.direction]),
                            int(case.lasting), DELAY_MS)
        start = time.monotonic()
        told = operations.tell(self.operation.do, self.place)
        took = time.monotonic() - start
        self.mount.plan.disarm()
        return told, took

    def judge_answer(self, told, took, files):
        """Returns how it ended: "new", or after a failure "old", "done" or "between"."""
        errors = operations.errors(told)
        wrong = self.operation.wrong(told, files)
        end = ("new" if not errors else "old" if files == self.operation.before else
               "done" if files == self.operation.after else "between")
        if wrong:
            self.wrong.append(wrong)
        elif errors - (FAILURES if end == "old" else {errno.EIO}) and not isinstance(told, list):
            self.wrong.append(f"told {operations.said(told)}, and it is {end}")
        if took > self.patience:
            self.wrong.append(f"waited {took:.0f} s")
        return end

    def judge_late(self, told, files):
        """A second change, and then the old server's process goes on: nothing that was acknowledged
        may go. Returns the files that are there then."""
        told_again = operations.tell(self.operation.again, self.place)
        middle = self.place.files()
        if told_again == 0 and middle != self.operation.after_again(files):
            self.wrong.append("lost before the delivery: "
                              + operations.difference(self.operation.after_again(files), middle))
        files = self.settled_files()
        acknowledged = told == 0 if told_again else True
        if acknowledged and files != middle:
            self.wrong.append("changed by the late delivery, "
                              + ("second change acknowledged: " if told_again == 0 else
                                 f"second change told {operations.said(told_again)}: ")
                              + operations.difference(middle, files))
        return files

    def judge_return(self, files):
        """The mount works again: the next change is made, and nothing is left over."""
        told = self.repeated(self.operation.again, self.place)
        if told != 0:
            self.wrong.append(f"does not come back: {operations.said(told)}")
        elif self.place.files() != self.operation.after_again(files):
            self.wrong.append("the change after it: " + operations.difference(
                self.operation.after_again(files), self.place.files()))
        self.judge_litter()

    def repeated(self, call, *arguments):
        """What the call is told at last, as long as there is patience."""
        deadline = time.monotonic() + self.patience + REFUSED_S
        told = operations.tell(call, *arguments)
        while told != 0 and time.monotonic() < deadline and self.mount.alive():
            self.place.close()  # what is not known of an open file ends with it
            time.sleep(0.05)
            told = operations.tell(call, *arguments)
        return told

    def judge_litter(self):
        """What a lost connection left beside a .vmx goes with the next change of that .vmx."""
        for name in self.operation.documents():
            told = self.repeated(operations.change, self.place, name)
            if told != 0:
                self.wrong.append(f"{name} cannot be changed: {operations.said(told)}")
        if not lab.wait_until(lambda: not self.place.litter(), LITTER_PATIENCE_S):
            self.wrong.append(f"litter: {self.place.litter()}")


def new_mount(options, root, name, timeout):
    server = os.path.join(root, f"{name}-lab")
    os.makedirs(server, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{name}-", dir=root)
    return lab.Mount(os.path.join(folder, "mount"), server, options.vmxfs, options.relay,
                     f"timeout={timeout},cache_timeout=0")


def calibrate(options, root):
    """Does every operation once without a fault. Returns them, and their bytes in both directions."""
    todo = [one for one in operations.operations() if one.name in (options.operation or [one.name])]
    with new_mount(options, root, "calibrate", CALM_TIMEOUT_S) as mount:
        place = lab.Place(mount, "learn", {"vm.vmx": operations.BASE})
        operations.write(f"{place.mount}/vm.vmx/passthrough-profile", "nested-esxi mmio=32\n")
        operations.learn(todo, place.files()["vm.vmx"])
        sizes = [measure(options, mount, number, operation) for number, operation in enumerate(todo)]
        if mount.end() != 0:
            raise lab.Failure(f"vmxfs ended badly: {mount.said()}")
    return todo, sizes


def measure(options, mount, number, operation):
    judge = Judge(mount, operation, Case(number, number, "cut", 0, 0, False), (0, 0), options.timeout)
    judge.place = lab.Place(mount, f"case{number}", operation.before)
    operation.warm(judge.place)
    mount.plan.arm(relay.NONE)
    told = operations.tell(operation.do, judge.place)
    lab.wait_until(lambda: not judge.place.litter(), LITTER_PATIENCE_S)
    mount.plan.disarm()
    size = mount.plan.passed(relay.TO_SERVER), mount.plan.passed(relay.TO_CLIENT)
    files = judge.place.files()
    if judge.judge_answer(told, 0, files) == "new":
        judge.judge_return(files)
    if judge.wrong or any(operations.errors(told)):
        raise lab.Failure(f"{operation.name}, without a fault: told {operations.said(told)}; {judge.wrong}")
    judge.place.remove()
    return size


def worker(options, root, todo, sizes):
    """Returns the work of one process: cases until there are no more."""

    def work(name, numbered, put):
        mount = new_mount(options, root, name, options.timeout)
        for number in numbered.numbers():
            case = make_case(options, number, len(todo))
            put((case, run_case(options, mount, todo[case.operation], case, sizes[case.operation])))
            if not mount.alive():
                mount.end()
                mount = new_mount(options, root, name, options.timeout)
        status = mount.end()
        if status != 0:
            put(f"vmxfs ended with {status}: {mount.said()}")

    return work


def run_case(options, mount, operation, case, size):
    hang = threading.Timer(HANG_S, mount.process.kill)
    hang.start()
    judge = Judge(mount, operation, case, size, options.timeout)
    try:
        return judge.run()
    except OSError as e:
        return {"operation": operation.name, "fault": case.fault, "fired": 1, "told": e.errno, "end": "between",
                "waited": 0, "wrong": judge.wrong + [f"the lab: {e}"]}
    finally:
        hang.cancel()


def collect(options, todo, found):
    """Counts all results. Returns the rows, and what is broken and not known."""
    rows = {operation.name: collections.Counter() for operation in todo}
    unknown = []
    for result in found:
        if isinstance(result, str):
            print(result, flush=True)
            unknown.append(result)
            continue
        case, result = result
        tally.add(rows[result["operation"]], result)
        if result["wrong"]:
            kind = "known" if is_known(result) else "broken"
            rows[result["operation"]][kind] += 1
            text = (f"{kind}: seed {options.seed} case {case.number}: {result['operation']}, {case.fault}"
                    f"{' lasting' if case.lasting else ''} at {case.where:.3f} "
                    f"to the {'client' if case.direction else 'server'}, "
                    f"told {operations.said(result['told'])}: {'; '.join(result['wrong'])}")
            print(text, flush=True)
            unknown += [text] if kind == "broken" else []
    return rows, unknown


def main():
    options = cases.parse(__doc__, workers=8, choices={
        "operation": [operation.name for operation in operations.operations()], "fault": list(FAULTS)})
    root = tempfile.mkdtemp(prefix="vmxfs-sweep.")
    print(f"seed {options.seed}, from case {options.first}", flush=True)
    todo, sizes = calibrate(options, root)
    numbered = cases.Cases(options)
    found = cases.results(options.workers, numbered, worker(options, root, todo, sizes))
    rows, unknown = collect(options, todo, found)
    shutil.rmtree(root, ignore_errors=True)
    counts = {"kind": "sweep", "seed": options.seed, "first": options.first, "next": numbered.next(),
              "rows": {name: dict(row) for name, row in rows.items()}}
    tally.record(options.record, counts)
    print(tally.sweep_table([counts]))
    print(f"seed {options.seed}: the next case is {numbered.next()}")
    unacknowledged = [name for name, row in rows.items()
                      if not row["new"] and sum(row[end] for end in tally.ENDS) >= ENOUGH]
    if unacknowledged:
        print(f"never told success: {', '.join(unacknowledged)}")
    return 1 if unknown or unacknowledged else 0


if __name__ == "__main__":
    sys.exit(main())
