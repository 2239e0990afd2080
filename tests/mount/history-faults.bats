#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The history when things go wrong: the mount is killed, the disk is full, nobody may write. Changes
# of the .vmx go on, and the repository is whole.

bats_require_minimum_version 1.5.0

load history

setup() {
    history_new
}

teardown() {
    [ ! -d "$TEST_DIR/small" ] || while umount "$TEST_DIR/small" 2>/dev/null; do :; done
    lab_end
}

sound() {
    run -0 git -C "$HISTORY" fsck --full --strict --no-progress
    [[ $output != *error* && $output != *missing* && $output != *corrupt* ]]
}

kill_mount() {
    local processes
    processes=$(mount_processes)
    # shellcheck disable=SC2086 # a list
    kill -9 $processes
    unmount "$MNT" || fusermount3 -u -z "$MNT"
    # shellcheck disable=SC2086 # a list
    eventually 30 ended $processes
}

# Edits one setting after the other, each with a number of its own, as long as that succeeds. Those
# that were acknowledged are in the file.
edit_until_it_fails() { # FIRST FILE
    local i
    for ((i = $1; i < $1 + 1000; i++)); do
        { echo "$i" >"$VMX/annotation"; } 2>/dev/null || return 0
        echo "$i" >>"$2"
    done
}

@test "a mount that is killed again and again: no edit is lost on the server, none is recorded twice" {
    local round editor acknowledged=$TEST_DIR/acknowledged last
    : >"$acknowledged"
    for round in 1 2 3 4 5 6 7 8; do
        mount_history
        edit_until_it_fails $((round * 1000)) "$acknowledged" 3>&- &
        editor=$!
        sleep "0.$((round * 7 % 10))"
        kill_mount
        wait "$editor"
        last=$(tail -n 1 "$acknowledged")
        # The one that was under way may have been made, too.
        grep -qx "annotation = \"\($last\|$((last + 1))\|$((round * 1000))\)\"" "$FILE"
        sound
    done
    mount_history
    cat "$VMX/memSize"
    echo done >"$VMX/annotation"
    until_recorded ' -> done$'
    sound
    recorded | sed -n 's/^vm: annotation .* -> //p' | sort >"$TEST_DIR/recorded"
    [ -z "$(uniq -d "$TEST_DIR/recorded")" ]
    [ "$(wc -l <"$acknowledged")" -gt 20 ]
    # Those that a killed mount had not yet written to the disk are missing, at most a few each time.
    sort "$acknowledged" >"$TEST_DIR/sorted"
    [ "$(comm -23 "$TEST_DIR/sorted" "$TEST_DIR/recorded" | wc -l)" -le 80 ]
    # Each change goes on where the one before it ended.
    local before='' old new
    while read -r old new; do
        [ -z "$before" ] || [ "$old" = "$before" ]
        before=$new
    done < <(recorded | sed -n 's/^vm: annotation \(.*\) -> \(.*\)$/\1 \2/p' | sed 's/(unset)/unset/')
    [ "$(in_history show "$(branch):$(uname -n)/vm/vm.vmx" | grep annotation)" = 'annotation = "done"' ]
}

small_disk() { # SIZE
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mkdir "$TEST_DIR/small"
    mount -t tmpfs -o "size=$1" tmpfs "$TEST_DIR/small" || skip "no tmpfs can be mounted"
    HISTORY=$TEST_DIR/small/history
}

has_note() {
    grep -qP '\tNOTE\t.*the history is not written' "$MNT/.vmxfs/errors"
}

@test "on a full disk edits go on, with a note, and are recorded when there is room again" {
    small_disk 2m
    mount_history
    echo 1 >"$VMX/annotation"
    until_recorded '-> 1$'
    dd if=/dev/zero of="$TEST_DIR/small/fill" bs=4k 2>/dev/null || :
    local i
    for i in 2 3 4; do
        echo "$i" >"$VMX/annotation"
        grep -qx "annotation = \"$i\"" "$FILE"
    done
    eventually 30 has_note
    [ "$(grep -c 'the history is not written' "$MNT/.vmxfs/errors")" -eq 1 ]
    rm "$TEST_DIR/small/fill"
    echo 5 >"$VMX/annotation"
    until_recorded '-> 5$'
    [ "$(recorded | grep -c 'annotation')" -eq 5 ]
    sound
}

@test "a repository that nobody may write to costs no edit" {
    small_disk 2m
    mount_history
    echo 1 >"$VMX/annotation"
    until_recorded '-> 1$'
    mount -o remount,ro "$TEST_DIR/small"
    echo 2 >"$VMX/annotation"
    grep -qx 'annotation = "2"' "$FILE"
    eventually 30 has_note
    mount -o remount,rw "$TEST_DIR/small"
    echo 3 >"$VMX/annotation"
    until_recorded '-> 3$'
    recorded | grep -q 'annotation 1 -> 2$'
    sound
}

@test "a repository that somebody breaks while it is mounted costs no edit, and is left as it is" {
    mount_history
    echo 1 >"$VMX/annotation"
    until_recorded '-> 1$'
    echo nonsense >"$HISTORY/.git/HEAD"
    echo 2 >"$VMX/annotation"
    grep -qx 'annotation = "2"' "$FILE"
    [ "$(cat "$HISTORY/.git/HEAD")" = nonsense ]
    unmount_lab
    [ "$(cat "$HISTORY/.git/HEAD")" = nonsense ]
}

@test "an unmount records what is left" {
    mount_history
    cat "$VMX/memSize"
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        echo "$i" >"$VMX/annotation"
    done
    unmount_lab
    [ "$(recorded | grep -c annotation)" -eq 10 ]
    recorded | grep -q 'first seen'
    sound
}
