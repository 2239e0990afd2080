#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The file transfers: what is being moved through the mount, how far it has come, and how fast.

load helper

setup() {
    lab_new
    T=$MNT/.vmxfs/transfers
}

teardown() {
    exec 7>&- 8>&-
    lab_end
}

# The columns of the only line, but for the rate and the time that is left.
only_row() {
    grep -v '^#' "$T" | cut -f 1-4
}

@test "transfers names its columns, and shows nothing where nothing is moved" {
    mount_local
    [ "$(cat "$T")" = "$(printf '# path\tdirection\tdone\tsize\tmb/s\teta')" ]
    ls "$MNT/.vmxfs" | grep -qx transfers
    ! echo x 2>/dev/null >"$T" || false
}

@test "transfers shows a file that is read, until it is closed" {
    truncate -s 64000000 "$LAB/disk.vmdk"
    mount_local
    exec 7<"$MNT/disk.vmdk"
    dd bs=1M count=4 of=/dev/null status=none <&7
    # More than a MiB may be read ahead by the kernel.
    grep -qP '^disk\.vmdk\tread\t\d+\t64000000\t\d+\.\d\t(\d+|-)$' "$T"
    cat <&7 >/dev/null
    [ "$(only_row)" = "$(printf 'disk.vmdk\tread\t64000000\t64000000')" ]
    exec 7>&-
    eventually 30 [ -z "$(only_row)" ]
}

@test "transfers shows files that are written: their size only where it is known" {
    mount_local
    exec 7>"$MNT/new"
    truncate -s 50000000 "$MNT/made"
    exec 8<>"$MNT/made"
    dd if=/dev/zero bs=1M count=10 status=none >&7
    dd if=/dev/zero bs=1M count=10 status=none >&8
    diff - <(only_row) <<<"$(printf 'new\twrite\t10485760\t-\nmade\twrite\t10485760\t50000000')"
    grep -qP '^new\twrite\t10485760\t-\t\d+\.\d\t-$' "$T"
}

@test "transfers shows a name as one field of one line, whatever it is" {
    local name=$'a\tb\nread\t1 "q" $(touch pwned) \e[2J'
    mount_local
    exec 7>"$MNT/$name"
    dd if=/dev/zero bs=1M count=4 status=none >&7
    cat "$T" >"$TEST_DIR/shown"
    must_be_tame "$TEST_DIR/shown" 6
    [ "$(wc -l <"$TEST_DIR/shown")" -eq 2 ]
    grep -q pwned "$TEST_DIR/shown"
}

@test "transfers asks the server nothing, and shows what a silent one keeps waiting" {
    truncate -s 64000000 "$LAB/disk.vmdk"
    mount_local timeout=600
    exec 7<"$MNT/disk.vmdk"
    dd bs=1M count=4 of=/dev/null status=none <&7
    local server
    server=$(counter transport-pid)
    kill -STOP "$server"
    # It is answered without the server.
    grep -q $'^disk\.vmdk\tread\t' "$T"
    kill -CONT "$server"
}

@test "transfers shows a copy that the server makes" {
    head -c 20M /dev/urandom >"$LAB/from"
    mount_local
    exec 7<"$MNT/from" 8>"$MNT/to"
    python3 -c 'import os; os.copy_file_range(7, 8, 20 << 20)'
    [[ "$(only_row)" == $'to\twrite\t'* ]]
}
