#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a program is told through the descriptors that it writes with.

load keys

# For programs in which calls must fail.
refusals='
import errno, os, sys

def refused(code, what, *args):
    try:
        what(*args)
    except OSError as e:
        assert e.errno == code, e
    else:
        sys.exit("not refused")
'

# The kernel splits a large write, and says only how much was taken of it.
@test "a large write of which a piece is refused: EFBIG for the rest, and when it is closed" {
    start vmx_max=1100
    local lines
    lines=$(wc -l <"$MNT/.vmxfs/errors")
    for file in "$K/guestinfo.a" "$K/.vmxfs/merge"; do
        python3 -c "$refusals"'
for goes_on in False, True:
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
    taken = os.write(fd, b"x" * 2000000)
    assert 0 < taken < 1126400, taken
    if goes_on:
        refused(errno.EFBIG, os.write, fd, b"x" * 1000)
        refused(errno.EFBIG, os.write, fd, b"x\n")
    refused(errno.EFBIG, os.close, fd)' "$file"
    done
    becomes 0
    cat "$MNT/.vmxfs/errors"
    [ "$(grep -c EFBIG "$MNT/.vmxfs/errors")" -eq $((lines + 4)) ] # one for each text
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -eq $((lines + 4)) ]
}

@test "who syncs what was cut, or made empty, is told what becomes of it" {
    mkdir "$VM.lck"
    touch "$VM.lck/M1"
    start
    python3 -c "$refusals"'
vmx = sys.argv[1]
for name, flags in ("guestinfo.a", os.O_TRUNC), ("guestinfo.new", os.O_CREAT):
    fd = os.open(os.path.join(vmx, name), os.O_WRONLY | flags)
    refused(errno.EBUSY, os.fsync, fd)
    os.close(fd)
    fd = os.open(os.path.join(vmx, name), os.O_WRONLY | flags)
    os.ftruncate(fd, 0)
    refused(errno.EBUSY, os.fsync, fd)
    os.close(fd)' "$K"
    becomes 0
    explained EBUSY guestinfo.a
    explained EBUSY guestinfo.new
}

@test "a key that was removed is not made again by who has it open" {
    start
    python3 -c "$refusals"'
def key(name):
    return os.path.join(sys.argv[1], name)


for name, flags in ("guestinfo.c", os.O_RDWR), ("guestinfo.new", os.O_RDWR | os.O_CREAT):
    fd = os.open(key(name), flags)
    os.pwrite(fd, b"once\n", 0)
    os.unlink(key(name))
    assert os.fstat(fd).st_nlink == 0
    refused(errno.ECANCELED, os.pwrite, fd, b"again\n", 0)
    refused(errno.ECANCELED, os.ftruncate, fd, 0)
    os.close(fd)
    assert not os.path.exists(key(name))

# Of several lines the last ones are not committed yet.
fd = os.open(key("guestinfo.a"), os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"one\n")
os.write(fd, b"two\n")
os.unlink(key("guestinfo.a"))
os.close(fd)
assert not os.path.exists(key("guestinfo.a"))

reader = os.open(key("guestinfo.b"), os.O_RDONLY)
os.unlink(key("guestinfo.b"))
with open(key("guestinfo.b"), "w") as f:
    f.write("another\n")
assert os.read(reader, 100) == b"beta\n"
with open(key("guestinfo.b")) as f:
    assert f.read() == "another\n"' "$K"
    explained ECANCELED guestinfo.new
}

@test "whoever closes one of several descriptors is told success when it is done" {
    start
    python3 - "$K/.vmxfs/merge" "$VM" <<'END_OF_PYTHON'
import os, sys, threading

control, vmx = sys.argv[1:]
early = []

def close(fd, line):
    os.close(fd)
    with open(vmx) as f:
        if line not in f.read():
            early.append(line)

for n in range(30):
    line = f'guestinfo.n = "{n}"'
    fd = os.open(control, os.O_WRONLY)
    os.write(fd, line.encode() + b"\n")
    threads = [threading.Thread(target=close, args=(fd, line)) for fd in (fd, os.dup(fd))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert not early, early
END_OF_PYTHON
}

@test "a merge of which a write was refused is not made in part" {
    start vmx_max=64
    {
        echo 'guestinfo.a = "one"'
        head -c 66000 /dev/zero | tr '\0' '#'
        printf '\nguestinfo.b = "two"\n'
    } >"$TEST_DIR/text"
    run cp "$TEST_DIR/text" "$K/.vmxfs/merge"
    [ "$status" -ne 0 ]
    [[ "$output" == *"File too large"* ]]
    explained EFBIG merge
    run cp "$TEST_DIR/text" "$K/.vmxfs/raw"
    [ "$status" -ne 0 ]
    explained EFBIG -
    becomes 0
}
