#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A server that does not answer: nobody waits longer than the timeout, and what is cached is shown.

load stall

# Reads a file and notes how that ended.
note_read() { # FILE RESULT
    local said
    if said=$(cat "$1" 2>&1); then
        echo read >"$2"
    else
        echo "$said" >"$2"
    fi
}

# 200 readers of different files that were never read.
many_readers() {
    local i
    readers=
    mkdir "$TEST_DIR/ended"
    for i in {1..200}; do
        note_read "$MNT/file-$i" "$TEST_DIR/ended/$i" 3>&- &
        readers="$readers $!"
    done
}

# 200 files whose names are known, and whose contents are not, on a server that is stalled.
begin_many_readers() { # TIMEOUT
    local i
    for i in {1..200}; do
        echo "$i" >"$LAB/file-$i"
    done
    mount_stallable "timeout=$1" cache_timeout=300
    ls -l "$MNT" >/dev/null
    cat "$MNT/vm/vm.vmx/memSize"
    stall
    many_readers
}

@test "200 readers of a stalled server delay no cached read" {
    local i
    begin_many_readers 300
    eventually 60 waiting 200
    for i in {1..50}; do
        [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 16384 ]
    done
    [ "$(ls "$TEST_DIR/ended" | wc -l)" -eq 0 ]
    resume
    # shellcheck disable=SC2086 # a list
    wait $readers
    readers=
    [ "$(cat "$TEST_DIR/ended"/* | grep -cx read)" -eq 200 ]
}

fails_to_read() { # FILE
    ! cat "$1" 2>"$TEST_DIR/said" && grep -q 'Input/output error' "$TEST_DIR/said"
}

@test "200 readers of a stalled server end together, and who comes later does not wait" {
    begin_many_readers 5
    # One after the other they would end in a thousand seconds, and the test before that.
    # shellcheck disable=SC2086 # a list
    wait $readers
    readers=
    [ "$(grep -l 'Input/output error' "$TEST_DIR/ended"/* | wc -l)" -eq 200 ]

    waits_for_no_timeout 5 fails_to_read "$MNT/file-1"
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 16384 ]
    [ "$(counter link)" != up ]

    resume
    eventually 60 grep -q '^link: up' "$MNT/.vmxfs/status"
    [ "$(cat "$MNT/file-7")" = 7 ]
    echo 4096 >"$MNT/vm/vm.vmx/memSize"
    [ "$(stored "$LAB/vm/vm.vmx" memSize)" = 4096 ]
}

shows_what_is_cached() {
    [ "$(cat "$MNT/vm/vm.vmx/numvcpus")" = 4 ] && ls "$MNT/vm/vm.vmx" | grep -qx k1 &&
        stat "$MNT" "$MNT/vm" "$MNT/vm/vm.vmx" >/dev/null
}

@test "what is cached is shown while the link is down, also when it is no longer fresh" {
    mount_stallable timeout=10 cache_timeout=1
    cat "$MNT/vm/vm.vmx/memSize"
    stall
    sleep 1.2
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 16384 ]
    [ "$(counter link)" != up ]
    waits_for_no_timeout 10 shows_what_is_cached
    run bash -c "echo 1 >'$MNT/vm/vm.vmx/k1'"
    [ "$status" -ne 0 ]
    [[ "$output" == *"Input/output error"* ]]
    resume
    eventually 60 grep -q '^link: up' "$MNT/.vmxfs/status"
    echo 1 >"$MNT/vm/vm.vmx/k1"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 1 ]
}

@test "an interrupt frees a reader of a server that does not answer" {
    echo text >"$LAB/file-1"
    mount_stallable timeout=300 cache_timeout=60
    ls -l "$MNT" >/dev/null
    stall
    # A shell's background processes ignore interrupts.
    python3 - "$MNT/file-1" <<'END' 3>&- &
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
open(sys.argv[1]).read()
END
    readers=$!
    eventually 60 in_requests "$readers" # not only what is read ahead
    kill -INT "$readers"
    wait "$readers" || [ $? -eq 130 ]
    readers=
    resume
    [ "$(cat "$MNT/file-1")" = text ]
}

