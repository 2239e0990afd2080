#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# All kinds of use at once, and edits on the server's side, for SOAK_SECONDS (default 36): nothing leaks,
# nothing is left behind, and what was edited shows. tests/bench has the long one (--soak 600).

load helper

BATS_TEST_TIMEOUT=$((${SOAK_SECONDS:-36} + 240))

setup_file() { server_start; }
teardown_file() { server_stop; }
setup() { lab_new; }
teardown() {
    lab_end
    [ -z "${vmxfs:-}" ] || kill "$vmxfs" 2>/dev/null || :
}

descriptors() { # PID
    ls "/proc/$1/fd" | wc -l
}

# The kernel closes what was open a little later.
descriptors_are() { # PID NUMBER
    [ "$(descriptors "$1")" -le "$2" ]
}

resident_kib() { # PID
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

mounted() {
    grep -q " $MNT " /proc/mounts
}

@test "a long and mixed use leaks nothing and leaves nothing" {
    local i seconds=${SOAK_SECONDS:-36}
    for i in 0 1 2 3 4 5; do
        vm_with_keys "vm$i" 20
    done
    "$VMXFS" -f -o transport=libssh2,port="$(cat "$SERVER/port")",IdentityFile="$SERVER/id" \
        -o UserKnownHostsFile="$SERVER/known_hosts",cache_timeout=1 \
        "127.0.0.1:$LAB" "$MNT" 2>"$TEST_DIR/said" 3>&- &
    vmxfs=$!
    eventually 60 mounted

    # What is taken once (threads, caches, the kernel's nodes) is taken by then.
    python3 "$BATS_TEST_DIRNAME/soak.py" "$MNT" "$LAB" $((seconds / 4))
    sleep 1
    local server fds server_fds before
    server=$(pgrep -f -x "$SFTP_SERVER -e -l INFO" | while read -r pid; do
        [ "$(readlink "/proc/$pid/fd/2")" != "$SERVER_LOG" ] || echo "$pid"
    done | head -n 1)
    fds=$(descriptors "$vmxfs")
    server_fds=$(descriptors "$server")
    before=$(resident_kib "$vmxfs")

    python3 "$BATS_TEST_DIRNAME/soak.py" "$MNT" "$LAB" "$seconds"
    echo "descriptors: $fds before, $(descriptors "$vmxfs") after"
    echo "of the server: $server_fds before, $(descriptors "$server") after"
    echo "resident: $before KiB before, $(resident_kib "$vmxfs") KiB after"
    eventually 30 descriptors_are "$vmxfs" "$fds"
    eventually 30 descriptors_are "$server" "$server_fds"
    # A sanitizer keeps what was freed.
    [ -n "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}" ] ||
        [ "$(resident_kib "$vmxfs")" -lt $((before + 8192)) ]
    [ "$(ps -o stat= --ppid "$vmxfs" | grep -c Z)" -eq 0 ]

    for i in 0 1 2 3 4 5; do
        ! grep -vE '^[^ =]+ = "[^"]*"$' "$LAB/vm$i/vm$i.vmx" || false
        [ -z "$(sed 's/ = .*//' "$LAB/vm$i/vm$i.vmx" | sort -f | uniq -di)" ]
        cmp "$LAB/vm$i/vm$i.vmx" "$MNT/vm$i/vm$i.vmx/.vmxfs/raw"
    done
    eventually 30 no_leftovers "$LAB"
    [ "$(find "$LAB" -type f | wc -l)" -eq 6 ]
    unmount "$MNT"
    wait "$vmxfs"
    vmxfs=
}
