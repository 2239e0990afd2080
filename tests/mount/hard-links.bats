#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Hard links: link(2) through hardlink@openssh.com, and what is one file then.

bats_require_minimum_version 1.5.0

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    mkdir "$LAB/dir"
    echo text >"$LAB/a"
    write_vmx "$LAB/vm/vm.vmx" one
}

teardown() {
    lab_end
}

same_file() { # FILE OTHER
    [ "$(stat -c %i:%h:%s "$1")" = "$(stat -c %i:%h:%s "$2")" ]
}

stands_alone() { # FILE
    [ "$(stat -c %h "$1")" = 1 ]
}

no_errors() {
    [ ! -s "$MNT/.vmxfs/errors" ] || {
        cat "$MNT/.vmxfs/errors"
        return 1
    }
}

@test "a file gets another name: one file, with one inode number, and a count of names" {
    mount_lab
    ln "$MNT/a" "$MNT/dir/b"
    [ "$LAB/a" -ef "$LAB/dir/b" ]
    same_file "$MNT/a" "$MNT/dir/b"
    [ "$(stat -c %h "$MNT/a")" = 2 ]
    ln "$MNT/dir/b" "$MNT/c"
    [ "$(stat -c %h "$MNT/a") $(stat -c %h "$MNT/c")" = "3 3" ]
    rm "$MNT/a"
    [ "$(stat -c %h "$MNT/c")" = 2 ]
    same_file "$MNT/c" "$MNT/dir/b"
    rm "$MNT/dir/b"
    [ "$(stat -c %h "$MNT/c")" = 1 ]
    [ "$(cat "$MNT/c")" = text ]
    [ "$(ls "$LAB")" = "$(printf 'c\ndir\nvm')" ]
    run ln "$MNT/c" "$MNT/dir"/../c
    [[ $output == *"File exists"* ]]
    no_errors
}

@test "what is written under one name is read under the other at once, also while it is open" {
    mount_lab
    ln "$MNT/a" "$MNT/b"
    python3 - "$MNT" <<'END'
import os, sys
os.chdir(sys.argv[1])
w = os.open("a", os.O_WRONLY | os.O_TRUNC)
r = os.open("b", os.O_RDONLY)
for i in range(50):
    os.write(w, b"%09d\n" % i)
    assert os.stat("b").st_size == (i + 1) * 10, os.stat("b")
    assert os.pread(r, 10, i * 10) == b"%09d\n" % i
assert os.fstat(r).st_nlink == 2
os.ftruncate(w, 5)
assert os.read(r, 100) == b"00000", "the size of the other name"
os.chmod("b", 0o640)
assert os.stat("a").st_mode & 0o777 == 0o640
os.utime("a", (1, 1700000000))
assert os.stat("b").st_mtime == 1700000000
END
    cmp "$LAB/a" "$LAB/b"
}

@test "a file that is open goes on when the name goes under which it was opened" {
    mount_lab
    ln "$MNT/a" "$MNT/b"
    ln "$MNT/a" "$MNT/dir/c"
    exec 7<>"$MNT/a"
    rm "$MNT/a"
    [ "$(cat <&7)" = text ]
    echo more >&7
    [ "$(cat "$MNT/b")" = "$(printf 'text\nmore')" ]
    mv "$MNT/dir/c" "$MNT/b2"
    mv "$MNT/b" "$MNT/dir/b3"
    echo again >&7
    # Another file takes a name.
    echo other >"$MNT/other"
    mv "$MNT/other" "$MNT/dir/b3"
    echo last >&7
    exec 7<&-
    [ "$(cat "$MNT/b2")" = "$(printf 'text\nmore\nagain\nlast')" ]
    [ "$(cat "$MNT/dir/b3")" = other ]
    [ "$(stat -c %h "$MNT/b2") $(stat -c %h "$MNT/dir/b3")" = "1 1" ]
    [ "$(cat "$LAB/b2")" = "$(printf 'text\nmore\nagain\nlast')" ]
}

@test "a folder with such a name is renamed and removed" {
    mount_lab
    ln "$MNT/a" "$MNT/dir/b"
    mv "$MNT/dir" "$MNT/dir2"
    echo new >"$MNT/dir2/b"
    [ "$(cat "$MNT/a")" = new ]
    rm -r "$MNT/dir2"
    [ "$(cat "$MNT/a") $(stat -c %h "$MNT/a")" = "new 1" ]
}

@test "a name that somebody else gives to another file is that file's" {
    mount_lab
    local name
    for name in first other; do
        echo text >"$LAB/first"
        ln "$MNT/first" "$MNT/other"
        cat "$MNT/first" "$MNT/other" >/dev/null
        # The same size; SFTP shows nothing but sizes, times, modes and owners.
        echo next >"$LAB/new"
        touch -d @1700000000 "$LAB/new"
        mv "$LAB/new" "$LAB/$name"
        echo "$name"
        # What is opened by the name is looked at, whatever the kernel believes of it.
        echo more >>"$MNT/$name"
        [ "$(cat "$LAB/$name")" = "$(printf 'next\nmore')" ]
        [ "$(cat "$LAB/first" "$LAB/other" | sort)" = "$(printf 'more\nnext\ntext')" ]
        eventually 60 stands_alone "$MNT/$name"
        [ "$(cat "$MNT/$name")" = "$(printf 'next\nmore')" ]
        rm "$MNT/first" "$MNT/other"
    done
}

