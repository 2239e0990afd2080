#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An open plain file is what its handle shows, whatever becomes of its name.

load helper

setup() { lab_new; }
teardown() { lab_end; }

@test "a file that is removed, replaced or moved away while it is open is written, read and truncated on" {
    mount_local cache_timeout="${CACHE_TIMEOUT:-5}"
    cat >"$TEST_DIR/use.py" <<'END'
import os, sys, tempfile

mnt, lab = sys.argv[1:]

def use(fd):
    os.pwrite(fd, b"0123456789", 0)
    assert os.fstat(fd).st_size == 10, os.fstat(fd)
    assert os.pread(fd, 100, 0) == b"0123456789"
    os.ftruncate(fd, 4)
    assert os.fstat(fd).st_size == 4
    assert os.pread(fd, 100, 0) == b"0123"
    os.ftruncate(fd, 6)
    assert os.pread(fd, 100, 0) == b"0123\0\0"
    os.fchmod(fd, 0o640)
    os.utime(fd, (1000, 2000))
    st = os.fstat(fd)
    assert (st.st_mode & 0o777, st.st_mtime) == (0o640, 2000), st
    os.pwrite(fd, b"x" * 300000, 6)
    assert os.fstat(fd).st_size == 300006
    os.fsync(fd)
    assert len(os.pread(fd, 400000, 0)) == 300006

def put(folder, name, text):
    with open(folder + "/" + name, "wb") as f:
        f.write(text)

for how in "removed", "replaced", "moved":
    for side in mnt, lab:
        name = how + os.path.basename(side)
        fd = os.open(f"{mnt}/{name}", os.O_RDWR | os.O_CREAT)
        os.write(fd, b"begun")
        os.fsync(fd)
        put(side, "other", b"another file")
        if how == "removed":
            os.unlink(f"{side}/{name}")
        else:
            if how == "moved":
                os.rename(f"{side}/{name}", f"{side}/{name}.1")
            os.rename(f"{side}/other", f"{side}/{name}")
        use(fd)
        if how != "removed":
            with open(f"{lab}/{name}", "rb") as f:
                assert f.read() == b"another file"
        os.close(fd)
with tempfile.TemporaryFile(dir=mnt) as f:
    f.write(b"temporary")
    f.flush()
    f.seek(0)
    assert f.read() == b"temporary"
END
    python3 "$TEST_DIR/use.py" "$MNT" "$LAB"
}

@test "a file that is replaced on the server in the middle of a copy is read to its end" {
    head -c 3000000 /dev/urandom >"$LAB/log"
    cp "$LAB/log" "$TEST_DIR/log"
    mount_local cache_timeout=0
    exec 7<"$MNT/log"
    head -c 100000 <&7 >"$TEST_DIR/copy"
    echo short >"$LAB/new"
    mv "$LAB/new" "$LAB/log"
    # Whoever looks meanwhile sees the new one.
    ls -l "$MNT" >/dev/null
    [ "$(stat -c %s "$MNT/log")" = 6 ]
    [ "$(cat "$MNT/log")" = short ]
    cat <&7 >>"$TEST_DIR/copy"
    exec 7<&-
    cmp "$TEST_DIR/log" "$TEST_DIR/copy"
}

@test "another file under the name of an open one has a number of its own" {
    mount_local cache_timeout=0
    local side old
    for side in "$LAB" "$MNT"; do
        echo old >"$LAB/log"
        exec 7<"$MNT/log"
        old=$(stat -L -c %i /proc/self/fd/7)
        mv "$side/log" "$side/log.1"
        echo newer >"$side/log"
        [ "$(stat -c %i "$MNT/log")" != "$old" ]
        [ "$(stat -L -c %i /proc/self/fd/7)" = "$old" ]
        [ "$(cat "$MNT/log") $(cat <&7)" = "newer old" ]
        exec 7<&-
    done
}

@test "tail -F follows a rotation and repeats no line" {
    mount_local cache_timeout=1
    local side n=0 follower
    for side in "$LAB" "$MNT"; do
        rm -f "$LAB"/log*
        echo line 1 >"$LAB/log"
        eventually 60 grep -qx "line 1" "$MNT/log"
        tail -n +1 -s 0.1 --max-unchanged-stats=1 -F "$MNT/log" >"$TEST_DIR/out" 2>"$TEST_DIR/said" 3>&- &
        follower=$!
        eventually 60 grep -qx "line 1" "$TEST_DIR/out"
        echo line 2 >>"$LAB/log"
        eventually 60 grep -qx "line 2" "$TEST_DIR/out"
        mv "$side/log" "$side/log.1"
        echo line 3 >"$side/log"
        eventually 60 grep -qx "line 3" "$TEST_DIR/out"
        echo line 4 >>"$LAB/log"
        eventually 60 grep -qx "line 4" "$TEST_DIR/out"
        kill "$follower"
        wait "$follower" || :
        diff <(printf 'line %d\n' 1 2 3 4) "$TEST_DIR/out"
        n=$((n + 1))
    done
    [ "$n" = 2 ]
}

