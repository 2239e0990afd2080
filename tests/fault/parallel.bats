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

# libfuse before 3.17 does not ask the kernel for parallel lookups; without its cure one of these
# stats waits for the other.
@test "many names of one directory are looked up at once" {
    local i calls=
    mkdir "$LAB/dir"
    for i in {1..24}; do
        echo "$i" >"$LAB/dir/file-$i"
    done
    proxy_start
    mount_proxied timeout=300 cache_timeout=60
    stat "$MNT/dir" >/dev/null
    proxy_signal USR2
    for i in {1..24}; do
        stat "$MNT/dir/file-$i" 3>&- >/dev/null &
        calls="$calls $!"
    done
    eventually 60 waiting 24
    proxy_signal USR2
    for i in $calls; do
        wait "$i"
    done
}

# Opens keys and, once the link is stalled, writes a line to all of them at once: $WRITERS, which
# says what failed.
write_at_once() { # LINE KEY...
    python3 - "$TEST_DIR" "$@" <<'END' >"$TEST_DIR/failed" 3>&- &
import os, sys, threading, time
where, line, *paths = sys.argv[1:]
keys = [os.open(path, os.O_WRONLY | os.O_TRUNC) for path in paths]
open(where + "/opened", "w").close()
while not os.path.exists(where + "/stalled"):
    time.sleep(0.01)
def write(key, path):
    try:
        os.write(key, f"{line}\n".encode())
    except OSError as e:
        print(path, e.strerror)
threads = [threading.Thread(target=write, args=both) for both in zip(keys, paths)]
for t in threads:
    t.start()
for t in threads:
    t.join()
END
    WRITERS=$!
    eventually 60 test -e "$TEST_DIR/opened"
    proxy_signal USR2
    touch "$TEST_DIR/stalled"
}

# Whether so many threads of the writers wait for the mount.
writing() { # NUMBER
    [ "$(cat "/proc/$WRITERS/task"/*/wchan | grep -o request_wait_answer | wc -l)" -eq "$1" ]
}

@test "64 writers of one VM are served by few commits, and a refused one fails alone" {
    local i before commits
    vm_with_keys vm 64
    proxy_start
    mount_proxied timeout=300 cache_timeout=60
    cat "$MNT/vm/vm.vmx/memSize"
    before=$(counter commits)
    write_at_once new "$MNT"/vm/vm.vmx/{k{1..64},memSize}
    eventually 60 writing 65
    proxy_signal USR2
    wait "$WRITERS"
    [ "$(cat "$TEST_DIR/failed")" = "$MNT/vm/vm.vmx/memSize Invalid argument" ]
    for i in {1..64}; do
        [ "$(stored "$LAB/vm/vm.vmx" "k$i")" = new ]
    done
    [ "$(stored "$LAB/vm/vm.vmx" memSize)" = 16384 ]
    [ "$(wc -l <"$LAB/vm/vm.vmx")" -eq 72 ]
    commits=$(($(counter commits) - before))
    echo "$commits commits"
    [ "$commits" -ge 1 ]
    [ "$commits" -le 20 ]
    [ "$(counter commits-failed)" -le 2 ]
}

@test "writers of different VMs do not wait for each other" {
    local i
    for i in {1..16}; do
        vm_new "vm$i"
    done
    proxy_start
    mount_proxied timeout=300 cache_timeout=60
    cat "$MNT"/vm*/vm*.vmx/memSize >/dev/null
    write_at_once 4096 "$MNT"/vm*/vm*.vmx/memSize
    eventually 60 waiting $((16 * 8)) # what 16 commits send at first
    proxy_signal USR2
    wait "$WRITERS"
    [ ! -s "$TEST_DIR/failed" ]
    [ "$(grep -l 'memSize = "4096"' "$LAB"/*/*.vmx | wc -l)" -eq 16 ]
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

# As on a disk. What ends a process, or is caught, frees it (signals.bats).
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

clones() { # FROM TO
    git clone --progress "file://$1" "$2" >"$TEST_DIR/git-said" 2>&1 || {
        cat "$TEST_DIR/git-said"
        return 1
    }
    git -C "$2" fsck --strict
    [ -z "$(git -C "$2" status --porcelain)" ]
    [ "$(git -C "$2" ls-files | wc -l)" -eq 50 ]
}

# A timer's signal tells git to show it; of a checkout it shows nothing before two seconds of them.
@test "git shows its progress while it clones into the mount and from it" {
    local i
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
    git init -q "$TEST_DIR/origin"
    for i in {1..50}; do
        head -c 3000 /dev/urandom >"$TEST_DIR/origin/file-$i"
    done
    git -C "$TEST_DIR/origin" add .
    git -C "$TEST_DIR/origin" -c user.name=name -c user.email=name@localhost commit -q -m message
    proxy_start 20
    mount_proxied
    clones "$TEST_DIR/origin" "$MNT/.vmxfs/plain/copy"
    grep -q 'Updating files: ' "$TEST_DIR/git-said"
    clones "$MNT/copy" "$TEST_DIR/second"
    for i in {1..50}; do
        cmp "$TEST_DIR/origin/file-$i" "$LAB/copy/file-$i"
        cmp "$TEST_DIR/origin/file-$i" "$TEST_DIR/second/file-$i"
    done
}

# On a busy machine all may have been read before that, once in a while.
@test "unmounting in the middle of reading ahead does not read on" {
    local i read
    for i in {1..600}; do
        mkdir "$LAB/vm$i"
        echo 'memSize = "4"' >"$LAB/vm$i/vm$i.vmx"
    done
    proxy_start 300
    for i in {1..10}; do
        : >"$SERVER_LOG"
        mount_proxied
        ls "$MNT" >/dev/null
        sleep 0.3
        unmount_lab
        read=$(grep -c '^open .*\.vmx"' "$SERVER_LOG" || :)
        [ "$read" -ge 600 ] || break
    done
    [ "$read" -lt 600 ]
}
