#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Calls that need not wait for each other do not: names of one directory, writers of one file.

load helper

setup_file() { server_start; }
teardown_file() { server_stop; }
setup() { lab_new; }
teardown() {
    lab_end
    proxy_stop
}

# How long a function takes for all numbers, at once: TOOK, in ms.
all_at_once() { # FUNCTION NUMBER...
    local i calls= began=$(now_ms) function=$1
    shift
    for i in "$@"; do
        "$function" "$i" 3>&- &
        calls="$calls $!"
    done
    for i in $calls; do
        wait "$i"
    done
    TOOK=$(($(now_ms) - began))
    echo "$#, each of several times 100 ms, took $TOOK ms"
}

# As all_at_once, one after the other.
in_turn() { # FUNCTION NUMBER...
    local i began=$(now_ms) function=$1
    shift
    for i in "$@"; do
        "$function" "$i"
    done
    TOOK=$(($(now_ms) - began))
    echo "$# in turn took $TOOK ms"
}

look_up() { # NUMBER
    stat "$MNT/dir/file-$1" >/dev/null
}

# libfuse before 3.17 does not ask the kernel for parallel lookups; without its cure these stats
# come one after another.
@test "many names of one directory are looked up at once" {
    local i one_by_one
    mkdir "$LAB/dir"
    for i in {1..48}; do
        echo "$i" >"$LAB/dir/file-$i"
    done
    proxy_start 100
    mount_proxied cache_timeout=60
    stat "$MNT/dir" >/dev/null
    in_turn look_up {1..24}
    one_by_one=$TOOK
    all_at_once look_up {25..48}
    [ "$TOOK" -lt $((one_by_one / 2)) ]
}

@test "64 writers of one VM are served by few commits, and a refused one fails alone" {
    local i before commits writers=
    vm_with_keys vm 64
    proxy_start 20
    mount_proxied cache_timeout=60
    cat "$MNT/vm/vm.vmx/memSize"
    before=$(counter commits)
    for i in {1..64}; do
        (echo "new $i" >"$MNT/vm/vm.vmx/k$i") 3>&- &
        writers="$writers $!"
    done
    (echo "not a size" >"$MNT/vm/vm.vmx/memSize") 2>"$TEST_DIR/refused" 3>&- &
    local refused=$!
    for i in $writers; do
        wait "$i"
    done
    ! wait "$refused"
    grep -q 'Invalid argument' "$TEST_DIR/refused"
    for i in {1..64}; do
        [ "$(stored "$LAB/vm/vm.vmx" "k$i")" = "new $i" ]
    done
    [ "$(stored "$LAB/vm/vm.vmx" memSize)" = 16384 ]
    [ "$(wc -l <"$LAB/vm/vm.vmx")" -eq 72 ]
    commits=$(($(counter commits) - before))
    echo "$commits commits"
    [ "$commits" -ge 1 ]
    [ "$commits" -le 20 ]
    [ "$(counter commits-failed)" -le 2 ]
}

set_memory() { # NUMBER
    echo 4096 >"$MNT/vm$1/vm$1.vmx/memSize"
}

@test "writers of different VMs do not wait for each other" {
    local i four
    for i in {1..20}; do
        vm_new "vm$i"
    done
    proxy_start 100
    mount_proxied cache_timeout=60
    cat "$MNT"/vm*/vm*.vmx/memSize >/dev/null
    in_turn set_memory {1..4}
    four=$TOOK
    all_at_once set_memory {5..20}
    [ "$TOOK" -lt $((2 * four)) ] # one after the other: four times as much
    [ "$(grep -l 'memSize = "4096"' "$LAB"/*/*.vmx | wc -l)" -eq 20 ]
}

@test "the rename of a folder waits for the commits below it" {
    local i writers
    vm_with_keys vm 4
    proxy_start 50
    mount_proxied cache_timeout=60
    cat "$MNT/vm/vm.vmx/memSize"
    for i in 1 3 5; do
        echo "round $i"
        (echo "a$i" >"$MNT/vm/vm.vmx/k1") 3>&- &
        writers=$!
        sleep "0.$(printf %02d $((i * 8)))"
        (echo "b$i" >"$MNT/vm/vm.vmx/k2") 3>&- &
        writers="$writers $!"
        mv "$MNT/vm" "$MNT/moved"
        for i in $writers; do
            wait "$i"
        done
        mv "$MNT/moved" "$MNT/vm"
    done
    no_leftovers "$LAB/vm"
}

# As on a disk. What ends a process, or is caught, frees it (stall.bats).
@test "a signal that asks for nothing does not interrupt a write" {
    vm_with_keys vm 1
    proxy_start 200
    mount_proxied cache_timeout=60
    cat "$MNT/vm/vm.vmx/k1"
    bash -c 'trap : CHLD WINCH URG; sleep 0.7 & sleep 0.9 & for i in 1 2 3; do
        { sleep 0.8; kill -WINCH $$; kill -URG $$; } &
        echo $i >"$1" || exit 1; done' sh "$MNT/vm/vm.vmx/k1" 3>&-
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 3 ]
}

# libc as it is: Python itself repeats some calls that said EINTR. A change that was made and said so
# would fail the second time.
under_signals() { # SIGNAL
    python3 - "$MNT" "$1" <<'END' 3>&-
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
number = getattr(signal, sys.argv[2])
ticks = 0
def tick(*_):
    global ticks
    ticks += 1
signal.signal(number, tick)
def call(name, *args):
    result = getattr(libc, name)(*args)
    if result < 0:
        sys.exit("%s: %s" % (name, os.strerror(ctypes.get_errno())))
    return result
os.chdir(sys.argv[1])
caller = os.getpid()
timer = os.fork()
if timer == 0:
    while os.getppid() == caller:
        os.kill(caller, number)
        time.sleep(0.005)
    os._exit(0)
for i in range(4):
    call("mkdir", b"d", 0o755)
    file = call("open", b"d/f", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    call("write", file, b"text", 4)
    call("fsync", file)
    call("close", file)
    call("rename", b"d/f", b"d/g")
    call("unlink", b"d/g")
    call("rmdir", b"d")
    key = call("open", b"vm/vm.vmx/k1", os.O_WRONLY | os.O_TRUNC)
    call("write", key, b"%d\n" % i, 2)
    call("close", key)
    call("access", b"vm/vm.vmx/k2", os.F_OK)
os.kill(timer, signal.SIGKILL)
if ticks < 4:
    sys.exit("only %d signals" % ticks)
END
}

@test "timers' signals end no call" {
    local signal
    vm_with_keys vm 2
    proxy_start 20
    mount_proxied
    for signal in SIGALRM SIGUSR1 SIGRTMIN; do
        under_signals "$signal"
        [ "$(stored "$LAB/vm/vm.vmx" k1)" = 3 ]
        echo again >"$MNT/vm/vm.vmx/k1"
    done
}

@test "unmounting in the middle of reading ahead does not read on" {
    local i
    for i in {1..600}; do
        mkdir "$LAB/vm$i"
        echo 'memSize = "4"' >"$LAB/vm$i/vm$i.vmx"
    done
    proxy_start 300
    mount_proxied
    ls "$MNT" >/dev/null
    sleep 0.3
    unmount_lab
    [ "$(grep -c '^open .*\.vmx"' "$SERVER_LOG")" -lt 600 ]
}
