# SPDX-License-Identifier: MIT
# The tree that a mount shows: what is a directory, what is a file, and what is not there at all.

load helper

setup() {
    lab_new
}

teardown() {
    lab_end
}

@test "a .vmx is a directory with one file per setting, and so is a .vmtx" {
    write_vmx "$LAB/vm/vm.vmx" one
    write_vmx "$LAB/vm/template.vmtx" two
    echo text >"$LAB/vm/vm.log"
    mount_local
    run ls -p "$MNT/vm"
    [ "$output" = "template.vmtx/
vm.log
vm.vmx/" ]
    run ls -A "$MNT/vm/vm.vmx"
    [ "$output" = ".encoding
displayName
memSize
passthrough-profile" ]
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    [ "$(cat "$MNT/vm/template.vmtx/displayName")" = two ]
    [ "$(cat "$MNT/vm/vm.log")" = text ]
}

@test "what only bears the name of a .vmx is shown as what it is" {
    mkdir -p "$LAB/vm/folder.vmx/sub" "$LAB/target"
    ln -s ../target "$LAB/vm/link.vmx"
    : >"$LAB/vm/.vmx"
    echo inside >"$LAB/target/file"
    echo below >"$LAB/vm/folder.vmx/sub/file"
    mount_local
    [ -L "$MNT/vm/link.vmx" ]
    [ "$(cat "$MNT/vm/link.vmx/file")" = inside ]
    [ "$(cat "$MNT/vm/folder.vmx/sub/file")" = below ]
    [ ! -e "$MNT/vm/folder.vmx/passthrough-profile" ]
    [ ! -e "$MNT/vm/folder.vmx/.vmxfs" ]
}

@test "a .vmx above vmx_max is a plain file, and one that grows turns into one" {
    write_vmx "$LAB/vm/small.vmx" small
    { cat "$LAB/vm/small.vmx" && yes '# filler' | head -c 3000; } >"$LAB/vm/large.vmx"
    mount_local vmx_max=2 cache_timeout=0
    [ -d "$MNT/vm/small.vmx" ]
    [ -f "$MNT/vm/large.vmx" ]
    cmp "$LAB/vm/large.vmx" "$MNT/vm/large.vmx"
    yes '# filler' | head -c 3000 >>"$LAB/vm/small.vmx"
    eventually 30 test -f "$MNT/vm/small.vmx"
    cmp "$LAB/vm/small.vmx" "$MNT/vm/small.vmx"
}

@test "what a listing shows tells what is a .vmx, and no text is read for that" {
    write_vmx "$LAB/vm/vm.vmx" one
    : >"$LAB/vm/empty.vmx"
    mkdir "$LAB/vm/folder.vmx"
    ln -s vm.vmx "$LAB/vm/link.vmx"
    { cat "$LAB/vm/vm.vmx" && yes '# filler' | head -c 3000; } >"$LAB/vm/large.vmx"
    mount_local vmx_max=2 prefetch=off cache_timeout=60
    ls "$MNT/vm" >/dev/null
    [ "$(stat -c '%F' "$MNT"/vm/{vm,empty,folder,link,large}.vmx)" = "directory
directory
directory
symbolic link
regular file" ]
    [ "$(stat -c %Y "$MNT/vm/vm.vmx")" = "$(stat -c %Y "$LAB/vm/vm.vmx")" ]
    ! grep -E "^open \"$LAB/vm/(vm|empty)\.vmx\"" "$SERVER_LOG" || false
    [ -e "$MNT/vm/vm.vmx/memSize" ]
    [ ! -e "$MNT/vm/folder.vmx/passthrough-profile" ]
    cmp "$LAB/vm/large.vmx" "$MNT/vm/large.vmx"
}

# Before the cache_timeout is over.
@test "a .vmx that is found to be none any more is shown as what it is" {
    local name
    for name in removed folder large; do
        write_vmx "$LAB/$name/vm.vmx" "$name"
    done
    mount_local vmx_max=2 prefetch=off cache_timeout=60
    ls "$MNT"/{removed,folder,large} >/dev/null
    rm "$LAB"/{removed,folder}/vm.vmx
    mkdir "$LAB/folder/vm.vmx"
    echo inside >"$LAB/folder/vm.vmx/file"
    yes '# filler' | head -c 3000 >>"$LAB/large/vm.vmx"
    for name in removed folder large; do
        [ -d "$MNT/$name/vm.vmx" ]
        run cat "$MNT/$name/vm.vmx/memSize"
        [[ $status -eq 1 && $output == *"No such file"* ]]
    done
    [ ! -e "$MNT/removed/vm.vmx" ]
    [ "$(cat "$MNT/folder/vm.vmx/file")" = inside ]
    cmp "$LAB/large/vm.vmx" "$MNT/large/vm.vmx"
}

@test "a setting that would make the file larger than vmx_max is refused" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local vmx_max=1
    cp "$LAB/vm/vm.vmx" "$TEST_DIR/before"
    run bash -c 'head -c 2000 /dev/zero | tr "\0" x | cp /dev/stdin "$1"' - "$MNT/vm/vm.vmx/guestinfo.long"
    [ "$status" -ne 0 ]
    [[ $output == *"File too large"* ]]
    cmp "$TEST_DIR/before" "$LAB/vm/vm.vmx"
}

@test "the control directories are reached by name and not listed" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    [ -d "$MNT/.vmxfs" ]
    [ -d "$MNT/vm/vm.vmx/.vmxfs" ]
    run find "$MNT" -name .vmxfs
    [ -z "$output" ]
    run ls -A "$MNT"
    [ "$output" = vm ]
    run find "$MNT" -type f
    [ "${#lines[@]}" -eq 4 ]
    [ ! -e "$MNT/vm/.vmxfs" ]
}

@test "show=vmx shows directories, links and .vmx only" {
    write_vmx "$LAB/vm/vm.vmx" one
    echo disk >"$LAB/vm/vm.vmdk"
    echo log >"$LAB/vm/vmware.log"
    ln -s vm "$LAB/link"
    mount_local show=vmx
    run ls "$MNT/vm"
    [ "$output" = vm.vmx ]
    [ ! -e "$MNT/vm/vm.vmdk" ]
    [ "$(cat "$MNT/link/vm.vmx/displayName")" = one ]
    run grep -rlx one "$MNT"
    [ "$output" = "$MNT/vm/vm.vmx/displayName" ]
    [ "$(ls "$MNT/.vmxfs/plain/vm")" = vm.vmx ]
}

@test "with show=vmx nothing replaces a file that is not shown" {
    write_vmx "$LAB/vm/vm.vmx" one
    echo disk >"$LAB/vm/vm.vmdk"
    ln -s vm.vmx "$LAB/vm/link"
    mount_local show=vmx
    run bash -c 'echo x >"$1"' - "$MNT/vm/vm.vmdk"
    [ "$status" -ne 0 ]
    [[ $output = *"File exists"* ]]
    for name in link vm.vmx; do
        run mv -T "$MNT/vm/$name" "$MNT/vm/vm.vmdk"
        [ "$status" -ne 0 ]
        [ -e "$LAB/vm/$name" ]
    done
    [ "$(cat "$LAB/vm/vm.vmdk")" = disk ]
    echo x >"$MNT/vm/new"
    [ "$(cat "$LAB/vm/new")" = x ]
    mv "$MNT/vm/link" "$MNT/vm/other"
    [ -L "$LAB/vm/other" ]
}

# With EPERM, and a line in errors.
is_refused_as_own() { # COMMAND...
    local before
    before=$(wc -l <"$MNT/.vmxfs/errors")
    run "$@"
    [ "$status" -ne 0 ]
    [[ $output == *"Operation not permitted"* ]]
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -eq $((before + 1)) ]
    tail -n 1 "$MNT/.vmxfs/errors" | grep -q "of its own"
}

