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
    mount_proxied timeout=300
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
    os.statvfs(keys)  # the server has told by then what the file was at each opening
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

# Changes that become one commit, in the order asked for: the server is held while one that changes
# nothing is under way, and the others come one after the other to wait for it, with one more that
# changes nothing for the last. "raw" and "plain" close a whole text of the file as it is now, with
# another note; "key" sets memSize. Prints what each was told.
in_one_group() { # raw|plain|key...
    python3 - "$MNT" "$(vmxfs_pid)" "$PROXY_PID" "$TEST_DIR/proxy.out" "$@" <<'END_OF_PYTHON'
import errno, os, signal, sys, threading, time

mnt, vmxfs, proxy, proxy_said, *steps = sys.argv[1:]
keys = f"{mnt}/vm/vm.vmx"
told = {}


def lines():
    with open(proxy_said, encoding="utf-8") as f:
        return len(f.readlines())


def stall_or_resume():
    before = lines()
    os.kill(int(proxy), signal.SIGUSR2)
    while lines() == before:
        time.sleep(0.01)


def threads_in(pid, where):
    n = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/wchan", encoding="utf-8") as f:
                n += where in f.read()
        except (FileNotFoundError, ProcessLookupError):
            pass
    return n


def joined():
    with open(f"{mnt}/.vmxfs/status", encoding="utf-8") as f:
        return [int(line.split()[1]) for line in f if line.startswith("commits-joined:")][0]


def opened(path):
    return os.open(path, os.O_WRONLY | os.O_TRUNC)


def whole(path, note):
    fd = opened(path)
    os.write(fd, text.replace('note = "4"', f'note = "{note}"').encode())
    return os.close, fd


def key(name, value):
    return os.write, opened(f"{keys}/{name}"), value.encode()


def run(name, work, *args):
    try:
        work(*args)
        told[name] = "0"
    except OSError as e:
        told[name] = errno.errorcode[e.errno]


with open(f"{keys}/.vmxfs/raw", encoding="utf-8") as f:
    text = f.read()
same = {}
for name in "k1", "k2":
    with open(f"{keys}/{name}", encoding="utf-8") as f:
        same[name] = f.read()
works = {"first": key("k1", same["k1"])}
for step in steps:
    if step == "key":
        works[step] = key("memSize", "8192\n")
    elif step == "raw":
        works[step] = whole(f"{keys}/.vmxfs/raw", "raw")
    else:
        works[step] = whole(f"{mnt}/.vmxfs/plain/vm/vm.vmx", "plain")
works["last"] = key("k2", same["k2"])

before = joined()
stall_or_resume()
idle = min(threads_in(vmxfs, "futex") for _ in range(50))  # some wait for a moment only
threads = []
for name, work in works.items():
    threads.append(threading.Thread(target=run, args=(name, *work)))
    threads[-1].start()
    # Our request is with vmxfs, and there it waits.
    while (threads_in(os.getpid(), "request_wait_answer") < len(threads)
           or threads_in(vmxfs, "futex") < idle + len(threads)):
        time.sleep(0.01)
stall_or_resume()
for t in threads:
    t.join()
assert told["first"] == told["last"] == "0", told
# All but one of those that succeeded, or all of them beside one that failed.
assert joined() - before >= list(told.values()).count("0") - 2, f"{joined() - before} joined"
print(*[told[step] for step in steps])
END_OF_PYTHON
}

note_is() { # NOTE
    [ "$(cat "$K/memSize")" = 16384 ] && [ "$(cat "$K/note")" = "$1" ]
}

# The file as it was before any of them, of which the mount knows.
begin_group() {
    sed -i -e 's/^memSize = .*/memSize = "16384"/' -e '/^note = /d' "$VM"
    echo 'note = "4"' >>"$VM"
    touch -d '1 hour ago' "$VM"
    eventually 60 note_is 4
    renames=$(renames_onto vm/vm.vmx)
}

@test "a whole text and a set in one rewrite: neither takes back what the other was told is done" {
    local first told renames
    for first in key raw key raw; do
        begin_group
        told=$(in_one_group "$first" "$([ "$first" = key ] && echo raw || echo key)")
        echo "$first first: $told"
        if [ "$first" = key ]; then
            [ "$told" = "0 ECANCELED" ]
            [ "$(stored "$VM" note)" = 4 ]
        else
            [ "$told" = "0 0" ]
            [ "$(stored "$VM" note)" = raw ]
        fi
        [ "$(stored "$VM" memSize)" = 8192 ]
        [ "$(renames_onto vm/vm.vmx)" -eq $((renames + 1)) ]
    done
}

@test "of two whole texts in one rewrite one is done, and the other is told that it is not" {
    local first second told renames
    for first in raw plain raw plain; do
        begin_group
        second=$([ "$first" = raw ] && echo plain || echo raw)
        cp "$VM" "$TEST_DIR/before"
        told=$(in_one_group "$first" "$second")
        echo "$first first: $told"
        case $told in
        "0 ECANCELED") sed "s/^note = .*/note = \"$first\"/" "$TEST_DIR/before" | cmp - "$VM" ;;
        "ECANCELED 0") sed "s/^note = .*/note = \"$second\"/" "$TEST_DIR/before" | cmp - "$VM" ;;
        *) false ;;
        esac
        [ "$(renames_onto vm/vm.vmx)" -eq $((renames + 1)) ]
    done
}
