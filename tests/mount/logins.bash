# SPDX-License-Identifier: MIT
# For tests of logins. A bats file loads it after helper; DIR is the directory of the test's server.

# A server of this test's own.
start() { # [SSHD_CONFIG_LINE...]
    SSHD_HOST_KEYS=${host_keys:-ed25519} sh "$support/sshd.sh" start "$DIR" "$@" 3>&-
}

port() {
    cat "$DIR/port"
}

# Mounts $LAB from 127.0.0.1 with the server's key and known_hosts, unless options say otherwise.
mount_from() { # OPTION...
    mount_ssh "$DIR" "${host:-127.0.0.1}:${path-$LAB}" "$@"
}

works() {
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    echo 8192 >"$MNT/vm/vm.vmx/memSize"
    grep -q 'memSize = "8192"' "$LAB/vm/vm.vmx"
    unmount_lab
}

# A mount that must fail with one line that matches; nothing stays behind.
refuses() { # PATTERN COMMAND...
    local pattern=$1
    shift
    run --separate-stderr "$@" </dev/null
    echo "status $status, stderr: $stderr"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == "vmxfs: "* ]]
    [[ $stderr =~ $pattern ]]
    ! grep -q " $MNT " /proc/mounts
    eventually 30 no_processes
}

no_processes() {
    [ -z "$(mount_processes)" ]
}

transport() {
    sed -n 's/^transport: //p' "$MNT/.vmxfs/status"
}

real_ssh=$(command -v ssh)

# What follows runs an ssh that knows the test's configuration, as a user's own would.
own_ssh() { # SSH_CONFIG
    mkdir -p "$TEST_DIR/bin"
    printf '#!/bin/sh\nexec %s -F "%s" "$@"\n' "$real_ssh" "$1" >"$TEST_DIR/bin/ssh"
    chmod 755 "$TEST_DIR/bin/ssh"
    PATH=$TEST_DIR/bin:$PATH
}

# The mount works in each way that is asked for ($ways); where libssh2 alone cannot, it is one line
# that says what can.
works_everywhere() { # WHAT OPTION...
    local what=$1 way
    shift
    for way in ${ways:-auto libssh2 openssh}; do
        echo "$what: $way"
        run --separate-stderr mount_from "transport=$way" "$@" </dev/null
        echo "status $status, stderr: $stderr"
        if [ "$way" = libssh2 ] && [ "$status" -eq 1 ]; then
            [ "${#stderr_lines[@]}" -eq 1 ]
            [[ $stderr == "vmxfs: "*"transport=openssh"* ]]
            continue
        fi
        [ "$status" -eq 0 ]
        [ "$way" != libssh2 ] || [[ $(transport) == libssh2* ]]
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        unmount_lab
    done
}

# Expects a refusal in each way ($ways).
refused_everywhere() { # PATTERN OPTION...
    local pattern=$1 way
    shift
    for way in ${ways:-auto libssh2 openssh}; do
        echo "$way"
        refuses "$pattern" mount_from "transport=$way" "$@"
    done
}

make_key() { # TYPE FILE [PASSPHRASE]
    local bits=()
    [ "$1" != rsa ] || bits=(-b 2048)
    ssh-keygen -q -t "$1" "${bits[@]}" -N "${3:-}" -f "$2" </dev/null
}

# Makes a program that answers questions of SSH_ASKPASS, and notes them in $TEST_DIR/asked.
answering() { # ANSWER
    printf '#!/bin/sh\nprintf "%%s\\n" "$1" >>"%s"\nprintf "%%s\\n" "%s"\n' "$TEST_DIR/asked" "$1" \
        >"$TEST_DIR/askpass"
    chmod 755 "$TEST_DIR/askpass"
    echo "$TEST_DIR/askpass"
}
