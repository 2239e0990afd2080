#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writers of every kind meet at one key; whatever is seen of it must be what one of them wrote.

usage: keys-mixed.py VMX MOUNTED_VMX SEED ROUNDS

VMX is the file on the server, with keys k0 to k3; MOUNTED_VMX the same in the mount. For each key
there is a lane: rounds of two to four writers at once, drawn by SEED, the lane and the number of the
round. During a round what the server holds is looked at, while the key is read through the mount,
too; after it, when all writers have ended, that is compared with what they were told.

Every text that is written is unlike all others. A value must be one of them, whole (of two lines: or
the first alone, which is documented to be set first), then whole appended lines, or be empty where
somebody makes it so. Who was told of a success must not be missing unless a set or removal
came that did not end before this one began. Exits with 1 where something else was seen.
"""

import collections
import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

VMX, MOUNTED, SEED, ROUNDS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
LANES = 4
COLLISION = {errno.ECANCELED}
GONE = {errno.ENOENT, errno.ESTALE, errno.EEXIST}
CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

Writer = collections.namedtuple("Writer", "way path texts seed scratch")


def unlike(rng, name):
    """A text of 4 to 300 bytes that nobody else writes."""
    return name + rng.choice("abcdefghijklmnopqrstuvwxyz") * rng.choice((0, 1, rng.randrange(292))) + "."


def write_all(fd, *parts, pause=lambda: None):
    for part in parts:
        pause()
        os.write(fd, part.encode())
    pause()


def halves(text):
    return text[:len(text) // 2], text[len(text) // 2:]


def shell(script):
    def way(w, _pause):
        done = subprocess.run(["bash", "-c", script, "sh", w.path, w.scratch, *w.texts],
                              stderr=subprocess.PIPE, text=True, check=False, errors="replace")
        if done.returncode:
            # What sed says where it cannot stat a file that was removed since it opened it.
            codes = [errno.ENOENT] if "not a regular file" in done.stderr else \
                [e for e in errno.errorcode if os.strerror(e) in done.stderr]
            raise OSError(codes[0] if codes else 0, done.stderr)
    return way


def opened(flags, act):
    def way(w, pause):
        fd = os.open(w.path, flags, 0o644)
        pause()
        try:
            act(fd, w, pause)
        finally:
            os.close(fd)
    return way


def closes_copy(fd, w, pause):
    os.close(os.dup(fd))
    write_all(fd, w.texts[0] + "\n", pause=pause)


def forks(fd, w, pause):
    child = os.fork()
    if child == 0:
        pause()
        os.closerange(fd, fd + 1)  # whatever it is told
        os._exit(0)
    try:
        write_all(fd, w.texts[0] + "\n", pause=pause)
    finally:
        os.waitpid(child, 0)


def writes_parts(fd, w, pause):
    write_all(fd, *halves(w.texts[0]), pause=pause)


def syncs(fd, w, pause):
    write_all(fd, w.texts[0], pause=pause)
    os.fsync(fd)
    pause()


def pwrites(fd, w, pause):
    first, second = halves(w.texts[0])
    write_all(fd, first, pause=pause)
    os.pwrite(fd, second.encode(), len(first))


def replaces(fd, w, pause):
    os.read(fd, 4096)
    pause()
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    write_all(fd, w.texts[0] + "\n", pause=pause)


def writes_lines(fd, w, pause):
    write_all(fd, w.texts[0] + "\n", w.texts[1] + "\n", pause=pause)


def is_killed(fd, w, pause):
    write_all(fd, halves(w.texts[0])[0], pause=pause)
    os.kill(os.getpid(), signal.SIGKILL)


def appends(fd, w, pause):
    write_all(fd, w.texts[0] + "\n", pause=pause)


def moves(w, pause):
    os.rename(w.path, w.path + "-moved")
    pause()
    os.rename(w.path + "-moved", w.path)


def unlinks(w, _pause):
    os.unlink(w.path)


# What each way does when nobody disturbs it: it sets the key to its lines (set), adds a line
# (append), takes the key away (remove), or nothing that could be missed (other: also who is not
# told its errors). The number is that of its lines.
WAYS = {
    "echo": ("set", 1, shell('echo "$3" >"$1"')),
    "lines": ("set", 2, shell('{ echo "$3" && echo "$4"; } >"$1"')),
    "printf": ("other", 1, shell('printf %s "$3" >"$1"')),
    "echo-append": ("append", 1, shell('echo "$3" >>"$1"')),
    "cp": ("set", 1, shell('echo "$3" >"$2" && cp "$2" "$1"')),
    "mv": ("set", 1, shell('echo "$3" >"$2" && mv "$2" "$1"')),
    "tee": ("set", 1, shell('echo "$3" | tee "$1" >/dev/null')),
    "sed": ("other", 1, shell('sed -i "1s/.*/$3/;1!d" "$1"')),
    "vim-like": ("set", 1, shell('t=${1%/*}/.${1##*/}.$$.swp; echo "$3" >"$t" && mv "$t" "$1"')),
    "touch": ("other", 0, shell('touch "$1"')),
    "rm": ("remove", 0, unlinks),
    "move": ("remove", 0, moves),
    "copy": ("set", 1, opened(CREATE, closes_copy)),
    "fork": ("set", 1, opened(CREATE, forks)),
    "parts": ("set", 1, opened(CREATE, writes_parts)),
    "fsync": ("set", 1, opened(CREATE, syncs)),
    "pwrite": ("set", 1, opened(CREATE, pwrites)),
    "replace": ("set", 1, opened(os.O_RDWR, replaces)),
    "python-lines": ("set", 2, opened(CREATE, writes_lines)),
    "append": ("append", 1, opened(os.O_WRONLY | os.O_APPEND, appends)),
    "killed": ("other", 1, opened(CREATE, is_killed)),
}
MANY_WRITES = {"lines", "parts", "pwrite", "python-lines", "fsync"}
GOES_ON = {"lines", "python-lines", "printf", "parts", "fsync", "pwrite", "killed"}
REMOVES = {"rm", "move", "mv"}


def run(w):
    """In a process of its own: what the writer was told, and when it began and ended."""
    rng = random.Random(w.seed)
    begun = time.monotonic()
    code, said = 0, ""
    try:
        WAYS[w.way][2](w, lambda: time.sleep(rng.choice((0, 0, rng.random() / 100))))
    except OSError as e:
        code, said = e.errno or -1, str(e)
    return begun, time.monotonic(), code, said


def start(w):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        answer = json.dumps(run(w))
        os.write(into, answer.encode())
        os._exit(0)
    os.close(into)
    return child, out


def on_server(key):
    """The key's value, or None; and all other lines."""
    with open(VMX, encoding="utf-8") as f:
        lines = f.read().splitlines()
    mine = [line for line in lines if line.startswith((f"{key} =", f"{key}-moved ="))]
    values = [line.split('"')[1].replace("|0A", "\n") for line in mine]
    return values[0] if values else None, [line for line in lines if not re.match(r"k\d", line)]


