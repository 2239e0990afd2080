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

# A whole text by way of raw and a set of a key that is not in it, in the order asked for, behind a
# set that keeps the queue for a round trip and changes nothing: so both become one commit. Prints
# what each was told.
raw_beside_set() { # FIRST
    python3 - "$K" "$1" <<'END_OF_PYTHON'
import errno, os, sys, threading, time

keys, first = sys.argv[1:]
told = {}
with open(f"{keys}/.vmxfs/raw", encoding="utf-8") as f:
    text = f.read().replace('note = "4"', 'note = "8"')
same = open(f"{keys}/k1", encoding="utf-8").read().encode()
raw = os.open(f"{keys}/.vmxfs/raw", os.O_WRONLY | os.O_TRUNC)
os.write(raw, text.encode())
key = os.open(f"{keys}/memSize", os.O_WRONLY | os.O_TRUNC)
leader = os.open(f"{keys}/k1", os.O_WRONLY | os.O_TRUNC)


def run(name, work, *args):
    try:
        work(*args)
        told[name] = "0"
    except OSError as e:
        told[name] = errno.errorcode[e.errno]


steps = [("raw", os.close, raw), ("key", os.write, key, b"8192\n")]
if first == "key":
    steps.reverse()
threads = []
for step in [("leader", os.write, leader, same), *steps]:
    threads.append(threading.Thread(target=run, args=step))
    threads[-1].start()
    time.sleep(0.015)
for t in threads:
    t.join()
print(told["raw"], told["key"])
END_OF_PYTHON
}

@test "a whole text and a set in one rewrite: neither takes back what the other was told is done" {
    local first told
    printf 'note = "4"\n' >>"$VM"
    for first in key raw key raw; do
        sed -i -e 's/^memSize = .*/memSize = "16384"/' -e 's/^note = .*/note = "4"/' "$VM"
        touch -d '1 hour ago' "$VM"
        sleep 1.1 # longer than what is cached is trusted
        told=$(raw_beside_set "$first")
        echo "$first first: $told"
        if [ "$first" = key ]; then
            [ "$told" = "ECANCELED 0" ]
        else
            [ "$told" = "0 0" ]
        fi
        [ "$(stored "$VM" memSize)" = 8192 ]
        [ "$(stored "$VM" note)" = "$([ "$first" = key ] && echo 4 || echo 8)" ]
    done
}
