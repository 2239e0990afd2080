#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copies from one file of the mount to another, which the server makes by itself (copy-data).

load helper

setup() { lab_new; }
teardown() {
    lab_end
    ! mountpoint -q "$LAB/small" || umount -l "$LAB/small"
}

# For Python programs: a copy of all that is asked for.
copying='
import os, sys

def copy(from_fd, to_fd, size, from_offset, to_offset):
    done = 0
    while done < size:
        n = os.copy_file_range(from_fd, to_fd, size - done, from_offset + done, to_offset + done)
        if n == 0:
            break
        done += n
    return done
'

# Runs a command; prints how many bytes crossed the link meanwhile.
crossing() { # COMMAND...
    local before
    before=$(($(counter bytes-sent) + $(counter bytes-received)))
    "$@" >&2 || return 1
    echo $(($(counter bytes-sent) + $(counter bytes-received) - before))
}

random_file() { # FILE SIZE
    head -c "$2" /dev/urandom >"$1"
}

blocks() { # FILE
    stat -c %b "$1"
}

@test "cp sends none of the data over the link" {
    mount_local
    random_file "$LAB/disk" 40000003
    [ "$(crossing cp "$MNT/disk" "$MNT/new")" -lt 100000 ]
    cmp "$LAB/disk" "$LAB/new"
    cmp "$MNT/disk" "$MNT/new"
    # Over what was there.
    random_file "$LAB/old" 1000
    [ "$(crossing cp "$MNT/old" "$MNT/new")" -lt 100000 ]
    cmp "$LAB/old" "$LAB/new"
    [ "$(stat -c %s "$MNT/new")" -eq 1000 ]
    # Nothing at all.
    : >"$LAB/empty"
    cp "$MNT/empty" "$MNT/new"
    [ ! -s "$LAB/new" ]
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "the folder of a VM is copied by the server, but for its .vmx" {
    mount_local
    mkdir "$LAB/vm"
    write_vmx "$LAB/vm/vm.vmx" vm
    random_file "$LAB/vm/vm-flat.vmdk" 20000000
    printf 'text\n' >"$LAB/vm/vm.nvram"
    [ "$(crossing cp -r "$MNT/vm" "$MNT/clone")" -lt 200000 ]
    cmp "$LAB/vm/vm-flat.vmdk" "$LAB/clone/vm-flat.vmdk"
    cmp "$LAB/vm/vm.nvram" "$LAB/clone/vm.nvram"
    [ "$(cat "$MNT/clone/vm.vmx/displayName")" = vm ]
    # As a file, too.
    cp -rp "$MNT/.vmxfs/plain/vm" "$MNT/.vmxfs/plain/whole"
    diff -r "$LAB/vm" "$LAB/whole"
    [ "$(stat -c %Y "$LAB/vm/vm-flat.vmdk")" -eq "$(stat -c %Y "$LAB/whole/vm-flat.vmdk")" ]
}

@test "any ranges are copied, with what was written and mapped just before, and are seen at once" {
    mount_local
    python3 - "$MNT" "$LAB" <<END
$copying
import mmap, random

mnt, lab = sys.argv[1:]
rng = random.Random(1)
SIZE = 3 << 20
expected = {name: bytearray(rng.randbytes(SIZE)) for name in "ab"}
for name in "ab":
    with open(f"{lab}/{name}", "wb") as f:
        f.write(expected[name])
fds = {name: os.open(f"{mnt}/{name}", os.O_RDWR) for name in "ab"}
others = {name: os.open(f"{mnt}/{name}", os.O_RDWR) for name in "ab"}
maps = {name: mmap.mmap(fds[name], SIZE) for name in "ab"}

def put(name, at, data):
    expected[name][at:at + len(data)] = data

for turn in range(60):
    a, b = rng.choice(("ab", "ba"))
    for name in "ab":  # written through one handle, or another, or mapped
        at, data = rng.randrange(SIZE - 5000), rng.randbytes(rng.randrange(1, 5000))
        how = rng.randrange(3)
        if how == 2:
            maps[name][at:at + len(data)] = data
        else:
            os.pwrite((fds, others)[how][name], data, at)
        put(name, at, data)
    n = rng.choice((1, 100, 4096, 100000, 2000000))
    at, to = rng.randrange(SIZE - n), rng.randrange(SIZE - n)
    assert copy(fds[a], others[b], n, at, to) == n
    put(b, to, expected[a][at:at + n])
    for see in (lambda: os.pread(fds[b], n, to), lambda: os.pread(others[b], n, to),
                lambda: maps[b][to:to + n]):
        assert see() == expected[b][to:to + n], (turn, n, at, to)
# Behind the end of both.
assert copy(fds["a"], fds["b"], 5000, SIZE - 3000, SIZE + 10) == 3000
expected["b"] += bytes(10) + expected["a"][-3000:]
assert os.fstat(others["b"]).st_size == SIZE + 3010
assert copy(fds["a"], fds["b"], 5000, SIZE, 0) == 0
for name in "ab":
    maps[name].close()
    os.close(fds[name])
    os.close(others[name])
    for top in (mnt, lab):
        with open(f"{top}/{name}", "rb") as f:
            assert f.read() == expected[name], (top, name)
END
    # All of these were the server's copies.
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "what the server cannot copy is read and written" {
    mount_local
    write_vmx "$LAB/vm/vm.vmx" vm
    python3 - "$MNT" "$LAB" <<END
$copying
$refusals
mnt, lab = sys.argv[1:]

# Within one file.
with open(f"{lab}/one", "wb") as f:
    f.write(bytes(range(200)))
one, again = (os.open(f"{mnt}/one", os.O_RDWR) for _ in range(2))
assert copy(one, again, 50, 0, 100) == 50
assert copy(one, one, 10, 190, 300) == 10
refused(errno.EINVAL, os.copy_file_range, one, again, 50, 0, 20)
for fd in one, again:
    os.fsync(fd)
with open(f"{lab}/one", "rb") as f:
    assert f.read() == (bytes(range(100)) + bytes(range(50)) + bytes(range(150, 200)) + bytes(100)
                        + bytes(range(190, 200)))

# Descriptors that do not fit.
reads = os.open(f"{mnt}/one", os.O_RDONLY)
new = os.open(f"{mnt}/new", os.O_WRONLY | os.O_CREAT)
appends = os.open(f"{mnt}/new", os.O_WRONLY | os.O_APPEND)
refused(errno.EBADF, os.copy_file_range, one, reads, 5, 0, 0)
refused(errno.EBADF, os.copy_file_range, new, one, 5, 0, 0)
refused(errno.EBADF, os.copy_file_range, one, appends, 5, 0, 0)

# Settings, and whole texts.
key = os.open(f"{mnt}/vm/vm.vmx/memSize", os.O_RDONLY)
whole = os.open(f"{mnt}/.vmxfs/plain/vm/vm.vmx", os.O_RDONLY)
raw = os.open(f"{mnt}/vm/vm.vmx/.vmxfs/raw", os.O_RDONLY)
for fd in key, whole, raw:
    os.fstat(fd)  # the kernel copies no more than the size that it knows
assert copy(key, new, 5, 0, 0) == 5
assert copy(whole, new, 10, 0, 5) == 10
assert copy(raw, new, 10, 0, 15) == 10
os.close(new)
with open(f"{lab}/vm/vm.vmx", "rb") as f, open(f"{lab}/new", "rb") as g:
    text = f.read()
    assert g.read() == b"4096\n" + text[:10] * 2
with open(f"{lab}/text", "wb") as f:
    f.write(text.replace(b"4096", b"8192"))
source = os.open(f"{mnt}/text", os.O_RDONLY)
whole = os.open(f"{mnt}/.vmxfs/plain/vm/vm.vmx", os.O_WRONLY | os.O_TRUNC)
assert copy(source, whole, 1000, 0, 0) == len(text)
os.close(whole)

# A file that has become a .vmx is not written to.
fd = os.open(f"{mnt}/.vmxfs/plain/other", os.O_WRONLY | os.O_CREAT)
os.write(fd, text)
os.rename(f"{mnt}/.vmxfs/plain/other", f"{mnt}/.vmxfs/plain/other.vmx")
refused(errno.EBUSY, os.copy_file_range, source, fd, 5, 0, 0)
END
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 8192 ]
    cp "$MNT/vm/vm.vmx/memSize" "$MNT/vm/vm.vmx/displayName"
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = 8192 ]
}

