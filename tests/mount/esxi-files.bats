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

# What sftp says to commands; it goes on after one that fails.
over_sftp() { # COMMAND...
    sftp -q -F "$HOST/sshd/ssh_config" -b - host < <(printf -- '-%s\n' "$@") 2>&1 |
        sed '/^sftp> /d; s/\r$//' || :
}

# Whether a file cannot be read over SFTP, with this text.
locked() { # TEXT FILE...
    local text=$1 file
    shift
    for file in "$@"; do
        [ -e "$file" ]
        over_sftp "get \"$file\" $TEST_DIR/got" | tee "$TEST_DIR/said" | grep -q "$text" || {
            echo "$file"
            cat "$TEST_DIR/said"
            return 1
        }
    done
}

readable() { # FILE...
    local file
    for file in "$@"; do
        rm -f "$TEST_DIR/got"
        over_sftp "get \"$file\" $TEST_DIR/got"
        cmp "$file" "$TEST_DIR/got"
    done
}

@test "files that a running VM has open are busy over SFTP, the others are not" {
    host_start --hard
    cd "$DS1/nested-esxi"
    printf '%s\n' 'parentFileNameHint="nested-esxi.vmdk"' 'RW 8 SESPARSE "nested-esxi-000001-sesparse.vmdk"' >nested-esxi-000001.vmdk
    echo data >nested-esxi-000001-sesparse.vmdk
    readable "$PWD"/{nested-esxi-000001-sesparse,nested-esxi-flat}.vmdk
    sed -i 's/^scsi0:0.fileName.*/scsi0:0.fileName = "nested-esxi-000001.vmdk"/' nested-esxi.vmx
    on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1"
    locked Failure "$PWD"/{nested-esxi.vmx.lck,nested-esxi-????????.vswp,vmx-nested-esxi-*.vswp,nested-esxi-000001-sesparse.vmdk}
    locked Failure "$VOLUMES/datastore1/db-01/db-01-flat.vmdk"
    readable "$PWD"/{nested-esxi.vmx,nested-esxi.vmx~,vmware.log,nested-esxi.vmdk,nested-esxi-flat.vmdk}
    over_sftp "rm $PWD/nested-esxi-000001-sesparse.vmdk" | grep -q Failure
    [ -s nested-esxi-000001-sesparse.vmdk ]
    on_host "vim-cmd vmsvc/power.off 1"
    readable "$PWD/nested-esxi-000001-sesparse.vmdk"
    [ -z "$(find . -name '*.vswp' -o -name '*.lck')" ]
}

@test "a snapshot of a running VM: what is written since is busy, the disk below it is not" {
    host_start --hard
    cd "$DS1/db-01"
    esxi snapshot db-01 before
    [ "$(setting db-01.vmx scsi0:0.fileName)" = db-01-000001.vmdk ]
    grep -qx 'snapshot0.filename = "db-01-Snapshot1.vmsn"' db-01.vmsd
    locked Failure "$PWD/db-01-000001-sesparse.vmdk"
    readable "$PWD"/{db-01-flat.vmdk,db-01.vmdk,db-01-000001.vmdk,db-01.vmsd,db-01-Snapshot1.vmsn}
    esxi snapshot db-01 "and then"
    [ "$(setting db-01.vmx scsi0:0.fileName)" = db-01-000002.vmdk ]
    grep -qx 'parentFileNameHint="db-01-000001.vmdk"' db-01-000002.vmdk
    readable "$PWD/db-01-000001-sesparse.vmdk"
}

@test "on NFS a running VM has a lock file for each of its files, and all can be read" {
    host_start --hard
    local vm=$VOLUMES/c7a1d5e9-0b42f816/orphan
    cp -r "$DS1/orphan" "$vm"
    echo 'uuid.action = "create"' >>"$vm/orphan.vmx"
    esxi register "$vm/orphan.vmx"
    on_host "vim-cmd vmsvc/power.on 12"
    [ "$(find "$vm" -name ".lck-[0-9a-f]*" | wc -l)" -eq 2 ]
    [ ! -e "$vm/orphan.vmx.lck" ]
    readable "$vm/orphan-flat.vmdk" "$vm/orphan.vmx"
    on_host "vim-cmd vmsvc/power.off 12"
    [ -z "$(find "$vm" -name ".lck-*")" ]
}