def mounted(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError as e:
        if e.errno not in GONE:
            raise
        return None


class Round:
    def __init__(self, number_of_lane, number):
        rng = random.Random(f"{SEED} {number_of_lane} {number}")
        self.key, self.at = f"k{number_of_lane}", f"{number_of_lane}.{number}"
        self.path = f"{MOUNTED}/{self.key}"
        self.answers, self.failed = [], True
        self.base = unlike(rng, f"{self.at}.b")
        self.writers = []
        ways = sorted(WAYS)
        for i in range(rng.randint(2, 4)):
            way = rng.choice(ways)
            # As in any file, what is appended to a line that has not ended yet is added to it, and
            # who goes on at his offset overwrites it.
            if way in GOES_ON or WAYS[way][0] == "append":
                ways = [v for v in ways if v not in GOES_ON] if way not in GOES_ON else \
                    [v for v in ways if WAYS[v][0] != "append"]
            texts = [unlike(rng, f"{self.at}.{i}{line}") for line in "xy"[:WAYS[way][1]]]
            scratch = f"{VMX}.scratch-{number_of_lane}-{i}"
            self.writers.append(Writer(way, self.path, texts, rng.random(), scratch))
        self.ways = {w.way for w in self.writers}
        self.wrong = []

    def whole(self, value):
        """Whether a value that is set was made of whole texts, by one who sets and who append."""
        if value is None:
            return bool(self.ways & REMOVES)
        starts, appended = [self.base], []
        for w in self.writers:
            if WAYS[w.way][0] == "append":
                appended += w.texts
            elif w.texts and w.way != "killed":
                starts += ["\n".join(w.texts), w.texts[0]]
        lines = value.split("\n")
        for n in (1, 2):
            head, rest = "\n".join(lines[:n]), lines[n:]
            if (head in starts or head in appended or head == "") and \
                    all(line in appended for line in rest) and len(set(rest)) == len(rest):
                return head != "" or self.may_be_empty()
        return False

    def may_be_empty(self):
        return bool(self.ways & {"touch", "sed", "replace", "killed"} | self.ways & REMOVES) or self.failed

    def play(self):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(self.base + "\n")
        others = on_server(self.key)[1]
        running = {start(w): w for w in self.writers}
        while not all(os.waitid(os.P_PID, c, os.WEXITED | os.WNOHANG | os.WNOWAIT) for c, _ in running):
            self.look(others)
            time.sleep(0.001)
        for (child, out), w in running.items():
            said = os.read(out, 65536)
            os.close(out)
            os.waitpid(child, 0)
            if said or w.way != "killed":
                self.answers.append((w, *json.loads(said)))
        self.failed = any(code for *_, code, _ in self.answers)
        self.judge(self.look(others))
        self.judge_errors()
        return self.wrong

    def look(self, others):
        value, rest = on_server(self.key)
        if not self.whole(value):
            self.wrong.append(f"on the server: {value!r}")
        if rest != others:
            self.wrong.append(f"other lines: {rest}")
        mounted(self.path)
        return value

    def judge(self, value):
        """What was told of a success is there, or was followed by something else."""
        shown = mounted(self.path)
        if shown != (None if value is None else value + "\n"):
            self.wrong.append(f"shown {shown!r}, on the server {value!r}")
        for w, begun, ended, code, _ in self.answers:
            kind = WAYS[w.way][0]
            lines = (value or "").split("\n")
            there = value is None if kind == "remove" else w.texts == lines[:len(w.texts)] or \
                kind == "append" and w.texts[0] in lines
            later = [o for o in self.answers if o[0] is not w and o[2] > begun and
                     (kind == "remove" or WAYS[o[0].way][0] != "append") and not (o[3] and o[0].way not in MANY_WRITES | REMOVES)]
            if code == 0 and kind != "other" and not there and not later and w.way != "move":
                self.wrong.append(f"{w.way} was told of a success, and is not in {value!r}")
            # What is moved away comes back later.
            if "move" not in self.ways and w.texts and w.texts[0] in lines and kind == "set" and any(
                    o[1] > ended and o[3] == 0 and WAYS[o[0].way][0] == "set" for o in self.answers):
                self.wrong.append(f"{w.way} came first, and is in {value!r}")

    def judge_errors(self):
        for w, _, _, code, said in self.answers:
            allowed = GONE if self.ways & REMOVES or "sed" in self.ways else set()
            if self.ways & REMOVES or "killed" in self.ways or w.way in MANY_WRITES:
                allowed = allowed | COLLISION
            if code and code not in allowed:
                self.wrong.append(f"{w.way}: {said.strip()}")

    def __str__(self):
        lines = [f"round {self.at}:"] + [f"  {w.way} {w.texts}" for w in self.writers]
        lines += [f"  answer: {w.way} {begun:.4f} {ended:.4f} {said}" for w, begun, ended, _, said in self.answers]
        return "\n".join(lines + [f"  WRONG: {what}" for what in dict.fromkeys(self.wrong)])


def lane(number):
    bad = 0
    for i in range(ROUNDS):
        played = Round(number, i)
        if played.play():
            bad += 1
            print(played, flush=True)
    os._exit(1 if bad else 0)


def main():
    children = []
    for number in range(LANES):
        child = os.fork()
        if child == 0:
            lane(number)
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


main()
