#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Signals to who waits for a server: those that ask him to end free him if he asks for nothing but
# to read; timers' signals, and those that he does not want, free nobody.

load stall

setup_file() { server_start; }
teardown_file() { server_stop; }

setup() {
    lab_new
    vm_with_keys vm 3
    stalled='' unseen='' callers=()
    ulimit -c 0 # SIGQUIT
}

teardown() {
    [ -z "$stalled" ] || resume
    [ -z "$unseen" ] || kill "$unseen" 2>/dev/null || :
    lab_end
    proxy_stop
}

# Says what became of a call in a process that does something about signals first.
calls() { # NAME PYTHON CALL [COMMAND...]
    "${@:4}" python3 -c "import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
ticks = 0
def tick(*_):
    global ticks
    ticks += 1
$2
os.chdir('$MNT')
r = $3
print(r, os.strerror(ctypes.get_errno()) if r < 0 else 'done', ticks)" >"$TEST_DIR/said-$1" 3>&- &
    callers+=($!)
}

catching() { # SIGNAL CALL [COMMAND...]
    calls "$1" "signal.signal(signal.$1, tick)" "${@:2}"
}

was_freed() { # NAME
    grep -qx -e '-1 Interrupted system call 1' "$TEST_DIR/said-$1"
}

# Nothing is said yet.
wait_on() { # NAME...
    local name
    for name in "$@"; do
        [ ! -s "$TEST_DIR/said-$name" ] || {
            echo "$name: $(cat "$TEST_DIR/said-$name")"
            return 1
        }
    done
}

# The signal came, and the call did what it was to do.
was_done() { # NAME...
    local name
    for name in "$@"; do
        grep -qxE '[0-9]+ done [1-9][0-9]*' "$TEST_DIR/said-$name" || {
            echo "$name: $(cat "$TEST_DIR/said-$name")"
            return 1
        }
    done
}

# Files that were never read, on a stalled server, in a folder each.
begin_stalled() { # FOLDER...
    local folder
    make_folders "$@"
    mount_stallable timeout=300 cache_timeout=600
    ls -lR "$MNT" >/dev/null
    stall
}

make_folders() { # FOLDER...
    local folder
    for folder in "$@"; do
        mkdir "$LAB/$folder"
        echo text >"$LAB/$folder/old"
    done
}

all_wait() {
    eventually 60 in_requests "${callers[@]}"
    sleep 0.5 # until vmxfs waits for answers
}

@test "a caught SIGTERM frees a reader after a second; a timer's signal and a change wait on" {
    begin_stalled alarm term change
    catching SIGALRM "libc.open(b'alarm/old', os.O_RDONLY)"
    catching SIGTERM "libc.open(b'term/old', os.O_RDONLY)"
    catching SIGHUP "libc.mkdir(b'change/new', 0o755)"
    all_wait
    kill -ALRM "${callers[0]}"
    kill -TERM "${callers[1]}"
    kill -HUP "${callers[2]}"
    eventually 60 was_freed SIGTERM
    sleep 2.5
    wait_on SIGALRM SIGHUP
    resume
    wait "${callers[@]}"
    was_done SIGALRM SIGHUP
    [ -d "$LAB/change/new" ]
}

@test "SIGINT, SIGQUIT, SIGTERM and SIGHUP free a reader that catches them" {
    local i signals=(INT QUIT TERM HUP)
    begin_stalled "${signals[@]}"
    for i in "${signals[@]}"; do
        catching "SIG$i" "libc.open(b'$i/old', os.O_RDONLY)"
    done
    all_wait
    for i in "${!signals[@]}"; do
        kill -s "${signals[i]}" "${callers[i]}"
    done
    for i in "${signals[@]}"; do
        eventually 60 was_freed "SIG$i"
    done
}

@test "SIGINT, SIGQUIT, SIGTERM and SIGHUP free a reader that they end" {
    local i status signals=(INT QUIT TERM HUP)
    begin_stalled "${signals[@]}"
    for i in "${signals[@]}"; do
        # A shell's background processes ignore some of them.
        calls "SIG$i" "signal.signal(signal.SIG$i, signal.SIG_DFL)" "libc.open(b'$i/old', os.O_RDONLY)"
    done
    all_wait
    for i in "${!signals[@]}"; do
        kill -s "${signals[i]}" "${callers[i]}"
    done
    for i in "${!signals[@]}"; do
        status=0
        wait "${callers[i]}" || status=$?
        [ "$status" -eq $((128 + $(kill -l "${signals[i]}"))) ]
    done
}