@test "what vmxfs makes up is neither moved nor removed, and the reason is told" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    python3 -c "$refusals"'
os.chdir(sys.argv[1])

def stays(what, *args):
    refused(errno.EPERM, what, *args)
    with open(".vmxfs/errors") as f:
        last = f.readlines()[-1]
    assert "what vmxfs shows here cannot be" in last or "of its own" in last, last

stays(os.rename, ".vmxfs", "other")
stays(os.rename, "vm", ".vmxfs")
stays(os.rename, "vm/vm.vmx", ".vmxfs")
stays(os.rmdir, ".vmxfs")
stays(os.rmdir, ".vmxfs/plain")' "$MNT"
    [ -d "$MNT/.vmxfs/plain/vm" ]
    [ "$(ls "$LAB")" = vm ]
}

@test "files of other clients' commits are hidden and cannot be made" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    local name
    for name in .vm.vmx.vmxfs-lock .vmxfs-0f3a6b1c0004d25e6f7081000003-root@lab; do
        mkdir "$LAB/vm/$name"
    done
    : >"$LAB/vm/.vm.vmx.vmxfs-break"
    holds_only "$MNT/vm" vm.vmx
    [ ! -e "$MNT/vm/.vm.vmx.vmxfs-lock" ]
    local own=$MNT/vm/.other.vmx.vmxfs-lock
    is_refused_as_own touch "$own"
    is_refused_as_own mkdir "$own"
    is_refused_as_own ln -s vm.vmx "$own"
    is_refused_as_own mkdir "$MNT/vm/.vmxfs-0f3a6b1c0004d25e6f7081000004-root@lab"
    is_refused_as_own mv "$MNT/vm/vm.vmx" "$MNT/vm/.vm.vmx.vmxfs-lock"
    [ -e "$LAB/vm/vm.vmx" ]
}

