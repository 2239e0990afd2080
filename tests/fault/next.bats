#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What waits in .vmxfs/next is set once, or not at all with a reason, whoever else sets it, adds to it
# or edits the .vmx meanwhile, and wherever the link is cut or vmxfs is killed.

load helper

BATS_TEST_TIMEOUT=900

setup_file() { server_start; }
teardown_file() { server_stop; }

setup() {
    lab_new
    stopped=
    HERE=$MNT THERE=$TEST_DIR/there
    mkdir "$THERE"
}

teardown() {
    [ -z "$stopped" ] || kill -CONT "$stopped" || :
    MNT=$THERE
    lab_end
    MNT=$HERE
    lab_end
    proxy_stop
}

# Two mounts of the lab, whose servers note all in one log.
mount_both() { # [OPTION...]
    mount_local cache_timeout=1 timeout=60 "$@"
    MNT=$THERE
    mount_local cache_timeout=1 timeout=60 "$@"
    MNT=$HERE
    here=$HERE/vm/vm.vmx/.vmxfs/next there=$THERE/vm/vm.vmx/.vmxfs/next
    vmx=$LAB/vm/vm.vmx waiting=$LAB/vm/.vm.vmx.vmxfs-next
}

nothing_waits() {
    [ ! -e "$waiting" ]
}

@test "two mounts that set it at once set it once" {
    vm_new vm
    mount_both
    local round before
    for ((round = 1; round <= ${NEXT_ROUNDS:-20}; round++)); do
        printf 'memSize = "%s"\n' $((16384 + 4 * round)) >"$here"
        before=$(renames_onto vm/vm.vmx)
        (echo apply >"$there") 3>&- &
        echo apply >"$here"
        wait $!
        [ "$(stored "$vmx" memSize)" = $((16384 + 4 * round)) ]
        nothing_waits
        [ "$(renames_onto vm/vm.vmx)" = $((before + 1)) ] || {
            echo "round $round: $((before + 1)) rewrites expected, $(renames_onto vm/vm.vmx) seen"
            false
        }
    done
    [ ! -s "$HERE/.vmxfs/errors" ]
    [ ! -s "$THERE/.vmxfs/errors" ]
}

# The one that sets it is far away, and is stopped when its server has opened the file: it reads that
# one, whatever has its name by then, and does not have the lock yet.
@test "what is added behind the reading is set with the rest" {
    vm_with_keys vm 2
    proxy_start 800
    mount_proxied timeout=60
    MNT=$THERE
    mount_local timeout=60
    MNT=$HERE
    here=$HERE/vm/vm.vmx/.vmxfs/next there=$THERE/vm/vm.vmx/.vmxfs/next
    vmx=$LAB/vm/vm.vmx waiting=$LAB/vm/.vm.vmx.vmxfs-next
    local log=$BATS_FILE_TMPDIR/server.log
    echo 'k1 = "1"' >"$there"
    cat "$HERE/vm/vm.vmx/k1"
    (echo apply >"$here") 3>&- &
    soon grep -q "open \"$waiting\"" "$log"
    stopped=$(vmxfs_pid)
    kill -STOP "$stopped"
    echo 'k2 = "2"' >"$there"
    kill -CONT "$stopped"
    stopped=
    wait $!
    [ "$(stored "$vmx" k1)" = 1 ]
    [ "$(stored "$vmx" k2)" = 2 ]
    nothing_waits
}

@test "no line is lost that is added while another mount sets what waits" {
    vm_with_keys vm 40
    mount_both
    local i
    (
        while [ ! -e "$TEST_DIR/end" ]; do
            echo apply >"$there" || exit 1
        done
    ) 3>&- &
    for i in $(seq 40); do
        echo "k$i = \"$i\"" >"$here"
    done
    : >"$TEST_DIR/end"
    wait $!
    echo apply >"$here"
    for i in $(seq 40); do
        [ "$(stored "$vmx" "k$i")" = "$i" ]
    done
    nothing_waits
    soon no_leftovers "$LAB/vm"
}

@test "lines that two mounts add at once are all there" {
    vm_with_keys vm 20
    mount_both
    local i
    (for i in $(seq 1 2 19); do echo "k$i = \"1\"" >"$there" || exit 1; done) 3>&- &
    for i in $(seq 2 2 20); do echo "k$i = \"1\"" >"$here"; done
    wait $!
    [ "$(wc -l <"$here")" = 20 ]
    echo apply >"$there"
    [ "$(grep -c '^k[0-9]* = "1"' "$vmx")" = 20 ]
}

# Of those that were not seen the commit itself tells: they were changed when it looked.
@test "a setting that somebody edits meanwhile is his" {
    vm_with_keys vm 1
    mount_both
    local round
    for ((round = 1; round <= ${NEXT_ROUNDS:-20}; round++)); do
        sed -i "s/^k1 = .*/k1 = \"0\"/; s/^memSize = .*/memSize = \"16384\"/" "$vmx"
        sleep 1.1 # the time of the file has one second
        printf '%s\n' 'k1 = "1"' 'memSize = "20480"' | dd bs=4096 of="$here" status=none
        sed -i "s/^k1 = .*/k1 = \"2\"/" "$vmx"
        run bash -c 'echo apply >"$1"' bash "$there"
        [ "$status" -ne 0 ]
        [ "$(stored "$vmx" k1)" = 2 ]
        [ "$(stored "$vmx" memSize)" = 20480 ]
        grep -q '^k1 = "1"  # pending' "$here"
        : >"$there"
        nothing_waits
    done
}

# Another client's lock keeps the first change busy, until those behind it wait together.
@test "a change that is made with what waits is made, if that is gone by then" {
    vm_with_keys vm 3
    mount_both timeout=30
    local lock=$LAB/vm/.vm.vmx.vmxfs-lock other=01234567000123abcdef00000001-root@elsewhere
    cat "$HERE/vm/vm.vmx/"k[12] >/dev/null
    echo 'k1 = "1"' >"$here"
    soon no_leftovers_but_next
    mkdir "$lock"
    echo half >"$lock/$other"
    local before
    before=$(looks_at "$lock")
    (echo 2 >"$HERE/vm/vm.vmx/k2") 3>&- &
    local first=$! second third
    soon looked_at "$lock" $((before + 1))
    (echo apply >"$here") 3>&- &
    second=$!
    sleep 1
    (echo 3 >"$HERE/vm/vm.vmx/k3") 3>&- &
    third=$!
    sleep 1
    rm "$waiting"
    rm -r "$lock"
    wait "$first"
    wait "$second"
    wait "$third"
    [ "$(stored "$vmx" k1)" = 0 ]
    [ "$(stored "$vmx" k2)" = 2 ]
    [ "$(stored "$vmx" k3)" = 3 ]
}

looks_at() { # FOLDER
    grep -cF "opendir \"$1\"" "$SERVER_LOG" || :
}

looked_at() { # FOLDER COUNT
    [ "$(looks_at "$1")" -ge "$2" ]
}

no_leftovers_but_next() {
    [ "$(leftovers "$LAB/vm")" = "$waiting" ]
}

@test "the link is cut, and vmxfs killed, after any byte: it is set once, or waits on" {
    python3 -B "$BATS_TEST_DIRNAME/sweep/waiting.py" --vmxfs "$VMXFS" \
        --relay "$VMXFS_BUILD/tests/support/sftp-relay" --points "${NEXT_POINTS:-6}"
}