@test "links to symbolic links, and out of what is no file of the server's" {
    ln -s a "$LAB/link"
    mount_lab
    ln -P "$MNT/link" "$MNT/link2"
    [ "$(readlink "$LAB/link2") $(readlink "$MNT/link2")" = "a a" ]
    [ "$LAB/link2" -ef "$LAB/a" ]
    refuses_link "Operation not permitted" vm/vm.vmx/memSize mem
    refuses_link "Operation not permitted" vm/vm.vmx/memSize vm/vm.vmx/mem
    refuses_link "Operation not permitted" a vm/vm.vmx/mem
    refuses_link "Operation not permitted" vm/vm.vmx/.vmxfs/power power
    refuses_link "Operation not permitted" .vmxfs/status status
    refuses_link "cross-device" a .vmxfs/plain/b
    refuses_link "not permitted" .vmxfs/plain/vm/vm.vmx .vmxfs/plain/vm/b.vmx
    refuses_link "Operation not permitted" a vm/b.vmx
    refuses_link "Operation not permitted" a vm/.vm.vmx.vmxfs-lock
    refuses_link "File name too long" a "$(printf '%0256d' 0)"
    [ "$(ls "$LAB/vm")" = vm.vmx ]
    ln "$MNT/.vmxfs/plain/a" "$MNT/.vmxfs/plain/b"
    [ "$LAB/a" -ef "$LAB/b" ]
}

refuses_link() { # TEXT FILE NAME
    run ln "$MNT/$2" "$MNT/$3"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"$1"* ]]
}

@test "no link leads around the protection of a VM in use" {
    echo disk >"$LAB/vm/disk.vmdk"
    printf 'scsi0:0.present = "TRUE"\nscsi0:0.fileName = "disk.vmdk"\n' >>"$LAB/vm/vm.vmx"
    echo disk >"$LAB/vm/early.vmdk"
    mount_lab
    ln "$MNT/vm/disk.vmdk" "$MNT/later"
    touch "$LAB/vm/vm.vmx.lck"
    sleep 6 # what was seen of its use is good for so long
    refuses_link "busy" vm/disk.vmdk other
    local command
    for command in 'echo x >>"$1"' 'truncate -s 0 "$1"' ': >"$1"'; do
        run sh -c "$command" sh "$MNT/later"
        echo "$command: $output"
        [ "$status" -ne 0 ]
        [[ $output == *busy* ]]
    done
    [ "$(cat "$LAB/vm/disk.vmdk")" = disk ]
}

@test "a server that cannot: EPERM, and no lines about what programs just try" {
    local option
    for option in disable_hardlink sftp_server=; do
        [ "$option" = disable_hardlink ] || {
            printf '#!/bin/sh\nexec %s -P hardlink\n' "$SFTP_SERVER" >"$TEST_DIR/server"
            chmod 755 "$TEST_DIR/server"
            option+=$TEST_DIR/server
        }
        mount_lab "$option"
        refuses_link "Operation not permitted" a b
        git init -q "$MNT/repo"
        (
            cd "$MNT/repo"
            git config user.name n
            git config user.email e
            cp ../a file
            git add file
            git commit -qm first
            git fsck
        )
        no_errors
        rm -rf "$MNT/repo"
        unmount_lab
    done
}

@test "git, cp -al, tar and rsync -H with linked files" {
    command -v rsync >/dev/null || skip "no rsync"
    mount_lab
    git init -q "$MNT/repo"
    (
        cd "$MNT/repo"
        git config user.name n
        git config user.email e
        cp ../a file
        git add file
        git commit -qm first
    )
    git clone -q "$MNT/repo" "$MNT/clone"
    git -C "$MNT/clone" fsck
    cp -al "$MNT/dir" "$MNT/empty"
    ln "$MNT/a" "$MNT/dir/b"
    cp -al "$MNT/dir" "$MNT/copy"
    [ "$LAB/copy/b" -ef "$LAB/a" ]
    mkdir "$TEST_DIR/tree"
    echo x >"$TEST_DIR/tree/x"
    ln "$TEST_DIR/tree/x" "$TEST_DIR/tree/y"
    rsync -aH "$TEST_DIR/tree" "$MNT/rsynced"
    [ "$LAB/rsynced/tree/x" -ef "$LAB/rsynced/tree/y" ]
    tar -C "$TEST_DIR" -c tree | tar -C "$MNT" -x
    [ "$LAB/tree/x" -ef "$LAB/tree/y" ]
    # What was linked here is read as linked.
    tar -C "$MNT" -c tree | tar -C "$TEST_DIR/tree" -x
    [ "$TEST_DIR/tree/tree/x" -ef "$TEST_DIR/tree/tree/y" ]
    no_errors
}

@test "setting a .vmx that has two names separates them, and says so" {
    ln "$LAB/vm/vm.vmx" "$LAB/dir/other.vmx"
    cp "$LAB/vm/vm.vmx" "$TEST_DIR/before"
    mount_lab
    echo 8192 >"$MNT/vm/vm.vmx/memSize"
    cmp "$TEST_DIR/before" "$LAB/dir/other.vmx"
    grep -q '^memSize = "8192"' "$LAB/vm/vm.vmx"
    [ "$(stat -c %h "$LAB/vm/vm.vmx")" = 1 ]
    [ "$(cut -f 2-4 "$MNT/.vmxfs/errors")" = "$(printf 'NOTE\tvm/vm.vmx\t-')" ]
    grep -q 'had 2 names' "$MNT/.vmxfs/errors"
    # Once.
    echo 512 >"$MNT/vm/vm.vmx/memSize"
    [ "$(times 'names on the server')" = 1 ]
}
