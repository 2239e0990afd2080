# SPDX-License-Identifier: MIT
# Which keys of hosts and users lead in, and through what: all that ssh can do works by itself.

bats_require_minimum_version 1.5.0

load helper
load logins

setup_file() {
    export KEYS=$BATS_FILE_TMPDIR/keys
    mkdir "$KEYS"
    local type
    for type in ed25519 ecdsa rsa; do
        make_key "$type" "$KEYS/$type"
    done
    make_key ed25519 "$KEYS/encrypted" "pass word"
    make_key ed25519 "$KEYS/ca"
    make_key ed25519 "$KEYS/certified"
    ssh-keygen -q -s "$KEYS/ca" -I vmxfs -n "$(id -un)" "$KEYS/certified.pub"
    cp "$KEYS/certified" "$KEYS/bare"
    cp "$KEYS/certified.pub" "$KEYS/bare.pub"
}

setup() {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    DIR=$TEST_DIR/sshd
}

teardown() {
    lab_end
    [ -z "${AGENT:-}" ] || kill "$AGENT"
    [ ! -d "$DIR" ] || sh "$support/sshd.sh" stop "$DIR"
}

# An agent of this test's own.
agent() {
    eval "$(ssh-agent -s 3>&-)" >/dev/null
    AGENT=$SSH_AGENT_PID
}

known_line() { # KEY.pub [HOSTS]
    echo "${2:-[127.0.0.1]:$(port)} $(cut -d' ' -f1,2 "$1")"
}

# ---- host keys

@test "of several host keys the one that is known is asked for, whatever its type" {
    host_keys="ed25519 ecdsa rsa" start
    local type
    for type in ed25519 ecdsa rsa; do
        known_line "$DIR/host_$type.pub" >"$TEST_DIR/known"
        works_everywhere "$type" UserKnownHostsFile="$TEST_DIR/known"
    done
    # Another key than the known one is none that ssh would take either.
    known_line "$KEYS/rsa.pub" >"$TEST_DIR/known"
    ways="auto openssh" refused_everywhere 'host key of 127.0.0.1.* (not known|has changed)' \
        UserKnownHostsFile="$TEST_DIR/known"
}

@test "servers with one type of host key" {
    local type
    for type in ed25519 ecdsa rsa; do
        host_keys=$type start
        works_everywhere "$type"
        sh "$support/sshd.sh" stop "$DIR"
    done
}

@test "NoHostAuthenticationForLocalhost" {
    start
    ways="auto openssh" works_everywhere "keyword" NoHostAuthenticationForLocalhost=yes \
        UserKnownHostsFile=/dev/null
    printf '%s\n' "Port $(port)" "IdentityFile $DIR/id" "NoHostAuthenticationForLocalhost yes" \
        "UserKnownHostsFile /dev/null" >"$TEST_DIR/config"
    "$VMXFS" -F "$TEST_DIR/config" "127.0.0.1:$LAB" "$MNT" 3>&-
    works
    # What ssh does not know there is told with the place where it stands.
    echo "UseKeychain yes" >>"$TEST_DIR/config"
    refuses "$TEST_DIR/config.* line 5: Bad configuration option: usekeychain" \
        "$VMXFS" -F "$TEST_DIR/config" "127.0.0.1:$LAB" "$MNT"
}

