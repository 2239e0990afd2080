#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The link is cut while it is used: what was begun goes on, or says what became of it.

load helper

setup_file() { server_start; }
teardown_file() { server_stop; }
setup() { lab_new; }
teardown() {
    [ -f "$SERVER/pid" ] || server_again
    lab_end
    proxy_stop
}

# The server after server_stop, on its old port.
server_again() {
    SSHD_HOST_KEYS=ed25519 sh "$support/sshd.sh" start "$SERVER" \
        "Subsystem sftp $SFTP_SERVER -e -l INFO 2>>$SERVER_LOG" 3>&-
}

random_file() { # FILE MIB
    head -c "$(($2 << 20))" /dev/urandom >"$1"
}

link_is() { # STATE
    [ "$(counter link)" = "$1" ]
}

has_had_links() { # NUMBER
    [ "$(counter links)" -ge "$1" ]
}

@test "reads of a plain file go on after each cut" {
    random_file "$LAB/disk.bin" 8
    proxy_start 5
    mount_proxied timeout=15
    python3 - "$MNT/disk.bin" "$PROXY_PID" >"$TEST_DIR/read" <<'END'
import os, signal, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
n = 0
while True:
    data = os.read(fd, 64 << 10)
    if not data:
        break
    sys.stdout.buffer.write(data)
    n += 1
    if n % 25 == 0:
        os.kill(int(sys.argv[2]), signal.SIGUSR1)
END
    cmp "$TEST_DIR/read" "$LAB/disk.bin"
    eventually 30 has_had_links 4 # the last cut may have come at the end
}

@test "writes to an open plain file go on after each cut" {
    random_file "$TEST_DIR/new" 4
    proxy_start 5
    mount_proxied timeout=15
    python3 - "$MNT/disk.bin" "$PROXY_PID" "$TEST_DIR/new" <<'END'
import os, signal, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
with open(sys.argv[3], "rb") as f:
    n = 0
    while True:
        data = f.read(64 << 10)
        if not data:
            break
        os.write(fd, data)
        n += 1
        if n % 20 == 0:
            os.kill(int(sys.argv[2]), signal.SIGUSR1)
os.fsync(fd)
os.close(fd)
END
    cmp "$TEST_DIR/new" "$LAB/disk.bin"
    [ "$(counter links)" -ge 3 ]
}

@test "a plain file that was replaced while the link was down is not taken for the old one" {
    random_file "$LAB/disk.bin" 1
    proxy_start 5
    mount_proxied timeout=15 cache_timeout=1
    exec 7<"$MNT/disk.bin"
    head -c 4096 <&7 | cmp -n 4096 - "$LAB/disk.bin"
    random_file "$TEST_DIR/other" 2
    mv "$TEST_DIR/other" "$LAB/disk.bin"
    proxy_signal USR1
    run dd bs=64k skip=10 of=/dev/null <&7
    exec 7<&-
    [ "$status" -ne 0 ]
}

# Cut at any moment of a commit, which takes 4 round trips of 100 ms: the writer is told 0, and that
# is true, whether its rename had happened or not.
@test "a commit that is cut at any moment ends as if it had not been cut" {
    local i writer
    vm_with_keys vm 2
    proxy_start 50
    mount_proxied timeout=20 cache_timeout=60
    for ((i = 1; i <= 12; i++)); do
        cat "$MNT/vm/vm.vmx/k1" >/dev/null
        (echo "$i" >"$MNT/vm/vm.vmx/k1") 3>&- &
        writer=$!
        sleep "0.$(printf %03d $((i * 42)))"
        proxy_signal USR1
        wait "$writer"
        [ "$(stored "$LAB/vm/vm.vmx" k1)" = "$i" ]
        [ "$(wc -l <"$LAB/vm/vm.vmx")" -eq 10 ]
    done
    echo last >"$MNT/vm/vm.vmx/k2"
    soon no_leftovers "$LAB/vm"
    [ "$(counter links)" -ge 8 ]
}

