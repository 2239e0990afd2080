# SPDX-License-Identifier: MIT
# Renames: from one filesystem of the server's to another, onto links, and of which name a refusal
# tells.

load helper

setup() {
    lab_new
    PLAIN=$MNT/.vmxfs/plain
}

teardown() {
    lab_end
    local place
    for place in "${datastores[@]}"; do
        eventually 30 umount "$place"
    done
}

datastores=()

# A filesystem of its own, where the server has this folder.
datastore() { # FOLDER [OPTION]
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mkdir -p "$1"
    mount -t tmpfs -o "${2:-size=4m}" none "$1"
    datastores+=("$1")
}

# What rename(2) answers.
renaming() { # OLD NEW
    python3 - "$@" <<'END'
import errno, os, sys
try:
    os.rename(*sys.argv[1:])
except OSError as e:
    sys.exit(errno.errorcode[e.errno])
END
}

refused() { # ERRNO OLD NEW
    run renaming "$2" "$3"
    echo "$2 to $3: $output"
    [ "$output" = "$1" ]
}

# All of the server's files, with what vmxfs may have left.
tell() {
    (cd "$LAB" && find . -type d -print -o -type l -printf '%p -> %l\n' -o -type f -exec cksum {} + | sort)
}

# Locks go a moment after a refused move.
told_again() {
    tell >"$TEST_DIR/after"
    diff "$TEST_DIR/before" "$TEST_DIR/after"
}

nothing_changed() {
    eventually 60 told_again
}

last_error() {
    tail -n 1 "$MNT/.vmxfs/errors" | cut -f 2-3 | tr '\t' ' '
}

# How often the server was asked for its filesystem.
filesystem_asked() {
    grep -c '^statvfs ' "$SERVER_LOG" || :
}

# A folder of files, links and VMs in each of two datastores.
two_datastores() {
    datastore "$LAB/one"
    datastore "$LAB/two"
    mkdir "$LAB/one/folder" "$LAB/two/empty"
    write_vmx "$LAB/one/vm/vm.vmx" "first"
    write_vmx "$LAB/one/other.vmx" "other"
    write_vmx "$LAB/two/there.vmx" "there"
    : >"$LAB/two/empty.vmx"
    echo file | tee "$LAB/one/file" "$LAB/one/folder/inner" >"$LAB/two/old"
    head -c 200000 /dev/urandom >"$LAB/one/vm/vm-flat.vmdk"
    ln -s file "$LAB/one/link"
    ln -s nothing "$LAB/two/dangling"
    tell >"$TEST_DIR/before"
}

@test "a rename from one datastore to another is EXDEV, whatever it is of, and leaves nothing" {
    two_datastores
    mount_local
    local place old new
    for place in "$MNT" "$PLAIN"; do
        while read -r old new; do
            refused EXDEV "$place/one/$old" "$place/two/$new"
        done <<'END'
file file
file old
file dangling
file new.vmx
link link
link old
folder folder
folder empty
vm vm
vm/vm.vmx vm.vmx
vm/vm.vmx empty.vmx
vm/vm.vmx vm.txt
END
    done
    refused EXDEV "$PLAIN/one/vm/vm.vmx" "$PLAIN/two/there.vmx"
    refused EXDEV "$PLAIN/one/vm/vm.vmx" "$PLAIN/two/old"
    refused EXDEV "$MNT/one/file" "$MNT/file"
    nothing_changed
    [ -z "$(cat "$MNT/.vmxfs/errors")" ] # programs act on it
}

@test "a rename within a datastore does not ask for its filesystem" {
    two_datastores
    mount_local
    local place
    for place in "$MNT" "$PLAIN"; do
        renaming "$place/one/file" "$place/one/file2"
        renaming "$place/one/file2" "$place/one/file"
        renaming "$place/one/vm/vm.vmx" "$place/one/moved.vmx"
        renaming "$place/one/moved.vmx" "$place/one/vm/vm.vmx"
    done
    [ "$(filesystem_asked)" -eq 0 ]
    refused EXDEV "$MNT/one/file" "$MNT/two/file"
    [ "$(filesystem_asked)" -eq 3 ] # that of the old name twice: its number must stay
}

