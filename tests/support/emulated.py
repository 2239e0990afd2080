# SPDX-License-Identifier: MIT
"""Runs the unit and fuzz programs of an arm64 build that qemu-user can run, and leaves meson's log.

usage: emulated.py BUILD [OPTION-OF-MESON-TEST...]      through with-arm64.sh
"""
import json
import os
import subprocess
import sys

# /proc/PID shows the emulator: exe, which ssh would run to ask for a password, smaps, and the signals
# that are caught. A parent is not told that its child's program is not there. And qemu does not have
# epoll_pwait2(2).
LEFT_OUT = {"host-exec-ssh", "bulk_login", "login", "password", "secret", "ends", "connect",
            "delay-proxy"}
# qemu 7.2 (Debian 12) forgets to free a lock of its own in the child of a program with threads, once
# in some thousand forks. A program that hangs is run once more.
PATIENCE_S = 300
HUNG = 124  # what timeout(1) ends with


def programs(build):
    tests = subprocess.run(["meson", "introspect", "--tests", build], stdout=subprocess.PIPE,
                           check=True).stdout
    wanted = {"vmxfs:unit", "vmxfs:fuzz"}
    return [test["name"] for test in json.loads(tests)
            if not wanted.isdisjoint(test["suite"]) and test["name"] not in LEFT_OUT]


def run(build, names, options):
    """The lines of the log."""
    subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--wrapper",
                    f"timeout -k 5 {PATIENCE_S}", *options, *names], check=False)
    # meson names it for the wrapper.
    with open(os.path.join(build, "meson-logs", "testlog-timeout.json"), encoding="utf-8") as f:
        return f.readlines()


def main():
    build, *options = sys.argv[1:]
    lines = run(build, programs(build), options)
    hung = [line for line in lines if json.loads(line)["returncode"] == HUNG]
    if hung:
        names = [json.loads(line)["name"].split(" / ")[-1] for line in hung]
        print("once more, because they hung:", *names)
        lines = [line for line in lines if line not in hung] + run(build, names, options)
    with open(os.path.join(build, "meson-logs", "testlog.json"), "w", encoding="utf-8") as f:
        f.writelines(lines)


main()