# What interrupts them is a signal that they catch.
@test "who blocks or ignores SIGINT or SIGTERM is not freed by it" {
    local i name names=()
    local -A hows=(
        [blocked]='signal.signal(SIGNAL, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [SIGNAL])'
        [caught-blocked]='signal.signal(SIGNAL, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [SIGNAL])'
        [ignored]='signal.signal(SIGNAL, signal.SIG_IGN)'
    )
    for i in "${!hows[@]}"; do
        names+=("$i-INT" "$i-TERM")
    done
    begin_stalled "${names[@]}" freed
    for name in "${names[@]}"; do
        i=${hows[${name%-*}]}
        calls "$name" "signal.signal(signal.SIGALRM, tick)
${i//SIGNAL/signal.SIG${name##*-}}" "libc.open(b'$name/old', os.O_RDONLY)"
    done
    catching SIGTERM "libc.open(b'freed/old', os.O_RDONLY)"
    all_wait
    for i in "${!names[@]}"; do
        kill -s "${names[i]##*-}" "${callers[i]}"
        kill -ALRM "${callers[i]}"
    done
    kill -TERM "${callers[-1]}"
    eventually 60 was_freed SIGTERM
    sleep 2.5
    wait_on "${names[@]}"
    resume
    wait "${callers[@]}"
    was_done "${names[@]}"
}

# A shell that reads commands as from a user, and catches SIGINT. In the background it would ignore it.
shell_reads() { # COMMANDS
    python3 -c 'import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])' <<<"$1" >/dev/null 2>&1 3>&- &
    callers+=($!)
}

@test "an interrupt frees a shell's builtin that reads; one that sets a value has set it" {
    make_folders read
    mount_stallable timeout=300 cache_timeout=600
    ls -lR "$MNT" >/dev/null
    shell_reads "exec 4>'$MNT/vm/vm.vmx/k1'
touch '$TEST_DIR/opened'; until [ -e '$TEST_DIR/stalled-now' ]; do sleep 0.05; done; echo new >&4
echo next >'$TEST_DIR/said-set'"
    eventually 60 test -e "$TEST_DIR/opened"
    stall
    touch "$TEST_DIR/stalled-now"
    shell_reads "read -r line <'$MNT/read/old'
echo \$? >'$TEST_DIR/said-read'"
    all_wait
    kill -INT "${callers[@]}"
    eventually 60 grep -qx 130 "$TEST_DIR/said-read"
    sleep 2.5
    wait_on set
    in_requests "${callers[0]}"
    resume
    wait "${callers[@]}"
    [ "$(cat "$TEST_DIR/said-set")" = next ]
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = new ]
}

# A mount by a process that is started by a command, and is not shown what its callers wait for.
# Callers are started by "${inside[@]}".
mount_unseen() { # MOUNT COMMAND...
    # shellcheck disable=SC2016 # for the inner shell
    MOUNT_BY=("${@:2}" sh -c 'program=$1; shift; exec "$program" -f "$@"' sh)
    "$1" timeout=60 cache_timeout=600 3>&- &
    eventually 60 is_mounted_unseen
    unseen=$(vmxfs_pid)
    inside=(nsenter -m -r -t "$unseen") # here may be a folder that is the root
    "${inside[@]}" ls -lR "$MNT" >/dev/null
}

is_mounted_unseen() {
    [ -n "$(vmxfs_pid)" ] && grep -q " $MNT " "/proc/$(vmxfs_pid)/mounts"
}

end_unseen() {
    kill -TERM "$unseen"
    eventually 60 ended "$unseen"
    unseen=
}

