# SPDX-License-Identifier: MIT
# The datastores of an ESXi host: directories by their names, the table of them, and those that the
# host calls inaccessible.

bats_require_minimum_version 1.5.0

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

VSAN=vsan:52a8b1c2d3e4f506-1728394a5b6c7d8e
NFS=c7a1d5e9-0b42f816

# A host with all kinds of volumes, and a VM in each datastore.
volumes_start() { # [OPTION...]
    host_start "$@"
    esxi volumes
    local object=5f1e2d40-66778899-aabb-001122334455
    mkdir "$VOLUMES/$VSAN/$object" "$VOLUMES/$NFS/nas-vm"
    ln -s "$object" "$VOLUMES/$VSAN/vsan-vm"
    write_vmx "$VOLUMES/$VSAN/$object/vsan-vm.vmx" vsan-vm
    write_vmx "$VOLUMES/$NFS/nas-vm/nas-vm.vmx" nas-vm
}

@test "datastores: a table in which the host's own volumes are not" {
    volumes_start
    mount_host
    ls "$MNT/.vmxfs" | grep -qx datastores
    local f="$MNT/.vmxfs/datastores"
    cat "$f" >"$TEST_DIR/shown"
    holds "$TEST_DIR/shown" <<END
data [2]	60aa11bb-22cc33dd-5566-001122334455	VMFS-6	535797170176	178599056725	yes
datastore1	5f1e2d3c-4b5a6978-1234-001122334455	VMFS-6	535797170176	178599056725	yes
nfs-iso	$NFS	NFS	1099511627776	366503875925	yes
vsanDatastore	$VSAN	vsan	2199023255552	733007751850	yes
END
    esxi hang nfs-iso
    sleep 1.1
    grep -qxF "nfs-iso	$NFS	NFS	0	0	no" "$f"
    run bash -c "echo x >'$f'"
    [ "$status" -ne 0 ]
}

@test "datastores: not there without a host; empty where the host does not say" {
    mount_local
    run ls "$MNT/.vmxfs"
    [[ $output != *datastores* ]]
    run cat "$MNT/.vmxfs/datastores"
    [[ $status -eq 1 && $output == *"No such file"* ]]
    unmount_lab
    host_start
    mkdir "$HOST/real"
    mv "$HOST/bin/esxcli" "$HOST/real/"
    printf '#!/bin/sh\ncase $1 in storage) echo "Error: Unknown command or namespace $*"; exit 1;; esac\nexec "%s" "$@"\n' \
        "$HOST/real/esxcli" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
    mount_host
    [ -z "$(cat "$MNT/.vmxfs/datastores")" ]
    [ "$(cat "$MNT/.vmxfs/host/version")" = "VMware ESXi 7.0.3 build-20328353" ]
}

@test "what the list of NFS mounts calls inaccessible is so, though it is mounted" {
    volumes_start
    mkdir "$HOST/real"
    mv "$HOST/bin/esxcli" "$HOST/real/"
    cat >"$HOST/nfs" <<END
Volume Name  Host      Share  Accessible  Mounted  Read-Only   isPE  Hardware Acceleration
-----------  --------  -----  ----------  -------  ---------  -----  ---------------------
nfs-iso      10.0.0.2  /iso        false     true      false  false  Not Supported
END
    printf '#!/bin/sh\n[ "$*" != "storage nfs list" ] || exec cat "%s"\nexec "%s" "$@"\n' \
        "$HOST/nfs" "$HOST/real/esxcli" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
    mount_host
    [ "$(sed -n 's/^nfs-iso.*\t//p' "$MNT/.vmxfs/datastores")" = no ]
    [ "$(sed -n 's/^datastore1.*\t//p' "$MNT/.vmxfs/datastores")" = yes ]
    run ls "$MNT/nfs-iso"
    [[ $status -ne 0 && $output == *"Input/output error"* ]]
}