@test "a commit leaves nothing beside the file" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    echo 8192 >"$MNT/vm/vm.vmx/memSize"
    holds_only "$LAB/vm" vm.vmx
}

@test "inode numbers are the same after a remount, and differ from each other" {
    write_vmx "$LAB/vm/vm.vmx" one
    write_vmx "$LAB/vm/other.vmx" two
    echo text >"$LAB/vm/file"
    mount_local history=off
    find "$MNT" "$MNT/.vmxfs/plain" "$MNT/vm/vm.vmx/.vmxfs" -printf '%i %P\n' | sort >"$TEST_DIR/first"
    # ls takes the number from the directory, stat from the file: they must agree.
    diff <(ls -i "$MNT/vm/vm.vmx" | awk '{ print $1 }') \
        <(cd "$MNT/vm/vm.vmx" && stat -c %i -- *)
    unmount_lab
    mount_local history=off
    find "$MNT" "$MNT/.vmxfs/plain" "$MNT/vm/vm.vmx/.vmxfs" -printf '%i %P\n' | sort >"$TEST_DIR/second"
    diff "$TEST_DIR/first" "$TEST_DIR/second"
    [ -z "$(find "$MNT" -printf '%i\n' | sort | uniq -d)" ]
}

@test "inode numbers stay through a renaming, and no two are the same after it" {
    write_vmx "$LAB/a/vm/vm.vmx" one
    ln -s vm "$LAB/a/link"
    mount_local
    (cd "$MNT/a" && find . -printf '%i %P\n' | sort) >"$TEST_DIR/first"
    mv "$MNT/a" "$MNT/b"
    (cd "$MNT/b" && find . -printf '%i %P\n' | sort) | diff "$TEST_DIR/first" -
    mkdir "$MNT/a" "$MNT/a/vm"
    cp "$LAB/b/vm/vm.vmx" "$MNT/a/vm/vm.vmx"
    [ -z "$(find "$MNT" -printf '%i\n' | sort | uniq -d)" ]
    local number
    number=$(stat -c %i "$MNT/b/link")
    mv "$MNT/b/link" "$MNT/link"
    [ "$(stat -c %i "$MNT/link")" = "$number" ]
    number=$(stat -c %i "$MNT/b/vm/vm.vmx")
    mv "$MNT/b/vm/vm.vmx" "$MNT/b/vm/other.vmx"
    [ "$(stat -c %i "$MNT/b/vm/other.vmx")" = "$number" ]
}