@test "a .vmx of another host's VM cannot be read, and its lock can be told" {
    host_start --hard
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    esxi lock "$vmx"
    locked "Bad message" "$vmx"
    on_host "vmkfstools -D $vmx" | grep -qx "gen 6155, mode 1, owner [0-9a-f-]*-005056033ef1 mtime 23668 nHld 0 nOvf 0\]"
    esxi unlock "$vmx"
    readable "$vmx"
    on_host "vmkfstools -D $vmx" | grep -qx "gen 6155, mode 0, owner 00000000-00000000-0000-000000000000 mtime 23668 nHld 0 nOvf 0\]"
    on_host "vmkfstools -D $vmx" | grep -q "^Addr <.*, mode 755$"
    esxi lock "$DS1/orphan/orphan-flat.vmdk" multi-writer
    on_host "vmkfstools -D $DS1/orphan/orphan-flat.vmdk" | grep -q "^MW Owner.* [0-9a-f-]*-005056033ef1$"
    on_host "vmfsfilelockinfo -p $DS1/orphan/orphan-flat.vmdk" | grep -q "is locked in Multi-writer mode"
    run -1 esxi lock "$vmx" tightly
}

@test "vmfsfilelockinfo succeeds whatever it says, and asks its terminal when a file is locked" {
    host_start --hard
    run -0 on_host "vmfsfilelockinfo -p $DS1/none 2>&1"
    [ "${lines[1]}" = "Could not find file $DS1/none" ]
    run -0 on_host "vmfsfilelockinfo -p $DS1/orphan/orphan.vmx 2>&1"
    [ "${lines[0]}" = "vmfsflelockinfo Version 1.0" ]
    [ "${lines[2]}" = '"orphan.vmx" is not locked by any ESX host and is Free' ]
    run -0 on_host "vmfsfilelockinfo -p $DS1/db-01/db-01.vmx.lck 2>&1"
    [ "${lines[2]}" = "\"db-01.vmx.lck\" is locked in Exclusive mode by host having mac address ['00:50:56:01:22:33']" ]
    mkfifo "$TEST_DIR/terminal"
    on_host "exec vmfsfilelockinfo -p $DS1/db-01/db-01.vmx.lck <$TEST_DIR/terminal" >"$TEST_DIR/asks" 3>&- &
    local asking=$!
    exec 7>"$TEST_DIR/terminal"
    eventually 60 grep -q "password: $" "$TEST_DIR/asks"
    kill -0 "$asking"
    echo >&7
    exec 7>&-
    wait "$asking"
}

@test "folders of a vSAN datastore are not made by mkdir" {
    host_start --hard
    [[ $(readlink "$VOLUMES/vsanDatastore/isos") == ????????-????-????-????-???????????? ]]
    over_sftp "mkdir $VOLUMES/vsanDatastore/new" | grep -q "Operation unsupported"
    [ ! -e "$VOLUMES/vsanDatastore/new" ]
    over_sftp "mkdir $VOLUMES/vsanDatastore/isos/new"
    [ -d "$VOLUMES/vsanDatastore/isos/new" ]
}

@test "a datastore that hangs stops who wants something of it, until it hangs no more" {
    host_start --hard
    echo iso >"$VOLUMES/nfs-iso/iso"
    readable "$VOLUMES/nfs-iso/iso"
    esxi hang nfs-iso
    over_sftp "ls -l $VOLUMES" | grep -q BOOTBANK1
    over_sftp "get $VOLUMES/nfs-iso/iso $TEST_DIR/late" "get $VOLUMES/datastore1/orphan/orphan.vmx $TEST_DIR/behind" 3>&- &
    local waiting=$!
    readable "$DS1/orphan/orphan.vmx" # another session goes on
    [ ! -e "$TEST_DIR/late" ]
    [ ! -e "$TEST_DIR/behind" ]
    kill -0 "$waiting"
    esxi unhang nfs-iso
    wait "$waiting"
    [ "$(cat "$TEST_DIR/late")" = iso ]
    cmp "$TEST_DIR/behind" "$DS1/orphan/orphan.vmx"
}