@test "a hostile name of a datastore makes no other row or column, nor anything on a terminal" {
    host_start --empty
    local name=$'a\tb\nc\e]0;x\a'
    mkdir "$VOLUMES/61aa11bb-22cc33dd-5566-001122334455"
    ln -s 61aa11bb-22cc33dd-5566-001122334455 "$VOLUMES/$name"
    mount_host
    cat "$MNT/.vmxfs/datastores" >"$TEST_DIR/shown"
    cat -v "$TEST_DIR/shown"
    [ "$(LC_ALL=C tr -d '\n\t[:print:]' <"$TEST_DIR/shown" | wc -c)" -eq 0 ]
    awk -F '\t' 'NF != 6 { bad = 1 } END { exit bad }' "$TEST_DIR/shown"
}

@test "a table that is slow holds up no other command" {
    host_start
    mkdir "$HOST/real"
    mv "$HOST/bin/esxcli" "$HOST/real/"
    printf '#!/bin/sh\n[ "$1" != storage ] || { : >"%s/asked"; sleep 600; }\nexec "%s" "$@"\n' \
        "$HOST" "$HOST/real/esxcli" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
    mount_host timeout=30
    cat "$MNT/.vmxfs/datastores" >"$TEST_DIR/shown" 2>&1 3>&- &
    local reader=$!
    eventually 30 test -e "$HOST/asked"
    [ "$(cat "$MNT/datastore1/db-01/db-01.vmx/.vmxfs/power")" = on ]
    echo 6144 >"$MNT/datastore1/gpu-guest/gpu-guest.vmx/memSize"
    kill -0 "$reader"
    kill "$reader"
}