# The kernel still has the old file under the name.
@test "an open for reading, writing or truncating means the file that has the name now" {
    mount_local cache_timeout=60
    local mode
    for mode in '<' '>>' '>' '<>'; do
        echo "the old one" >"$LAB/file$mode"
        exec 7<"$MNT/file$mode"
        echo new >"$LAB/other"
        mv "$LAB/file$mode" "$LAB/old"
        mv "$LAB/other" "$LAB/file$mode"
        case $mode in
        '<') [ "$(cat "$MNT/file$mode")" = new ] ;;
        '>>') echo more >>"$MNT/file$mode" ;;
        '>') echo newer >"$MNT/file$mode" ;;
        '<>') printf N 1<>"$MNT/file$mode" ;;
        esac
        [ "$(cat "$LAB/old")" = "the old one" ]
        [ "$(cat <&7)" = "the old one" ]
        exec 7<&-
    done
    [ "$(cat "$LAB/file>>")" = "new
more" ]
    [ "$(cat "$LAB/file>")" = newer ]
    [ "$(cat "$LAB/file<>")" = New ]
    truncate -s 3 "$MNT/file>"
    [ "$(cat "$LAB/file>")" = new ]
}

@test "what was just made, and is not closed yet, is listed" {
    mount_local cache_timeout=300
    python3 - "$MNT" <<'END'
import os, sys
os.listdir(sys.argv[1])
fd = os.open(sys.argv[1] + "/new", os.O_WRONLY | os.O_CREAT, 0o644)
assert "new" in os.listdir(sys.argv[1]), os.listdir(sys.argv[1])
END
}

@test "a file that was made by who only reads shows him what others write to it" {
    mount_local
    python3 - "$MNT/new" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_CREAT, 0o644)
with open(sys.argv[1], "w") as f:
    f.write("text")
assert os.pread(fd, 100, 0) == b"text"
END
}

@test "a .vmx that was made by who only reads is there once it is closed" {
    local path
    mount_local
    for path in "$MNT/a.vmx" "$MNT/.vmxfs/plain/b.vmx"; do
        python3 -c 'import os, sys
os.close(os.open(sys.argv[1], os.O_RDONLY | os.O_CREAT, 0o644))' "$path"
        eventually 30 test -f "$LAB/${path##*/}"
    done
    eventually 30 test -d "$MNT/a.vmx"
    echo 4096 >"$MNT/a.vmx/memSize"
    [ "$(cat "$LAB/a.vmx")" = 'memSize = "4096"' ]
}

@test "nobody reads what was read ahead before the file was changed" {
    mount_local cache_timeout=0
    head -c 4M /dev/zero >"$LAB/file"
    python3 - "$MNT/file" "$LAB/file" <<'END'
import os, sys

path, on_server = sys.argv[1:]
PART, SIZE = 128 << 10, 4 << 20
reader = os.open(path, os.O_RDONLY)
writer = os.open(path, os.O_RDWR)
read = 0

def read_on():
    global read
    for _ in range(4):
        assert os.pread(reader, PART, read) == bytes(PART)
        read += PART

# Not whole pages: the kernel keeps none of them.
read_on()
os.pwrite(writer, b"written", read + PART + 5000)
assert os.pread(reader, 7, read + PART + 5000) == b"written"

read += 2 * PART
read_on()
with open(on_server, "r+b") as f:
    f.seek(read + PART)
    f.write(b"x" * PART)
os.utime(on_server, (1000, 2000))
assert os.fstat(reader).st_mtime == 2000
assert os.pread(reader, PART, read + PART) == b"x" * PART

read += 2 * PART
read_on()
os.ftruncate(writer, read + PART)
os.ftruncate(writer, SIZE)
with open(path, "r+b") as f:
    f.seek(read + 2 * PART + 5000)
    f.write(b"again")
assert os.pread(reader, 5, read + 2 * PART + 5000) == b"again"
END
}

