# SPDX-License-Identifier: MIT
# Logins that ask: passwords, second factors, passphrases; at the terminal's place SSH_ASKPASS.

bats_require_minimum_version 1.5.0

load helper
load logins

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    DIR=$TEST_DIR/sshd
    export SSHD_PASSWORD="open sesame"
    unset DISPLAY WAYLAND_DISPLAY SSH_ASKPASS SSH_ASKPASS_REQUIRE
}

teardown() {
    [ "$(id -u)" -eq 0 ] || return 0
    lab_end
    local dir
    for dir in "$DIR" "$TEST_DIR/jump"; do
        [ ! -d "$dir" ] || sh "$support/sshd.sh" stop "$dir"
    done
}

asked() {
    wc -l <"$TEST_DIR/asked"
}

@test "second factors: each is asked for once, in all ways" {
    local methods way
    export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
    SSH_ASKPASS=$(answering "open sesame")
    for methods in publickey,keyboard-interactive publickey,password password,publickey \
        keyboard-interactive,publickey password,keyboard-interactive; do
        start "AuthenticationMethods $methods"
        for way in auto libssh2 openssh; do
            echo "$methods: $way"
            rm -f "$TEST_DIR/asked"
            mount_from "transport=$way"
            works
            [ "$(asked)" -eq 1 ]
            grep -q "$(id -un)@127.0.0.1.*[Pp]assword" "$TEST_DIR/asked"
        done
        [ "$(grep -c 'Failed password' "$DIR/log")" -eq 0 ]
        sh "$support/sshd.sh" stop "$DIR"
    done
    # A server that takes the key first gets it, also with a password from standard input.
    start "AuthenticationMethods publickey,keyboard-interactive"
    for way in auto libssh2 openssh; do
        mount_from "transport=$way" password_stdin <<<"$SSHD_PASSWORD"
        works
    done
    ! grep -r sesame "$DIR/log" || false
}

@test "SSH_ASKPASS is asked as ssh asks it" {
    start "PubkeyAuthentication no"
    local program row way
    program=$(answering "open sesame")
    for way in libssh2 openssh; do
        # Nobody is there, and no program is to be asked.
        for row in "SSH_ASKPASS=$program" "SSH_ASKPASS=$program SSH_ASKPASS_REQUIRE=never DISPLAY=:9" \
            "SSH_ASKPASS=$program SSH_ASKPASS_REQUIRE=prefer" "SSH_ASKPASS=/bin/false DISPLAY=:9" \
            "SSH_ASKPASS=$TEST_DIR/nothing DISPLAY=:9"; do
            echo "$way: $row"
            # shellcheck disable=SC2206 # a list
            MOUNT_BY=(env $row setsid -w)
            refuses 'nobody to ask' mount_from "transport=$way"
        done
        [ ! -f "$TEST_DIR/asked" ]
        for row in "SSH_ASKPASS_REQUIRE=force" "SSH_ASKPASS_REQUIRE=prefer DISPLAY=:9" "DISPLAY=:9"; do
            echo "$way: $row"
            # shellcheck disable=SC2206 # a list
            MOUNT_BY=(env "SSH_ASKPASS=$program" $row setsid -w)
            mount_from "transport=$way"
            works
        done
        [ "$(asked)" -eq 3 ]
        rm "$TEST_DIR/asked"
    done
    [ "$(grep -c 'Failed' "$DIR/log")" -eq 0 ]
}

@test "SSH_ASKPASS has the passphrase of a key" {
    unset SSHD_PASSWORD
    start
    make_key ed25519 "$TEST_DIR/key" "pass word"
    cp "$TEST_DIR/key.pub" "$DIR/authorized_keys"
    export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
    SSH_ASKPASS=$(answering "pass word")
    works_everywhere "passphrase" IdentityFile="$TEST_DIR/key"
    [ "$(asked)" -eq 3 ]
    [ "$(grep -c "passphrase.*$TEST_DIR/key" "$TEST_DIR/asked")" -eq 3 ]
}

# Two servers at one address, with the same user: only who asks tells them apart.
@test "a password goes to its host, not to a jump host that asks before" {
    SSHD_HOST_KEYS=ed25519 SSHD_PASSWORD="other words" sh "$support/sshd.sh" start "$TEST_DIR/jump" \
        "PubkeyAuthentication no" 3>&-
    start "PubkeyAuthentication no"
    cat >"$TEST_DIR/config" <<END
Host jump
    Port $(cat "$TEST_DIR/jump/port")
Host target
    Port $(port)
    ProxyJump jump
Host *
    HostName 127.0.0.1
    UserKnownHostsFile $DIR/known_hosts $TEST_DIR/jump/known_hosts
END
    run --separate-stderr setsid -w "$VMXFS" -F "$TEST_DIR/config" -o password_stdin "target:$LAB" \
        "$MNT" <<<"$SSHD_PASSWORD"
    echo "$stderr"
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: the jump host 127.0.0.1 wants a password, and there is nobody to ask"* ]]
    # It has asked, which is "Postponed" in its log, and was told nothing.
    ! grep 'Failed password\|Failed keyboard-interactive\|Accepted' "$TEST_DIR/jump/log" || false
    # Who knows both is asked for each.
    printf '#!/bin/sh\necho "$1" >>%s\n[ -f %s ] || { : >%s; echo "other words"; exit; }\necho "open sesame"\n' \
        "$TEST_DIR/asked" "$TEST_DIR/second" "$TEST_DIR/second" >"$TEST_DIR/askpass"
    chmod 755 "$TEST_DIR/askpass"
    SSH_ASKPASS=$TEST_DIR/askpass SSH_ASKPASS_REQUIRE=force "$VMXFS" -F "$TEST_DIR/config" \
        "target:$LAB" "$MNT" 3>&-
    works
    [ "$(asked)" -eq 2 ]
    rm "$TEST_DIR/second"
    # With the jump host's password from the program, that of standard input is the target's.
    SSH_ASKPASS=$TEST_DIR/askpass SSH_ASKPASS_REQUIRE=force "$VMXFS" -F "$TEST_DIR/config" \
        -o password_stdin "target:$LAB" "$MNT" <<<"$SSHD_PASSWORD" 3>&-
    works
    [ "$(asked)" -eq 3 ]
}
