#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Whose the files are: idmap=, uidfile=, gidfile=, nomap=, and what a chown sends to the server.

bats_require_minimum_version 1.5.0

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    echo text >"$LAB/mine"
    echo text >"$LAB/theirs"
    ln -s theirs "$LAB/link"
    chown 12345:54321 "$LAB/theirs" "$LAB/vm" "$LAB/vm/vm.vmx"
    chown -h 12345:54321 "$LAB/link"
}

teardown() {
    lab_end
}

owner() { # FILE
    stat -c %u:%g "$1"
}

# How often the server was sent an owner, as it tells.
owners_sent() {
    grep -cE '^f?set "[^"]*" owner ' "$SERVER_LOG" || :
}

@test "everything belongs to who mounts" {
    local file
    for mounted in "" idmap=mounter; do
        mount_lab ${mounted:+"$mounted"}
        for file in mine theirs link vm vm/vm.vmx vm/vm.vmx/memSize .vmxfs/plain/vm/vm.vmx; do
            [ "$(owner "$MNT/$file")" = 0:0 ]
        done
        unmount_lab
    done
    mount_lab uid=7,gid=8
    for file in mine theirs link vm vm/vm.vmx vm/vm.vmx/memSize .vmxfs/plain/vm/vm.vmx; do
        [ "$(owner "$MNT/$file")" = 7:8 ]
    done
}

@test "a chown to who mounts succeeds and sends nothing, and no other can be had" {
    mount_lab uid=7,gid=8
    local file before
    before=$(owners_sent)
    for file in mine theirs vm vm/vm.vmx vm/vm.vmx/memSize vm/vm.vmx/.vmxfs/raw \
        .vmxfs/plain/vm/vm.vmx; do
        chown 7:8 "$MNT/$file"
        chown 7 "$MNT/$file"
        chgrp 8 "$MNT/$file"
        run chown 9 "$MNT/$file"
        [[ $output == *"Operation not permitted"* ]]
        run chown 7:9 "$MNT/$file"
        [[ $output == *"Operation not permitted"* ]]
        [ "$(owner "$MNT/$file")" = 7:8 ]
    done
    [ "$(owner "$LAB/theirs") $(owner "$LAB/mine")" = "12345:54321 0:0" ]
    [ "$(owners_sent)" = "$before" ]
    awk -F'\t' '$2 == "EPERM" && $3 == "theirs" && $5 ~ /idmap=none/ { found = 1 }
        END { exit !found }' "$MNT/.vmxfs/errors"
    # What else a program sets with it is set.
    chmod 640 "$MNT/theirs"
    touch -d @1700000000 "$MNT/theirs"
    [ "$(stat -c '%a %Y' "$LAB/theirs")" = "640 1700000000" ]
}

