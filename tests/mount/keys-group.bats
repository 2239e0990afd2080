#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Many writers of one VM at once, far away from the server: they share rewrites, and nobody is told
# that something is done which is not.

load ../fault/helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    vm_with_keys vm 64
    VM=$LAB/vm/vm.vmx K=$MNT/vm/vm.vmx
    touch -d '1 hour ago' "$VM"
    proxy_start 60
    mount_proxied
}

teardown() {
    lab_end
    proxy_stop
}

# 64 processes, each with a key of its own open, write at the same moment. Half of them end the line,
# so that write() commits; the others leave it to close(). Each looks at the server's file as soon
# as it is told 0. Another one sets a key that somebody else has changed since it was opened.
writers() { # OUTCOME-OF-THE-OTHER
    python3 - "$K" "$VM" "$1" <<'END_OF_PYTHON'
import errno, os, sys

keys, vm, outcome = sys.argv[1:]
go, gate = os.pipe()
ready, waiting = os.pipe()


def stored():
    with open(vm, encoding="utf-8") as f:
        return f.read().splitlines()


def write(key, value, newline):
    fd = os.open(f"{keys}/{key}", os.O_WRONLY | os.O_TRUNC)
    os.write(waiting, b".")
    os.close(gate)
    os.read(go, 1)
    try:
        os.write(fd, value.encode() + newline)
        if newline:
            assert f'{key} = "{value}"' in stored(), "after write"
    finally:
        os.close(fd)
    assert f'{key} = "{value}"' in stored(), "after close"


def start(key, value, newline, expected):
    pid = os.fork()
    if pid == 0:
        got = "0"
        try:
            write(key, value, newline)
        except OSError as e:
            got = errno.errorcode[e.errno]
        except AssertionError as e:
            got = f"not stored {e}"
        if got != expected:
            print(f"{key}: {got}, not {expected}", file=sys.stderr)
        os._exit(got != expected)
    return pid


pids = [start(f"k{i}", f"v{i}", b"\n" if i % 2 else b"", "0") for i in range(1, 65)]
pids.append(start("memSize", "8192", b"\n", outcome))
for _ in pids:
    os.read(ready, 1)
if outcome != "0":
    with open(vm, encoding="utf-8") as f:
        text = f.read().replace('"16384"', '"1024"')
    with open(vm + ".foreign", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(vm + ".foreign", vm)
os.close(gate)
sys.exit(any([os.waitpid(pid, 0)[1] for pid in pids]))
END_OF_PYTHON
}

all_are_stored() {
    local i
    for i in $(seq 64); do
        [ "$(stored "$VM" "k$i")" = "v$i" ] || {
            echo "k$i: $(stored "$VM" "k$i")"
            return 1
        }
    done
    [ "$(wc -l <"$VM")" = 72 ]
}

@test "64 writers of different keys end in few rewrites, and each finds its own done" {
    writers 0
    all_are_stored
    [ "$(stored "$VM" memSize)" = 8192 ]
    echo "rewrites: $(renames_onto vm/vm.vmx), joined: $(counter commits-joined)"
    [ "$(renames_onto vm/vm.vmx)" -le 6 ]
    [ "$(($(counter commits) + $(counter commits-joined)))" = 65 ]
}

@test "a refused edit among 64 others fails alone" {
    writers ECANCELED
    all_are_stored
    [ "$(stored "$VM" memSize)" = 1024 ]
    [ "$(renames_onto vm/vm.vmx)" -le 6 ]
    [ "$(wc -l <"$MNT/.vmxfs/errors")" = 1 ]
}

@test "what 64 writers were told is done outlives the mount's sudden end" {
    writers 0
    kill -9 "$(vmxfs_pid)"
    all_are_stored
    fusermount3 -u -z "$MNT"
}
