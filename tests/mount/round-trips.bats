#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How many round trips a program waits for, one after the other: how much longer it takes on a long
# link than on a short one, divided by how much longer the link is. What the machine itself needs
# cancels out; the least of several tries counts, of which there are more where the machine is busy.

load ../fault/helper

SHORT_MS=40 LONG_MS=340 TRIES=3 ROUNDS=4

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    local i
    for ((i = 0; i < 2 * TRIES * ROUNDS; i++)); do
        vm_new "vm$i"
        LAB=$LAB/store$i vm_new "vm$i"
        mkdir "$LAB/files$i"
        touch "$LAB/files$i"/{1..5}
    done
    find "$TEST_DIR" -name '*.vmx' -exec touch -d '1 hour ago' {} +
}

teardown() {
    lab_end
    proxy_stop
}

# The least time of a function that is given the number of a try, and "prepare" before it counts.
least_ms() { # FUNCTION FIRST-NUMBER
    local i began took least=
    for ((i = $2; i < $2 + TRIES; i++)); do
        "$1" prepare "$i" >/dev/null || return 1
        began=$(now_ms)
        "$1" run "$i" >/dev/null || return 1
        took=$(($(now_ms) - began))
        [ -n "$least" ] && [ "$took" -ge "$least" ] || least=$took
    done
    echo "$least"
}

far_ms() { # ROUND-TRIP-MS FUNCTION FIRST-NUMBER
    local took
    rm -f "$TEST_DIR/proxy.out"
    proxy_start $(($1 / 2))
    mount_proxied "${OPTIONS[@]}" || return 1
    took=$(least_ms "$2" "$3") || return 1
    unmount_lab || return 1
    proxy_stop
    echo "$took"
}

# Fails if the function waits for the server more often.
waits_for() { # ROUND-TRIPS FUNCTION
    local short long n round
    for ((round = 0; round < ROUNDS; round++)); do
        short=$(far_ms "$SHORT_MS" "$2" $((2 * TRIES * round))) || return 1
        long=$(far_ms "$LONG_MS" "$2" $((2 * TRIES * round + TRIES))) || return 1
        n=$(((long - short + (LONG_MS - SHORT_MS) / 2) / (LONG_MS - SHORT_MS)))
        echo "$2: $short ms, $long ms: $n round trips"
        [ "$n" -gt "$1" ] || return 0
    done
    return 1
}

# A line that is measured as the mount is made leaves the root's listing behind.
OPTIONS=(cache_timeout=60 compression=no)

cold_key() {
    [ "$1" = prepare ] || cat "$MNT/vm$2/vm$2.vmx/memSize"
}

# Another one was read before, too long ago for a habit.
next_key() {
    if [ "$1" = prepare ]; then
        local before=vm$((($2 + 2 * TRIES * ROUNDS - 1) % (2 * TRIES * ROUNDS)))
        cat "$MNT/$before/$before.vmx/memSize"
        sleep 1.2
    else
        cat "$MNT/vm$2/vm$2.vmx/memSize"
    fi
}

deeper_key() {
    [ "$1" = prepare ] || cat "$MNT/store$2/vm$2/vm$2.vmx/memSize"
}

warm_key() { # the first time in "prepare"
    cat "$MNT/vm0/vm0.vmx/memSize"
}

set_key() {
    if [ "$1" = prepare ]; then
        cat "$MNT/vm$2/vm$2.vmx/memSize"
    else
        echo 8192 >"$MNT/vm$2/vm$2.vmx/memSize"
    fi
}

add_key() { # its .vmx is known, and the kernel asks for its name
    if [ "$1" = prepare ]; then
        cat "$MNT/vm$2/vm$2.vmx/memSize"
    else
        echo 1 >"$MNT/vm$2/vm$2.vmx/guestinfo.new"
    fi
}

remove_key() {
    if [ "$1" = prepare ]; then
        cat "$MNT/vm$2/vm$2.vmx/numvcpus"
    else
        rm "$MNT/vm$2/vm$2.vmx/numvcpus"
    fi
}

set_profile() {
    if [ "$1" = prepare ]; then
        cat "$MNT/vm$2/vm$2.vmx/memSize"
    else
        echo nested-esxi >"$MNT/vm$2/vm$2.vmx/passthrough-profile"
    fi
}

enter_root() {
    [ "$1" = prepare ] || env -C "$MNT" true
}

enter_folder() {
    [ "$1" = prepare ] || env -C "$MNT/vm$2" true
}

list_folders() { # of VMs
    [ "$1" = prepare ] || env -C "$MNT/store$2" bash -c 'ls -l */'
}

make_file() {
    if [ "$1" = prepare ]; then
        ls "$MNT/files$2"
    else
        : >"$MNT/files$2/new"
    fi
}

remove_files() { # a folder of five
    [ "$1" = prepare ] || rm -r "$MNT/files$2"
}

@test "a cold key two levels deep is three round trips" {
    waits_for 3 cold_key
}

@test "the next one beside it is two, because its name is guessed" {
    waits_for 2 next_key
}

@test "one level deeper is one more" {
    waits_for 4 deeper_key
}

@test "a warm key is none" {
    waits_for 0 warm_key
}

@test "chdir(2) into the mount asks the server for nothing, and into a folder looks it up" {
    OPTIONS=(cache_timeout=0)
    waits_for 0 enter_root
    waits_for 1 enter_folder
}

@test "a set is three, and it is on the server" {
    waits_for 3 set_key
    [ "$(stored "$LAB/vm5/vm5.vmx" memSize)" = 8192 ]
}

@test "a new key is three, and it is on the server" {
    waits_for 3 add_key
    [ "$(stored "$LAB/vm5/vm5.vmx" guestinfo.new)" = 1 ]
}

@test "the removal of a key is three, and it is on the server" {
    waits_for 3 remove_key
    [ -z "$(stored "$LAB/vm5/vm5.vmx" numvcpus)" ]
}

@test "a profile is no more than a set, and it is on the server" {
    waits_for 4 set_profile
    [[ "$(stored "$LAB/vm5/vm5.vmx" vmxfs.profile)" = nested-esxi* ]]
}

# The store is found and listed with three, and the folders with two. What a .vmx is shows there.
@test "ls -l of folders of VMs is five" {
    waits_for 5 list_folders
}

@test "a new file in a folder that was listed is one" {
    waits_for 1 make_file
    [ -f "$LAB/files5/new" ]
}

# The folder is found and listed with three, and each name goes with one.
@test "rm -r of five files in a folder is nine" {
    waits_for 9 remove_files
    [ ! -e "$LAB/files5" ]
}
