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
    grep -v '^#' "$T" | cut -f 1-3,6
}


@test "transfers names its columns, and shows nothing where nothing is moved" {
    mount_local
    [ "$(cat "$T")" = "$(printf '# way\tdone-mb\tsize-mb\tmb/s\teta-s\tpath')" ]
    ls "$MNT/.vmxfs" | grep -qx transfers
    ! echo x 2>/dev/null >"$T"
}

@test "transfers shows a file that is read, until it is closed" {
    truncate -s 64000000 "$LAB/disk.vmdk"
    mount_local
    exec 7<"$MNT/disk.vmdk"
    dd bs=1M count=4 of=/dev/null status=none <&7
    # More than a MiB may be read ahead by the kernel.
    grep -qP '^read\t\d+\t64\t\d+\.\d\t(\d+|-)\tdisk\.vmdk$' "$T"
    cat <&7 >/dev/null
    [ "$(only_row)" = "$(printf 'read\t64\t64\tdisk.vmdk')" ]
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
    diff - <(only_row) <<<"$(printf 'write\t10\t-\tnew\nwrite\t10\t50\tmade')"
    grep -qP '^write\t10\t-\t\d+\.\d\t-\tnew$' "$T"
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
    grep -q $'^read\t.*\tdisk\.vmdk$' "$T"
    kill -CONT "$server"
}