@test "mv copies files, folders and links from one datastore to another" {
    two_datastores
    mount_local
    mv "$MNT/one/file" "$MNT/one/link" "$MNT/one/folder" "$MNT/two/"
    [ "$(cat "$LAB/two/file" "$LAB/two/folder/inner")" = "file
file" ]
    [ "$(readlink "$LAB/two/link")" = file ]
    echo new >"$LAB/one/old"
    mv "$PLAIN/one/old" "$PLAIN/two/old"
    [ "$(cat "$LAB/two/old")" = new ]
    cp "$LAB/one/vm/vm.vmx" "$TEST_DIR/vm.vmx"
    mv "$PLAIN/one/vm/vm.vmx" "$PLAIN/two/vm.vmx"
    cmp "$TEST_DIR/vm.vmx" "$LAB/two/vm.vmx"
    mv "$PLAIN/two/vm.vmx" "$PLAIN/one/other.vmx"
    cmp "$TEST_DIR/vm.vmx" "$LAB/one/other.vmx"
    holds_only "$LAB/one" other.vmx vm
    holds_only "$LAB/one/vm" vm-flat.vmdk
    holds_only "$LAB/two" dangling empty empty.vmx file folder link old there.vmx
}

@test "mv of a VM, and of a VM's folder, from one datastore to another brings all settings" {
    two_datastores
    mount_local
    sort "$LAB/one/vm/vm.vmx" >"$TEST_DIR/settings"
    cp "$LAB/one/vm/vm-flat.vmdk" "$TEST_DIR/disk"
    mv "$MNT/one/vm/vm.vmx" "$MNT/two/empty/"
    sort "$LAB/two/empty/vm.vmx" | diff "$TEST_DIR/settings" -
    holds_only "$LAB/one/vm" vm-flat.vmdk
    mv "$MNT/two/empty/vm.vmx" "$MNT/one/vm/"
    holds_only "$LAB/two/empty"
    mv "$MNT/one/vm" "$MNT/two/"
    sort "$LAB/two/vm/vm.vmx" | diff "$TEST_DIR/settings" -
    cmp "$TEST_DIR/disk" "$LAB/two/vm/vm-flat.vmdk"
    holds_only "$LAB/one" file folder link other.vmx
    holds_only "$LAB/two/vm" vm-flat.vmdk vm.vmx
    # As a file it stays what it is, byte for byte.
    cp "$LAB/one/other.vmx" "$TEST_DIR/other"
    mkdir "$PLAIN/one/again"
    mv "$PLAIN/one/other.vmx" "$PLAIN/one/again/"
    mv "$PLAIN/one/again" "$PLAIN/two/"
    cmp "$TEST_DIR/other" "$LAB/two/again/other.vmx"
    [ ! -e "$LAB/one/again" ]
}

@test "a VM in use stays in its datastore, and is not copied" {
    two_datastores
    : >"$LAB/one/vm/vm.vmx.lck"
    tell >"$TEST_DIR/before"
    mount_local
    local place
    for place in "$MNT" "$PLAIN"; do
        run mv "$place/one/vm/vm.vmx" "$place/two/"
        [[ $output == *busy* ]]
        run mv "$place/one/vm" "$place/two/"
        [[ $output == *busy* ]]
    done
    nothing_changed
}

# A server whose statvfs@openssh.com tells no filesystem's number.
nameless_server() {
    cat >"$TEST_DIR/nameless" <<END
#!/usr/bin/env python3
import os, subprocess, sys, threading
server = subprocess.Popen(["$SFTP_SERVER"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def forward():
    while data := os.read(0, 65536):
        server.stdin.write(data)
        server.stdin.flush()
    server.stdin.close()
threading.Thread(target=forward, daemon=True).start()
while head := server.stdout.read(4):
    body = bytearray(server.stdout.read(int.from_bytes(head, "big")))
    if body[0] == 201 and len(body) == 5 + 11 * 8:
        body[5 + 8 * 8 : 5 + 9 * 8] = bytes(8)
    sys.stdout.buffer.write(head + body)
    sys.stdout.buffer.flush()
END
    chmod 755 "$TEST_DIR/nameless"
}

@test "where filesystems have no numbers, their sizes and the datastores' paths tell" {
    local volumes=$LAB/vmfs/volumes
    datastore "$LAB/small" size=4m
    datastore "$LAB/large" size=8m
    datastore "$LAB/alike" size=4m
    datastore "$volumes/ds-1" size=4m
    datastore "$volumes/ds-2" size=4m
    touch "$LAB/small/file" "$volumes/ds-1/file"
    write_vmx "$volumes/ds-1/vm/vm.vmx" one
    tell >"$TEST_DIR/before"
    nameless_server
    mount_source "$LAB" "sftp_server=$TEST_DIR/nameless"
    refused EXDEV "$MNT/small/file" "$MNT/large/file"
    refused EIO "$MNT/small/file" "$MNT/alike/file"
    [ "$(last_error)" = "EIO small/file" ]
    refused EXDEV "$MNT/vmfs/volumes/ds-1/file" "$MNT/vmfs/volumes/ds-2/file"
    refused EXDEV "$MNT/vmfs/volumes/ds-1/vm/vm.vmx" "$MNT/vmfs/volumes/ds-2/vm.vmx"
    refused EXDEV "$MNT/vmfs/volumes/ds-1/vm" "$MNT/vmfs/volumes/ds-2/vm"
    nothing_changed
}

# ---- onto links

@test "a file that is moved onto a link named as a .vmx replaces the link" {
    write_vmx "$LAB/a/a.vmx" "linked"
    mkdir "$LAB/b"
    cp "$LAB/a/a.vmx" "$TEST_DIR/a.vmx"
    write_vmx "$TEST_DIR/new" "new"
    mount_local cache_timeout=0
    local place target
    for place in "$PLAIN" "$MNT"; do
        for target in ../a/a.vmx nothing ../a; do
            ln -sfT "$target" "$LAB/b/link.vmx"
            cp "$TEST_DIR/new" "$LAB/b/new"
            eventually 60 test -e "$place/b/new"
            renaming "$place/b/new" "$place/b/link.vmx"
            [ -f "$LAB/b/link.vmx" ] && [ ! -L "$LAB/b/link.vmx" ]
            cmp "$TEST_DIR/new" "$LAB/b/link.vmx"
            [ "$(cat "$MNT/b/link.vmx/displayName")" = new ]
            holds_only "$LAB/b" link.vmx
        done
    done
    cmp "$TEST_DIR/a.vmx" "$LAB/a/a.vmx"
    # One that replaces nothing.
    ln -sfT ../a/a.vmx "$LAB/b/link.vmx"
    cp "$TEST_DIR/new" "$LAB/b/new"
    eventually 60 test -L "$PLAIN/b/link.vmx"
    mv -n "$PLAIN/b/new" "$PLAIN/b/link.vmx" || :
    [ -L "$LAB/b/link.vmx" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "sed -i through a link named as a .vmx replaces the link, and cp writes to what it leads to" {
    write_vmx "$LAB/a/a.vmx" "linked"
    mkdir "$LAB/b"
    ln -s ../a/a.vmx "$LAB/b/link.vmx"
    mount_local
    sed s/4096/8192/ "$LAB/a/a.vmx" >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$PLAIN/b/link.vmx"
    cmp "$TEST_DIR/new" "$LAB/a/a.vmx"
    [ -L "$LAB/b/link.vmx" ]
    sed -i s/8192/2048/ "$PLAIN/b/link.vmx"
    [ ! -L "$LAB/b/link.vmx" ]
    grep -q 2048 "$LAB/b/link.vmx"
    cmp "$TEST_DIR/new" "$LAB/a/a.vmx"
}

@test "a file that is moved onto what is too large for a .vmx replaces it" {
    mkdir "$LAB/b"
    head -c 2000000 /dev/zero >"$LAB/b/large.vmx"
    write_vmx "$LAB/b/new" "new"
    cp "$LAB/b/new" "$TEST_DIR/new"
    mount_local
    renaming "$PLAIN/b/new" "$PLAIN/b/large.vmx"
    cmp "$TEST_DIR/new" "$LAB/b/large.vmx"
    holds_only "$LAB/b" large.vmx
}

@test "a link to a VM in use is not replaced where evidence of use lies beside it" {
    write_vmx "$LAB/a/a.vmx" "linked"
    write_vmx "$LAB/b/new" "new"
    ln -s ../a/a.vmx "$LAB/b/link.vmx"
    : >"$LAB/b/link.vmx.lck"
    tell >"$TEST_DIR/before"
    mount_local
    refused EBUSY "$PLAIN/b/new" "$PLAIN/b/link.vmx"
    [ "$(last_error)" = "EBUSY b/link.vmx" ]
    nothing_changed
}

# ---- of which name errors tells

@test "errors names what is protected: the target, where that is refused" {
    write_vmx "$LAB/b/b.vmx" "used"
    printf 'scsi0:0.fileName = "b.vmdk"\n' >>"$LAB/b/b.vmx"
    : >"$LAB/b/b.vmx.lck"
    mkdir "$LAB/c" "$LAB/empty" "$LAB/c/folder"
    echo disk | tee "$LAB/b/b.vmdk" >"$LAB/c/c.vmdk"
    write_vmx "$LAB/c/c.vmx" "free"
    write_vmx "$LAB/c/text" "text"
    tell >"$TEST_DIR/before"
    mount_local
    cat "$MNT"/?/?.vmx/displayName
    local old new protected
    while read -r old new protected; do
        refused EBUSY "$MNT/$old" "$MNT/$new"
        [ "$(last_error)" = "EBUSY $protected" ]
    done <<'END'
c/c.vmdk b/b.vmdk b/b.vmdk
b/b.vmdk c/c.vmdk b/b.vmdk
empty b b
b empty b
b/b.vmx c/new.vmx b/b.vmx
.vmxfs/plain/c/c.vmx .vmxfs/plain/b/b.vmx b/b.vmx
.vmxfs/plain/c/text .vmxfs/plain/b/b.vmx b/b.vmx
.vmxfs/plain/b/b.vmx .vmxfs/plain/c/c.vmx b/b.vmx
END
    nothing_changed
}

# What comes of a .vmx is decided at the rename: what is written later would not be looked at.
@test "a file that is open while it is renamed to a .vmx is not written to any more" {
    mkdir "$LAB/vm"
    write_vmx "$LAB/vm/vm.vmx" "first"
    mount_local
    python3 -c "$refusals"'
folder, plain, on_server = sys.argv[1:]

def renamed(folder, name):
    text = b"displayName = \"%s\"\n" % name.encode()
    fd = os.open(folder + "/text", os.O_WRONLY | os.O_CREAT)
    os.write(fd, text)
    os.rename(folder + "/text", folder + "/" + name)
    refused(errno.EBUSY, os.write, fd, b"and \"more")
    refused(errno.EBUSY, os.ftruncate, fd, 3)
    os.close(fd)
    assert open(on_server + "/" + name, "rb").read() == text

renamed(folder, "new.vmx")
renamed(plain, "other.vmx")
renamed(plain, "vm.vmx") # in the place of one
# Once it has another name it is a file like any other.
fd = os.open(folder + "/file", os.O_WRONLY | os.O_CREAT)
os.rename(folder + "/file", folder + "/renamed")
os.write(fd, b"more")
os.close(fd)
assert open(on_server + "/renamed", "rb").read() == b"more"' "$MNT/vm" "$PLAIN/vm" "$LAB/vm"
    [ "$(times $'\tEBUSY\t.*renamed to a .vmx while it was open')" -eq 6 ]
}
