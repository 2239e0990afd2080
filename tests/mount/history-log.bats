#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a mount shows of its history: history/ and log.

load history

bats_require_minimum_version 1.5.0

setup() {
    history_new
}

teardown() {
    lab_end
}

@test "without a history its files are not there" {
    mount_local history=off
    local name
    for name in log undo history; do
        [ ! -e "$C/$name" ]
        run ! ls "$C/$name"
    done
    [ ! -e "$MNT/.vmxfs/log" ]
    run -0 ls "$C" "$MNT/.vmxfs"
    run ! grep -xE 'log|undo|history' <<<"$output"
}

@test "history/ has the text after each change, by its time" {
    mount_history
    echo 8192 >"$VMX/memSize"
    cp "$FILE" "$TEST_DIR/8192"
    echo 4 >"$VMX/numvcpus"
    run -0 ls "$C/history"
    [ "${#lines[@]}" -eq 3 ]
    local hidden='s/"opensesame"/"(secret X)"/; s/"s3cr3t"/"(secret X)"/' seen='s/(secret [0-9a-f]*)/(secret X)/'
    diff <(sed "$hidden" "$TEST_DIR/8192") <(sed "$seen" "$C/history/${lines[1]}")
    diff <(sed "$hidden" "$FILE") <(sed "$seen" "$C/history/${lines[2]}")
    local name
    for name in "${lines[@]}"; do
        [[ $name =~ ^[0-9]{8}T[0-9]{6}Z(-[2-9])?$ ]]
        [ "$(stat -c %s "$C/history/$name")" -eq "$(wc -c <"$C/history/$name")" ]
        [ "$(date -u -d "@$(stat -c %Y "$C/history/$name")" +%Y%m%dT%H%M%SZ)" = "${name%-*}" ]
    done
    name=${lines[0]}
    for name in "$name-1" "$name-9" "${name:0:4}-${name:4:2}-${name:6:5}:${name:11:2}:${name:13:2}Z" "${name%Z}" 2; do
        [ ! -e "$C/history/$name" ]
    done
}

@test "the second text of a second is called -2" {
    mount_history
    local i=0 name=
    while [ -z "$name" ] && [ "$((i += 1))" -lt 100 ]; do
        echo "$((4 * i))" >"$VMX/memSize"
        echo "$((4 * i))" >"$VMX/numvcpus"
        name=$(ls "$C/history" | grep -m 1 -- '-2$') || :
    done
    [ -n "$name" ]
    run -1 cmp "$C/history/$name" "$C/history/${name%-2}"
    [ "$(date -u -d "@$(stat -c %Y "$C/history/$name")" +%Y%m%dT%H%M%SZ)" = "${name%-2}" ]
}

@test "nothing in history/ can be changed" {
    mount_history
    echo 8192 >"$VMX/memSize"
    run -0 ls "$C/history"
    local name=${lines[0]}
    local one=$C/history/$name
    cp "$one" "$TEST_DIR/before"
    refused "Permission denied" 1 "$one"
    explained EACCES vm/vm.vmx "$name" undo
    run ! rm -f "$one"
    run ! mv "$one" "$C/history/20000101T000000Z"
    run ! touch "$C/history/20000101T000000Z"
    [ ! -e "$C/history/20000101T000000Z" ]
    cmp "$TEST_DIR/before" "$one"
}

@test "log says who changed what, and with what" {
    mount_history
    echo 8192 >"$VMX/memSize"
    rm "$VMX/numvcpus"
    printf 'a\tb\nc\n' >"$TEST_DIR/text"
    cat "$TEST_DIR/text" >"$VMX/annotation"
    diff - <(changes_in "$C/log") <<END
-	-	first seen
memSize	4096	8192
numvcpus	2	(unset)
annotation	(unset)	a?b?c
END
    run -0 tail -n 3 "$C/log"
    local line
    for line in "${lines[@]}"; do
        [[ $line =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$'\t'$(id -un)$'\t'(bash|rm|cat)$'\t'vm/vm.vmx$'\t' ]]
    done
    [[ ${lines[1]} == *$'\trm\t'* ]]
    head -n 1 "$C/log" | grep -q $'\tunknown\t-\t'
    cat "$C/log" >"$TEST_DIR/log"
    must_be_tame "$TEST_DIR/log" 7
    cmp "$C/log" "$MNT/.vmxfs/log"
}

@test "log holds no secret" {
    mount_history
    echo opendoor >"$VMX/RemoteDisplay.vnc.password"
    echo t0k3n >"$VMX/guestinfo.token"
    until_recorded guestinfo.token
    run -0 cat "$C/log"
    [ "$(grep -c '(secret [0-9a-f]\{8\})' <<<"$output")" -eq 2 ]
    run ! grep -rE 'opensesame|s3cr3t|opendoor|t0k3n' "$C/log" "$MNT/.vmxfs/log" "$C/history" "$HISTORY"
    grep -q '"opendoor"' "$FILE"
}

