#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a program is told through the descriptors that it writes with.

load keys

# The kernel splits a large write, and says only how much was taken of it.
@test "a large write of which a piece is refused: EFBIG for the rest, and when it is closed" {
    start vmx_max=1100
    for file in "$K/guestinfo.a" "$MNT/.vmxfs/plain/vm/vm.vmx" "$K/.vmxfs/raw" "$K/.vmxfs/merge"; do
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
    [ "$(times EFBIG)" -eq 8 ] # one for each text
    [ "$(times .)" -eq 8 ]
}

@test "who syncs what was cut, or made empty, is told what becomes of it" {
    mkdir "$VM.lck"
    touch "$VM.lck/M1"
    start
    python3 -c "$refusals"'
vmx, plain = sys.argv[1:]
for name, flags in ("guestinfo.a", os.O_TRUNC), ("guestinfo.new", os.O_CREAT):
    fd = os.open(os.path.join(vmx, name), os.O_WRONLY | flags)
    refused(errno.EBUSY, os.fsync, fd)
    refused(errno.EBUSY, os.close, fd)
    fd = os.open(os.path.join(vmx, name), os.O_WRONLY | flags)
    os.ftruncate(fd, 0)
    refused(errno.EBUSY, os.fsync, fd)
    refused(errno.EBUSY, os.close, fd)
fd = os.open(plain, os.O_WRONLY | os.O_TRUNC)
refused(errno.EINVAL, os.fsync, fd) # a text without its settings
refused(errno.EINVAL, os.close, fd)' "$K" "$MNT/.vmxfs/plain/vm/vm.vmx"
    becomes 0
    explained EBUSY guestinfo.a
    explained EBUSY guestinfo.new
    explained EINVAL -
}

# The lock of a running VM stands for any reason why a commit is refused.
@test "who goes on where what he has written was refused is told so until he begins anew" {
    start
    python3 -c "$refusals"'
lock, setting, *texts = sys.argv[1:]

def goes_on(file, flags, code):
    whole = open(file, "rb").read()
    text = whole.replace(b"alpha", b"omega").replace(b"one", b"two")
    half = len(text) // 2
    fd = os.open(file, os.O_RDWR | flags)
    os.mkdir(lock)
    open(lock + "/M1", "w").close()
    os.write(fd, text[:half])
    refused(code, os.fsync, fd)
    os.unlink(lock + "/M1")
    os.rmdir(lock)
    for again in range(2):
        refused(code, os.write, fd, text[half:])
    assert open(file, "rb").read() == whole
    os.ftruncate(fd, 0)
    os.pwrite(fd, text, 0)
    os.fsync(fd)
    os.close(fd)
    assert open(file, "rb").read() == text
    with open(file, "wb") as f:
        f.write(whole)

goes_on(setting, os.O_TRUNC, errno.EBUSY)
for file in texts:
    goes_on(file, 0, errno.EBUSY)
    goes_on(file, os.O_TRUNC, errno.EINVAL) # half a text
' "$VM.lck" "$K/guestinfo.a" "$MNT/.vmxfs/plain/vm/vm.vmx" "$K/.vmxfs/raw"
}

@test "who goes on where another one has thrown away what both have written is told so" {
    start vmx_max=64
    python3 -c "$refusals"'
key = sys.argv[1]

def opened(flags):
    return os.open(key, os.O_WRONLY | flags)

def two():
    first, second = opened(os.O_TRUNC), opened(os.O_APPEND)
    os.write(first, b"x")
    refused(errno.EFBIG, os.write, second, b"x" * 65537)
    refused(errno.EFBIG, os.close, second)
    return first

first = two()
refused(errno.ECANCELED, os.write, first, b"y")
refused(errno.ECANCELED, os.close, first)
first = two()
refused(errno.ECANCELED, os.close, first)
# Who cuts it begins anew.
first = two()
refused(errno.ECANCELED, os.write, first, b"y")
os.ftruncate(first, 0)
os.pwrite(first, b"alpha", 0)
os.close(first)
# A third one who completes his own does not make up for it.
first, second, third = (opened(os.O_APPEND) for _ in range(3))
os.write(first, b"x")
os.write(second, bytes(1))
refused(errno.EINVAL, os.close, second)
os.write(third, b"alpha\n")
refused(errno.ECANCELED, os.write, first, b"y\n")
refused(errno.ECANCELED, os.close, first)
os.close(third)
' "$K/guestinfo.a"
    becomes 1 's/"alpha"/"alpha|0Aalpha"/'
    explained ECANCELED guestinfo.a
}

