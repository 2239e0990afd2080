# SPDX-License-Identifier: MIT
# The pretended ESXi host by itself, over plain ssh and sftp: its volumes, and what of a running VM
# cannot be opened. Nothing is mounted.

bats_require_minimum_version 1.5.0

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# The rows of the list of file systems without the mount points, in one column each.
volumes() {
    on_host "esxcli storage filesystem list" | sed -n "s,^$VOLUMES/[^ ]* *,,p" | sed 's/   */|/g; s/ *$//'
}

@test "the volumes of a host are listed, with ESXi's own and others than VMFS" {
    host_start --empty
    volumes | diff - <(
        echo "datastore1|5f1e2d3c-4b5a6978-1234-001122334455|true|VMFS-6|535797170176|178599056725"
        echo "data [2]|60aa11bb-22cc33dd-5566-001122334455|true|VMFS-6|535797170176|178599056725"
    ) || {
        volumes
        return 1
    }
    on_host "esxcli storage filesystem list" | sed -n 1p |
        grep -qE "^Mount Point +Volume Name  UUID +Mounted  Type    +Size +Free$"
    on_host "esxcli storage filesystem list" | sed -n 2p | grep -qE "^-+  -+  -+  -+  -+  -+  -+$"
    esxi volumes
    for name in BOOTBANK1 BOOTBANK2 OSDATA-5f1e2d3a-11223344-aabb-001122334455 \
        LOCKER-5f1e2d39-55667788-ccdd-001122334455 vsanDatastore nfs-iso; do
        [ -L "$VOLUMES/$name" ]
        volumes | grep -qF "$name|$(readlink "$VOLUMES/$name")|true|"
    done
    [[ $(readlink "$VOLUMES/vsanDatastore") == vsan:* ]]
    esxi hang nfs-iso
    volumes | grep -qxF "nfs-iso|c7a1d5e9-0b42f816|false|NFS|0|0"
    esxi unhang c7a1d5e9-0b42f816
    volumes | grep -qF "nfs-iso|c7a1d5e9-0b42f816|true|NFS|"
    run -1 esxi hang nothing
}