@test "reads and commits go on when the processes of the server's side die" {
    local i process writer reader
    vm_with_keys vm 1
    random_file "$LAB/disk.bin" 8
    mount_lab timeout=15 cache_timeout=1
    for i in 1 2 3 4; do
        (echo "$i" >"$MNT/vm/vm.vmx/k1") 3>&- &
        writer=$!
        dd if="$MNT/disk.bin" of="$TEST_DIR/read" bs=64k status=none 3>&- &
        reader=$!
        sleep "0.0$((i * 2))"
        for process in $(pgrep -P "$(cat "$SERVER/pid")"); do
            kill -KILL "$process"
        done
        wait "$writer"
        wait "$reader"
        cmp "$TEST_DIR/read" "$LAB/disk.bin"
        [ "$(stored "$LAB/vm/vm.vmx" k1)" = "$i" ]
    done
}

goes_on_without_a_server() {
    [ "$(cat "$MNT/vm/vm.vmx/k1")" = 0 ] && [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 16384 ] &&
        ! bash -c "echo new >'$MNT/vm/vm.vmx/k1'" 2>"$TEST_DIR/said" &&
        grep -q 'Input/output error' "$TEST_DIR/said"
}

@test "cached keys are read while there is no server, and all works when it is back" {
    vm_with_keys vm 2
    mount_lab timeout=10 cache_timeout=1
    cat "$MNT/vm/vm.vmx/k1"
    server_stop
    eventually 30 link_is down || { cat "$MNT/.vmxfs/status"; false; }
    waits_for_no_timeout 10 goes_on_without_a_server
    grep -q '^link-error: ' "$MNT/.vmxfs/status"
    server_again
    eventually 60 link_is up
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 0 ]
    echo new >"$MNT/vm/vm.vmx/k1"
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = new ]
}

logins() {
    grep -c '^Connection from' "$SERVER/log" || :
}

@test "a refused login ends all attempts, and status says so" {
    vm_with_keys vm 1
    proxy_start
    mount_proxied timeout=10 cache_timeout=1
    cat "$MNT/vm/vm.vmx/k1"
    local before
    before=$(logins)
    mv "$SERVER/authorized_keys" "$TEST_DIR/authorized_keys"
    : >"$SERVER/authorized_keys"
    proxy_signal USR1
    eventually 60 link_is refused
    mv "$TEST_DIR/authorized_keys" "$SERVER/authorized_keys"
    grep '^link-error: ' "$MNT/.vmxfs/status"
    [ "$(cat "$MNT/vm/vm.vmx/k1")" = 0 ]
    ! echo new >"$MNT/vm/vm.vmx/k1" || false
    sleep 2
    link_is refused
    [ "$(logins)" -eq $((before + 1)) ]
    [ "$(stored "$LAB/vm/vm.vmx" k1)" = 0 ]
}

@test "data that was under way when the link was lost is not written over by other data" {
    : >"$LAB/disk.bin"
    proxy_start 200
    mount_proxied timeout=15
    python3 - "$MNT/disk.bin" "$PROXY_PID" <<'END'
import errno, os, signal, sys
fd = os.open(sys.argv[1], os.O_RDWR)
os.pwrite(fd, b"first", 0)
os.kill(int(sys.argv[2]), signal.SIGUSR1)
os.fsync(fd)
try:
    os.pwrite(fd, b"other", 0)
    sys.exit("other data was taken")
except OSError as e:
    assert e.errno == errno.EIO, e
os.pwrite(fd, b"first", 0)
os.pwrite(fd, b" and more", 5)
os.close(fd)
END
    [ "$(cat "$LAB/disk.bin")" = "first and more" ]
    grep -q 'EIO.*disk.bin.*not known whether' "$MNT/.vmxfs/errors"
    echo other >"$MNT/disk.bin"
    [ "$(cat "$LAB/disk.bin")" = other ]
}
