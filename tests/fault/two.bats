#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Two mounts of one datastore: edits of both are kept, whatever the other does meanwhile.

load helper

setup_file() { server_start; }
teardown_file() { server_stop; }

setup() {
    lab_new
    HERE=$MNT THERE=$TEST_DIR/there
    mkdir "$THERE"
    stopped=
}

teardown() {
    [ -z "$stopped" ] || kill -CONT "$stopped" || :
    MNT=$THERE
    lab_end
    MNT=$HERE
    lab_end
    proxy_stop
}

# The other mount: quick, and without the server of the file.
mount_there() { # [OPTION...]
    MNT=$THERE
    mount_local "$@"
    MNT=$HERE
}

# The file that signs the lock, and holds the new text.
token() {
    echo "$LAB/vm/.vm.vmx.vmxfs-lock"/*
}

is_written() {
    local token=("$LAB/vm/.vm.vmx.vmxfs-lock"/*)
    [ -s "${token[0]}" ]
}

# Begins a commit over a long way and stops vmxfs in the middle of it: the lock is held and the new
# text is written, but the rename has not been sent. $writer is the shell that waits for it. On a
# machine that stalls the commit may be over before it is stopped: then it is made once more, after
# another value.
stop_in_commit() { # KEY VALUE
    local tries
    for ((tries = 0; tries < 20; tries++)); do
        stopped=$(vmxfs_pid)
        (echo "$2" >"$HERE/vm/vm.vmx/$1") >"$TEST_DIR/writer.out" 2>&1 3>&- &
        writer=$!
        soon is_written_or_over
        kill -STOP "$stopped"
        ! is_written || return 0
        go_on
        wait "$writer"
        echo "missed $tries" >"$HERE/vm/vm.vmx/$1"
    done
    return 1
}

is_written_or_over() {
    is_written || ! kill -0 "$writer" 2>/dev/null
}

go_on() {
    kill -CONT "$stopped"
    stopped=
}

# As if its owner had held it for minutes.
age_lock() {
    touch -d '2 minutes ago' "$(token)"
}

@test "edits of different keys on two mounts are merged, though each has an old copy" {
    vm_with_keys vm 2
    mount_lab cache_timeout=60
    mount_there cache_timeout=60
    cat "$HERE/vm/vm.vmx/k1" "$THERE/vm/vm.vmx/k1"
    echo here >"$HERE/vm/vm.vmx/k1"
    echo there >"$THERE/vm/vm.vmx/k2"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = here ]
    [ "$(stored "$LAB/vm/vm.vmx" k2)" = there ]
}

@test "a key that the other mount changed since it was opened is not overwritten" {
    vm_with_keys vm 1
    mount_lab cache_timeout=60
    mount_there cache_timeout=60
    cat "$HERE/vm/vm.vmx/k1"
    { echo there >"$THERE/vm/vm.vmx/k1"; ! echo here 2>"$TEST_DIR/said"; } >"$HERE/vm/vm.vmx/k1"
    grep -q 'Operation canceled' "$TEST_DIR/said"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = there ]
    [ "$(cat "$HERE/vm/vm.vmx/k1")" = there ]
}

@test "an owner that was stopped while its lock was broken loses nobody's edit" {
    vm_with_keys vm 2
    proxy_start 800
    mount_proxied timeout=30
    mount_there timeout=10
    cat "$HERE/vm/vm.vmx/k1"
    stop_in_commit k1 here
    age_lock
    echo there >"$THERE/vm/vm.vmx/k2"
    [ "$(stored "$LAB/vm/vm.vmx" k2)" = there ]
    go_on
    wait "$writer"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = here ]
    [ "$(stored "$LAB/vm/vm.vmx" k2)" = there ]
    soon no_leftovers "$LAB/vm"
}

@test "an owner that was stopped while its lock was broken is told that its key was changed" {
    vm_with_keys vm 1
    proxy_start 800
    mount_proxied timeout=30
    mount_there timeout=10
    cat "$HERE/vm/vm.vmx/k1"
    stop_in_commit k1 here
    age_lock
    echo there >"$THERE/vm/vm.vmx/k1"
    go_on
    ! wait "$writer" || false
    grep -q 'Operation canceled' "$TEST_DIR/writer.out"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = there ]
    soon no_leftovers "$LAB/vm"
}

@test "an owner that was stopped for longer than a lock is good for sends no rename" {
    vm_with_keys vm 2
    proxy_start 800
    mount_proxied timeout=150
    mount_there timeout=10
    cat "$HERE/vm/vm.vmx/k1"
    stop_in_commit k1 here
    # Its temporary file comes back, so that only the clock can hold its rename up.
    local temp
    temp=$(token)
    ln "$temp" "$TEST_DIR/kept"
    age_lock
    echo there >"$THERE/vm/vm.vmx/k2"
    soon no_leftovers "$LAB/vm"
    mkdir "$(dirname "$temp")"
    ln "$TEST_DIR/kept" "$temp"
    sleep 31
    go_on
    wait "$writer"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = here ]
    [ "$(stored "$LAB/vm/vm.vmx" k2)" = there ]
}

@test "a lock that is held is waited for, and ENOLCK says that nobody let go" {
    vm_with_keys vm 2
    proxy_start 800
    mount_proxied timeout=30
    mount_there timeout=10
    cat "$HERE/vm/vm.vmx/k1"
    stop_in_commit k1 here
    run bash -c "echo there >'$THERE/vm/vm.vmx/k2'"
    [ "$status" -ne 0 ]
    [[ "$output" == *"No locks available"* ]]
    (echo there >"$THERE/vm/vm.vmx/k2") 3>&- &
    go_on
    wait "$writer"
    wait $!
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = here ]
    [ "$(stored "$LAB/vm/vm.vmx" k2)" = there ]
}

# Counts up in a key until the time is over, and leaves the last number that was acknowledged.
count_up() { # FILE SECONDS RESULT
    local end=$((SECONDS + $2)) n=0 last=0
    while [ "$SECONDS" -lt "$end" ]; do
        n=$((n + 1))
        if echo "$n" >"$1"; then
            last=$n
        fi
    done 2>>"$3.errors"
    echo "$last" >"$3"
}

@test "every write that was acknowledged by one of two busy mounts is in the file" {
    vm_with_keys vm 8
    mount_lab cache_timeout=1 timeout=30
    mount_there cache_timeout=1 timeout=30
    local i where writers=
    for i in 1 2 3 4 5 6 7 8; do
        where=$HERE
        [ $((i % 2)) -eq 0 ] || where=$THERE
        count_up "$where/vm/vm.vmx/k$i" "${HAMMER_SECONDS:-6}" "$TEST_DIR/last-$i" 3>&- &
        writers="$writers $!"
    done
    # shellcheck disable=SC2086 # a list
    wait $writers
    for i in 1 2 3 4 5 6 7 8; do
        echo "k$i: $(cat "$TEST_DIR/last-$i"), in the file $(stored "$LAB/vm/vm.vmx" "k$i")"
        [ "$(stored "$LAB/vm/vm.vmx" "k$i")" = "$(cat "$TEST_DIR/last-$i")" ]
        [ "$(cat "$TEST_DIR/last-$i")" -gt 0 ]
        [ ! -s "$TEST_DIR/last-$i.errors" ]
    done
    [ "$(wc -l <"$LAB/vm/vm.vmx")" -eq 16 ]
    soon no_leftovers "$LAB/vm"
}