@test "an interrupted write was not made, or was made whole" {
    mount_stallable timeout=20
    cat "$MNT/vm/vm.vmx/k1"
    stall
    python3 - "$MNT/vm/vm.vmx/k1" <<'END' 3>&- &
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC), b"new\n")
END
    readers=$!
    eventually 60 in_requests "$readers"
    kill -INT "$readers"
    sleep 1
    resume
    wait "$readers" || :
    readers=
    echo done >"$MNT/vm/vm.vmx/k2"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 0 ] || [ "$(stored "$LAB/vm/vm.vmx" k1)" = new ]
    soon no_leftovers "$LAB/vm"
}

# A process for each change: $changes, with the default for all signals. The key is open already:
# to open it asks the server, too.
start_changes() {
    local change
    for change in 'os.mkdir("1/new")' 'os.rmdir("2/gone")' 'os.rename("3/old", "3/moved")' \
        'os.unlink("4/old")' 'os.symlink("old", "5/link")' 'os.chmod("6/old", 0o600)' \
        'os.open("7/old", os.O_WRONLY | os.O_TRUNC)' \
        'os.open("8/new", os.O_CREAT | os.O_EXCL | os.O_WRONLY)'; do
        start_change "$change"
    done
    touch "$TEST_DIR/stalled-now"
    # shellcheck disable=SC2086 # a list
    eventually 30 in_requests $changes
    eventually 60 waiting 20 # one of each, and the commit's first flight
}

# Nothing is left undone of what start_changes began; says what is.
changed() {
    local undone
    undone=$(
        [ -d "$LAB/1/new" ] || echo mkdir
        [ ! -e "$LAB/2/gone" ] || echo rmdir
        [ "$(ls "$LAB/3")" = moved ] || echo rename
        [ ! -e "$LAB/4/old" ] || echo unlink
        [ -L "$LAB/5/link" ] || echo symlink
        [ "$(stat -c %a "$LAB/6/old")" = 600 ] || echo chmod
        [ ! -s "$LAB/7/old" ] || echo truncate
        [ -e "$LAB/8/new" ] || echo create
        [ "$(stored "$LAB/vm/vm.vmx" k1)" = new ] || echo set
    )
    echo "$undone"
    [ -z "$undone" ]
}

