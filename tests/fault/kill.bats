#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vmxfs is killed at any moment, again and again.
#
# KILL_ROUNDS: how often, default 500, but no longer than for KILL_SECONDS, default 120. KILL_SEED: of
# the moments.

load helper

# What waits for the kernel in vain is freed by its end only.
abort_mount() {
    [ "$(id -u)" -ne 0 ] || umount -f "$MNT" 2>/dev/null || :
}

BATS_TEST_TIMEOUT=900

setup() { lab_new; }
teardown() {
    # shellcheck disable=SC2086 # a list
    [ -z "${writers:-}" ] || {
        abort_mount
        kill $writers 2>/dev/null
    } || :
    lab_end
}

# The .vmx is one of the two texts that the writers can have made, with one value of memSize filled
# in, which is one between the last that was acknowledged and the last that was asked for.
check_text() {
    local now
    now=$(stored "$LAB/vm/vm.vmx" memSize)
    sed "s/@/$now/g" "$TEST_DIR/bare" | cmp -s - "$LAB/vm/vm.vmx" ||
        sed "s/@/$now/g" "$TEST_DIR/applied" | cmp -s - "$LAB/vm/vm.vmx" || {
        echo "torn, in round $round: "
        cat "$LAB/vm/vm.vmx"
        return 1
    }
    [ "$now" -ge "$(tail -n 1 "$TEST_DIR/acknowledged")" ] &&
        [ "$now" -le "$(tail -n 1 "$TEST_DIR/asked")" ] || {
        echo "round $round: memSize is $now; acknowledged:" \
            "$(tail -n 1 "$TEST_DIR/acknowledged"), asked: $(tail -n 1 "$TEST_DIR/asked")"
        return 1
    }
}

# What is there now, as a template for any memSize.
template() {
    sed "s/$(stored "$LAB/vm/vm.vmx" memSize)/@/" "$LAB/vm/vm.vmx"
}

# The writers go on until vmxfs is gone; any other failure is told in $TEST_DIR/wrong.
write_keys() {
    local value=$1
    while :; do
        value=$((value + 4))
        echo "$value" >>"$TEST_DIR/asked"
        echo "$value" >"$MNT/vm/vm.vmx/memSize" || break
        echo "$value" >>"$TEST_DIR/acknowledged"
    done
    tell_if_alive
}

write_profiles() {
    while echo nested-esxi >"$MNT/vm/vm.vmx/passthrough-profile" &&
        echo none >"$MNT/vm/vm.vmx/passthrough-profile"; do
        :
    done
    tell_if_alive
}

tell_if_alive() {
    ! cat "$MNT/.vmxfs/errors" 2>/dev/null || echo "vmxfs is alive" >&2
}

# EIO is what the kernel makes of an answer whose writer is killed while it is copied.
only_death() { # FILE OF ERRORS
    ! grep -vE 'Transport endpoint is not connected|Software caused connection abort|No such device|Input/output error' "$1"
}

acknowledged_more() { # THAN
    [ "$(wc -l <"$TEST_DIR/acknowledged")" -gt "$1" ]
}

one_round() {
    local pid value before
    mount_local cache_timeout=1 timeout=50
    pid=$(vmxfs_pid)

    # The lock of the dead process, which is good for 60 s, does not hold up the next commit until
    # its timeout; and that clears all away.
    value=$(($(stored "$LAB/vm/vm.vmx" memSize) + 4))
    echo "$value" >>"$TEST_DIR/asked"
    echo "$value" >"$MNT/vm/vm.vmx/memSize"
    echo "$value" >>"$TEST_DIR/acknowledged"
    soon no_leftovers "$LAB/vm" || {
        echo "round $round: left over: $(leftovers "$LAB/vm")"
        return 1
    }

    # Death comes in the middle of work, and not before it.
    before=$(wc -l <"$TEST_DIR/acknowledged")
    write_keys "$value" 2>"$TEST_DIR/wrong-keys" 3>&- &
    writers=$!
    write_profiles 2>"$TEST_DIR/wrong-profiles" 3>&- &
    writers="$writers $!"
    soon acknowledged_more "$before"
    sleep "0.$(printf %03d $((RANDOM % 80)))"
    kill -KILL "$pid"
    # shellcheck disable=SC2086 # a list
    wait $writers || :
    writers=
    fusermount3 -u -z "$MNT"
    check_text
    only_death "$TEST_DIR/wrong-keys" && only_death "$TEST_DIR/wrong-profiles"
}

