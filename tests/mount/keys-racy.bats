#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Edits that SFTP's times do not tell apart: of the same size, in the same second.

load keys

# An edit of $VM that leaves its size and time as they are.
edit_unseen() { # SED_SCRIPT
    touch -r "$VM" "$TEST_DIR/time"
    sed -i "$1" "$VM"
    touch -r "$TEST_DIR/time" "$VM"
}

# How often the server opened the file for reading.
reads() {
    grep -c "^open \"$VM\" flags READ " "$SERVER_LOG" || :
}

# A file that nobody has touched for an hour.
start_settled() { # [OPTION...]
    touch -d "1 hour ago" "$VM"
    start "$@"
}

@test "what was read once is not read again before a key is set" {
    start_settled
    cat "$K/memSize"
    [ "$(reads)" -eq 1 ]
    echo 8192 >"$K/memSize"
    [ "$(reads)" -eq 3 ] # the commit's own: before it writes, and of what its rename replaces
    becomes 1 's/"4096"/"8192"/'
    echo 16384 >"$K/memSize"
    becomes 2 's/"4096"/"16384"/'
}

@test "an edit that nobody could see shows after the cache timeout" {
    start_settled cache_timeout=1
    [ "$(cat "$K/memSize")" = 4096 ]
    edit_unseen 's/"4096"/"1024"/'
    eventually 60 grep -qx 1024 "$K/memSize"
}

@test "an edit that nobody could see is overwritten as if it had been seen" {
    start_settled cache_timeout=100
    cat "$K/memSize" "$K/guestinfo.a" "$K/guestinfo.b"
    edit_unseen 's/"4096"/"1024"/; s/alpha/other/; s/beta/atad/'
    echo 8192 >"$K/memSize"
    sed 's/"4096"/"8192"/; s/alpha/other/; s/beta/atad/' "$TEST_DIR/before" | holds "$VM"
    [ "$(cat "$K/guestinfo.a")" = other ]
}

@test "what an edit that nobody could see changed is removed" {
    start_settled cache_timeout=100
    cat "$K/guestinfo.a"
    edit_unseen 's/alpha/other/'
    rm "$K/guestinfo.a"
    becomes 1 /guestinfo.a/d
}

@test "what is made from a value that nobody has any more is refused" {
    start_settled cache_timeout=100
    cat "$K/guestinfo.a"
    edit_unseen 's/alpha/other/'
    run bash -c 'echo more >>"$1"' sh "$K/guestinfo.a"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Operation canceled"* ]]
    sed 's/alpha/other/' "$TEST_DIR/before" | holds "$VM"
    [ "$(cat "$K/guestinfo.a")" = other ]
}

# Where its time is that of the opening: an older one could as well have been seen. On a busy machine
# it may have become old by then: again, with a new one.
@test "an edit after the opening is not overwritten, however little of it shows" {
    start
    local opened=1 made=0
    while [ "$opened" -gt "$made" ]; do
        cp "$TEST_DIR/before" "$VM"
        made=$(stat -c %Y "$VM")
        eventually 60 grep -qx 4096 "$K/memSize"
        run bash -c 'exec 5>"$1"; date +%s >"$3.opened"
            touch -r "$2" "$3"; sed -i s/4096/1024/ "$2"; touch -r "$3" "$2"; echo 8192 >&5' \
            sh "$K/memSize" "$VM" "$TEST_DIR/time"
        opened=$(cat "$TEST_DIR/time.opened")
    done
    [ "$status" -eq 1 ]
    [[ "$output" == *"Operation canceled"* ]]
    sed 's/"4096"/"1024"/' "$TEST_DIR/before" | holds "$VM"
}
