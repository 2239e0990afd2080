#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What programs ask of every filesystem: access(2), mknod(2), names and sizes beyond what can be.

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    echo text >"$LAB/file"
}

teardown() {
    lab_end
}

# Prints which of r, w and x access(2) grants to each file.
accesses() { # USER:GROUP[:GROUP] FILE...
    python3 - "$@" <<'END'
import os, sys
user, group, *more = map(int, sys.argv[1].split(":"))
os.setgroups(more)
os.setregid(group, group)
os.setreuid(user, user)
for name in sys.argv[2:]:
    print("".join(c if os.access(name, m) else "-" for c, m in zip("rwx", (os.R_OK, os.W_OK, os.X_OK))))
END
}

granted() { # USER:GROUP "RIGHTS ..." FILE...
    local who=$1 rights=$2
    shift 2
    [ "$(cd "$MNT" && accesses "$who" "$@" | paste -sd' ')" = "$rights" ] || {
        (cd "$MNT" && accesses "$who" "$@")
        return 1
    }
}

@test "access(2) answers by the mode that is shown" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local script=$LAB/script
    echo 'exit 0' >"$script"
    chmod 754 "$script"
    chmod 640 "$LAB/file"
    mkdir "$LAB/closed"
    chmod 700 "$LAB/closed"
    chown 11:12 "$script" "$LAB/file" "$LAB/closed"
    MNT=$(mktemp -d "${TMPDIR:-/tmp}/access.XXXXXX") # bats lets nobody else look below its own
    chmod 755 "$MNT"
    local files=(script file closed vm vm/vm.vmx vm/vm.vmx/memSize vm/vm.vmx/.vmxfs/check
        vm/vm.vmx/.vmxfs/power .vmxfs/status)
    umask 022
    mount_lab idmap=none,allow_other
    chown 11:12 "$LAB/vm/vm.vmx"
    granted 0:0 "rwx rw- rwx rwx rwx rw- rw- rw- rw-" "${files[@]}"
    granted 11:1 "rwx rw- rwx r-x rwx rw- r-- r-- r--" "${files[@]}"
    granted 1:12 "r-x r-- --- r-x r-x r-- r-- r-- r--" "${files[@]}"
    granted 1:1:12 "r-x r-- --- r-x r-x r-- r-- r-- r--" "${files[@]}"
    granted 1:1 "r-- --- --- r-x r-x r-- r-- r-- r--" "${files[@]}"
    run setpriv --reuid=1 --clear-groups sh -c 'cd "$1"' - "$MNT/closed"
    [ "$status" -ne 0 ]
    unmount_lab
    mount_lab idmap=none,allow_other,ro
    granted 0:0 "r-x r-- r-x" script file closed
    unmount_lab
    rmdir "$MNT"
}

@test "mknod(2) makes regular files, and nothing else" {
    mount_lab
    python3 -c "$refusals"'
import stat
os.chdir(sys.argv[1])
os.mknod("new", 0o640 | stat.S_IFREG)
assert os.stat("new").st_size == 0 and os.stat("new").st_mode & 0o777 == 0o640
refused(errno.EEXIST, os.mknod, "new", 0o640 | stat.S_IFREG)
refused(errno.EPERM, os.mkfifo, "pipe")
refused(errno.EPERM, os.mknod, "vm/new.vmx", 0o640 | stat.S_IFREG)
refused(errno.EPERM, os.mknod, "vm/vm.vmx/key", 0o640 | stat.S_IFREG)
' "$MNT"
    [ "$(stat -c '%a %s' "$LAB/new")" = "640 0" ]
    [ "$(ls "$LAB/vm")" = vm.vmx ]
}

@test "a name of more than 255 bytes, and a path that the server cannot hold: ENAMETOOLONG" {
    mount_lab
    python3 -c "$refusals"'
import stat
os.chdir(sys.argv[1])
long = "x" * 256
for dir in ".", "vm", "vm/vm.vmx", "vm/vm.vmx/.vmxfs", ".vmxfs", ".vmxfs/plain", ".vmxfs/profiles":
    name = dir + "/" + long
    for what in os.stat, os.mkdir, os.unlink, os.rmdir, os.mkfifo, os.readlink:
        refused(errno.ENAMETOOLONG, what, name)
    refused(errno.ENAMETOOLONG, os.open, name, os.O_WRONLY | os.O_CREAT)
    refused(errno.ENAMETOOLONG, os.symlink, "a", name)
    refused(errno.ENAMETOOLONG, os.link, "file", name)
    refused(errno.ENAMETOOLONG, os.rename, "file", name)
    refused(errno.ENAMETOOLONG, os.rename, name, "file")
    refused(errno.ENAMETOOLONG, os.mknod, name, stat.S_IFREG | 0o600)
os.mkdir("x" * 255)
open("y" * 255, "w").close()
os.rename("y" * 255, "z" * 255)

# Deeper and deeper, until the whole path is too long for the server.
made = 0
try:
    while True:
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
        made += 1
except OSError as e:
    assert e.errno == errno.ENAMETOOLONG, e
assert 15 < made < 21, made
refused(errno.ENAMETOOLONG, open, "e" * 200, "w")
refused(errno.ENAMETOOLONG, os.stat, "e" * 200)
refused(errno.ENAMETOOLONG, os.rename, sys.argv[1] + "/file", "e" * 200)
refused(errno.ENAMETOOLONG, os.symlink, "a", "e" * 200)
' "$MNT"
    [ "$(cat "$LAB/file")" = text ]
}

@test "a time that SFTP cannot tell is set to the nearest that it can" {
    mount_lab
    touch -d @-1 "$MNT/file"
    [ "$(stat -c %Y "$LAB/file")" = 0 ]
    [ "$(stat -c '%X %Y' "$MNT/file")" = "0 0" ]
    touch -d @4294967296 "$MNT/file"
    [ "$(stat -c %Y "$LAB/file")" = 4294967295 ]
    touch -m -d @-5000000000 "$MNT/file"
    [ "$(stat -c '%X %Y' "$MNT/file")" = "4294967295 0" ]
    touch -d @4294967295 "$MNT/vm"
    [ "$(stat -c %Y "$LAB/vm")" = 4294967295 ]
    cp "$LAB/vm/vm.vmx" "$TEST_DIR/old.vmx"
    touch -d @-1 "$TEST_DIR/old.vmx"
    cp -p "$TEST_DIR/old.vmx" "$MNT/vm/old.vmx"
    [ "$(stat -c %Y "$LAB/vm/old.vmx")" = 0 ]
}

@test "a size that the server cannot hold: EFBIG" {
    mount_lab
    python3 -c "$refusals"'
os.chdir(sys.argv[1])
huge = 1 << 60
refused(errno.EFBIG, os.truncate, "file", huge)
fd = os.open("file", os.O_RDWR)
refused(errno.EFBIG, os.ftruncate, fd, huge)
def write():
    os.pwrite(fd, b"x", huge)
    os.fsync(fd)
refused(errno.EFBIG, write)
refused(errno.EFBIG, os.posix_fallocate, fd, huge, 1)
refused(errno.EFBIG, os.truncate, "vm/vm.vmx/memSize", huge)
refused(errno.EFBIG, os.truncate, ".vmxfs/plain/vm/vm.vmx", huge)
try:
    os.close(fd)
except OSError as e:
    assert e.errno == errno.EFBIG, e
assert os.stat("file").st_size == 5
' "$MNT"
    [ "$(cat "$LAB/file")" = text ]
}