@test "programs see each VM once, through the datastore's name" {
    volumes_start
    mount_host
    [ "$(find "$MNT" -name .vmxfs -prune -o -name '*.vmx' -print | sort)" = "$MNT/data [2]/build [gpu] box/build [gpu] box.vmx
$MNT/datastore1/db-01/db-01.vmx
$MNT/datastore1/gpu-guest/gpu-guest.vmx
$MNT/datastore1/nested-esxi/nested-esxi.vmx
$MNT/datastore1/orphan/orphan.vmx
$MNT/nfs-iso/nas-vm/nas-vm.vmx
$MNT/vsanDatastore/vsan-vm/vsan-vm.vmx" ]
    [ "$(grep -r --include=displayName --exclude-dir=.vmxfs . "$MNT" | wc -l)" -eq 7 ]
    local name
    for name in BOOTBANK1 BOOTBANK2 OSDATA-5f1e2d3a-11223344-aabb-001122334455 \
        LOCKER-5f1e2d39-55667788-ccdd-001122334455; do
        [ -L "$MNT/$name" ]
        [ -d "$MNT/$name/" ]
    done
    for name in "$VSAN" "$NFS" "${DS1##*/}"; do
        [ -d "$MNT/$name" ]
        run -1 grep -xF "$name" <(ls "$MNT")
    done
    ls "$MNT/vsanDatastore" | grep -qx vsan-vm
    [ "$(cat "$MNT/$VSAN/vsan-vm/vsan-vm.vmx/displayName")" = vsan-vm ]
    [ "$(du -s --apparent-size "$MNT/.vmxfs/plain/datastore1/orphan" | cut -f 1)" -ge 1 ]
}

@test "a vVol's and another UUID stay reachable and unlisted, and of several names the first is the directory" {
    host_start --empty
    local vvol=vvol:5246f9374fa1cd5c-a5fadb7fd2d1f0b8 name
    write_vmx "$VOLUMES/$vvol/vm/vm.vmx" vm
    for name in b-name a-name c-name; do
        ln -s "$vvol" "$VOLUMES/$name"
    done
    mount_host
    [ "$(ls -m "$MNT")" = "a-name, b-name, c-name, data [2], datastore1" ]
    [ "$(stat -c %F "$MNT/a-name")" = directory ]
    [ "$(readlink "$MNT/b-name" "$MNT/c-name")" = "$vvol
$vvol" ]
    [ "$(cat "$MNT/$vvol/vm/vm.vmx/displayName" "$MNT/c-name/vm/vm.vmx/displayName")" = "vm
vm" ]
    [ "$(find "$MNT" -name .vmxfs -prune -o -name '*.vmx' -print)" = "$MNT/a-name/vm/vm.vmx" ]
}

@test "rsync and git work through a datastore's name, and find nothing changed" {
    volumes_start
    mount_host
    local plain="$MNT/.vmxfs/plain"
    rsync -a "$plain/vsanDatastore/" "$TEST_DIR/copy/"
    cmp "$TEST_DIR/copy/vsan-vm/vsan-vm.vmx" "$VOLUMES/$VSAN/vsan-vm/vsan-vm.vmx"
    [ -z "$(rsync -ain "$plain/vsanDatastore/" "$TEST_DIR/copy/")" ]
    git -c init.defaultBranch=main init -q "$plain/datastore1/orphan"
    git -C "$plain/datastore1/orphan" add .
    git -C "$plain/datastore1/orphan" -c user.name=t -c user.email=t@t commit -qm first
    [ -z "$(git -C "$plain/${DS1##*/}/orphan" status --porcelain)" ]
    echo changed >"$MNT/${DS1##*/}/orphan/orphan.vmx/annotation"
    [ "$(git -C "$plain/datastore1/orphan" status --porcelain)" = " M orphan.vmx" ]
}

@test "a file has one node by both names: a copy onto itself truncates nothing" {
    volumes_start
    mount_host
    echo text >"$MNT/vsanDatastore/vsan-vm/notes"
    local own="$MNT/$VSAN/5f1e2d40-66778899-aabb-001122334455/notes"
    [ "$(stat -c %i "$own")" = "$(stat -c %i "$MNT/vsanDatastore/vsan-vm/notes")" ]
    run cp "$MNT/vsanDatastore/vsan-vm/notes" "$own"
    [[ $status -eq 1 && $output == *"are the same file"* ]]
    [ "$(cat "$VOLUMES/vsanDatastore/vsan-vm/notes")" = text ]
}

@test "reports bear the datastore's name" {
    volumes_start
    mount_host
    local uuid="${DS1##*/}" object=5f1e2d40-66778899-aabb-001122334455
    refused "Invalid argument" lots "$MNT/$uuid/orphan/orphan.vmx/memSize"
    explained EINVAL datastore1/orphan/orphan.vmx memSize "memSize wants"
    refused "Invalid argument" lots "$MNT/$VSAN/$object/vsan-vm.vmx/memSize"
    explained EINVAL vsanDatastore/vsan-vm/vsan-vm.vmx memSize "memSize wants"
    [ "$(readlink "$MNT/.vmxfs/host/vms/nested-esxi")" = ../../../datastore1/nested-esxi/nested-esxi.vmx ]
    local file
    for file in vms check errors; do
        cat "$MNT/.vmxfs/$file" >"$TEST_DIR/$file"
        grep -q datastore1/ "$TEST_DIR/$file"
        grep -q vsanDatastore/vsan-vm/ "$TEST_DIR/$file"
        run -1 grep -e "$uuid" -e "$VSAN" -e "$object" "$TEST_DIR/$file"
    done
    # So that check has a command.
    echo nested-esxi >"$MNT/datastore1/nested-esxi/nested-esxi.vmx/passthrough-profile"
    rm "$MNT/datastore1/nested-esxi/nested-esxi.vmx/vhv.enable"
    for file in check why plan/nested-esxi; do
        cat "$MNT/$uuid/nested-esxi/nested-esxi.vmx/.vmxfs/$file" >"$TEST_DIR/said"
        run -1 grep "$uuid" "$TEST_DIR/said"
    done
    grep -qF "$MNT/datastore1/nested-esxi/nested-esxi.vmx" \
        <(cat "$MNT/$uuid/nested-esxi/nested-esxi.vmx/.vmxfs/check")
    grep -q datastore1/nested-esxi/nested-esxi.vmx "$MNT/$uuid/nested-esxi/nested-esxi.vmx/.vmxfs/plan/nested-esxi"
}

@test "a datastore that gets another name on the host is followed" {
    host_start
    mount_host
    [ "$(cat "$MNT/datastore1/orphan/orphan.vmx/displayName")" = orphan ]
    ln -s "${DS1##*/}" "$VOLUMES/renamed"
    rm "$VOLUMES/datastore1"
    renamed() { [ "$(ls -m "$MNT")" = "data [2], renamed" ]; }
    eventually 20 renamed
    [ ! -e "$MNT/datastore1" ]
    [ "$(cat "$MNT/renamed/orphan/orphan.vmx/displayName")" = orphan ]
}

@test "a datastore's name is not renamed or removed, and the reason says how the host does it" {
    volumes_start
    mount_host
    local name
    for name in datastore1 vsanDatastore vsanDatastore/vsan-vm nfs-iso; do
        run rmdir "$MNT/$name"
        [[ $status -eq 1 && $output == *"Operation not permitted"* ]]
        run python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$MNT/$name" "$MNT/$name-2"
        [[ $status -eq 1 && $output == *"PermissionError"* ]]
        run python3 -c 'import os, sys; os.unlink(sys.argv[1])' "$MNT/$name"
        [[ $status -eq 1 ]]
        explained EPERM "$name" - "vim-cmd hostsvc/datastore/rename"
    done
}

@test "what the host calls inaccessible is EIO at once, and the server is not asked about it" {
    volumes_start --hard
    esxi register "$VOLUMES/nfs-iso/nas-vm/nas-vm.vmx"
    esxi hang nfs-iso
    mount_host timeout=60
    ls "$MNT" | grep -qx nfs-iso
    local name
    for name in nfs-iso "$NFS"; do
        for command in ls cat "stat --" "mkdir -p"; do
            run $command "$MNT/$name/nas-vm"
            [[ $status -ne 0 && $output == *"Input/output error"* ]]
        done
        run cat "$MNT/$name/nas-vm/nas-vm.vmx/displayName"
        [[ $status -eq 1 && $output == *"Input/output error"* ]]
        run ls "$MNT/$name"
        [[ $status -ne 0 && $output == *"Input/output error"* ]]
    done
    explained EIO nfs-iso - "the host calls this datastore inaccessible"
    [ "$(grep -c inaccessible "$MNT/.vmxfs/errors")" -eq 1 ]
    # All else goes on: the link was not lost, and reports say what they know.
    [ "$(cat "$MNT/datastore1/orphan/orphan.vmx/displayName")" = orphan ]
    grep -qF "[nfs-iso] nas-vm/nas-vm.vmx" "$MNT/.vmxfs/vms"
    grep -q datastore1/orphan "$MNT/.vmxfs/check"
    echo 4096 >"$MNT/datastore1/orphan/orphan.vmx/memSize"
    [ "$(counter links)" = 1 ]
    run find "$MNT" -maxdepth 3 -name orphan.vmx
    [[ $output == *datastore1/orphan/orphan.vmx* ]]
    esxi unhang nfs-iso
    back() { [ "$(cat "$MNT/nfs-iso/nas-vm/nas-vm.vmx/displayName")" = nas-vm ]; }
    eventually 60 back
    explained NOTE nfs-iso - "accessible again"
    [ "$(counter links)" = 1 ]
}

@test "a datastore that begins to hang costs its first reader the timeout, and nobody after that" {
    volumes_start --hard
    mount_host timeout=5
    [ "$(cat "$MNT/nfs-iso/nas-vm/nas-vm.vmx/displayName")" = nas-vm ]
    sleep 5.5 # longer than what the host said is believed
    esxi hang nfs-iso
    run ls "$MNT/nfs-iso/nas-vm"
    eventually 60 grep inaccessible "$MNT/.vmxfs/errors"
    run ls "$MNT/nfs-iso"
    [[ $status -ne 0 && $output == *"Input/output error"* ]]
    eventually 60 grep -x orphan "$MNT/datastore1/orphan/orphan.vmx/displayName"
    run ls "$MNT/nfs-iso/nas-vm"
    [[ $status -ne 0 && $output == *"Input/output error"* ]]
    explained EIO nfs-iso - inaccessible
}

@test "in the root of a vSAN datastore the host makes folders, not mkdir" {
    volumes_start
    mount_host
    # The pretended server would make it; a real one says that it does not know how.
    run mkdir "$MNT/vsanDatastore/new"
    [[ $status -eq 1 && $output == *"Operation not supported"* ]]
    explained EOPNOTSUPP vsanDatastore/new - "osfs-mkdir"
    [ ! -e "$VOLUMES/vsanDatastore/new" ]
    mkdir "$MNT/vsanDatastore/vsan-vm/sub" "$MNT/datastore1/new"
}
