#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Several who write one .vmx as a file, raw or below plain: each open file has its own text.

load keys

setup() {
    lab_new
    VM=$LAB/vm/vm.vmx K=$MNT/vm/vm.vmx
    mkdir "$LAB/vm"
    printf 'a = "alpha"\nb = "beta"\n' >"$VM"
    FILES=("$K/.vmxfs/raw" "$MNT/.vmxfs/plain/vm/vm.vmx")
}

# A program for each of the files; "is_now" asks what the server has.
program() { # PYTHON
    local file
    for file in "${FILES[@]}"; do
        cp "$TEST_DIR/before" "$VM"
        eventually 60 cmp -s "$VM" "$file"
        python3 - "$file" "$VM" <<END_OF_PYTHON
$refusals
import subprocess

file, vm = sys.argv[1:]
old = open(vm).read()

def is_now(text):
    with open(vm) as f:
        assert f.read() == text, (text, open(vm).read())

def opened(flags=os.O_TRUNC):
    return os.open(file, os.O_WRONLY | flags)

$1
END_OF_PYTHON
    done
}

@test "two texts that were made from one do not add up: the second is refused" {
    start
    program '
first, second = opened(), opened()
os.write(first, b"a = \"1\"\nb = \"2\"\nc = \"3\"\n")
os.write(second, b"a = \"9\"\n")
os.close(first)
is_now("a = \"1\"\nb = \"2\"\nc = \"3\"\n")
refused(errno.ECANCELED, os.close, second)
is_now("a = \"1\"\nb = \"2\"\nc = \"3\"\n")'
    explained ECANCELED -
}

@test "who opens, closes or syncs another open file commits no half of what is being written" {
    start
    program '
first = opened()
os.write(first, b"a = \"1\"\n")
for flags in 0, os.O_APPEND:
    second = opened(flags)
    os.fsync(second)
    os.close(second)
    is_now(old)
subprocess.run(["touch", file], check=True)
is_now(old)
os.write(first, b"b = \"2\"\n")
os.close(first)
is_now("a = \"1\"\nb = \"2\"\n")
first = opened()
second = opened(0)
os.fsync(second)
is_now("a = \"1\"\nb = \"2\"\n")
os.write(first, b"a = \"3\"\n")
os.close(first)
os.close(second)
is_now("a = \"3\"\n")'
}

@test "who cuts it and writes nothing takes back nothing, and is no reason for a refusal" {
    start
    program '
first, second = opened(), opened()
os.write(first, b"a = \"1\"\n")
third = opened()
os.write(third, b"no line\n")
refused(errno.EINVAL, os.close, third)
os.close(first)
is_now("a = \"1\"\n")
os.close(second)
is_now("a = \"1\"\n")'
    # The last close of the first file may come after the second one's text was put in place: then
    # the empty text is refused, too.
    eventually 60 eval '[ "$(times "EINVAL.*not of the form")" -eq 2 ]'
    ! grep -q ECANCELED "$MNT/.vmxfs/errors" || false
}

@test "who only has it open keeps no other from replacing it" {
    start
    program '
idle = opened(0)
for n in b"1", b"2":
    fd = opened()
    os.write(fd, b"a = \"" + n + b"\"\n")
    os.close(fd)
    is_now("a = \"%s\"\n" % n.decode())
refused(errno.ECANCELED, lambda: (os.write(idle, b"z"), os.close(idle)))'
}

@test "a setting that another makes meanwhile is not taken back by who writes on" {
    start
    program '
fd = opened()
os.write(fd, b"a = \"1\"\n")
os.fsync(fd)
with open(os.path.join(sys.argv[1].replace("/.vmxfs/plain", "").replace("/.vmxfs/raw", ""), "b"), "w") as f:
    f.write("set\n")
is_now("a = \"1\"\nb = \"set\"\n")
os.write(fd, b"c = \"3\"\n")
refused(errno.ECANCELED, os.fsync, fd)
refused(errno.ECANCELED, os.close, fd)
is_now("a = \"1\"\nb = \"set\"\n")'
}

# Each process that ends closes what it has inherited.
@test "a program that ends between two writes of a shell commits no half" {
    start
    local file
    for file in "${FILES[@]}"; do
        cp "$TEST_DIR/before" "$VM"
        eventually 60 cmp -s "$VM" "$file"
        run bash -c '{ printf "a = \"1\"\n"; /bin/true; kill -9 $$; } >"$1"' sh "$file"
        [ "$status" -ne 0 ]
        eventually 60 explained NOTE - killed
        cmp "$VM" "$TEST_DIR/before"
        bash -c '{ printf "a = \""; name=$(/bin/echo 1); /bin/true; printf "%s\"\n" "$name"; } >"$1"' \
            sh "$file"
        [ "$(cat "$VM")" = 'a = "1"' ]
    done
}

