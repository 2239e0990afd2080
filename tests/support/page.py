#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the commands of a page and compares what they print with what the page says.

usage: page.py [--update] PAGE FOLDER SHOWN

The commands are the lines that begin with "$ " in the page's blocks of the kind "console"; what
follows a command, up to the next one, is what it prints (standard output and error). One bash runs
them all in order, beginning in FOLDER, which the page calls SHOWN.

Nothing else in the page stands for something else: what is printed has to be what the page says. On
standard output a diff from the page to what came, and status 1 if there is any. With --update the
page is rewritten instead.
"""
import difflib
import re
import subprocess
import sys

MARK = "--- end of a command ---"


def blocks(lines):
    """The first and the last line but one of each console block, without its fences."""
    start = None
    for number, line in enumerate(lines):
        if line.startswith("```"):
            if start is not None:
                yield start, number
            start = number + 1 if line == "```console" and start is None else None


def steps(lines):
    """The line of each command, and where its output ends."""
    for start, end in blocks(lines):
        commands = [n for n in range(start, end) if lines[n].startswith("$ ")]
        if not commands or commands[0] != start:
            sys.exit(f"line {start + 1}: the block does not begin with a command")
        yield from zip(commands, commands[1:] + [end])


class Shell:
    """A bash in a folder that the page calls otherwise."""

    def __init__(self, folder, shown):
        self.folder, self.shown = folder, shown
        self.bash = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, encoding="utf-8",
                                     errors="surrogateescape")

    def run(self, command):
        """The lines that a command prints."""
        command = command.replace(self.shown, self.folder)
        self.bash.stdin.write(f"{{ {command}\n}} </dev/null\necho '{MARK}'\n")
        self.bash.stdin.flush()
        printed = []
        for line in self.bash.stdout:
            line = line.rstrip("\n")
            if line.endswith(MARK):
                return printed + ([self.page_line(line[:-len(MARK)])] if line != MARK else [])
            printed.append(self.page_line(line))
        sys.exit(f"the shell ended at: {command}")

    def page_line(self, line):
        """As the page has it. Only a shell that is no terminal's tells its line."""
        return re.sub(r"^bash: line \d+: ", "bash: ", line).replace(self.folder, self.shown)


def run_page(lines, shell):
    """The lines of the page, with what came."""
    result, done = [], 0
    for command, end in steps(lines):
        result += lines[done:command + 1] + shell.run(lines[command][2:])
        done = end
    if done == 0:
        sys.exit("no command in the page")
    return result + lines[done:]


def main():
    words = sys.argv[1:]
    update = words[:1] == ["--update"]
    path, folder, shown = words[update:]
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    result = run_page(lines, Shell(folder, shown))
    if result == lines:
        return 0
    if update:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write("\n".join(result))
        return 0
    for line in difflib.unified_diff(lines, result, path, "what came", lineterm="", n=6):
        print(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return 1


if __name__ == "__main__":
    sys.exit(main())