@test "a .vmx is old or new whenever vmxfs is killed, and the next commit goes on at once" {
    local round seed=${KILL_SEED:-$$}
    echo "KILL_SEED=$seed"
    RANDOM=$seed
    vm_new vm
    mount_local
    template >"$TEST_DIR/bare"
    echo nested-esxi >"$MNT/vm/vm.vmx/passthrough-profile"
    template >"$TEST_DIR/applied"
    echo none >"$MNT/vm/vm.vmx/passthrough-profile"
    template | cmp - "$TEST_DIR/bare"
    unmount_lab
    echo 16384 >"$TEST_DIR/asked"
    echo 16384 >"$TEST_DIR/acknowledged"
    local end=$((SECONDS + ${KILL_SECONDS:-120}))
    for ((round = 1; round <= ${KILL_ROUNDS:-500} && SECONDS < end; round++)); do
        one_round
    done
    echo "$round rounds"
}

# One that makes names of a directory come and go, so that the kernel is told of it while it waits.
change_names() {
    while rm "$MNT/vm/vm.vmx/$1" && echo "$1" >"$MNT/vm/vm.vmx/$1"; do
        :
    done
}

change_by_merge() {
    while printf -- '-k3\n-k4\n' >"$MNT/vm/vm.vmx/.vmxfs/merge" &&
        printf 'k3 = "3"\nk4 = "4"\n' >"$MNT/vm/vm.vmx/.vmxfs/merge"; do
        :
    done
}

list_names() {
    while ls -l "$MNT/vm/vm.vmx" >/dev/null; do
        :
    done
}

gone() { # PID
    ! [ -d "/proc/$1" ] || [ "$(ls "/proc/$1/task" 2>/dev/null | wc -l)" -le 1 ] && ended "$1"
}

@test "a vmxfs that is killed while the kernel is told of changes does not hang" {
    local round pid
    for ((round = 1; round <= ${KILL_NAMES_ROUNDS:-25}; round++)); do
        vm_with_keys vm 4
        rm -rf "$LAB"/vm/.vm*
        mount_local cache_timeout=1
        pid=$(vmxfs_pid)
        writers=
        for i in 1 2; do
            change_names "k$i" 2>/dev/null 3>&- &
            writers="$writers $!"
            list_names 2>/dev/null 3>&- &
            writers="$writers $!"
        done
        change_by_merge 2>/dev/null 3>&- &
        writers="$writers $!"
        sleep "0.$(printf %03d $((200 + round * 17 % 100)))"
        kill -KILL "$pid"
        eventually 30 gone "$pid" || {
            echo "round $round: $pid lives on"
            false
        }
        # shellcheck disable=SC2086 # a list
        wait $writers || :
        writers=
        fusermount3 -u -z "$MNT"
    done
}

move_about() {
    while mv "$MNT/k/vm.vmx" "$MNT/e/vm.vmx" && mv "$MNT/e/vm.vmx" "$MNT/k/vm.vmx"; do
        :
    done
}

# What was left in a folder is seen in few rounds only: the .vmx was just moved out of it.
@test "a vmxfs that is killed in a move leaves no folder that cannot be removed" {
    local round pid servers left=0 folder
    for ((round = 1; round <= ${KILL_MOVE_ROUNDS:-15} && left < 2; round++)); do
        mkdir "$LAB/k" "$LAB/e"
        printf 'memSize = "4096"\n' >"$LAB/k/vm.vmx"
        mount_local timeout=50
        pid=$(vmxfs_pid)
        servers=$(pgrep -P "$pid")
        move_about 2>/dev/null 3>&- &
        writers=$!
        sleep "0.$(printf %03d $((50 + RANDOM % 50)))"
        kill -KILL "$pid"
        wait "$writers" || :
        writers=
        fusermount3 -u -z "$MNT"
        # shellcheck disable=SC2086 # a list
        soon ended $servers
        [ "$(find "$LAB" -name vm.vmx | wc -l)" -eq 1 ]
        mount_local
        for folder in k e; do
            [ ! -e "$LAB/$folder/vm.vmx" ] || continue
            no_leftovers "$LAB/$folder" || left=$((left + 1))
            [ -z "$(ls -A "$MNT/$folder")" ]
            if [ $((round % 2)) -eq 0 ]; then
                rmdir "$MNT/$folder"
            else
                rm -r "$MNT/$folder"
            fi
            [ ! -e "$LAB/$folder" ]
        done
        [ -z "$(cat "$MNT/.vmxfs/errors")" ]
        unmount_lab
        rm -r "${LAB:?}"/*
    done
    echo "$left left in $round rounds"
}
