#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Files that stay open while they become something else, and closes that meet each other.

load helper

setup() {
    lab_new
    vm_with_keys vm 4
    mount_local
}
teardown() { lab_end; }

@test "a scratch file that is still written to after it was renamed onto a key is that key" {
    python3 - "$MNT/vm/vm.vmx" <<'END'
import os, sys
fd = os.open(sys.argv[1] + "/sedabc", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.write(fd, b"first\n")
os.rename(sys.argv[1] + "/sedabc", sys.argv[1] + "/k1")
os.ftruncate(fd, 0)
os.pwrite(fd, b"second\n", 0)
os.close(fd)
END
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = second ]
}

@test "a key that is renamed to a backup while it is open stays what it was" {
    python3 - "$MNT/vm/vm.vmx" <<'END'
import os, sys
fd = os.open(sys.argv[1] + "/k1", os.O_WRONLY | os.O_TRUNC)
os.rename(sys.argv[1] + "/k1", sys.argv[1] + "/k1~")
os.write(fd, b"backup\n")
os.close(fd)
END
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 0 ]
    ! grep -q '~' "$LAB/vm/vm.vmx" || false
}

@test "a truncation is committed though many close the key at once" {
    python3 - "$MNT/vm/vm.vmx" <<'END'
import os, sys, threading, time
for _ in range(50):
    with open(sys.argv[1] + "/k1", "w") as f:
        f.write("full\n")
    fds = [os.open(sys.argv[1] + "/k1", os.O_WRONLY | os.O_TRUNC) for _ in range(8)]
    threads = [threading.Thread(target=os.close, args=(fd,)) for fd in fds]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for _ in range(200):
        with open(sys.argv[1] + "/k1") as f:
            if f.read() == "\n":
                break
        time.sleep(0.01)
    else:
        sys.exit("the truncation was lost")
END
    eventually 30 grep -qx 'k1 = ""' "$LAB/vm/vm.vmx"
}

# Writes "new" through one handle of a file of 1 MiB, loses the link before the server has taken it,
# and looks through another handle: reader.
write_and_lose_the_link() { # OFFSET PYTHON
    head -c 1M /dev/zero >"$LAB/file"
    python3 -c "import os, signal, sys
reader = os.open(sys.argv[1], os.O_RDONLY)
writer = os.open(sys.argv[1], os.O_RDWR)
os.kill(int(sys.argv[2]), signal.SIGSTOP)
os.pwrite(writer, b'new', $1)
os.kill(int(sys.argv[2]), signal.SIGKILL)
$2" "$MNT/file" "$(pgrep -P "$(vmxfs_pid)")"
}

@test "what one handle wrote before the link was lost is what another one reads" {
    # Not a whole page: the kernel keeps nothing.
    write_and_lose_the_link 500000 "assert os.pread(reader, 3, 500000) == b'new'"
}

@test "what one handle wrote before the link was lost counts in the size that another one shows" {
    write_and_lose_the_link 2000000 \
        'assert os.fstat(reader).st_size == 2000003, os.fstat(reader)'
}

@test "an open that a rename and a new file of the same name overtake has the new file" {
    unmount_lab
    mkdir "$TEST_DIR/order"
    echo note.txt >"$TEST_DIR/order/hold"
    echo old >"$LAB/note.txt"
    printf '#!/bin/sh\nexec python3 %s %s %s\n' "$BATS_TEST_DIRNAME/hold_server.py" \
        "$TEST_DIR/order" "$SFTP_SERVER" >"$TEST_DIR/server"
    mount_source "$LAB" "sftp_server=$TEST_DIR/server"
    python3 - "$MNT" "$TEST_DIR/order" <<'END'
import os, sys, threading, time
mnt, order = sys.argv[1:]
note, moved = mnt + "/note.txt", mnt + "/moved.txt"
fds = []
opener = threading.Thread(target=lambda: fds.append(os.open(note, os.O_RDONLY)))
opener.start()
while not os.path.exists(order + "/held"):
    time.sleep(0.01)
os.rename(note, moved)
with open(note, "w") as f:
    f.write("new\n")
open(order + "/release", "w").close()
opener.join()
assert os.read(fds[0], 10) == b"new\n"
assert os.path.samestat(os.fstat(fds[0]), os.stat(note))
with open(moved) as f:
    assert f.read() == "old\n"
END
}

# What the server has is no longer what was open when the link was lost: it is shown, and only who
# had the old file open is told.
@test "a name that another file has after a lost link is that file's, whoever has the old one open" {
    local what
    unmount_lab
    mount_local cache_timeout=0
    mkdir "$LAB/logs"
    for what in grown replaced removed; do
        echo old >"$LAB/logs/$what"
    done
    python3 - "$MNT/logs" "$LAB/logs" "$(pgrep -P "$(vmxfs_pid)")" <<'END'
import errno, os, signal, sys, time
mnt, lab, server = sys.argv[1:]
names = ("grown", "replaced", "removed")
fds = [os.open(f"{mnt}/{name}", os.O_RDONLY) for name in names]
for fd in fds:
    assert os.read(fd, 3) == b"old"
os.kill(int(server), signal.SIGKILL)
with open(lab + "/grown", "a") as f:
    f.write("more\n")
with open(lab + "/new", "w") as f:
    f.write("another\n")
os.rename(lab + "/new", lab + "/replaced")
os.remove(lab + "/removed")
def text(name):
    with open(f"{mnt}/{name}") as f:
        return f.read()
assert os.stat(mnt + "/grown").st_size == 9
assert os.stat(mnt + "/replaced").st_size == 8
assert text("grown") == "old\nmore\n" and text("replaced") == "another\n"
assert not os.path.exists(mnt + "/removed")
with open(mnt + "/removed", "x") as f:
    f.write("made anew\n")
assert text("removed") == "made anew\n"
os.chmod(mnt + "/grown", 0o600)
os.rename(mnt + "/replaced", mnt + "/renamed")
os.remove(mnt + "/grown")
for fd in fds:
    try:
        os.pread(fd, 100, 8192)
    except OSError as e:
        assert e.errno == errno.EIO, e
    else:
        raise AssertionError("read from another file")
END
    [ ! -e "$LAB/logs/grown" ]
    [ "$(cat "$LAB/logs/renamed")" = another ]
}