@test "a server that does not offer to copy, or refuses to, is read and written" {
    SFTP_SERVER="$SFTP_SERVER -P copy-data"
    mount_local
    random_file "$LAB/disk" 5000003
    cp "$MNT/disk" "$MNT/new"
    cmp "$LAB/disk" "$LAB/new"
    unmount_lab
    grep -q 'close .*new" bytes read 0 written 5000003' "$SERVER_LOG"
    # One that fails in the middle: its filesystem allows files of 4 MiB.
    : >"$SERVER_LOG"
    SFTP_SERVER=${SFTP_SERVER%% -P*}
    printf '#!/bin/sh\nulimit -f 4096\ntrap "" XFSZ\nexec %s -e -l DEBUG 2>>%s\n' "$SFTP_SERVER" \
        "$SERVER_LOG" >"$TEST_DIR/limited"
    chmod 755 "$TEST_DIR/limited"
    mount_source "$LAB" "sftp_server=$TEST_DIR/limited"
    run cp "$MNT/disk" "$MNT/large"
    [ "$status" -ne 0 ]
    [[ $output == *File\ too\ large* || $output == *Input/output* ]]
    grep -q 'copy-data from' "$SERVER_LOG"
    [ "$(times large)" -ge 1 ]
}

@test "a filesystem of the server that is full is told as such" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mkdir "$LAB/small"
    mount -t tmpfs -o size=8m none "$LAB/small"
    random_file "$LAB/small/fill" 5000003
    random_file "$LAB/disk" 5000003
    mount_local
    run cp "$MNT/disk" "$MNT/small/new"
    [ "$status" -ne 0 ]
    [[ $output == *"No space left on device"* ]]
}