@test "who is killed or interrupted in a change ends, and the change goes on" {
    local signal
    for signal in KILL INT; do
        begin_changes timeout=60 running=allow # the evidence of use would be asked first
        start_changes
        # shellcheck disable=SC2086 # a list
        kill -s "$signal" $changes
        # shellcheck disable=SC2086 # a list
        eventually 60 ended $changes
        resume
        eventually 60 changed
        soon no_leftovers "$LAB/vm"
        [ "$(cat "$MNT/vm/vm.vmx/k1")" = new ]
        unmount_lab
        rm -r "$LAB"/* "$TEST_DIR/opened" "$TEST_DIR/stalled-now"
        vm_with_keys vm 3
    done
}

# A shell in the middle of setting k1, of which a stalled server has all that comes before its
# rename: $setter.
start_setter() { # VALUE
    bash -c 'exec 3>"$1"; touch "$2/opened"; until [ -e "$2/stalled-now" ]; do sleep 0.05; done; echo "$3" >&3' \
        sh "$MNT/vm/vm.vmx/k1" "$TEST_DIR" "$1" 3>&- &
    setter=$!
    eventually 60 test -e "$TEST_DIR/opened"
    stall
    touch "$TEST_DIR/stalled-now"
    eventually 60 in_requests "$setter"
    eventually 60 waiting 8 # the commit's first flight
}

@test "a server that is silent for longer than a lock is good for is asked once more" {
    mount_stallable timeout=100
    start_setter new
    sleep 51 # what is left is less than it took
    resume
    wait "$setter"
    changed_to new
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
    soon no_leftovers "$LAB/vm"
}

@test "who is killed while his value is being set is not told that it was dropped" {
    mount_stallable timeout=60
    start_setter new
    kill "$setter"
    eventually 60 ended "$setter"
    resume
    eventually 60 changed_to new
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

changed_to() { # VALUE
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = "$1" ]
}

# A program that catches SIGINT, with what it has written to a plain file unanswered.
writer() { # CALL
    python3 -c "import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGINT, lambda *_: None)
fd = os.open('$MNT/$1', os.O_CREAT | os.O_WRONLY)
open('$TEST_DIR/opened-$1', 'w')
while not os.path.exists('$TEST_DIR/stalled-now'): time.sleep(0.05)
os.write(fd, bytes(70000))
r = libc.$1(fd)
print(r, os.strerror(ctypes.get_errno()) if r < 0 else 'done')" >"$TEST_DIR/said-$1" 3>&- &
    writers="$writers $!"
}

@test "who closes or syncs what he has written is not told that nothing was done" {
    local writers='' call
    mount_stallable timeout=120
    for call in close fsync; do
        writer "$call"
        eventually 60 test -e "$TEST_DIR/opened-$call"
    done
    stall
    touch "$TEST_DIR/stalled-now"
    # shellcheck disable=SC2086 # a list
    eventually 60 in_requests $writers
    sleep 0.5 # until they wait for answers
    # shellcheck disable=SC2086 # a list
    kill -INT $writers
    sleep 2 # a reader is freed after one second
    # shellcheck disable=SC2086 # a list
    in_requests $writers
    resume
    # shellcheck disable=SC2086 # a list
    wait $writers
    for call in close fsync; do
        grep -qx '0 done' "$TEST_DIR/said-$call"
        [ "$(stat -c %s "$LAB/$call")" = 70000 ]
    done
}

@test "who is killed before a removal is refused ends, and the refusal is told" {
    local pid
    echo used >"$LAB/vm/vm.vmx.lck"
    mount_stallable timeout=60 cache_timeout=60
    ls -l "$MNT/.vmxfs/plain" "$MNT/.vmxfs/plain/vm"
    cat "$MNT/.vmxfs/plain/vm/vm.vmx"
    pid=$(vmxfs_pid)
    changes=
    stall
    start_change "os.unlink('.vmxfs/plain/vm/vm.vmx')"
    # shellcheck disable=SC2086 # a list
    eventually 30 in_requests $changes
    sleep 2 # for its requests to be sent
    # shellcheck disable=SC2086 # a list
    kill -KILL $changes
    # shellcheck disable=SC2086 # a list
    eventually 60 ended $changes
    resume
    eventually 60 grep -q EBUSY "$MNT/.vmxfs/errors"
    [ "$(vmxfs_pid)" = "$pid" ]
    [ -f "$LAB/vm/vm.vmx" ]
}

# Writes a large file without an end, until the server is stalled: $readers.
write_stalled() {
    python3 -c "import os
f = os.open('$MNT/large', os.O_CREAT | os.O_WRONLY)
while True: os.write(f, bytes(1 << 20))" 3>&- &
    readers=$!
    eventually 60 test -s "$LAB/large"
    stall
    eventually 60 in_requests "$readers"
    sleep 0.5 # until it waits for answers
}

@test "who waits behind another for an open file is freed by an interrupt" {
    local waiter
    mount_stallable timeout=60
    write_stalled
    python3 -c "import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.stat('$MNT/large')" 3>&- &
    waiter=$!
    eventually 60 in_requests "$waiter"
    sleep 0.5
    kill -INT "$waiter"
    eventually 60 ended "$waiter"
    kill -KILL "$readers"
    eventually 60 ended "$readers"
    readers=
    resume
}

@test "who is killed while it writes a plain file ends" {
    mount_stallable timeout=60
    write_stalled
    kill -KILL "$readers"
    eventually 60 ended "$readers"
    readers=
    resume
}

@test "unmounting while requests wait ends, and ends cleanly" {
    echo text >"$LAB/file-1"
    mount_stallable timeout=3 cache_timeout=60
    ls -l "$MNT" >/dev/null
    stall
    note_read "$MNT/file-1" "$TEST_DIR/result" 3>&- &
    readers=$!
    eventually 60 waiting 1
    local processes
    processes=$(vmxfs_pid)
    kill -TERM "$processes"
    eventually 60 ended "$processes"
    wait "$readers"
    readers=
    # shellcheck disable=SC2086 # a list
    eventually 30 ended $stalled
    resume
    ! grep -q " $MNT " /proc/mounts || false
}