@test "a file that has changed on the server is read to its end, whatever size is still known" {
    mount_local cache_timeout=60
    cat >"$TEST_DIR/read.py" <<'END'
import os, sys

mnt, lab = sys.argv[1:]

def read():
    fd = os.open(mnt + "/log", os.O_RDONLY)
    data = b""
    while more := os.read(fd, 1 << 20): # asks for no size
        data += more
    os.close(fd)
    return data

for n in range(20):
    with open(lab + "/log", "wb") as f:
        f.write(b"line\n" * (n + 1))
    os.stat(mnt + "/log")
    if n % 2:
        read()
        os.stat(mnt + "/log")
    text = (b"longer\n" if n % 4 < 2 else b"s") * (n + 2)
    if n % 3:
        with open(lab + "/log", "wb") as f:
            f.write(text)
    else:
        with open(lab + "/new", "wb") as f:
            f.write(text)
        os.rename(lab + "/new", lab + "/log")
    assert read() == text, (n, read(), text)
END
    python3 "$TEST_DIR/read.py" "$MNT" "$LAB"
}

@test "files that are replaced all the time are read whole, by several at once" {
    mount_local
    cat >"$TEST_DIR/read.py" <<'END'
import os, sys, threading, time

mnt, lab = sys.argv[1:]
READS, READERS = 2000, 3
failed = []

def replace(n):
    with open(lab + "/new", "wb") as f:
        f.write(b"%06d" % n * (1, 100, 3000, 20000)[n % 7 % 4])
    os.rename(lab + "/new", lab + "/file")

def read():
    try:
        for _ in range(READS):
            fd = os.open(mnt + "/file", os.O_RDONLY)
            text = b""
            while more := os.read(fd, 50000):
                text += more
            assert text == text[:6] * (len(text) // 6), (len(text), text[:6])
            n = int(text[:6])
            assert len(text) == 6 * (1, 100, 3000, 20000)[n % 7 % 4], (n, len(text))
            assert os.fstat(fd).st_size == len(text), (os.fstat(fd), len(text))
            os.close(fd)
    except Exception as e:
        failed.append(e)

replace(0)
readers = [threading.Thread(target=read) for _ in range(READERS)]
for reader in readers:
    reader.start()
n = 0
while any(reader.is_alive() for reader in readers):
    n += 1
    replace(n)
    time.sleep(0.002)
assert not failed, failed
END
    python3 "$TEST_DIR/read.py" "$MNT" "$LAB"
}

@test "a file that looks like the one that it has replaced is not taken for it" {
    mount_local cache_timeout=60
    echo "the old one" >"$LAB/file"
    echo "the new one" >"$LAB/new"
    touch -r "$LAB/file" "$LAB/new"
    exec 7<"$MNT/file"
    mv "$LAB/new" "$LAB/file"
    [ "$(cat "$MNT/file")" = "the new one" ]
    [ "$(cat <&7)" = "the old one" ]
    [ "$(cat "$MNT/file")" = "the new one" ]
    exec 7<&-
}

@test "what is set or written while a file is open is shown at once" {
    mount_local cache_timeout=60
    echo text >"$LAB/file"
    python3 - "$MNT/file" <<'END'
import os, sys

path = sys.argv[1]
fd = os.open(path, os.O_RDONLY)
os.chmod(path, 0o640)
assert os.fstat(fd).st_mode & 0o777 == os.stat(path).st_mode & 0o777 == 0o640
os.utime(path, (1000, 1000))
assert os.fstat(fd).st_mtime == os.stat(path).st_mtime == 1000
os.close(fd)

writer = os.open(path, os.O_WRONLY)
fd = os.open(path, os.O_RDONLY)
os.write(writer, b"longer than it was")
os.close(writer)
assert os.fstat(fd).st_size == os.stat(path).st_size == 18
with open(path, "w") as f:
    f.write("short")
assert os.fstat(fd).st_size == os.stat(path).st_size == 5
os.truncate(path, 2)
assert os.fstat(fd).st_size == os.stat(path).st_size == 2
assert os.pread(fd, 100, 0) == b"sh"
os.close(fd)

other = os.path.join(os.path.dirname(path), ".vmxfs/plain", os.path.basename(path))
fd = os.open(path, os.O_RDONLY)
assert os.fstat(fd).st_size == 2
with open(other, "a") as f:
    f.write("more")
assert os.fstat(fd).st_size == 6
os.truncate(other, 1)
os.chmod(other, 0o600)
st = os.fstat(fd)
assert (st.st_size, st.st_mode & 0o777) == (1, 0o600), st
END
}

@test "a file that is open through a link is looked at, listed and follows the link" {
    mount_local cache_timeout=1,follow_symlinks
    echo one >"$LAB/a.txt"
    echo second >"$LAB/b.txt"
    ln -s a.txt "$LAB/link"
    exec 7<"$MNT/link"
    [ "$(stat -L -c %s "$MNT/link")" = 4 ]
    ls -l "$MNT" >/dev/null
    [ "$(cat "$MNT/link")" = one ]
    ln -sfn b.txt "$LAB/link"
    eventually 30 grep -qx second "$MNT/link"
    [ "$(cat <&7)" = one ]
    exec 7<&-
    rm "$LAB/a.txt" "$LAB/link"
    eventually 30 test ! -e "$MNT/link"
    [ "$(cat "$MNT/b.txt")" = second ]
}

@test "files that are opened and listed at once stay known as often as the kernel knows them" {
    mount_local cache_timeout=0
    echo text >"$LAB/file"
    python3 - "$MNT" <<'END'
import os, sys, threading

mnt = sys.argv[1]
failed = []

def often(what):
    try:
        for _ in range(1500):
            what()
    except Exception as e:
        failed.append(e)

threads = [threading.Thread(target=often, args=(what,)) for what in 3 * [
    lambda: os.close(os.open(mnt + "/file", os.O_RDONLY)),
    lambda: list(os.scandir(mnt))]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
END
    rm "$LAB/file"
    [ ! -e "$MNT/file" ]
    echo again >"$LAB/file"
    [ "$(cat "$MNT/file")" = again ]
}

@test "a name that comes and goes on the server is there, or is not" {
    mount_local cache_timeout=1
    echo text >"$LAB/file"
    python3 - "$MNT/file" "$LAB/file" <<'END'
import os, sys, threading

path, on_server = sys.argv[1:]
opened = 0
failed = []

def use():
    global opened
    try:
        for _ in range(3000):
            try:
                os.close(os.open(path, os.O_RDONLY))
                opened += 1
            except FileNotFoundError:
                pass
    except Exception as e:
        failed.append(e)

user = threading.Thread(target=use)
user.start()
while user.is_alive():
    os.rename(on_server, on_server + ".away")
    os.rename(on_server + ".away", on_server)
assert not failed, failed
assert opened
END
}

@test "a directory that is removed, or moved on the server, can still be looked at by who has it open" {
    local how
    mount_local cache_timeout=0
    for how in rmdir mv; do
        mkdir "$LAB/folder"
        write_vmx "$LAB/folder/vm.vmx" vm
        python3 - "$how" "$MNT/folder" "$LAB/folder" <<'END'
import os, shutil, sys

how, path, on_server = sys.argv[1:]
fds = [os.open(path, os.O_RDONLY), os.open(path + "/vm.vmx", os.O_RDONLY)]
names = os.listdir(path + "/vm.vmx")
if how == "mv":
    os.rename(on_server, on_server + ".away")
else:
    shutil.rmtree(path)
assert [os.fstat(fd).st_nlink for fd in fds] == [0, 0]
if how == "mv":
    os.listdir(fds[0])
    assert sorted(os.listdir(fds[1])) == sorted(names)
for gone in path, path + "/vm.vmx":
    try:
        os.stat(gone)
        sys.exit("it is there: " + gone)
    except FileNotFoundError:
        pass
if how == "mv":
    os.rename(on_server + ".away", on_server)
    assert os.stat(path).st_nlink == 1 and sorted(os.listdir(path + "/vm.vmx")) == sorted(names)
END
    done
}

@test "a folder that is open while it is replaced is never taken for the one that has its name" {
    mount_local
    mkdir -m 700 "$MNT/folder"
    mkdir -m 750 "$MNT/other"
    python3 - "$MNT/folder" "$MNT/other" <<'END'
import os, sys

path, other = sys.argv[1:]
fd = os.open(path, os.O_RDONLY)
os.rename(other, path)
assert os.fstat(fd).st_mode & 0o777 == 0o700
for change in lambda: os.fchmod(fd, 0o711), lambda: os.utime(fd, (1, 1)):
    try:
        change()
        sys.exit("a folder without a name was changed")
    except FileNotFoundError:
        pass
assert os.stat(path).st_mode & 0o777 == 0o750 and os.stat(path).st_mtime > 1
END
    [ "$(stat -c %a "$LAB/folder")" = 750 ]
}