@test "who writes on after a child that was killed in its value is told that all of it is gone" {
    start
    python3 -c "$refusals"'
import subprocess
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"head")
child = "import os, sys; os.write(int(sys.argv[1]), bytes(1)); os.abort()"
subprocess.run([sys.executable, "-c", child, str(fd)], pass_fds=[fd])
refused(errno.ECANCELED, os.close, fd)' "$K/guestinfo.a"
    becomes 0
}

# Each process that ends closes what it has inherited.
@test "a program that ends between two writes of a shell sets no half of a value" {
    start
    bash -c '{ printf 8; /bin/true; echo 192; } >"$1"' sh "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    { printf 'guestinfo.'; /bin/true; echo 'a = "one"'; } >"$K/.vmxfs/merge"
    becomes 2 's/"4096"/"8192"/; s/"alpha"/"one"/'
}

@test "a sync that is interrupted is asked again" {
    start vmx_max=64
    python3 -c "$refusals"'
import signal, subprocess, tempfile, time

folder, lock, elsewhere = sys.argv[1:]
token = os.path.join(lock, "01234567000123abcdef00000001-root@elsewhere")

class Interrupted(Exception):
    pass

def interrupted(*_):
    raise Interrupted

signal.signal(signal.SIGTERM, interrupted)

def path(name):
    return os.path.join(folder, name)

# Nothing of a change has been sent while another one is under way.
def sync_interrupted(name, text, before):
    while os.path.exists(lock): # of the commit before
        time.sleep(0.05)
    os.mkdir(lock)
    open(token, "w").close()
    fd = os.open(path(name), os.O_WRONLY | os.O_TRUNC)
    os.write(fd, text)
    other = subprocess.Popen(["sh", "-c", before, folder])
    while not any(name.startswith(".vmxfs-") for name in os.listdir(os.path.dirname(lock))):
        time.sleep(0.001) # until it tries to take the lock
    try:
        subprocess.Popen(["sh", "-c", "sleep 0.5; kill -TERM $0", str(os.getpid())])
        os.fsync(fd)
        sys.exit("not interrupted")
    except Interrupted:
        pass
    os.rename(lock, tempfile.mkdtemp(dir=elsewhere)) # in one step: whoever waits removes an empty lock
    return fd, other

for name, text, before in (("guestinfo.a", b"synced", "echo other >$0/guestinfo.b"),
                           (".vmxfs/merge", b"guestinfo.c = \"synced\"\n", "echo 3 >$0/numvcpus")):
    fd, other = sync_interrupted(name, text, before)
    os.fsync(fd)
    os.close(fd)
    assert other.wait() == 0
# What was to be synced is lost like any other text that was taken.
fd, other = sync_interrupted("guestinfo.a", b"x", "echo 4 >$0/numvcpus")
assert other.wait() == 0
second = os.open(path("guestinfo.a"), os.O_WRONLY | os.O_APPEND)
refused(errno.EFBIG, os.write, second, b"x" * 65537)
refused(errno.EFBIG, os.close, second)
refused(errno.ECANCELED, os.fsync, fd)
refused(errno.ECANCELED, os.close, fd)' "$K" "$LAB/vm/.vm.vmx.vmxfs-lock" "$TEST_DIR"
    becomes 5 's/alpha/synced/; s/beta/other/; s/gamma/synced/; s/numvcpus = 2/numvcpus = "4"/'
}

@test "a server that is read-only lets nobody make an empty .vmx" {
    SFTP_SERVER="$SFTP_SERVER -R" mount_local
    run touch "$MNT/vm/new.vmx"
    [ "$status" -ne 0 ]
    run python3 -c 'import os, sys
os.fsync(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT))' "$MNT/vm/new.vmx"
    [ "$status" -ne 0 ]
    [ ! -e "$LAB/vm/new.vmx" ]
    grep -q "vm/new.vmx" "$MNT/.vmxfs/errors"
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