@test "a copy goes on when the link is lost" {
    mount_local
    random_file "$LAB/disk" 100000000
    python3 - "$MNT" <<END
$copying
import contextlib, re, signal

mnt = sys.argv[1]

def server():
    with open(f"{mnt}/.vmxfs/status") as f:
        return int(re.search(r"^transport-pid: (\d+)$", f.read(), re.M).group(1))

source = os.open(f"{mnt}/disk", os.O_RDONLY)
target = os.open(f"{mnt}/new", os.O_WRONLY | os.O_CREAT)
size, done = os.fstat(source).st_size, 0
while done < size:
    if done and os.fork() == 0:  # now, or a little later
        with contextlib.suppress(ProcessLookupError):
            os.kill(server(), signal.SIGKILL)
        os._exit(0)
    n = os.copy_file_range(source, target, size - done, done, done)
    assert n > 0
    done += n
os.close(target)
END
    cmp "$LAB/disk" "$LAB/new"
    cmp "$MNT/disk" "$MNT/new"
    [ "$(times "connection to the server was lost")" -ge 1 ]
}

@test "who copies is killed at once while the server is silent, and the copy ends" {
    local pid server
    mount_local
    random_file "$LAB/disk" 3000000
    : >"$LAB/new"
    server=$(counter transport-pid)
    python3 - "$MNT" "$server" <<'END' &
import os, signal, sys
source = os.open(f"{sys.argv[1]}/disk", os.O_RDONLY)
target = os.open(f"{sys.argv[1]}/new", os.O_WRONLY)
os.kill(int(sys.argv[2]), signal.SIGSTOP)
os.copy_file_range(source, target, 1000000, 0, 0)
END
    pid=$!
    eventually 60 is_copying
    kill -KILL "$pid"
    eventually 60 ended "$pid"
    kill -CONT "$server"
    eventually 60 cmp -n 1000000 "$LAB/disk" "$LAB/new"
    [ "$(counter link)" = up ]
    cp "$MNT/disk" "$MNT/new"
    cmp "$LAB/disk" "$LAB/new"
}

is_copying() {
    [ "$(counter requests-in-flight)" -ge 4 ]
}

@test "cp --sparse=always leaves holes on the server, and sends none of them" {
    mount_local
    truncate -s 40M "$LAB/disk"
    printf 'data' | dd of="$LAB/disk" bs=1M seek=20 conv=notrunc status=none
    printf 'end' | dd of="$LAB/disk" bs=1M seek=40 conv=notrunc status=none
    cp --sparse=always "$MNT/disk" "$MNT/thin"
    cmp "$LAB/disk" "$LAB/thin"
    [ "$(blocks "$LAB/thin")" -lt 1000 ]
    # From a local file: the zeros are not sent.
    [ "$(crossing cp --sparse=always "$LAB/disk" "$MNT/sent")" -lt 1000000 ]
    cmp "$LAB/disk" "$LAB/sent"
    [ "$(blocks "$LAB/sent")" -lt 1000 ]
    # The server's own copy has no holes: SFTP does not tell where they are.
    cp "$MNT/disk" "$MNT/thick"
    cmp "$LAB/disk" "$LAB/thick"
}
