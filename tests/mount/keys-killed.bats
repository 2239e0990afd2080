#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Values of several lines, and programs that are killed in the middle of them.

load keys

# A program that is at the mount's root; "half()" ends it by SIGKILL, as a shell's child would be.
program() { # PYTHON
    (cd "$MNT" && python3 -c "import os, signal, threading, time
def half(*_): os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)
def key(flags=os.O_TRUNC): return os.open('vm/vm.vmx/guestinfo.a', os.O_WRONLY | flags)
$1" 3>&-)
}

# The same of one that is killed, or ends by itself.
killed() { # PYTHON
    run program "$1"
    echo "$output"
    [ "$status" -gt 128 ]
}

# Nothing was changed, and a NOTE says whose text was dropped.
dropped() { # KEY
    eventually 60 explained NOTE "$1" killed
    becomes 0
}

@test "the first line is committed at once, and the others together" {
    start
    for i in {1..300}; do
        printf '%s\n' "$i"
        [ "$i" -ne 1 ] || grep -qx 'guestinfo.a = "1"  # first' "$VM"
    done >"$K/guestinfo.a"
    rewritten 2
    cmp "$K/guestinfo.a" <(seq 300)
}

@test "lines are committed by fsync, and seen before" {
    start
    program "
f = key()
for line in b'one\n', b'two\n', b'three\n': os.write(f, line)
assert open('vm/vm.vmx/guestinfo.a').read() == 'one\ntwo\nthree\n'
os.fsync(f)
assert 'guestinfo.a = \"one|0Atwo|0Athree\"' in open('$VM').read()
os.close(f)"
    rewritten 2
}

@test "what a killed program had not completed is dropped: a value" {
    start
    killed "os.write(key(), b'half'); half()"
    dropped guestinfo.a
    [ "$(cat "$K/guestinfo.a")" = alpha ]
}

@test "what a killed program had not completed is dropped: the lines after the first" {
    start
    killed "f = key(); os.write(f, b'1\n'); os.write(f, b'2\n'); half()"
    eventually 60 explained NOTE guestinfo.a killed
    becomes 1 's/"alpha"/"1"/'
}

@test "what a killed program had not completed is dropped: a truncation, and a new key" {
    start
    killed "key(); half()"
    dropped guestinfo.a
    killed "os.write(os.open('vm/vm.vmx/guestinfo.new', os.O_WRONLY | os.O_CREAT), b'1'); half()"
    dropped guestinfo.new
    [ ! -e "$K/guestinfo.new" ]
}

@test "what a killed program had not completed is dropped: raw, merge and plain" {
    start
    killed "os.write(os.open('vm/vm.vmx/.vmxfs/raw', os.O_WRONLY | os.O_TRUNC),
        b'.encoding = \"UTF-8\"\n'); half()"
    dropped -
    killed "os.write(os.open('vm/vm.vmx/.vmxfs/merge', os.O_WRONLY), b'memSize = 1024\n'); half()"
    killed "os.write(os.open('.vmxfs/plain/vm/vm.vmx', os.O_WRONLY | os.O_TRUNC),
        b'.encoding = \"UTF-8\"\n'); half()"
    killed "os.write(os.open('.vmxfs/plain/vm/new.vmx', os.O_WRONLY | os.O_CREAT),
        b'memSize = \"4\"\n'); half()"
    [ "$(grep -c killed "$MNT/.vmxfs/errors")" -eq 4 ]
    becomes 0
    holds_only "$LAB/vm" vm.vmx
}

# The last one to end closes the files, while the others may still be ending.
@test "what a killed program of many threads had not completed is dropped" {
    start
    local round
    for round in 1 2 3; do
        killed "
for _ in range(20): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os.write(key(), b'half$round'); half()"
        eventually 60 eval '[ "$(grep -c NOTE "$MNT/.vmxfs/errors")" -eq '"$round"' ]'
    done
    becomes 0
}

@test "any signal that ends the program counts, and no exit does" {
    start
    killed "os.write(key(), b'half'); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)"
    dropped guestinfo.a
    killed "os.write(key(), b'half'); os.abort()"
    dropped guestinfo.a
    program "os.write(key(), b'exit'); os._exit(0)"
    becomes 1 's/"alpha"/"exit"/'
    # Its exit ends the other threads as a signal would, one of which is the last to be there.
    for i in {1..10}; do
        program "os.write(key(), b'$i')
for i in range(20): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
threading.Thread(target=os._exit, args=(0,)).start()
time.sleep(60)"
        [ "$(cat "$K/guestinfo.a")" = "$i" ]
    done
    becomes 11 's/"alpha"/"10"/'
}

@test "a killed program drops what it has written, not what another has" {
    start
    program "
f = key()
os.write(f, b'whole')
child = os.fork()
if child == 0: half()
os.waitpid(child, 0)
os.close(f)"
    becomes 1 's/"alpha"/"whole"/'
    [ "$(grep -c killed "$MNT/.vmxfs/errors")" -eq 0 ]
    # Who would go on in the middle is told.
    program "
f = key()
child = os.fork()
if child == 0: os.write(f, b'half'); half()
os.waitpid(child, 0)
try: os.write(f, b'more\n')
except OSError as e: assert e.errno == 125, e
else: raise SystemExit('written')"
    becomes 1 's/"alpha"/"whole"/'
}

# execve(2) closes such a descriptor, and lets nobody read /proc/PID/stat meanwhile.
@test "a program that is executed while a file is open for writing is not waited for" {
    start
    python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
assert os.system("touch " + sys.argv[1] + ".other") == 0' "$MNT/.vmxfs/plain/vm/vm.vmx" 3>&- &
    local program=$!
    eventually 60 test -e "$LAB/vm/vm.vmx.other" || {
        umount -f "$MNT" # or every ps on the machine goes on waiting
        return 1
    }
    wait "$program"
}