@test "attributes: links, sizes, times and modes" {
    write_vmx "$LAB/vm/vm.vmx" one
    printf 12345 >"$LAB/vm/file"
    chmod 640 "$LAB/vm/file"
    touch -d '2020-02-02 02:02:02 UTC' "$LAB/vm/vm.vmx" "$LAB/vm/file"
    umask 022
    mount_local
    [ "$(stat -c '%h %s %a %Y' "$MNT/vm/vm.vmx/displayName")" = "1 4 644 1580608922" ]
    [ "$(stat -c '%h %F %a %Y' "$MNT/vm/vm.vmx")" = "1 directory 755 1580608922" ]
    [ "$(stat -c '%h %s %a %Y' "$MNT/vm/file")" = "1 5 640 1580608922" ]
    [ "$(stat -c %h "$MNT/vm")" = 1 ]
    [ "$(stat -c %s "$MNT/vm/vm.vmx/.vmxfs/raw")" = "$(stat -c %s "$LAB/vm/vm.vmx")" ]
    [ "$(stat -c %s "$MNT/.vmxfs/plain/vm/vm.vmx")" = "$(stat -c %s "$LAB/vm/vm.vmx")" ]
    [ "$(stat -c %Y "$MNT/.vmxfs/plain/vm/vm.vmx")" = 1580608922 ]
    find "$MNT/vm/vm.vmx" -type f -printf '%s %p\n' | while read -r size file; do
        [ "$(wc -c <"$file")" -eq "$size" ]
    done
}

@test "directories: mkdir, rmdir, mv and what is refused" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    mkdir "$MNT/new"
    [ -d "$LAB/new" ]
    mkdir -p "$MNT/new/a/b"
    run rmdir "$MNT/new"
    [ "$status" -ne 0 ]
    [[ $output == *"not empty"* ]]
    mv "$MNT/new" "$MNT/old"
    [ -d "$LAB/old/a/b" ]
    [ ! -e "$MNT/new" ]
    rm -r "$MNT/old"
    [ ! -e "$LAB/old" ]
    run mkdir "$MNT/vm"
    [[ $output == *"File exists"* ]]
    run rmdir "$MNT/vm/nothing"
    [[ $output == *"No such file"* ]]
    run rmdir "$MNT/vm/vm.vmx"
    [[ $output == *"not empty"* ]]
    run ln "$MNT/vm/vm.vmx/memSize" "$MNT/vm/hard"
    [ "$status" -ne 0 ]
    run mkfifo "$MNT/vm/fifo"
    [ "$status" -ne 0 ]
    run mkdir "$MNT/vm/vm.vmx/folder"
    [ "$status" -ne 0 ]
    run rm "$MNT/.vmxfs/status"
    [ "$status" -ne 0 ]
    run rm -r "$MNT/.vmxfs/profiles"
    [ "$status" -ne 0 ]
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

@test "a .vmx whose name leaves no room for that of its lock is not made" {
    local name
    mount_local
    name=$(printf '%0239d' 0).vmx
    mkdir "$MNT/$name"
    echo 4096 >"$MNT/$name/memSize"
    rm -r "$MNT/${name:?}"
    run mkdir "$MNT/0$name"
    [[ $output == *"File name too long"* ]]
    grep -q "that of a .vmx 243" "$MNT/.vmxfs/errors"
    [ ! -e "$LAB/0$name" ]
}

