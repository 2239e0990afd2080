#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Large files beside everything else: their data has connections of its own, which may fail.

load helper

setup_file() { server_start; }
teardown_file() { server_stop; }
setup() { lab_new; }
teardown() {
    [ -z "${COPY_PID:-}" ] || {
        pkill -CONT -P "$(vmxfs_pid)"
        kill "$COPY_PID" 2>/dev/null
    } || :
    lab_end
    proxy_stop
    [ ! -f "$SERVER/keys_away" ] || mv "$SERVER/keys_away" "$SERVER/authorized_keys"
}

# Over whatever vmxfs takes by itself.
mount_auto() { # [OPTION...]
    mount_source "127.0.0.1:$LAB" "port=$(cat "$SERVER/port")" "IdentityFile=$SERVER/id" \
        "UserKnownHostsFile=$SERVER/known_hosts" "$@"
}

has_lanes() {
    [ "$(counter bulk-connections)" -ge 1 ]
}

# Writes $MNT/FILE a MiB at a time, and the same to $TEST_DIR/FILE, until there are lanes; then runs
# a command of the shell, and writes 32 MiB more. Prints "lanes" if there were any.
write_file() { # FILE [COMMAND]
    python3 - "$MNT/.vmxfs/status" "$MNT/$1" "$TEST_DIR/$1" "${2:-:}" <<'END'
import os, re, subprocess, sys, time
status, name, copy, command = sys.argv[1:]
def lanes():
    with open(status) as f:
        return int(re.search(r"^bulk-connections: (\d+)", f.read(), re.M).group(1))
def refused():
    with open(status) as f:
        return "\nbulk-error: " in f.read()
with open(name, "wb", buffering=0) as f, open(copy, "wb") as g:
    def put(mib):
        for _ in range(mib):
            data = os.urandom(1 << 16) * 16
            f.write(data)
            g.write(data)
    put(16)
    while lanes() == 0 and not refused():
        time.sleep(0.05)
    if lanes():
        print("lanes")
    put(16)
    subprocess.run(["sh", "-c", command], check=True)
    put(32)
END
}

@test "a large file is written and read, and its connections end with the mount" {
    mount_auto
    [ "$(write_file disk)" = lanes ]
    cmp "$TEST_DIR/disk" "$LAB/disk"
    cmp "$TEST_DIR/disk" "$MNT/disk"
    has_lanes
}

@test "one session a connection is enough" {
    server_stop
    server_start "MaxSessions 1"
    mount_auto
    [ "$(write_file disk)" = lanes ]
    cmp "$TEST_DIR/disk" "$MNT/disk"
    unmount_lab
    server_stop
    server_start
}

@test "a copy goes on when its connections are killed" {
    local pid
    mount_auto
    pid=$(vmxfs_pid)
    [ "$(write_file disk "pkill -KILL -P $pid")" = lanes ]
    cmp "$TEST_DIR/disk" "$LAB/disk"
    cmp "$TEST_DIR/disk" "$MNT/disk"
    [ "$(grep -c disk "$MNT/.vmxfs/errors")" -eq 0 ]
}

@test "a copy goes on when all connections are cut" {
    proxy_start 2
    mount_proxied
    [ "$(write_file disk "kill -USR1 $PROXY_PID")" = lanes ]
    cmp "$TEST_DIR/disk" "$LAB/disk"
    cmp "$TEST_DIR/disk" "$MNT/disk"
}

@test "without leave for another login a copy goes the way of all else" {
    local logins
    mount_auto
    mv "$SERVER/authorized_keys" "$SERVER/keys_away"
    logins=$(grep -c "Connection from" "$SERVER/log")
    [ -z "$(write_file disk)" ]
    mv "$SERVER/keys_away" "$SERVER/authorized_keys"
    cmp "$TEST_DIR/disk" "$LAB/disk"
    [ -n "$(counter bulk-error)" ]
    # It is not asked again.
    [ -z "$(write_file other)" ]
    [ "$(grep -c "Connection from" "$SERVER/log")" -eq $((logins + 1)) ]
    [ "$(counter link)" = up ]
}

copied() {
    sed -n 's/^rchar: //p' "/proc/$COPY_PID/io"
}

has_copied() { # BYTES
    [ "$(copied)" -ge "$1" ]
}

# Runs a command while 64 MiB are copied; little of them comes with all other requests.
is_passed_by() { # COMMAND...
    local from received
    from=$(copied) received=$(counter bytes-received)
    "$@"
    eventually 60 has_copied $((from + (64 << 20)))
    received=$(($(counter bytes-received) - received))
    echo "$received bytes came the way of all else"
    [ "$received" -lt $((1 << 20)) ]
}

looks_at() { # VM...
    local vm
    for vm in "$@"; do
        [ "$(cat "$MNT/$vm/$vm.vmx/memSize")" = 16384 ] && stat "$MNT/$vm/$vm.vmx" >/dev/null || return 1
    done
}

stands() {
    local from
    from=$(copied)
    sleep 2
    [ "$(copied)" = "$from" ]
}

@test "reading settings and attributes waits for no large copy" {
    local i stood
    for i in $(seq 40); do vm_new "vm$i"; done
    truncate -s 64G "$LAB/disk"
    proxy_start 50
    TRANSPORT=auto mount_proxied prefetch=off cache_timeout=0 timeout=300
    dd if="$MNT/disk" of=/dev/null bs=1M status=none 3>&- &
    COPY_PID=$!
    eventually 60 has_lanes
    eventually 60 is_passed_by true # what was under way before is done
    is_passed_by looks_at vm{1..10}

    # What the copy waits for, nobody else does.
    pkill -STOP -P "$(vmxfs_pid)"
    eventually 60 stands
    stood=$(copied)
    looks_at vm{21..30}
    [ "$(copied)" = "$stood" ]
    pkill -CONT -P "$(vmxfs_pid)"
    eventually 60 has_copied $((stood + (64 << 20)))
}
