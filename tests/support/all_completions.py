# SPDX-License-Identifier: MIT
"""Prints the line that an interactive shell has after all completions at the cursor were inserted.

usage: all_completions.py LINE AFTER SHELL [ARGUMENT...]      the cursor stands between LINE and AFTER

The shell runs on a terminal of its own. It must print "ready> " as its prompt; Ctrl-X a must insert
all completions, and Ctrl-X d write the line, between brackets, to its descriptor 9.
"""
import os
import pty
import select
import sys


def main():
    line, after, *command = sys.argv[1:]
    reads, writes = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.dup2(writes, 9)
        os.execvp(command[0], command)
    os.close(writes)
    shown = b""
    while b"ready> " not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, (line + after + "\x02" * len(after) + "\x18a\x18d").encode())
    dumped = b""
    while not dumped.endswith(b"]\n"):
        ready, _, _ = select.select([terminal, reads], [], [])
        if terminal in ready:
            shown += os.read(terminal, 4096)
        if reads in ready:
            dumped += os.read(reads, 4096)
    print(dumped.decode()[1:-2])
    os.close(terminal)
    os.waitpid(child, 0)


main()