@test "what vmxfs alone shows has the space of the server's filesystem" {
    mount_local
    mkdir "$MNT/a.vmx"
    for name in a.vmx/.vmxfs/raw a.vmx/.vmxfs/merge a.vmx .vmxfs/errors; do
        [ "$(stat -f -c %b "$MNT/$name")" = "$(stat -f -c %b "$LAB")" ]
    done
}

@test "a renamed directory takes its VMs along, open or written meanwhile" {
    write_vmx "$LAB/a/vm/vm.vmx" one
    mount_local
    [ "$(cat "$MNT/a/vm/vm.vmx/displayName")" = one ]
    mkdir "$MNT/b"
    cd "$MNT/a/vm"
    mv "$MNT/a/vm" "$MNT/b/vm2"
    echo 8192 >vm.vmx/memSize
    cd /
    grep -q 8192 "$LAB/b/vm2/vm.vmx"
    [ "$(cat "$MNT/b/vm2/vm.vmx/memSize")" = 8192 ]
    [ ! -e "$MNT/a/vm" ]
}

@test "a name over 255 bytes is too long, whatever is done with it" {
    local name dir command
    name=$(printf '%0256d' 0)
    mount_local
    touch "$MNT/file"
    for dir in "$MNT" "$MNT/.vmxfs/plain"; do
        for command in "cat $dir/$name" "stat $dir/$name" "touch $dir/$name" "mkdir $dir/$name" \
            "ln -s file $dir/$name" "mv -T $dir/file $dir/$name" "rm $dir/$name" "rmdir $dir/$name" \
            "cp $dir/file $dir/${name%????}.vmx"; do
            run $command
            echo "$command: $output"
            [[ $output == *"File name too long"* ]]
        done
    done
    touch "$MNT/${name%?}"
    [ -e "$LAB/${name%?}" ]
}

@test "a folder that holds only what vmxfs does not show is not empty" {
    mkdir -p "$LAB/folder/.vm.vmx.vmxfs-lock/token"
    mount_local
    [ -z "$(ls -A "$MNT/folder")" ]
    run rmdir "$MNT/folder"
    [[ $output == *"not empty"* ]]
    grep -q "NOTE.folder.-.the folder holds a lock of vmxfs's" "$MNT/.vmxfs/errors"
}

@test "mkdir makes an empty VM, which rmdir and rm -r remove" {
    mkdir "$LAB/vm"
    mount_local
    mkdir "$MNT/vm/new.vmx"
    [ -f "$LAB/vm/new.vmx" ]
    [ ! -s "$LAB/vm/new.vmx" ]
    echo 4096 >"$MNT/vm/new.vmx/memSize"
    holds "$LAB/vm/new.vmx" <<<'memSize = "4096"'
    run mkdir "$MNT/vm/new.vmx"
    [[ $output == *"File exists"* ]]
    rm -r "$MNT/vm/new.vmx"
    [ ! -e "$LAB/vm/new.vmx" ]
    [ ! -e "$MNT/vm/new.vmx" ]
    mkdir "$MNT/vm/new.vmx"
    rmdir "$MNT/vm/new.vmx"
    [ ! -e "$LAB/vm/new.vmx" ]
}

@test "rm -r of a VM's folder removes all of it" {
    write_vmx "$LAB/vm/vm.vmx" one
    write_vmx "$LAB/vm/template.vmtx" two
    mkdir "$LAB/vm/sub"
    : >"$LAB/vm/sub/vm.vmdk"
    mount_local
    rm -r "$MNT/vm"
    [ ! -e "$LAB/vm" ]
}

