#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Reading ahead, as who lists a large datastore notices it: not at all.

load helper

MANY=1500 # folders: with more than the 600 names that are listed while the line is measured

setup() {
    lab_new
    local i
    for ((i = 0; i < MANY; i++)); do
        mkdir "$LAB/vm$i"
        echo 'memSize = "4096"' >"$LAB/vm$i/vm.vmx"
    done
}

teardown() {
    lab_end
}

# The line of the server's log at which it did this first.
line_of() { # PATTERN
    grep -n -m 1 -- "$1" "$SERVER_LOG" | cut -d: -f1
}

@test "the first ls of a large datastore is its listing, and no more" {
    mount_local prefetch=off
    local before
    before=$(counter requests)
    [ "$(ls "$MNT" | wc -l)" -eq "$MANY" ]
    # A hundred names an answer, more of them asked for than there are, and the root's attributes.
    [ "$(($(counter requests) - before))" -lt 100 ]
    ! grep "^opendir \"$LAB/vm" "$SERVER_LOG" || false
}

@test "what is read ahead is asked for when the listing is there" {
    mount_local
    [ "$(ls "$MNT" | wc -l)" -eq "$MANY" ]
    eventually 30 grep -q "^opendir \"$LAB/vm" "$SERVER_LOG"
    [ "$(line_of "^closedir \"$LAB\"")" -lt "$(line_of "^opendir \"$LAB/vm")" ]
}

@test "status tells how far reading ahead is, of all that was found" {
    mount_local
    [ "$(counter prefetch)" = 0/0 ]
    [ "$(ls "$MNT" | wc -l)" -eq "$MANY" ]
    cat "$MNT"/*/vm.vmx/memSize >/dev/null
    eventually 30 is_through
}

is_through() {
    [[ $(counter prefetch) =~ ^([0-9]+)/([0-9]+)$ ]] &&
        [ "${BASH_REMATCH[1]}" -ge "$MANY" ] && [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
}