# A rename changes what a node is, and not what its writers have written to.
@test "who has a file open that is renamed onto raw or a setting goes on in that, and reads it" {
    start
    python3 -c "$refusals"'
vmx, on_server = sys.argv[1:]
folder = os.path.join(vmx, ".vmxfs")
raw = os.path.join(folder, "raw")
text = open(raw, "rb").read()

def scratch(data):
    path = os.path.join(folder, "raw~")
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(fd, data)
    return fd, path

fd, path = scratch(text)
os.rename(path, raw)
os.write(fd, b"guestinfo.d = \"delta\"\n")
os.close(fd)
text += b"guestinfo.d = \"delta\"\n"
assert open(on_server, "rb").read() == text

writer, path = scratch(text)
fd = os.open(path, os.O_RDONLY)
os.rename(path, raw)
os.close(writer)
assert os.read(fd, 10000) == text
os.close(fd)

key = os.path.join(vmx, "guestinfo.a")
with open(key + "~", "w") as f:
    f.write("omega")
fd = os.open(key + "~", os.O_RDONLY)
os.rename(key + "~", key)
assert os.read(fd, 100).rstrip() == b"omega"' "$K" "$VM"
    echo 'guestinfo.d = "delta"' >>"$TEST_DIR/before"
    becomes 2 's/alpha/omega/'
}

@test "what was written to raw or a setting that is renamed meanwhile, as a backup, is not lost" {
    start
    python3 -c "$refusals"'
vmx, on_server = sys.argv[1:]
raw = os.path.join(vmx, ".vmxfs", "raw")
old = open(raw, "rb").read()
new = old.replace(b"alpha", b"omega")
fd = os.open(raw, os.O_WRONLY | os.O_TRUNC)
os.write(fd, new[:20])
os.rename(raw, raw + "~")
os.write(fd, new[20:])
os.fsync(fd)
os.close(fd)
assert open(on_server, "rb").read() == new
assert open(raw + "~", "rb").read() == old
os.rename(raw + "~", raw)
assert os.stat(raw).st_size == len(old)
assert open(on_server, "rb").read() == old

key = os.path.join(vmx, "guestinfo.b")
fd = os.open(key, os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"abc")
os.rename(key, key + "~")
os.fsync(fd)
os.close(fd)
assert open(key + "~").read().rstrip() == "abc"
os.rename(key + "~", key)' "$K" "$VM"
    becomes 3 's/beta/abc/'
}

# Text without a newline waits for more. What it was made from has gone by then.
@test "who has not completed a value that is renamed, or replaced by a rename, is told" {
    local how
    for how in 'with sed' 'its old name' 'its new name' 'its old name, that is set anew'; do
        start
        python3 -c "$refusals"'
import subprocess
vmx, how = sys.argv[1:]
a, b, z = (os.path.join(vmx, "guestinfo." + name) for name in "abz")
fd = os.open(b if how == "its new name" else a, os.O_WRONLY | os.O_APPEND)
os.write(fd, b"half")
if how == "with sed":
    subprocess.check_call(["sed", "-i", "s/alpha/omega/", a])
elif how == "its new name":
    os.rename(a, b)
else:
    os.rename(a, z)
    if "anew" in how:
        with open(a, "w") as file:
            file.write("new\n")
refused(errno.ECANCELED, os.write, fd, b"more")
refused(errno.ECANCELED, os.close, fd)' "$K" "$how"
        case $how in
        'with sed') becomes 1 's/"alpha"/"omega|0Ahalf"/' ;; # which has read both
        'its new name') becomes 1 '/^guestinfo.b/d; s/^guestinfo.a/guestinfo.b/' ;;
        'its old name') becomes 1 's/^guestinfo.a/guestinfo.z/' ;;
        *) [ "$(cat "$K/guestinfo.a")" = new ] && [ "$(cat "$K/guestinfo.z")" = alpha ] ;;
        esac
        [ "$how" = 'with sed' ] || [ "$(grep -c half "$VM")" -eq 0 ]
        unmount_lab
        cp "$TEST_DIR/before" "$VM"
    done
}
