#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A cache that is too small for the listings of a datastore: it is read ahead all the same, in both
# directions. A folder that nobody reads ahead is opened at the server when the one before is through;
# those that are read ahead are opened together. So is a .vmx.

load ../fault/helper

VMS=300 FILES=9 # so many names, and the root's, take more than a quarter of 1 MiB
DELAY_MS=20

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    local i
    for ((i = 0; i < VMS; i++)); do
        mkdir "$LAB/vm$i"
        touch "$LAB/vm$i/disk-"{2..9}.vmdk
        echo "memSize = \"$i\"" >"$LAB/vm$i/vm.vmx"
    done
    proxy_start $DELAY_MS
}

teardown() {
    lab_end
    proxy_stop
}

# How often the server is told to open such a name after it was told to close one: by so many flights
# at least.
turns() { # OPEN-PATTERN CLOSE-PATTERN
    awk -v opens="$1" -v closes="$2" '
        $0 ~ closes { closed = 1 }
        $0 ~ opens { n += closed; closed = 0 }
        END { print n + 0 }' "$SERVER_LOG"
}

must_be_read_ahead() {
    local folders files
    folders=$(turns "^opendir \"$LAB/vm" "^closedir \"$LAB/vm")
    files=$(turns "^open \"$LAB/vm.*[.]vmx\"" "^close \"$LAB/vm.*[.]vmx\"")
    echo "listings in $folders turns, texts in $files"
    [ "$(grep -c "^opendir \"$LAB/vm" "$SERVER_LOG")" -ge $VMS ]
    [ "$(grep -c "^open \"$LAB/vm.*[.]vmx\"" "$SERVER_LOG")" -ge $VMS ]
    [ "$folders" -lt $((VMS / 2)) ]
    [ "$files" -lt $((VMS / 2)) ]
    [ "$(counter cached-listing-bytes)" -le $((256 << 10)) ]
}

@test "a glob that goes backward, and the loop after it, find all that is there read ahead" {
    mount_proxied cache_size=1 compression=no
    : >"$SERVER_LOG"
    bash -c 'cd "$1" && cat */*.vmx/memSize' - "$MNT" | sort -n >"$TEST_DIR/got"
    seq 0 $((VMS - 1)) | cmp - "$TEST_DIR/got"
    must_be_read_ahead
}

@test "so does who goes forward, and who comes from the other end" {
    local flag
    for flag in -v -rv; do
        mount_proxied cache_size=1 compression=no
        : >"$SERVER_LOG"
        (cd "$MNT" && ls $flag | while read -r vm; do cat "$vm/vm.vmx/memSize"; done) >"$TEST_DIR/got"
        sort -n "$TEST_DIR/got" | cmp - <(seq 0 $((VMS - 1)))
        must_be_read_ahead
        unmount_lab
    done
}
