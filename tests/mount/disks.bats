# SPDX-License-Identifier: MIT
# Getting a disk off the host, as docs/disks.md says it: qemu-img out of the mount, rsync that is
# resumed after it was ended or after the host was away.

bats_require_minimum_version 1.5.0

load host

# A disk as ESXi makes them, of 24 MiB: data, a hole, data.
setup() {
    lab_new
    host_start
    flat=$DS1/gpu-guest/gpu-guest-flat.vmdk
    head -c 10M /dev/urandom >"$flat"
    truncate -s 20M "$flat"
    head -c 4M /dev/urandom >>"$flat"
    cat >"$DS1/gpu-guest/gpu-guest.vmdk" <<'END'
# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="vmfs"

# Extent description
RW 49152 VMFS "gpu-guest-flat.vmdk"

# The Disk Data Base
#DDB
ddb.adapterType = "lsilogic"
END
    copy=$TEST_DIR/copy
}

teardown() {
    [ -z "$rsync" ] || kill -KILL "$rsync" 2>/dev/null || :
    host_end
}

copies() { # [RSYNC-OPTION...]
    rsync "$@" "$MNT/datastore1/gpu-guest/gpu-guest-flat.vmdk" "$copy"
}

# A copy that takes seconds, in the background, until a part of it is there.
copy_begins() {
    copies --append-verify --bwlimit=2m 3>&- 2>"$TEST_DIR/said" &
    rsync=$!
    eventually 30 is_larger 2000000
}

is_larger() { # BYTES
    [ -s "$copy" ] && [ "$(stat -c %s "$copy")" -gt "$1" ]
}

@test "qemu-img converts a disk out of the mount, and the holes stay holes" {
    mount_host
    qemu-img convert -O qcow2 "$MNT/datastore1/gpu-guest/gpu-guest.vmdk" "$copy"
    qemu-img compare "$copy" "$MNT/datastore1/gpu-guest/gpu-guest.vmdk"
    qemu-img convert -O raw "$copy" "$TEST_DIR/raw"
    cmp "$TEST_DIR/raw" "$flat"
    [ "$(du -k "$copy" | cut -f 1)" -lt 16384 ]
}

@test "a copy goes on when its connection is cut and comes back" {
    mount_host
    local links
    links=$(counter links)
    copy_begins
    sh "$support/sshd.sh" stop "$HOST/sshd" # with its sessions
    esxi start 3>&-
    [ "$(stat -c %s "$copy")" -lt 20000000 ]
    wait "$rsync"
    is_back() { [ "$(counter links)" -gt "$links" ]; }
    eventually 60 is_back
    cmp "$copy" "$flat"
    fallocate --dig-holes "$copy"
    cmp "$copy" "$flat"
    [ "$(du -k "$copy" | cut -f 1)" -lt 16384 ]
}

@test "rsync that was ended goes on with --append-verify where it stopped" {
    mount_host
    copy_begins
    kill -TERM "$rsync"
    run ! wait "$rsync"
    local there
    there=$(stat -c %s "$copy")
    [ "$there" -lt 20000000 ]
    copies --append-verify --stats >"$TEST_DIR/stats"
    cmp "$copy" "$flat"
    # What was there is not copied once more; a child of the one that was ended may have added to it.
    local more
    more=$(sed -n 's/^Literal data: \(.*\) bytes$/\1/p' "$TEST_DIR/stats" | tr -d ,)
    [ "$there" -gt 0 ]
    [ "$more" -gt 0 ]
    [ "$more" -le $((24 * 1048576 - there)) ]
}

@test "a copy with read errors is wrong in full length, and is made again without --append-verify" {
    mount_host timeout=2
    copy_begins
    sh "$support/sshd.sh" stop "$HOST/sshd"
    wait "$rsync" && false
    grep -q "read errors mapping" "$TEST_DIR/said"
    run ! cmp -s "$copy" "$flat"
    esxi start 3>&-
    eventually 60 cat "$MNT/datastore1/gpu-guest/gpu-guest.vmdk"
    copies
    cmp "$copy" "$flat"
}
