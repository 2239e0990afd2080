# SPDX-License-Identifier: MIT
# What belongs to a VM in use is neither removed nor replaced, renamed, truncated or written to.

load helper

setup() {
    lab_new
    mkdir -p "$LAB/db-01" "$LAB/base" "$LAB/plain" "$LAB/web-01"
    printf '%s = "%s"\n' .encoding UTF-8 displayName db-01 memSize 4096 nvram bios.nvram \
        scsi0:0.fileName db-01-000001.vmdk scsi0:1.fileName "$LAB/base/data.vmdk" \
        ide1:0.fileName ../base/cd.iso ide1:0.deviceType cdrom-image \
        sched.swap.derivedName db-01-1a2b3c4d.vswp >"$LAB/db-01/db-01.vmx"
    descriptor db-01/db-01-000001 db-01-000001-delta db-01.vmdk
    descriptor db-01/db-01 db-01-flat ../base/golden.vmdk
    descriptor base/golden golden-flat
    descriptor base/data data-flat
    descriptor base/free free-flat
    printf 'displayName = "web-01"\nscsi0:0.fileName = "web-01.vmdk"\n' >"$LAB/web-01/web-01.vmx"
    descriptor web-01/web-01 web-01-flat
    local name
    for name in db-01/{db-01.vmx.lck,bios.nvram,db-01.vmsd,db-01-Snapshot1.vmsn,db-01-Snapshot1.vmem,db-01.vmss} \
        db-01/{db-01-1a2b3c4d.vswp,vmx-db-01-1.vswp,.lck-00ab12,db-01.vmdk.lck,vmware.log,notes} \
        base/cd.iso plain/file; do
        echo "$name" >"$LAB/$name"
    done
    find "$LAB" -type f -exec touch -d '1 hour ago' {} +
}

teardown() {
    lab_end
}

