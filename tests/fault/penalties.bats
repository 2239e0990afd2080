#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A server that holds failed connections against their address (PerSourcePenalties, OpenSSH 9.8 and
# later, on by default). An older sshd gets a gatekeeper that does the same.

bats_require_minimum_version 1.5.0

load helper

setup_file() {
    export DOOR
    server_start 'PerSourcePenalties yes' 2>/dev/null || server_start
    if grep -q '^PerSourcePenalties yes' "$SERVER/sshd_config"; then
        DOOR=$(cat "$SERVER/port")
        return
    fi
    python3 -B "$support/gatekeeper.py" "$(cat "$SERVER/port")" "$SERVER/log" \
        >"$BATS_FILE_TMPDIR/gatekeeper" 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/gatekeeper.pid"
    eventually 60 test -s "$BATS_FILE_TMPDIR/gatekeeper"
    DOOR=$(head -n 1 "$BATS_FILE_TMPDIR/gatekeeper")
}

teardown_file() {
    [ ! -f "$BATS_FILE_TMPDIR/gatekeeper.pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/gatekeeper.pid")"
    server_stop
}

setup() { lab_new; }
teardown() {
    lab_end
    proxy_stop
}

# What the doorkeepers say when the address has gathered enough, and of each who then knocks.
times_shut_out() {
    cat "$SERVER/log" "$BATS_FILE_TMPDIR/gatekeeper" 2>/dev/null |
        grep -cE '^refused|shut out|drop connection .*penalty|(activating .*|new .* active )penalty' || :
}

# Failed connections of somebody else. Each costs a second, and as many must come in a second on a
# busy machine, too.
knock() {
    python3 -c 'import socket, sys
for _ in range(30): socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()' "$DOOR" || :
}

shut_out() {
    knock
    [ "$(times_shut_out)" -gt 0 ]
}

link_is_up() {
    [ "$(counter link)" = up ]
}

# A login has begun that is one round trip from its end: the key is known, not yet proved.
logins() {
    grep -c '^Accepted key' "$SERVER/log" || :
}

more_logins() { # THAN
    [ "$(logins)" -gt "$1" ]
}

@test "ten lost links and a refused login do not shut the address out" {
    local round before
    vm_new a
    proxy_start 150 "$DOOR"
    TRANSPORT=auto mount_proxied timeout=15
    # Ten times the connection is lost, and nine times in the middle of its login.
    for round in {1..9}; do
        before=$(logins)
        proxy_signal USR1
        soon more_logins "$before"
    done
    proxy_signal USR1
    eventually 60 link_is_up
    [ "$(cat "$MNT/a/a.vmx/memSize")" = 16384 ]
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other" </dev/null
    mkdir "$TEST_DIR/mnt2"
    run --separate-stderr "$VMXFS" -o "port=$PROXY_PORT,IdentityFile=$TEST_DIR/other" \
        -o "UserKnownHostsFile=$TEST_DIR/known_hosts" "127.0.0.1:$LAB" "$TEST_DIR/mnt2" </dev/null
    [ "$status" -eq 1 ]
    [[ $stderr == *refuses* ]]
    [ "$(times_shut_out)" -eq 0 ]
    # Nor is anybody else of this address.
    ssh -F "$SERVER/ssh_config" -p "$DOOR" -o HostKeyAlias="[127.0.0.1]:$(cat "$SERVER/port")" \
        -o BatchMode=yes server true
    echo 4096 >"$MNT/a/a.vmx/memSize"
}

@test "a door that is shut is explained, and opens by itself for a mount" {
    vm_new a
    proxy_start 0 "$DOOR"
    TRANSPORT=auto mount_proxied timeout=15
    # Some other client of this address fails until nobody is let in.
    eventually 60 shut_out
    mkdir "$TEST_DIR/mnt2"
    local way
    for way in libssh2 openssh auto; do
        run --separate-stderr "$VMXFS" -o "port=$PROXY_PORT,IdentityFile=$SERVER/id,transport=$way" \
            -o "UserKnownHostsFile=$TEST_DIR/known_hosts" "127.0.0.1:$LAB" "$TEST_DIR/mnt2" </dev/null
        echo "$way: $stderr"
        [ "$status" -eq 1 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ $stderr == "vmxfs: "*"closed the connection before the handshake"*PerSourcePenalties* ]]
    done
    proxy_signal USR1
    run cat "$MNT/a/a.vmx/memSize"
    eventually 120 link_is_up
    [ "$(cat "$MNT/a/a.vmx/memSize")" = 16384 ]
}