@test "a VM is renamed, to another name and away from the suffix and back" {
    write_vmx "$LAB/vm/x.vmx" one
    mount_local
    local before
    before=$(cat "$LAB/vm/x.vmx")
    mv "$MNT/vm/x.vmx" "$MNT/vm/y.vmx"
    [ "$(ls "$MNT/vm")" = y.vmx ]
    [ "$(cat "$MNT/vm/y.vmx/displayName")" = one ]
    mv "$MNT/vm/y.vmx" "$MNT/vm/y.vmx.bak"
    [ -f "$MNT/vm/y.vmx.bak" ]
    [ "$(cat "$MNT/vm/y.vmx.bak")" = "$before" ]
    mv "$MNT/vm/y.vmx.bak" "$MNT/vm/x.vmx"
    [ -d "$MNT/vm/x.vmx" ]
    [ "$(cat "$MNT/vm/x.vmx/displayName")" = one ]
    [ "$(cat "$LAB/vm/x.vmx")" = "$before" ]
    holds_only "$LAB/vm" x.vmx
    mkdir "$MNT/other"
    mv "$MNT/vm/x.vmx" "$MNT/other/"
    [ "$(cat "$MNT/other/x.vmx/displayName")" = one ]
    [ "$(cat "$LAB/other/x.vmx")" = "$before" ]
}

@test "after a renaming the next step sees what it is now" {
    write_vmx "$LAB/vm/x.vmx" one
    mount_local
    local i
    for i in {1..20}; do
        mv "$MNT/vm/x.vmx" "$MNT/vm/x.vmx.bak"
        grep -q one "$MNT/vm/x.vmx.bak"
        [ ! -e "$MNT/vm/x.vmx" ]
        mv "$MNT/vm/x.vmx.bak" "$MNT/vm/x.vmx"
        [ "$(cat "$MNT/vm/x.vmx/displayName")" = one ]
        cp "$LAB/vm/x.vmx" "$MNT/vm/y.vmx"
        [ "$(cat "$MNT/vm/y.vmx/displayName")" = one ]
        rm -r "$MNT/vm/y.vmx"
        [ ! -e "$MNT/vm/y.vmx" ]
    done
}

# The kernel tells of the last close after the program has gone on.
@test "a VM that was created as a file is a directory for whoever has closed it" {
    write_vmx "$LAB/vm/x.vmx" one
    mount_local
    python3 - "$MNT/vm" "$LAB/vm/x.vmx" <<'END'
import os, shutil, stat, sys
os.chdir(sys.argv[1])
text = open(sys.argv[2], "rb").read()
for i in range(100):
    with open("y.vmx", "xb") as f:
        f.write(text)
    if not stat.S_ISDIR(os.stat("y.vmx").st_mode):
        sys.exit(f"round {i}: still a file")
    shutil.rmtree("y.vmx")
END
}