# Makes $LAB/NAME.vmdk, and its extent in the same folder.
descriptor() { # NAME EXTENT [PARENT]
    {
        printf '# Disk DescriptorFile\nversion=1\nCID=fffffffe\n'
        [ $# -eq 2 ] || printf 'parentFileNameHint="%s"\n' "$3"
        printf '\nRW 4192256 VMFS "%s.vmdk"\n' "$2"
    } >"$LAB/$1.vmdk"
    head -c 2000 /dev/zero >"$LAB/${1%/*}/$2.vmdk"
}

used=(db-01/{db-01.vmx.lck,bios.nvram,db-01.vmsd,db-01-Snapshot1.vmsn,db-01-Snapshot1.vmem,db-01.vmss}
    db-01/{db-01-1a2b3c4d.vswp,vmx-db-01-1.vswp,.lck-00ab12,db-01.vmdk.lck}
    db-01/{db-01,db-01-flat,db-01-000001,db-01-000001-delta}.vmdk
    base/{golden,golden-flat,data,data-flat}.vmdk)
free=(db-01/{vmware.log,notes} base/{cd.iso,free.vmdk,free-flat.vmdk} web-01/web-01{,-flat}.vmdk plain/file)

# All files of the server, and what they hold.
tell() {
    (cd "$LAB" && find . -type d -print -o -type f -exec cksum {} + | sort)
}

# The last line of errors, TABs as spaces.
last_error() {
    tail -n 1 "$MNT/.vmxfs/errors" | tr '\t' ' '
}

# A VM's .vmx is known once somebody has looked at it.
mount_known() { # [OPTION...]
    mount_local "$@"
    cat "$MNT"/*/*.vmx/displayName >/dev/null
}

busy() { # COMMAND...
    run "$@"
    [ "$status" -ne 0 ] || return 1
    [[ $output == *busy* ]]
}

@test "whatever would destroy a file of a VM in use is refused" {
    mount_known
    tell >"$TEST_DIR/before"
    local name
    for name in "${used[@]}"; do
        echo "$name"
        busy rm -f "$MNT/$name"
        [[ $(last_error) == *"EBUSY $name - a file of db-01/db-01.vmx: the VM is in use"* ]]
        busy mv "$MNT/$name" "$MNT/plain/moved"
        busy mv -f "$MNT/plain/file" "$MNT/$name"
        busy truncate -s 0 "$MNT/$name"
        busy sh -c ": >'$MNT/$name'"
        busy sh -c "echo more >>'$MNT/$name'"
        busy dd if=/dev/zero of="$MNT/$name" bs=1 count=1 conv=notrunc status=none
        run python3 -c 'import os, sys; os.replace(*sys.argv[1:])' "$MNT/plain/file" "$MNT/$name"
        [[ $output == *busy* ]]
        run python3 -c 'import os, sys; os.truncate(sys.argv[1], 3)' "$MNT/$name"
        [[ $output == *busy* ]]
        run python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_TRUNC)' "$MNT/$name"
        [[ $output == *busy* ]]
        cmp "$LAB/$name" "$MNT/$name"
    done
    diff "$TEST_DIR/before" <(tell)
}

@test "the same through plain" {
    mount_known
    tell >"$TEST_DIR/before"
    local name
    for name in "${used[@]}"; do
        busy rm -f "$MNT/.vmxfs/plain/$name"
        busy mv "$MNT/.vmxfs/plain/$name" "$MNT/.vmxfs/plain/moved"
        busy truncate -s 1 "$MNT/.vmxfs/plain/$name"
    done
    diff "$TEST_DIR/before" <(tell)
}

@test "rm -r of a VM in use removes nothing that it needs, and is one line in errors" {
    mount_local
    run rm -r "$MNT/db-01"
    [ "$status" -ne 0 ]
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -eq 1 ]
    [[ $(last_error) == *EBUSY* ]]
    local name
    for name in db-01/db-01.vmx "${used[@]}"; do
        [ -e "$LAB/$name" ]
    done
    [ ! -e "$LAB/db-01/notes" ]
    run rm -r "$MNT/.vmxfs/plain/db-01"
    [ "$status" -ne 0 ]
    [ -e "$LAB/db-01/db-01.vmx" ]
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -eq 2 ]
}

@test "a lock that is a folder stays, and what is in it" {
    rm "$LAB/db-01/"{db-01.vmx.lck,.lck-00ab12,db-01-1a2b3c4d.vswp}
    mkdir "$LAB/db-01/db-01.vmx.lck"
    echo >"$LAB/db-01/db-01.vmx.lck/M12345.lck"
    echo >"$LAB/db-01/db-01.vmx.lck/other"
    mount_known
    tell >"$TEST_DIR/before"
    busy rm "$MNT/db-01/db-01.vmx.lck/M12345.lck"
    busy rm "$MNT/db-01/db-01.vmx.lck/other"
    busy mv "$MNT/db-01/db-01.vmx.lck" "$MNT/plain/lock"
    busy python3 -c 'import os, sys; os.rmdir(sys.argv[1])' "$MNT/db-01/db-01.vmx.lck"
    diff "$TEST_DIR/before" <(tell)
}

@test "a disk that is named by the path of another host is found beside what names it" {
    sed -i 's|db-01-000001.vmdk|/vmfs/volumes/5f3c1a2b-00000000-1234-0123456789ab/db-01/db-01-000001.vmdk|' \
        "$LAB/db-01/db-01.vmx"
    descriptor db-01/db-01-000001 db-01-000001-delta /vmfs/volumes/elsewhere/db-01/db-01.vmdk
    mount_known
    local name
    for name in db-01/db-01{-000001,-000001-delta,,-flat}.vmdk base/golden-flat.vmdk; do
        busy rm "$MNT/$name"
    done
}

@test "folders that hold a file of a VM in use stay where they are" {
    mkdir -p "$LAB/deep/er" "$LAB/deep/free"
    cp -r "$LAB/db-01" "$LAB/deep/er/db-02"
    mount_known
    tell >"$TEST_DIR/before"
    busy mv "$MNT/db-01" "$MNT/db-03"
    [[ $(last_error) == *"EBUSY db-01 - a file of db-01/db-01.vmx: the VM is in use"* ]]
    busy mv "$MNT/base" "$MNT/base2"
    busy mv "$MNT/deep" "$MNT/deeper"
    busy mv "$MNT/deep/er/db-02" "$MNT/plain/"
    busy python3 -c 'import os, sys; os.rmdir(sys.argv[1])' "$MNT/db-01"
    diff "$TEST_DIR/before" <(tell)
    mv "$MNT/web-01" "$MNT/web-02"
    mv "$MNT/deep/free" "$MNT/deep/freed"
    rmdir "$MNT/deep/freed"
}

@test "what belongs to no VM in use can be changed" {
    mount_known
    local name
    for name in "${free[@]}"; do
        echo "$name"
        echo more >>"$MNT/$name"
        truncate -s 1 "$MNT/$name"
        mv "$MNT/$name" "$MNT/$name.away"
        mv "$MNT/$name.away" "$MNT/$name"
        rm "$MNT/$name"
    done
    echo new >"$MNT/db-01/new.txt"
    echo new >"$MNT/db-01/new.lck"
    mkdir "$MNT/db-01/sub"
}

@test "with running=allow all of it can be changed" {
    mount_known running=allow
    local name
    for name in "${used[@]}"; do
        truncate -s 1 "$MNT/$name"
        mv "$MNT/$name" "$MNT/plain/moved"
    done
    rm -r "$MNT/db-01"
    [ ! -e "$LAB/db-01" ]
}

@test "once the VM is not in use any more its files can be removed" {
    mount_known
    busy rm "$MNT/db-01/db-01-flat.vmdk"
    rm "$LAB/db-01/"{db-01.vmx.lck,.lck-00ab12,db-01-1a2b3c4d.vswp}
    rm "$MNT/db-01/db-01-flat.vmdk" "$MNT/base/golden.vmdk"
    rm -r "$MNT/db-01"
    [ ! -e "$LAB/db-01" ]
}

@test "a lock that has come just now is not removed" {
    rm "$LAB/db-01/"{db-01.vmx.lck,.lck-00ab12,db-01-1a2b3c4d.vswp}
    mount_known cache_timeout=0
    echo more >>"$MNT/base/data.vmdk"
    touch "$LAB/db-01/db-01.vmx.lck"
    busy rm "$MNT/db-01/db-01.vmx.lck"
    [ -e "$LAB/db-01/db-01.vmx.lck" ]
}

@test "descriptors are read again when they have changed, and a chain of parents may be a circle" {
    descriptor base/golden golden-flat ../db-01/db-01-000001.vmdk
    mount_known
    busy rm "$MNT/base/golden-flat.vmdk"
    sleep 5.1
    descriptor base/golden other-flat ../web-01/web-01.vmdk
    busy rm "$MNT/base/other-flat.vmdk"
    busy rm "$MNT/web-01/web-01-flat.vmdk"
    rm "$MNT/base/golden-flat.vmdk"
}

@test "a file of more than 1 MiB is no descriptor, and one that cannot be read does no harm" {
    head -c 1100000 /dev/zero >>"$LAB/base/golden.vmdk"
    rm "$LAB/base/data.vmdk"
    mkdir "$LAB/base/data.vmdk"
    mount_known
    rm "$MNT/base/golden-flat.vmdk"
    busy rm "$MNT/base/golden.vmdk"
    busy rmdir "$MNT/base/data.vmdk"
    rm "$MNT/base/free.vmdk"
}

@test "of a VM in use whose .vmx does not tell its disks, all that are beside it stay" {
    local form name
    printf '%s\n' 'displayName = "db-01"' 'encryption.data = "AAAA"' >"$TEST_DIR/encrypted"
    head -c 1100000 /dev/zero | tr '\0' '#' >"$TEST_DIR/large"
    head -c 300 /dev/zero >"$TEST_DIR/zeros"
    for form in encrypted large zeros; do
        echo "$form"
        cp "$TEST_DIR/$form" "$LAB/db-01/db-01.vmx"
        tell >"$TEST_DIR/before"
        mount_local
        ls "$MNT/db-01" >/dev/null
        for name in db-01/{db-01.vmx,db-01.vmx.lck,db-01.vmsd} \
            db-01/{db-01,db-01-flat,db-01-000001,db-01-000001-delta}.vmdk; do
            run rm -r "$MNT/$name"
            [ "$status" -ne 0 ]
            [ ! -f "$MNT/$name" ] || busy mv -f "$MNT/plain/file" "$MNT/$name"
        done
        [[ $(last_error) == *"a file of db-01/db-01.vmx: the VM is in use"* ]]
        busy mv "$MNT/db-01" "$MNT/moved"
        diff "$TEST_DIR/before" <(tell)
        rm "$LAB/db-01/"{db-01.vmx.lck,.lck-00ab12,vmx-db-01-1.vswp}
        sleep 5.1 # for so long evidence is good
        rm "$MNT/db-01/"*.vmdk "$MNT/base/data.vmdk"
        unmount_lab
        rm -r "$LAB"
        setup
    done
}

@test "to read asks for nothing, and to write for the evidence once in 5 seconds" {
    rm "$LAB/db-01/"{db-01.vmx.lck,.lck-00ab12,db-01-1a2b3c4d.vswp}
    mount_known prefetch=off
    asked() {
        grep -c 'db-01-000001.vmdk"\|db-01.vmx.lck"\|opendir' "$SERVER_LOG" || :
    }
    local before
    before=$(asked)
    cat "$MNT/plain/file" "$MNT/db-01/db-01-flat.vmdk" >/dev/null
    [ "$(asked)" -eq "$before" ]
    echo x >>"$MNT/plain/file"
    echo x >>"$MNT/db-01/db-01-flat.vmdk"
    before=$(asked)
    SECONDS=0
    local i
    for i in 1 2 3 4 5; do
        echo x >>"$MNT/plain/file"
        echo x >>"$MNT/db-01/db-01-flat.vmdk"
    done
    [ "$SECONDS" -ge 4 ] || [ "$(asked)" -eq "$before" ]
}