@test "names of known_hosts may have spaces, and may be several" {
    start
    local file=$TEST_DIR/known\ of\ mine row
    cp "$DIR/known_hosts" "$file"
    : >"$TEST_DIR/empty"
    works_everywhere "bare" UserKnownHostsFile="$file"
    works_everywhere "two" UserKnownHostsFile="$TEST_DIR/empty $file"
    works_everywhere "quoted" UserKnownHostsFile="\"$TEST_DIR/no such\" \"$file\""
    for row in "UserKnownHostsFile \"$file\"" "UserKnownHostsFile $TEST_DIR/empty \"$file\"" \
        "UserKnownHostsFile none"$'\n'"GlobalKnownHostsFile \"$file\" $TEST_DIR/empty"; do
        printf 'Host *\nPort %s\nIdentityFile %s\n%s\n' "$(port)" "$DIR/id" "$row" >"$TEST_DIR/config"
        local way
        for way in libssh2 openssh; do
            "$VMXFS" -F "$TEST_DIR/config" -o "transport=$way" "127.0.0.1:$LAB" "$MNT"
            [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
            unmount_lab
        done
    done
}

@test "HashKnownHosts: the name of a new host is stored hashed, and found again" {
    start
    local way
    for way in libssh2 openssh; do
        rm -f "$TEST_DIR/known"
        mount_from "transport=$way" HashKnownHosts=yes StrictHostKeyChecking=accept-new \
            UserKnownHostsFile="$TEST_DIR/known"
        unmount_lab
        [ "$(wc -l <"$TEST_DIR/known")" -eq 1 ]
        grep -q '^|1|' "$TEST_DIR/known"
        ssh-keygen -F "[127.0.0.1]:$(port)" -f "$TEST_DIR/known"
        works_everywhere "$way" UserKnownHostsFile="$TEST_DIR/known"
    done
    [ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'vmxfs-*' -newer "$DIR/port")" ]
}

@test "host certificates: of a known authority, a revoked one, and beside another key of that name" {
    start
    ssh-keygen -q -s "$KEYS/ca" -h -I host -n 127.0.0.1 "$DIR/host_ed25519.pub"
    sh "$support/sshd.sh" stop "$DIR"
    start "HostCertificate $DIR/host_ed25519-cert.pub"
    known_line "$KEYS/ca.pub" "@cert-authority *" >"$TEST_DIR/known"
    works_everywhere "authority" UserKnownHostsFile="$TEST_DIR/known"
    known_line "$KEYS/ed25519.pub" >>"$TEST_DIR/known"
    ways="auto openssh" works_everywhere "beside another key" UserKnownHostsFile="$TEST_DIR/known"
    known_line "$KEYS/ca.pub" "@revoked *" >>"$TEST_DIR/known"
    ways="auto openssh" refused_everywhere 'host key of 127.0.0.1 \(.*SHA256:.*\) is revoked' \
        UserKnownHostsFile="$TEST_DIR/known"
    known_line "$KEYS/ca.pub" "@cert-authority other.example" >"$TEST_DIR/known"
    ways="auto openssh" refused_everywhere 'host key of 127.0.0.1 is not known: .*SHA256:' \
        UserKnownHostsFile="$TEST_DIR/known"
}

# ---- keys of users

@test "user keys of all types, in files and in the agent" {
    start
    cat "$KEYS"/{ed25519,ecdsa,rsa,encrypted}.pub >"$DIR/authorized_keys"
    local type
    for type in ed25519 ecdsa rsa; do
        # libssh2 1.10 leaks the number of an ECDSA key that it reads from a file.
        local program=$VMXFS
        [ "$type" != ecdsa ] || program=$VMXFS_UNSANITIZED
        VMXFS=$program works_everywhere "$type" IdentityFile="$KEYS/$type"
    done
    agent
    for type in ed25519 ecdsa rsa; do
        ssh-add -q "$KEYS/$type"
        works_everywhere "agent $type" IdentityFile="$TEST_DIR/none"
        ssh-add -q -D
    done
    SSH_ASKPASS=$(answering "pass word") SSH_ASKPASS_REQUIRE=force ssh-add -q "$KEYS/encrypted" </dev/null
    works_everywhere "encrypted, in the agent" IdentityFile="$KEYS/encrypted"
}

@test "a certificate beside the key, by CertificateFile, and in the agent" {
    start "TrustedUserCAKeys $KEYS/ca.pub"
    works_everywhere "beside" IdentityFile="$KEYS/certified"
    works_everywhere "CertificateFile" IdentityFile="$KEYS/bare" \
        CertificateFile="$KEYS/certified-cert.pub"
    agent
    ssh-add -q "$KEYS/certified"
    works_everywhere "agent" IdentityFile="$TEST_DIR/none"
}

# Mounts with these keys and no others, in all ways, and notes what is asked.
with_keys() { # KEY...
    local way
    printf 'IdentityFile "%s"\n' "$@" >"$TEST_DIR/config"
    printf '%s\n' "Port $(port)" "UserKnownHostsFile $DIR/known_hosts" >>"$TEST_DIR/config"
    : >"$TEST_DIR/asked"
    for way in ${ways:-auto libssh2 openssh}; do
        echo "$*: $way"
        "$VMXFS" -F "$TEST_DIR/config" -o "transport=$way,IdentitiesOnly=yes" "127.0.0.1:$LAB" \
            "$MNT" 3>&-
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        unmount_lab
    done
}

@test "nobody is asked for the passphrase of a key that the server does not take" {
    start
    cat "$KEYS/encrypted.pub" >>"$DIR/authorized_keys"
    make_key ed25519 "$TEST_DIR/stranger" "pass word"
    make_key ecdsa "$TEST_DIR/bare" "pass word"
    rm "$TEST_DIR/bare.pub"
    cp "$KEYS/encrypted" "$TEST_DIR/ours"
    export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
    SSH_ASKPASS=$(answering "pass word")
    with_keys "$TEST_DIR/stranger" "$TEST_DIR/bare" "$DIR/id"
    [ ! -s "$TEST_DIR/asked" ]
    with_keys "$TEST_DIR/stranger" "$TEST_DIR/bare" "$TEST_DIR/ours"
    [ "$(sort -u "$TEST_DIR/asked")" = "Enter passphrase for key '$TEST_DIR/ours': " ]
    [ "$(wc -l <"$TEST_DIR/asked")" -eq 3 ]
}

# libssh2 1.10 has no such cipher.
@test "the passphrase of a key that only ssh can read is asked for once" {
    start
    ssh-keygen -q -t ed25519 -Z aes256-gcm@openssh.com -N "pass word" -f "$TEST_DIR/key"
    cp "$TEST_DIR/key.pub" "$DIR/authorized_keys"
    export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
    SSH_ASKPASS=$(answering "pass word")
    ways="auto openssh" with_keys "$TEST_DIR/key"
    [ "$(wc -l <"$TEST_DIR/asked")" -eq 2 ]
}

@test "an encrypted key that nobody can be asked for is the reason that is told" {
    start
    make_key ed25519 "$TEST_DIR/key" "pass word"
    cp "$TEST_DIR/key.pub" "$DIR/authorized_keys"
    MOUNT_BY=(env -u DISPLAY -u WAYLAND_DISPLAY -u SSH_ASKPASS setsid -w)
    refused_everywhere "$TEST_DIR/key.*encrypted, and .*nobody to ask.*ssh-add" \
        IdentityFile="$TEST_DIR/key"
}

@test "of a key in the agent it is enough to have the private file, or to name the public one" {
    start
    cp "$KEYS/ed25519.pub" "$DIR/authorized_keys"
    cp "$KEYS/ed25519.pub" "$TEST_DIR/public"
    make_key ed25519 "$TEST_DIR/key" "pass word"
    cat "$TEST_DIR/key.pub" >>"$DIR/authorized_keys"
    rm "$TEST_DIR/key.pub"
    agent
    ssh-add -q "$KEYS/ed25519"
    export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
    SSH_ASKPASS=$(answering "pass word")
    ssh-add -q "$TEST_DIR/key" </dev/null
    with_keys "$TEST_DIR/public"
    with_keys "$TEST_DIR/key"
    [ ! -s "$TEST_DIR/asked" ]
}

# The agent's keys come first, and each that is refused counts.
@test "too many keys in the agent: one line that says so; IdentitiesOnly is honoured" {
    start "MaxAuthTries 3"
    agent
    local i
    for i in 1 2 3 4; do
        make_key ed25519 "$TEST_DIR/key$i"
        ssh-add -q "$TEST_DIR/key$i"
    done
    for i in 1 2 3; do
        refused_everywhere 'Too many authentication failures.*IdentitiesOnly=yes'
    done
    works_everywhere "IdentitiesOnly" IdentitiesOnly=yes
}
