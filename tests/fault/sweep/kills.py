#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills vmxfs again and again while several programs write through two mounts and a foreign editor
edits on the server, and checks that everything that was acknowledged is there.

usage: kills.py --vmxfs PROGRAM --relay PROGRAM [--seed S] [--first N] [--count N | --minutes M]
                [--workers N] [--record FILE]

Each round begins with two fresh mounts and ends when one of them is killed. Every writer counts up
in a key of its own: the server must have a number between the last that was acknowledged and the
last that was asked for.

The foreign editor is no vmxfs and knows no lock. An edit of its that our rename replaces is merged
and installed again; one that vmxfs was killed before it could do so is lost ("cut off by a kill"), and
so is one that reaches the server between our last look and our rename, because SFTP has no
conditional rename ("unseen"). Both are counted; more than UNSEEN_MAX of the edits unseen, or more
than LOST_MAX of them lost, is a failure. (Where nothing is merged at all 15 % are lost.)
"""

import collections
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time

import cases
import lab
import operations
import tally

WRITERS = 3  # through each mount
UNSEEN_MAX = 0.01
LOST_MAX = 0.06
FEW = 2  # are no measure
TEXT = operations.BASE + 'foreign = "000000000"\n'
LITTER_PATIENCE_S = 120
MERGE_PATIENCE_S = 60
CUT_OFF_PATIENCE_S = 5  # nobody is left who would merge


class Counter:
    """Writes 1, 2, 3, ... behind first, until it is told to stop."""

    def __init__(self, put, first):
        self.put = put
        self.first = self.acknowledged = self.asked = first
        self.successes = 0
        self.stop = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop:
            self.asked += 1
            try:
                self.put(self.asked)
                self.acknowledged = self.asked
                self.successes += 1
            except OSError:
                time.sleep(0.01)


class Foreign:
    """Changes the bytes of one value in place, so that size and often time stay as they were, and
    looks whether that stays."""

    def __init__(self, path):
        self.path = path
        self.made = self.cut_off = self.unseen = 0
        self.last = None
        self.kill_came = False  # since the last edit

    def edit(self, number):
        self.look()
        with open(self.path, "r+b", buffering=0) as f:
            place = f.read().index(b'foreign = "') + len('foreign = "')
            os.pwrite(f.fileno(), f"{number:09}".encode(), place)
            if os.fstat(f.fileno()).st_ino == os.stat(self.path).st_ino:
                self.made += 1
                self.last = number
                self.kill_came = False
        time.sleep(0.02)

    def read(self):
        with open(self.path, encoding="ascii") as f:
            return value(f.read(), "foreign")

    def look(self):
        """What our rename has replaced comes back with the merge that follows."""
        if self.last is None:
            return
        kept = lab.wait_until(self.shows_last, CUT_OFF_PATIENCE_S) or (
            not self.kill_came and lab.wait_until(self.shows_last, MERGE_PATIENCE_S))
        self.cut_off += not kept and self.kill_came
        self.unseen += not kept and not self.kill_came
        self.last = None

    def shows_last(self):
        return self.read() == self.last


def value(text, key):
    return int(re.search(f'(?m)^{key} = "(.*)"$', text).group(1))


def bare(text):
    """What nobody changes."""
    return re.sub(r'(?m)^(k\d|foreign|numvcpus) = ".*"$', r"\1", text)


class Round:
    """Two mounts of a datastore, their writers and the foreign editor, until one mount is killed."""

    def __init__(self, root, options, number):
        self.folder = os.path.join(root, "lab/vm")
        self.vmx = os.path.join(self.folder, "vm.vmx")
        text = self.read()
        self.mounts = [lab.Mount(os.path.join(root, f"{number}-{i}"), os.path.join(root, "lab"), options.vmxfs,
                                 options.relay, "timeout=60,cache_timeout=1") for i in range(2)]
        self.keys = {}
        for i in range(2 * WRITERS):
            path = f"{self.mounts[i % 2].path}/vm/vm.vmx/k{i}"
            self.keys[f"k{i}"] = Counter(lambda n, path=path: operations.write(path, f"{n}\n"), value(text, f"k{i}"))
        self.foreign = Foreign(self.vmx)
        self.editor = Counter(self.foreign.edit, value(text, "foreign"))

    def read(self):
        with open(self.vmx, encoding="ascii") as f:
            return f.read()

    def run(self, rng):
        counters = [*self.keys.values(), self.editor]
        for counter in counters:
            counter.thread.start()
        time.sleep(rng.uniform(0.02, 0.4))
        victim, survivor = rng.sample(self.mounts, 2)
        self.foreign.kill_came = True
        victim.kill()
        time.sleep(rng.uniform(0, 0.05))
        for counter in counters:
            counter.stop = True
        for counter in counters:
            counter.thread.join()
        return {"wrong": self.check(survivor), "foreign edits": self.foreign.made,
                "cut off by a kill": self.foreign.cut_off, "unseen": self.foreign.unseen,
                "acknowledged": sum(counter.successes for counter in self.keys.values())}

    def check(self, survivor):
        """Returns what is wrong."""
        wrong = []
        other = "2" if '\nnumvcpus = "4"' in self.read() else "4"
        told = operations.tell(operations.write, f"{survivor.path}/vm/vm.vmx/numvcpus", other + "\n")
        if told:
            wrong.append(f"the other mount is told {operations.said(told)} by the next change")
        self.foreign.look()
        text = self.read()
        wrong += [f"{key} is {value(text, key)}, acknowledged {c.acknowledged}, asked {c.asked}"
                  for key, c in self.keys.items() if not c.acknowledged <= value(text, key) <= c.asked]
        if bare(text) != bare(TEXT):
            wrong.append(f"torn: {text}")
        if not lab.wait_until(lambda: os.listdir(self.folder) == ["vm.vmx"], LITTER_PATIENCE_S):
            wrong.append(f"left over: {os.listdir(self.folder)}")
        if survivor.end() != 0:
            wrong.append(f"the other mount ended: {survivor.said()}")
        return wrong


def worker(options, root):
    """Returns the work of one process, which has a datastore of its own."""

    def work(name, numbered, put):
        folder = os.path.join(root, name)
        os.makedirs(f"{folder}/lab/vm")
        with open(f"{folder}/lab/vm/vm.vmx", "w", encoding="ascii") as f:
            f.write(TEXT)
        for number in numbered.numbers():
            put((number, Round(folder, options, number).run(random.Random(f"{options.seed}/{number}"))))

    return work


def collect(options, found):
    """Adds up all results."""
    total = collections.Counter()
    for result in found:
        if isinstance(result, str):
            print(result, flush=True)
            total["broken"] += 1
            continue
        number, result = result
        total["kills"] += 1
        for name in ("acknowledged", "foreign edits", "cut off by a kill", "unseen"):
            total[name] += result[name]
        if result["wrong"]:
            total["broken"] += 1
            print(f"broken: seed {options.seed} round {number}: {'; '.join(result['wrong'])}", flush=True)
    return total


def main():
    options = cases.parse(__doc__, workers=3)
    root = tempfile.mkdtemp(prefix="vmxfs-kills.")
    numbered = cases.Cases(options)
    total = collect(options, cases.results(options.workers, numbered, worker(options, root)))
    shutil.rmtree(root, ignore_errors=True)
    counts = {"kind": "kills", "seed": options.seed, "first": options.first, "next": numbered.next(),
              "counts": dict(total)}
    tally.record(options.record, counts)
    print(tally.kills_table([counts]))
    print(f"seed {options.seed}: the next round is {numbered.next()}")
    lost = total["unseen"] + total["cut off by a kill"]
    too_many = (total["unseen"] > FEW + UNSEEN_MAX * total["foreign edits"] or
                lost > FEW + LOST_MAX * total["foreign edits"])
    if too_many:
        print("too many foreign edits were lost")
    return 1 if total["broken"] or too_many else 0


if __name__ == "__main__":
    sys.exit(main())
