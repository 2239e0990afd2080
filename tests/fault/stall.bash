# SPDX-License-Identifier: MIT
# For the tests of a server that stops answering: a mount whose server can be stalled, and processes
# that wait for it.

load helper

setup() {
    lab_new
    vm_with_keys vm 3
    stalled=
}

teardown() {
    [ -z "$stalled" ] || resume
    # shellcheck disable=SC2086 # a list
    [ -z "${readers:-}" ] || kill $readers 2>/dev/null || :
    lab_end
}

# As mount_local, but the server can be stalled.
mount_stallable() { # [OPTION...]
    stallable_server
    mount_source "$LAB" "sftp_server=$TEST_DIR/server" "$@"
}

stallable_server() {
    cat >"$TEST_DIR/server" <<END
#!/bin/sh
while [ -e "$TEST_DIR/stalled" ]; do sleep 0.05; done
exec $SFTP_SERVER
END
    chmod 755 "$TEST_DIR/server"
}

# Neither the children that serve the mount answer nor a new one.
stall() {
    touch "$TEST_DIR/stalled"
    stalled=$(pgrep -P "$(vmxfs_pid)" -f sftp-server)
    [ -n "$stalled" ]
    # shellcheck disable=SC2086 # a list
    kill -STOP $stalled
}

resume() {
    rm "$TEST_DIR/stalled"
    # shellcheck disable=SC2086 # a list
    kill -CONT $stalled 2>/dev/null || : # it may have been given up
    stalled=
}

# Whether processes wait for the mount.
in_requests() { # PID...
    local pid
    for pid in "$@"; do
        grep -q request_wait_answer "/proc/$pid/wchan" || return 1
    done
}

# What the changes below need, and a stalled server. The kernel allows one change at a time in a
# folder.
begin_changes() { # [OPTION...]
    local i
    mkdir "$LAB"/{1..8} "$LAB/2/gone"
    for i in {3..7}; do
        echo text >"$LAB/$i/old"
    done
    mount_stallable cache_timeout=600 "$@"
    ls -l "$MNT"/{,*/} "$MNT/vm/vm.vmx" >/dev/null
    cat "$MNT/vm/vm.vmx/k1"
    changes=
    start_change "key = os.open('vm/vm.vmx/k1', os.O_WRONLY | os.O_TRUNC)
open('$TEST_DIR/opened', 'w')
while not os.path.exists('$TEST_DIR/stalled-now'): time.sleep(0.01)
os.write(key, b'new\n')"
    eventually 60 test -e "$TEST_DIR/opened"
    stall
}

start_change() { # PYTHON
    python3 -c "import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.chdir('$MNT')
$1" 3>&- &
    changes="$changes $!"
}
