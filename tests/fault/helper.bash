# SPDX-License-Identifier: MIT
# For the tests of broken connections, servers and processes: the mount tests' helpers, and a way to
# kill, stop, stall and cut what lies between vmxfs and the server.

# shellcheck source=../mount/helper.bash
source "$BATS_TEST_DIRNAME/../mount/helper.bash"

# Makes $LAB/NAME/NAME.vmx, with further lines from standard input if there are arguments.
vm_new() { # NAME [-]
    mkdir -p "$LAB/$1"
    {
        printf '%s = "%s"\n' .encoding UTF-8 config.version 8 virtualHW.version 19 \
            displayName "$1" guestOS vmkernel8 firmware efi memSize 16384 numvcpus 4
        [ $# -eq 1 ] || cat
    } >"$LAB/$1/$1.vmx"
}

# As vm_new, with keys k1 to kN, all "0".
vm_with_keys() { # NAME N
    seq -f 'k%g = "0"' "$2" | vm_new "$1" -
}

# What vmxfs leaves beside a .vmx while it commits.
leftovers() { # FOLDER
    find "$1" -name '.*vmxfs-*'
}

no_leftovers() { # FOLDER
    [ -z "$(leftovers "$1")" ]
}

# As eventually, for what takes milliseconds on an idle machine.
soon() { # COMMAND...
    local tries
    for ((tries = 0; tries < 30000; tries++)); do
        ! "$@" || return 0
        sleep 0.01
    done
    return 1
}

vmxfs_pid() { # [MOUNTPOINT]
    pgrep -f -x -- "$VMXFS .*${1:-$MNT}" | head -n 1
}

# The value of a key, as the server has it.
stored() { # FILE KEY
    sed -n "s/^$2 = \"\(.*\)\"\$/\1/p" "$1"
}

now_ms() {
    echo "$((${EPOCHREALTIME/./} / 1000))"
}

# Whether a command always succeeds, and ten times without waiting for the timeout of the mount. On
# a busy machine it can take as long as that without a wait, and is tried more often; a wait would
# come each time.
waits_for_no_timeout() { # TIMEOUT-SECONDS COMMAND...
    local i before quick=0 timeout=$(($1 * 1000))
    shift
    for ((i = 0; i < 40 && quick < 10; i++)); do
        before=$(now_ms)
        "$@" || return 1
        [ $(($(now_ms) - before)) -ge "$timeout" ] || quick=$((quick + 1))
    done
    [ "$quick" -eq 10 ]
}

# Whether so many requests have been sent and not been answered.
waiting() { # NUMBER
    [ "$(counter requests-in-flight)" -ge "$1" ]
}

# Puts a delay proxy before the server of the file, or before another port: $PROXY_PID, $PROXY_PORT.
# RATE_MBIT: what its line carries, if that has a limit.
proxy_start() { # [DELAY_MS [PORT]]
    "$VMXFS_BUILD/tests/support/delay-proxy" --to "127.0.0.1:${2:-$(cat "$SERVER/port")}" \
        --delay-ms "${1:-0}" ${RATE_MBIT:+--rate-mbit "$RATE_MBIT"} >"$TEST_DIR/proxy.out" 3>&- &
    PROXY_PID=$!
    eventually 60 test -s "$TEST_DIR/proxy.out"
    PROXY_PORT=$(head -n 1 "$TEST_DIR/proxy.out")
}

# Sends the proxy a signal and waits until it has obeyed.
proxy_signal() { # USR1|USR2
    local before
    before=$(wc -l <"$TEST_DIR/proxy.out")
    kill -s "$1" "$PROXY_PID"
    eventually 60 proxy_said_more "$before"
}

proxy_said_more() { # LINES
    [ "$(wc -l <"$TEST_DIR/proxy.out")" -gt "$1" ]
}

proxy_stop() {
    [ -z "${PROXY_PID:-}" ] || kill "$PROXY_PID" 2>/dev/null || :
    PROXY_PID=
}

# Mounts $LAB at $MNT over ssh and the proxy, with $TRANSPORT (default libssh2). known_hosts has the
# server's own port.
mount_proxied() { # [OPTION...]
    sed "s/:$(cat "$SERVER/port")/:$PROXY_PORT/g" "$SERVER/known_hosts" >"$TEST_DIR/known_hosts"
    mount_source "127.0.0.1:$LAB" "transport=${TRANSPORT:-libssh2}" "port=$PROXY_PORT" \
        "IdentityFile=$SERVER/id" "UserKnownHostsFile=$TEST_DIR/known_hosts" "$@"
}