@test "cp -a, tar and rsync of one's own files in the default have no errors" {
    mount_lab
    mkdir "$TEST_DIR/tree"
    echo a >"$TEST_DIR/tree/a"
    ln -s a "$TEST_DIR/tree/link"
    cp -a "$TEST_DIR/tree" "$MNT/copy"
    tar -C "$TEST_DIR" -c tree | tar -C "$MNT" -x
    diff -r "$TEST_DIR/tree" "$MNT/copy"
    diff -r "$TEST_DIR/tree" "$MNT/tree"
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "idmap=none: the server's owners are shown, and chown sends them" {
    mount_lab idmap=none
    local file
    for file in theirs link vm vm/vm.vmx vm/vm.vmx/memSize .vmxfs/plain/vm/vm.vmx; do
        [ "$(owner "$MNT/$file")" = 12345:54321 ]
    done
    [ "$(owner "$MNT/mine")" = 0:0 ]
    chown 77:88 "$MNT/mine"
    [ "$(owner "$LAB/mine") $(owner "$MNT/mine")" = "77:88 77:88" ]
    [ "$(owners_sent)" -gt 0 ]
    chgrp 99 "$MNT/mine"
    [ "$(owner "$LAB/mine")" = 77:99 ]
    chown 78 "$MNT/mine"
    [ "$(owner "$LAB/mine")" = 78:99 ]
    chown 1:2 "$MNT/vm/vm.vmx"
    [ "$(owner "$LAB/vm/vm.vmx") $(owner "$MNT/vm/vm.vmx")" = "1:2 1:2" ]
    chown 3:4 "$MNT/.vmxfs/plain/vm/vm.vmx"
    [ "$(owner "$LAB/vm/vm.vmx")" = 3:4 ]
    # A change leaves the file's owner as it is.
    echo 8192 >"$MNT/vm/vm.vmx/memSize"
    [ "$(owner "$LAB/vm/vm.vmx") $(owner "$MNT/vm/vm.vmx/memSize")" = "3:4 3:4" ]
}

@test "idmap=none: a new .vmx gets the owner that it was copied with" {
    mount_lab idmap=none
    write_vmx "$TEST_DIR/new.vmx" two
    chown 5:6 "$TEST_DIR/new.vmx"
    cp -a "$TEST_DIR/new.vmx" "$MNT/.vmxfs/plain/vm/new.vmx"
    [ "$(owner "$LAB/vm/new.vmx")" = 5:6 ]
    cmp "$TEST_DIR/new.vmx" "$LAB/vm/new.vmx"
}

@test "idmap=none with uid= and gid=: all files show those" {
    mount_lab idmap=none,uid=7
    [ "$(owner "$MNT/theirs")" = 7:54321 ]
    unmount_lab
    mount_lab idmap=none,gid=8
    [ "$(owner "$MNT/theirs")" = 12345:8 ]
}

@test "idmap=none: the kernel checks the server's modes and owners with default_permissions" {
    chmod 600 "$LAB/theirs" "$LAB/mine"
    MNT=$(mktemp -d "${TMPDIR:-/tmp}/owners.XXXXXX") # bats lets nobody else look below its own
    chmod 755 "$MNT"
    mount_lab idmap=none,allow_other,default_permissions
    [ "$(setpriv --reuid=12345 --clear-groups cat "$MNT/theirs")" = text ]
    run setpriv --reuid=12345 --clear-groups cat "$MNT/mine"
    [[ $output == *"Permission denied"* ]]
    setpriv --reuid=12345 --clear-groups sh -c 'echo 512 >"$1"' - "$MNT/vm/vm.vmx/memSize"
    grep -q '^memSize = "512"' "$LAB/vm/vm.vmx"
    unmount_lab
    rmdir "$MNT"
}

# The server's user is root here, as who mounts is: so a login begins in another one's directory.
@test "idmap=user: whose the login's directory is is who mounts, both ways" {
    mkdir "$TEST_DIR/home"
    chown 12345:54321 "$TEST_DIR/home"
    printf '#!/bin/sh\nexec %s -d %s\n' "$SFTP_SERVER" "$TEST_DIR/home" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    chown 5:54321 "$LAB/vm"
    local file when
    for when in "" delay_connect; do
        [ -z "$when" ] || unmount_lab
        mount_lab idmap=user "sftp_server=$TEST_DIR/server" ${when:+"$when"}
        for file in theirs link vm/vm.vmx vm/vm.vmx/memSize; do
            [ "$(owner "$MNT/$file")" = 0:0 ]
        done
    done
    [ "$(owner "$MNT/vm")" = 5:0 ]
    chown 0:3 "$MNT/mine"
    [ "$(owner "$LAB/mine") $(owner "$MNT/mine")" = "12345:3 0:3" ]
    unmount_lab
    # A local directory is served by who mounts it.
    mount_local idmap=user
    [ "$(owner "$MNT/theirs")" = 12345:54321 ]
}

@test "idmap=file: names are turned into numbers, both ways" {
    printf 'daemon:12345\nnobody-of-this-name:1\nroot:0\n' >"$TEST_DIR/uids"
    printf 'daemon:x:54321:\nroot:0\n' >"$TEST_DIR/gids"
    local daemon group
    daemon=$(id -u daemon)
    group=$(id -g daemon)
    mount_lab idmap=file "uidfile=$TEST_DIR/uids" "gidfile=$TEST_DIR/gids"
    local file
    for file in theirs link vm vm/vm.vmx vm/vm.vmx/memSize .vmxfs/plain/vm/vm.vmx; do
        [ "$(owner "$MNT/$file")" = "$daemon:$group" ]
    done
    chown "$daemon:$group" "$MNT/mine"
    [ "$(owner "$LAB/mine")" = 12345:54321 ]
    # nomap=error is the default, as with sshfs.
    run chown 4000 "$MNT/mine"
    [[ $output == *"Operation not permitted"* ]]
    chown 777:0 "$LAB/theirs"
    unmount_lab
    mount_lab idmap=file "uidfile=$TEST_DIR/uids" "gidfile=$TEST_DIR/gids"
    run stat "$MNT/theirs"
    [[ $output == *"Operation not permitted"* ]]
    [[ "$(ls "$MNT")" == *theirs* ]]
    awk -F'\t' '$2 == "EPERM" && $3 == "theirs" && $5 ~ /777/ { found = 1 }
        END { exit !found }' "$MNT/.vmxfs/errors"
    unmount_lab
    mount_lab idmap=file "uidfile=$TEST_DIR/uids" "gidfile=$TEST_DIR/gids" nomap=ignore
    [ "$(owner "$MNT/theirs")" = 777:0 ]
    chown 4000:4001 "$MNT/theirs"
    [ "$(owner "$LAB/theirs")" = 4000:4001 ]
    unmount_lab
    # With one file the other half is the server's.
    mount_lab idmap=file "gidfile=$TEST_DIR/gids"
    [ "$(owner "$MNT/vm")" = "12345:$group" ]
}

@test "owners and times of links are those of the links themselves" {
    touch -h -d @1600000000 "$LAB/link"
    mount_lab idmap=none
    chown -h 77:88 "$MNT/link"
    [ "$(owner "$LAB/link") $(owner "$LAB/theirs")" = "77:88 12345:54321" ]
    [ "$(owner "$MNT/link")" = 77:88 ]
    touch -h -d @1700000000 "$MNT/link"
    [ "$(stat -c %Y "$LAB/link") $(stat -c %Y "$MNT/link")" = "1700000000 1700000000" ]
    [ "$(stat -c %Y "$LAB/theirs")" != 1700000000 ]
    # A tree with links and owners comes and goes as it is.
    cp -a "$LAB" "$TEST_DIR/tree"
    cp -a "$TEST_DIR/tree" "$MNT/copy"
    [ "$(owner "$LAB/copy/link") $(stat -c %Y "$LAB/copy/link")" = "77:88 1700000000" ]
    unmount_lab
    # Without lsetstat@openssh.com the times stay, and an owner is refused.
    printf '#!/bin/sh\nexec %s -P lsetstat\n' "$SFTP_SERVER" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    mount_lab idmap=none "sftp_server=$TEST_DIR/server"
    touch -h -d @1650000000 "$MNT/link"
    [ "$(stat -c %Y "$LAB/link")" = 1700000000 ]
    run python3 -c 'import os, sys; os.lchown(sys.argv[1], 1, 2)' "$MNT/link"
    [[ $output == *"Operation not supported"* ]]
    [ "$(owner "$LAB/link") $(owner "$LAB/theirs")" = "77:88 12345:54321" ]
    grep -q 'EOPNOTSUPP.link.*lsetstat' "$MNT/.vmxfs/errors"
}

fails() { # PATTERN OPTION...
    local pattern=$1
    shift
    run --separate-stderr mount_lab "$@"
    # shellcheck disable=SC2154 # run sets it
    echo "status $status, standard error: $stderr"
    [ "$status" -eq 1 ]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    [[ $stderr =~ $pattern ]]
}

@test "what is wrong with a file of names is said, with the line" {
    local file=$TEST_DIR/uids
    fails '^vmxfs: idmap=file: needs uidfile=' idmap=file
    fails "^vmxfs: uidfile=$file: No such file" idmap=file "uidfile=$file"
    printf 'root:0\nroot\n' >"$file"
    fails "^vmxfs: uidfile=$file:2: .*NAME:NUMBER" idmap=file "uidfile=$file"
    fails "^vmxfs: gidfile=$file:2: .*NAME:NUMBER" idmap=file "gidfile=$file"
    echo root:0 >"$file"
    chmod 664 "$file"
    fails "^vmxfs: uidfile=$file: .*chmod go-w" idmap=file "uidfile=$file"
    chmod 600 "$file"
    chown 12345 "$file"
    fails "^vmxfs: uidfile=$file: .*belong" idmap=file "uidfile=$file"
    fails "^vmxfs: uidfile=$TEST_DIR: .*regular" idmap=file "uidfile=$TEST_DIR"
    fails '^vmxfs: idmap=both: .*mounter, none, user, file' idmap=both
    fails '^vmxfs: nomap=maybe: .*ignore, error' nomap=maybe
}