@test "what others changed is unknown's, and what a host writes by itself is passed over" {
    mount_history cache_timeout=0
    cat "$VMX/memSize"
    until_recorded 'first seen'
    edit_by_others 's/"4096"/"2048"/'
    until_recorded 'memSize 4096 -> 2048'
    edit_by_others '$acleanShutdown = "TRUE"'
    until_recorded cleanShutdown
    diff - <(cut -f 2-3,5- "$C/log") <<END
unknown	-	-	-	first seen
unknown	-	memSize	4096	2048
END
    in_history log -1 --format=%B "$(branch)" | grep -qx 'By: host'
    [ "$(ls "$C/history" | wc -l)" -eq 3 ]
}

@test "a VM that is renamed keeps its history, and a copy has its own" {
    mount_history
    echo 8192 >"$VMX/memSize"
    mv "$MNT/vm" "$MNT/moved"
    mv "$MNT/moved/vm.vmx" "$MNT/moved/new.vmx"
    echo 4 >"$MNT/moved/new.vmx/numvcpus"
    C=$MNT/moved/new.vmx/.vmxfs
    diff - <(changes_in "$C/log") <<END
-	-	first seen
memSize	4096	8192
-	-	renamed from vm/vm.vmx
-	-	renamed from moved/vm.vmx
numvcpus	2	4
END
    [ "$(ls "$C/history" | wc -l)" -eq 3 ]
    mkdir "$MNT/copy"
    cp "$LAB/moved/new.vmx" "$MNT/.vmxfs/plain/copy/copy.vmx"
    echo 16 >"$MNT/copy/copy.vmx/memSize"
    run -0 cat "$MNT/copy/copy.vmx/.vmxfs/log"
    [ "$(grep -c $'\tmemSize\t' <<<"$output")" -eq 1 ]
    run ! grep -E 'first seen|renamed' <<<"$output"
}

@test "a VM that becomes a template, and a VM again, keeps its history" {
    mount_history
    echo 8192 >"$VMX/memSize"
    mv "$MNT/vm/vm.vmx" "$MNT/vm/vm.vmtx"
    C=$MNT/vm/vm.vmtx/.vmxfs
    diff - <(changes_in "$C/log") <<END
-	-	first seen
memSize	4096	8192
-	-	renamed from vm/vm.vmx
END
    [ "$(ls "$C/history" | wc -l)" -eq 2 ]
    echo 4 >"$MNT/vm/vm.vmtx/numvcpus"
    run -0 cat "$C/undo"
    [[ $output == *'-numvcpus = "4"'* ]]
    mv "$MNT/vm/vm.vmtx" "$VMX"
    C=$VMX/.vmxfs
    echo 1 >"$C/undo"
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/memSize" "$VMX/numvcpus" | tr '\n' ' ')" = "4096 2 " ]
    [ "$(changes_in "$C/log" | grep -c 'renamed from')" -eq 2 ]
    run ! grep -E 'removed|created' <(changes_in "$C/log")
}

@test "a file that becomes a .vmx is made by whoever renamed it" {
    cp "$FILE" "$LAB/vm/vm.bak"
    mount_history
    mv "$MNT/vm/vm.bak" "$MNT/vm/new.vmx"
    until_recorded 'new: created'
    diff - <(cut -f 2-4,7 "$MNT/vm/new.vmx/.vmxfs/log") <<END
$(id -un)	mv	vm/new.vmx	created
END
}

@test "the history of a VM that nobody has read since goes with its folder" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    unmount_lab
    mount_history prefetch=off
    mv "$MNT/vm" "$MNT/moved"
    until_recorded 'renamed from vm/vm.vmx'
    in_history ls-tree -r --name-only "$(branch)" >"$TEST_DIR/names"
    grep -q 'moved/vm\.vmx$' "$TEST_DIR/names"
    run ! grep '/vm/vm\.vmx$' "$TEST_DIR/names"
}

@test "the log of the mount needs no connection, and one repository serves several mounts" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    cp "$MNT/.vmxfs/log" "$TEST_DIR/log"
    unmount_lab
    mount_history delay_connect
    : >"$SERVER_LOG"
    cmp "$TEST_DIR/log" "$MNT/.vmxfs/log"
    ls "$MNT/.vmxfs" | grep -qx log
    [ "$(counter link)" = unused ]
    [ ! -s "$SERVER_LOG" ]
    cmp "$TEST_DIR/log" "$C/log"
}

@test "the owner's own commits show, and do no harm" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    local file
    file=$(in_history ls-files | grep 'vm/vm\.vmx$')
    sed -i 's/"one"/"mine"/' "$HISTORY/$file"
    in_history -c user.name=owner -c user.email=o@box commit -qam 'My own'
    grep -q $'\towner\t-\tvm/vm.vmx\tdisplayName\tone\tmine$' "$C/log"
    in_history reset -q --hard HEAD~1
    run ! grep displayName "$C/log"
    echo 4 >"$VMX/numvcpus"
    diff - <(changes_in "$C/log") <<END
-	-	first seen
memSize	4096	8192
numvcpus	2	4
END
}