@test "a VM is not replaced by another one, or by a file that is none" {
    write_vmx "$LAB/vm/x.vmx" one
    write_vmx "$LAB/vm/y.vmx" two
    printf 'a = "1"\na = "2"\n' >"$LAB/vm/duplicates"
    printf 'a = "1\n' >"$LAB/vm/malformed"
    : >"$LAB/vm/empty"
    mount_local
    run mv -T "$MNT/vm/x.vmx" "$MNT/vm/y.vmx"
    [ "$status" -ne 0 ]
    mkdir "$MNT/vm/folder"
    run mv -T "$MNT/vm/x.vmx" "$MNT/vm/folder"
    [[ $output == *"not empty"* ]]
    run mv -T "$MNT/vm/folder" "$MNT/vm/x.vmx"
    [[ $output == *"not empty"* ]]
    rmdir "$MNT/vm/folder"
    local file
    for file in duplicates malformed empty; do
        run mv -T "$MNT/.vmxfs/plain/vm/$file" "$MNT/.vmxfs/plain/vm/x.vmx"
        [ "$status" -ne 0 ]
        run mv -T "$MNT/vm/$file" "$MNT/vm/x.vmx"
        [ "$status" -ne 0 ]
    done
    [ "$(ls "$LAB/vm")" = "duplicates
empty
malformed
x.vmx
y.vmx" ]
    grep -q one "$LAB/vm/x.vmx"
    grep -q two "$LAB/vm/y.vmx"
}

@test "a file that is no good .vmx goes away from its name and back" {
    mkdir "$LAB/vm"
    printf 'a = "1"\na = "2"\nno line' >"$LAB/vm/x.vmx"
    cp "$LAB/vm/x.vmx" "$TEST_DIR/before"
    mount_local
    mv "$MNT/vm/x.vmx" "$MNT/vm/x.vmx.bak"
    mv "$MNT/vm/x.vmx.bak" "$MNT/vm/x.vmx"
    [ -d "$MNT/vm/x.vmx" ]
    cmp "$TEST_DIR/before" "$LAB/vm/x.vmx"
}

@test "a .vmx that is created as a file is one until its last close" {
    mkdir "$LAB/vm"
    write_vmx "$TEST_DIR/x.vmx" one
    mount_local
    exec 7>"$MNT/vm/x.vmx"
    [ -f "$MNT/vm/x.vmx" ]
    [ ! -e "$LAB/vm/x.vmx" ]
    local ino
    ino=$(stat -c %i "$MNT/vm/x.vmx")
    cat "$TEST_DIR/x.vmx" >&7
    [ "$(stat -c %s "$MNT/vm/x.vmx")" = "$(stat -c %s "$TEST_DIR/x.vmx")" ]
    exec 7>&-
    eventually 30 test -d "$MNT/vm/x.vmx"
    [ "$(cat "$MNT/vm/x.vmx/displayName")" = one ]
    cmp "$TEST_DIR/x.vmx" "$LAB/vm/x.vmx"
    holds_only "$LAB/vm" x.vmx
}

@test "cp, cp -p, tar and rsync create VMs from files" {
    local from=$TEST_DIR/from
    mkdir "$from"
    write_vmx "$from/vm/x.vmx" one
    printf 'a = "1"\r\nb = 2' >"$from/vm/y.vmx"
    echo disk >"$from/vm/x.vmdk"
    chmod 755 "$from/vm/x.vmx"
    touch -d '2021-01-01 UTC' "$from/vm/x.vmx" "$from/vm/x.vmdk"
    mount_local
    mkdir "$MNT/cp" "$MNT/cp-p" "$MNT/tar" "$MNT/rsync"
    cp "$from/vm/x.vmx" "$MNT/cp/"
    cmp "$from/vm/x.vmx" "$LAB/cp/x.vmx"
    [ -d "$MNT/cp/x.vmx" ]
    cp -p "$from/vm/x.vmx" "$MNT/cp-p/"
    [ "$(stat -c '%a %Y' "$LAB/cp-p/x.vmx")" = "755 1609459200" ]
    tar -C "$from" -c vm | tar -C "$MNT/tar" -x
    diff -r "$from" "$LAB/tar"
    [ "$(stat -c '%a %Y' "$LAB/tar/vm/x.vmx")" = "755 1609459200" ]
    rsync -a "$from/" "$MNT/rsync/"
    diff -r "$from" "$LAB/rsync"
    [ "$(stat -c '%a %Y' "$LAB/rsync/vm/x.vmx")" = "755 1609459200" ]
    [ "$(stat -c %Y "$LAB/rsync/vm/x.vmdk")" = 1609459200 ]
    [ "$(cat "$MNT/rsync/vm/x.vmx/displayName")" = one ]
}

@test "a bad .vmx that is created as a file is refused, and the program is told" {
    mkdir "$LAB/vm"
    printf 'b = ""\na = "1"\nA = "2"\n' >"$TEST_DIR/duplicates.vmx"
    printf 'a = "1"\nthis is no line\n' >"$TEST_DIR/malformed.vmx"
    mount_local
    local name
    for name in duplicates malformed; do
        run cp "$TEST_DIR/$name.vmx" "$MNT/vm/"
        [ "$status" -ne 0 ]
        [[ $output == *"Invalid argument"* ]]
        [ ! -e "$LAB/vm/$name.vmx" ]
        eventually 30 test ! -e "$MNT/vm/$name.vmx"
        grep -q "EINVAL.*vm/$name.vmx.*line 2" "$MNT/.vmxfs/errors"
    done
    holds_only "$LAB/vm"
}

@test "diff -r, grep -r and cp -r see the settings of VMs" {
    write_vmx "$LAB/a/a.vmx" one
    write_vmx "$LAB/b/b.vmx" two
    mount_local
    run diff -r "$MNT/a/a.vmx" "$MNT/b/b.vmx"
    [ "$status" -eq 1 ]
    [ "${lines[1]}" = 1c1 ]
    [ "${lines[2]}" = "< one" ]
    [ "${#lines[@]}" -eq 5 ]
    run grep -rh . "$MNT" --include=displayName
    [ "$(sort <<<"$output")" = "one
two" ]
    cp -r "$MNT/a/a.vmx" "$TEST_DIR/copy"
    [ "$(cat "$TEST_DIR/copy/memSize")" = 4096 ]
    mkdir "$MNT/c"
    cp -r "$MNT/a/a.vmx" "$MNT/c/c.vmx"
    diff -r "$MNT/a/a.vmx" "$MNT/c/c.vmx"
    sort "$LAB/a/a.vmx" | diff - <(sort "$LAB/c/c.vmx")
}

@test "df shows the server's filesystem" {
    mkdir "$LAB/vm"
    mount_local
    [ "$(df --output=size "$MNT" | tail -n 1)" = "$(df --output=size "$LAB" | tail -n 1)" ]
    [ "$(df --output=source "$MNT" | tail -n 1)" = "$LAB" ]
    [ "$(stat -f -c %l "$MNT/vm")" -eq 255 ]
}

@test "names of all kinds: spaces, newlines, unicode, dashes and long ones" {
    local name
    write_vmx "$LAB/vm with space/näme – 1.vmx" one
    mkdir "$LAB/new
line"
    echo x >"$LAB/-n"
    local long
    long=$(printf 'x%.0s' {1..220})
    write_vmx "$LAB/long/$long.vmx" long
    mount_local
    [ "$(cat "$MNT/vm with space/näme – 1.vmx/displayName")" = one ]
    echo 8192 >"$MNT/vm with space/näme – 1.vmx/memSize"
    grep -q 8192 "$LAB/vm with space/näme – 1.vmx"
    [ -d "$MNT/new
line" ]
    [ "$(cat "$MNT/-n")" = x ]
    echo 8192 >"$MNT/long/$long.vmx/memSize"
    run cat "$MNT/.vmxfs/check"
    [ "${#lines[@]}" -eq 3 ]
}

@test "a foreign change shows after the cache timeout, and never later" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local cache_timeout=1
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
    ls "$MNT/vm" >/dev/null
    sed -i 's/4096/512/' "$LAB/vm/vm.vmx"
    write_vmx "$LAB/vm/second.vmx" two
    sleep 2.2
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 512 ]
    [ "$(stat -c %s "$MNT/vm/vm.vmx/memSize")" = 4 ]
    [ "$(ls "$MNT/vm")" = "second.vmx
vm.vmx" ]
}

@test "a directory that is renamed waits for what is being written below it" {
    write_vmx "$LAB/a/vm/vm.vmx" one
    mount_local
    local i name
    for i in {1..20}; do
        name=$([ $((i % 2)) = 1 ] && echo a b || echo b a)
        # shellcheck disable=SC2086 # two words
        python3 - "$MNT" $name "$((i * 4))" <<'END'
import os, sys, threading
mount, old, new, value = sys.argv[1:]
os.chdir(mount)
key = os.open(old + "/vm/vm.vmx/memSize", os.O_WRONLY | os.O_TRUNC)
writer = threading.Thread(target=os.write, args=(key, value.encode() + b"\n"))
writer.start()
os.rename(old, new)
writer.join()
os.close(key)
with open(new + "/vm/vm.vmx/memSize") as f:
    assert f.read() == value + "\n", value
END
    done
    grep -q '"80"' "$LAB/a/vm/vm.vmx"
}