@test "who writes on after a child that was killed in its file is told that all of it is gone" {
    start
    program '
fd = opened()
os.write(fd, b"a = \"1\"\n")
child = "import os, sys; os.write(int(sys.argv[1]), b\"b\"); os.abort()"
subprocess.run([sys.executable, "-c", child, str(fd)], pass_fds=[fd])
refused(errno.ECANCELED, os.close, fd)
is_now(old)'
}

# What a maker has not closed yet is not to be taken for the file by those who open it.
@test "several who open a file that is being created" {
    start
    python3 -c "$refusals"'
mnt, lab = sys.argv[1:]

def is_now(name, text):
    with open(f"{lab}/{name}") as f:
        assert f.read() == text, open(f"{lab}/{name}").read()

def opened(name, flags=os.O_CREAT):
    return os.open(f"{mnt}/{name}", os.O_WRONLY | flags)

# An empty one is what both have seen.
first, second = opened("a.vmx"), opened("a.vmx", os.O_APPEND)
os.close(first)
os.write(second, b"a = \"1\"\n")
os.close(second)
is_now("a.vmx", "a = \"1\"\n")
first, second = opened("b.vmx"), opened("b.vmx", os.O_APPEND)
os.write(second, b"a = \"1\"\n")
os.close(second)
os.close(first)
is_now("b.vmx", "a = \"1\"\n")

first = opened("c.vmx")
os.write(first, b"a = \"1\"\n")
assert open(f"{mnt}/c.vmx").read() == "a = \"1\"\n"
second = opened("c.vmx", os.O_APPEND)
os.write(second, b"b = \"2\"\n")
os.close(second)
is_now("c.vmx", "b = \"2\"\n")
refused(errno.EEXIST, os.close, first)
is_now("c.vmx", "b = \"2\"\n")' "$MNT/vm" "$LAB/vm"
    local i
    for i in {1..20}; do
        : >"$MNT/.vmxfs/plain/vm/new$i.vmx"
        echo 'a = "1"' >>"$MNT/.vmxfs/plain/vm/new$i.vmx"
        [ "$(cat "$LAB/vm/new$i.vmx")" = 'a = "1"' ]
    done
}

@test "the end of a file is that of one's own text" {
    start
    program '
first, second = os.open(file, os.O_RDWR), opened()
os.write(second, b"x")
assert os.lseek(first, 0, os.SEEK_END) == len(old)
assert os.lseek(second, 0, os.SEEK_END) == 1
os.write(first, b"c = \"3\"\n")
os.close(first)
is_now(old + "c = \"3\"\n")
refused(errno.ECANCELED, os.close, second)'
}

@test "a mode that is set while another writes to the file stays, whatever becomes of what he writes" {
    start
    FILES=("$MNT/.vmxfs/plain/vm/vm.vmx")
    program '
fd = opened()
os.write(fd, b"no line\n")
os.chmod(file, 0o600)
assert os.stat(vm).st_mode & 0o777 == 0o600
refused(errno.EINVAL, os.close, fd)
assert os.stat(vm).st_mode & 0o777 == 0o600
fd = opened()
os.write(fd, b"a = \"1\"\n")
os.chmod(file, 0o640)
os.utime(file, (1000000000, 1000000000))
os.close(fd)
is_now("a = \"1\"\n")
assert os.stat(vm).st_mode & 0o777 == 0o640
assert os.stat(vm).st_mtime == 1000000000'
}

made_from_old() {
    program '
def theirs(text):
    with open(vm + ".new", "w") as f:
        f.write(text)
    os.rename(vm + ".new", vm)

assert open(file).read() == old
theirs(old.replace("beta", "theirs"))
made = open(file).read().replace("alpha", "mine")
fd = opened()
os.write(fd, made.encode())
refused(errno.ECANCELED, os.close, fd)
is_now(old.replace("beta", "theirs"))
# Read again, it is up to date.
made = open(file).read().replace("alpha", "mine")
with open(file, "w") as f:
    f.write(made)
is_now(old.replace("beta", "theirs").replace("alpha", "mine"))
# A backup may be brought back after changes that this mount has made, or has seen.
with open(file, "w") as f:
    f.write(old)
is_now(old)'
}

# What is shown may be as old as cache_timeout. A text that is made from it would undo what others
# have set before it was read.
@test "a whole text that is made from what is old already is refused" {
    cp "$VM" "$TEST_DIR/before"
    local file both=("${FILES[@]}")
    for file in "${both[@]}"; do
        FILES=("$file")
        mount_lab cache_timeout=60
        made_from_old
        explained ECANCELED -
        unmount_lab
    done
}