# Readers of a stalled server are freed after two seconds by a signal, changes are not.
frees_unseen_readers() { # COMMAND...
    local before i reads=(SIGINT SIGTERM) changes=(SIGHUP SIGALRM SIGUSR1 SIGRTMIN)
    make_folders "${reads[@]}" "${changes[@]}"
    mount_unseen mount_stallable "$@"
    stall
    for i in "${reads[@]}"; do
        catching "$i" "libc.open(b'$i/old', os.O_RDONLY)" "${inside[@]}"
    done
    for i in "${changes[@]}"; do
        catching "$i" "libc.mkdir(b'$i/new', 0o755)" "${inside[@]}"
    done
    all_wait
    before=$(now_ms)
    kill -HUP "${callers[2]}"
    kill -ALRM "${callers[3]}"
    kill -USR1 "${callers[4]}"
    kill -s RTMIN "${callers[5]}"
    kill -INT "${callers[0]}"
    kill -TERM "${callers[1]}"
    for i in "${reads[@]}"; do
        eventually 60 was_freed "$i"
        [ $(($(now_ms) - before)) -ge 1900 ]
    done
    sleep 2.5
    wait_on "${changes[@]}"
    resume
    wait "${callers[@]}"
    was_done "${changes[@]}"
    for i in "${changes[@]}"; do
        [ -d "$LAB/$i/new" ]
    done
    end_unseen
}

# A shell's builtin sets a value again and again while signals come that the shell catches.
echoes_under_signals() { # [COMMAND...]
    local signal
    for signal in ALRM USR1 RTMIN; do
        # shellcheck disable=SC2016 # for the inner shell
        "$@" bash -c '
            ticks=0
            trap "ticks=\$((ticks + 1))" "$1"
            (while kill -s "$1" $$; do sleep 0.005; done) 2>/dev/null &
            for i in 1 2 3 4; do
                echo "$1 $i" >"$2" || exit 1
            done
            kill -KILL $!
            [ "$ticks" -ge 4 ]' sh "$signal" "$MNT/vm/vm.vmx/k1" 3>&-
        [ "$(stored "$LAB/vm/vm.vmx" k1)" = "$signal 4" ]
    done
}

@test "timers' signals end no shell's builtin" {
    proxy_start 20
    mount_proxied
    echoes_under_signals
}

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root: $1"
}

@test "timers' signals end no builtin of a shell in another pid namespace" {
    needs_root "a pid namespace"
    proxy_start 20
    mount_proxied
    echoes_under_signals unshare --pid --fork --mount-proc
}

in_pid_namespace=(unshare --pid --fork --mount-proc)

# The process that a caller started as the second one of its namespace: the first gets no signals.
inner_of() { # CALLER
    local first
    first=$(pgrep -P "$1") && pgrep -P "$first"
}

@test "an interrupt frees a reader in another pid namespace, caught or not" {
    needs_root "a pid namespace"
    local i inner=()
    # shellcheck disable=SC2016 # for the inner shell
    local second=("${in_pid_namespace[@]}" sh -c '"$@"; :' sh)
    begin_stalled caught default
    catching SIGINT "libc.open(b'caught/old', os.O_RDONLY)" "${second[@]}"
    calls default "signal.signal(signal.SIGINT, signal.SIG_DFL)" \
        "libc.open(b'default/old', os.O_RDONLY)" "${second[@]}"
    for i in "${callers[@]}"; do
        eventually 60 inner_of "$i"
        inner+=("$(inner_of "$i")")
    done
    eventually 60 in_requests "${inner[@]}"
    sleep 0.5 # until vmxfs waits for answers
    kill -INT "${inner[@]}"
    wait "${callers[@]}"
    was_freed SIGINT
    [ ! -s "$TEST_DIR/said-default" ]
    resume
}

# Without this capability nobody may look into processes that have it.
# shellcheck disable=SC2016 # for the inner shell
hidden=(unshare --mount sh -c
    'mount -t proc -o hidepid=2,gid=65533 proc /proc && exec setpriv --bounding-set -sys_ptrace "$@"' sh)

# To who is in another pid namespace our processes have no number.
@test "where the caller has no number, a reader is freed after two seconds, a change is not" {
    needs_root "a pid namespace"
    frees_unseen_readers "${in_pid_namespace[@]}"
}

@test "where the caller has no number, timers' signals end no shell's builtin" {
    needs_root "a pid namespace"
    proxy_start 20
    mount_unseen mount_proxied "${in_pid_namespace[@]}"
    echoes_under_signals "${inside[@]}"
    end_unseen
}

@test "where hidepid hides the caller, a reader is freed after two seconds, a change is not" {
    needs_root "a mount of proc"
    frees_unseen_readers "${hidden[@]}"
}

@test "where hidepid hides the caller, timers' signals end no shell's builtin" {
    needs_root "a mount of proc"
    proxy_start 20
    mount_unseen mount_proxied "${hidden[@]}"
    echoes_under_signals "${inside[@]}"
    end_unseen
}
