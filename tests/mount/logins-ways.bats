# SPDX-License-Identifier: MIT
# What lies between vmxfs and a login: jump hosts, ProxyCommand, a connection that is open already,
# long-winded servers, other servers than OpenSSH, and accounts that may not log in.

bats_require_minimum_version 1.5.0

load helper
load logins

setup() {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    DIR=$TEST_DIR/sshd
    CONFIG=$TEST_DIR/config
}

teardown() {
    lab_end
    local pid
    for pid in ${STARTED:-}; do
        kill "$pid" 2>/dev/null || :
    done
    [ ! -S "$TEST_DIR/master" ] || ssh -F "$CONFIG" -O exit host
    [ ! -d "$DIR" ] || sh "$support/sshd.sh" stop "$DIR"
}

host_of() { # NAME PORT KEY [LINE...]
    printf 'Host %s\n' "$1"
    printf '    HostName 127.0.0.1\n    Port %s\n    IdentityFile %s\n' "$2" "$3"
    printf '    %s\n' "${@:4}"
}

mount_host() { # HOST [ARGUMENT...]
    local host=$1
    shift
    "$VMXFS" -F "$CONFIG" "$@" "$host:$LAB" "$MNT" 3>&-
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

@test "what fails on the way names the jump host, and its reason" {
    start
    make_key ed25519 "$TEST_DIR/stranger"
    local closed known="UserKnownHostsFile $DIR/known_hosts" host pattern
    closed=$(free_port)
    {
        host_of jump "$(port)" "$DIR/id" "$known"
        host_of jump-refused "$(port)" "$TEST_DIR/stranger" "$known"
        host_of jump-unknown "$(port)" "$DIR/id" "UserKnownHostsFile /dev/null"
        host_of jump-closed "$closed" "$DIR/id" "$known"
        printf 'Host jump-nameless\n    HostName no-such-host.invalid\n'
        host_of well "$(port)" "$DIR/id" "$known" "ProxyJump jump"
        host_of twice "$(port)" "$DIR/id" "$known" "ProxyJump jump,jump"
        host_of refused "$(port)" "$TEST_DIR/stranger" "$known" "ProxyJump jump"
        host_of closed "$closed" "$DIR/id" "$known" "ProxyJump jump"
        for host in refused unknown closed nameless; do
            host_of "by-$host" "$(port)" "$DIR/id" "$known" "ProxyJump jump-$host"
        done
        host_of second "$(port)" "$DIR/id" "$known" "ProxyJump jump,jump-closed"
        printf 'Host *\n    IdentitiesOnly yes\n    GlobalKnownHostsFile /dev/null\n'
    } >"$CONFIG"
    for host in well twice; do
        mount_host "$host"
        works
    done
    while read -r host pattern; do
        echo "$host"
        refuses "$pattern" mount_host "$host"
    done <<END
by-refused the jump host jump-refused: .*Permission denied \(publickey\).*authorized_keys
by-unknown the host key of the jump host jump-unknown is not known: ED25519 SHA256:.*ssh jump-unknown
by-closed the jump host jump-closed: .*Connection refused.*port
by-nameless the jump host jump-nameless: .*no-such-host.invalid.*check the name
closed the jump host jump cannot reach closed: .*Connection refused
second the jump host jump cannot reach jump-closed: .*Connection refused
refused ^vmxfs: refused: .*Permission denied
END
}

@test "a ProxyCommand that fails is named, with what it says; it never hangs nor stays" {
    start
    local row closed
    closed=$(free_port)
    mount_from "ProxyCommand=nc 127.0.0.1 $(port)"
    works
    for row in 'false|"false" ended' \
        "/no/such/program|\"/no/such/program\" failed: .*(not found|No such file)" \
        'sed -n -e 1s/.*/rubbish/p -e q|"sed .*" leads to no SSH server: it says "rubbish"' \
        'yes|"yes" leads to no SSH server: it says "y"' \
        'cat /dev/urandom|"cat /dev/urandom" (leads to no SSH server|ended)' \
        "nc -v -n 127.0.0.1 $closed|\"nc .*$closed\" failed: .*refused"; do
        echo "$row"
        refuses "^vmxfs: 127.0.0.1: its ProxyCommand ${row#*|}" mount_from timeout=600 \
            "ProxyCommand=${row%%|*}"
    done
    # vmxfs and ssh give up after the same time; either may be the first.
    refuses 'in time, by sleep 54321|its ProxyCommand "sleep 54321" failed: Connection timed out' mount_from timeout=1 "ProxyCommand=sleep 54321"
    eventually 30 nobody_sleeps
}

nobody_sleeps() {
    ! pgrep -f '^sleep 54321$'
}

master() { # HOST
    ssh -F "$CONFIG" -o ControlMaster=yes -o ControlPersist=yes -fN "$1" 3>&- >/dev/null 2>&1
}

# The server takes only the key that the master has.
@test "the connection that ssh has open is used, and is not needed any more when it is gone" {
    start
    make_key ed25519 "$TEST_DIR/stranger"
    {
        host_of host "$(port)" "$DIR/id"
        host_of keyless "$(port)" "$TEST_DIR/stranger"
        printf 'Host *\n    UserKnownHostsFile %s\n    IdentitiesOnly yes\n    ControlPath %s\n' \
            "$DIR/known_hosts" "$TEST_DIR/master"
    } >"$CONFIG"
    local way
    refuses 'refuses|Permission denied' mount_host keyless
    mount_host host
    [[ $(transport) == libssh2* ]]
    unmount_lab
    master host
    for way in auto openssh; do
        mount_host keyless -o "transport=$way"
        [ "$(transport)" = openssh ]
        works
    done
    refuses 'refuses' mount_host keyless -o transport=libssh2
    # One login has been made for all of these.
    [ "$(grep -c 'Accepted publickey' "$DIR/log")" -eq 2 ]
    # It goes away under a mount: who can log in does.
    mount_host host
    [ "$(transport)" = openssh ]
    ssh -F "$CONFIG" -O exit host
    eventually 60 connected_by_libssh2
    works
    # A socket that nobody answers is no connection.
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$TEST_DIR/master"
    mount_host host
    [[ $(transport) == libssh2* ]]
    works
    rm "$TEST_DIR/master"
}

connected_by_libssh2() {
    cat "$MNT/vm/vm.vmx/memSize" >/dev/null
    [[ $(transport) == libssh2* ]]
}

# LINES is Python for what goes before the server's own version.
before_version() { # LINES
    cat >"$TEST_DIR/before.py" <<'END'
import os, socket, subprocess, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[3] + ".new", "w") as f:
    f.write("%d\n" % listener.getsockname()[1])
os.rename(sys.argv[3] + ".new", sys.argv[3])

def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in a, b:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

while True:
    client = listener.accept()[0]
    client.sendall(eval(sys.argv[2]))
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
END
    rm -f "$TEST_DIR/before"
    python3 "$TEST_DIR/before.py" "$(port)" "$1" "$TEST_DIR/before" 3>&- &
    STARTED="${STARTED:-} $!"
    eventually 60 test -s "$TEST_DIR/before"
    sed "s/:$(port)/:$(cat "$TEST_DIR/before")/g" "$DIR/known_hosts" >"$TEST_DIR/known"
}

@test "long banners, long versions, and lines before them" {
    local lines
    printf '%049d\n' {1..1200} >"$TEST_DIR/banner" # 60,000 bytes: more than libssh2 takes
    start "Banner $TEST_DIR/banner"
    works_everywhere "banner"
    for lines in {1..3}; do cat "$TEST_DIR/banner"; done >"$TEST_DIR/longer"
    mv "$TEST_DIR/longer" "$TEST_DIR/banner"
    ways="auto openssh" works_everywhere "longer banner"
    sh "$support/sshd.sh" stop "$DIR"
    start "VersionAddendum $(printf '%0230d' 0)"
    works_everywhere "version"
    sh "$support/sshd.sh" stop "$DIR"
    start
    for lines in 'b"Welcome\r\n"' 'b"W" * 5000 + b"\r\n"' '(b"W" * 100 + b"\r\n") * 900'; do
        before_version "$lines"
        ways="auto openssh" works_everywhere "$lines" port="$(cat "$TEST_DIR/before")" \
            UserKnownHostsFile="$TEST_DIR/known"
    done
}

# Leads to the server, and closes each connection with the words that say that it is logged in.
closing_after_login() {
    cat >"$TEST_DIR/closing.py" <<'END'
import os, socket, sys, threading, time
listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[3] + ".new", "w") as f:
    f.write("%d\n" % listener.getsockname()[1])
os.rename(sys.argv[3] + ".new", sys.argv[3])

def accepted():
    with open(sys.argv[2]) as f:
        return f.read().count("Accepted publickey")

def up(client, server):
    try:
        while data := client.recv(65536):
            server.sendall(data)
    except OSError:
        pass

while True:
    client = listener.accept()[0]
    before = accepted()
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=up, args=(client, server), daemon=True).start()
    while data := server.recv(65536):
        time.sleep(0.2)
        client.sendall(data)
        if accepted() > before:
            break
    for s in client, server:
        s.shutdown(socket.SHUT_RDWR)
        s.close()
END
    rm -f "$TEST_DIR/closing"
    python3 "$TEST_DIR/closing.py" "$(port)" "$DIR/log" "$TEST_DIR/closing" 3>&- &
    STARTED="${STARTED:-} $!"
    eventually 60 test -s "$TEST_DIR/closing"
    sed "s/:$(port)/:$(cat "$TEST_DIR/closing")/g" "$DIR/known_hosts" >"$TEST_DIR/known"
}

@test "a server that closes the connection after the login" {
    start
    closing_after_login
    refused_everywhere 'closed the connection after the login|Connection (closed|reset) by|closed by remote host' \
        port="$(cat "$TEST_DIR/closing")" UserKnownHostsFile="$TEST_DIR/known"
}

# A home of its own for dropbear, which looks for keys nowhere else.
dropbear_start() { # HOST_KEY
    rm -f "$TEST_DIR/pid"
    mkdir -p "$DIR" && free_port >"$DIR/port"
    mkdir -p "$TEST_DIR/home/.ssh"
    chmod 700 "$TEST_DIR/home" "$TEST_DIR/home/.ssh"
    cp "$TEST_DIR/key.pub" "$TEST_DIR/home/.ssh/authorized_keys"
    echo "$(id -un):x:$(id -u):$(id -g)::$TEST_DIR/home:/bin/sh" >"$TEST_DIR/passwd"
    unshare -m sh -c 'mount --bind "$1/passwd" /etc/passwd && exec dropbear -F -E -s -r "$2" \
        -p "127.0.0.1:$3" -P "$1/pid"' sh "$TEST_DIR" "$1" "$(port)" 3>&- >"$TEST_DIR/log" 2>&1 &
    STARTED="${STARTED:-} $!"
    eventually 60 test -s "$TEST_DIR/pid"
}

@test "dropbear is a server, too" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local type
    make_key ed25519 "$TEST_DIR/key"
    for type in ed25519 ecdsa rsa; do
        dropbearkey -t "$type" -f "$TEST_DIR/host_$type" >/dev/null 2>&1
        dropbear_start "$TEST_DIR/host_$type"
        echo "[127.0.0.1]:$(port) $(dropbearkey -y -f "$TEST_DIR/host_$type" | grep -E '^(ssh|ecdsa)-')" \
            >"$TEST_DIR/known"
        works_everywhere "$type" IdentityFile="$TEST_DIR/key" UserKnownHostsFile="$TEST_DIR/known" \
            sftp_server="$SFTP_SERVER"
    done
    rm -r "$DIR"
}

# The system's users are others for this server.
@test "accounts that may not log in, or print: one clear line each" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local user pattern way today service
    today=$(($(date +%s) / 86400))
    printf '#!/bin/sh\necho "Welcome to this host"\n[ "$1" != -c ] || exec sh -c "$2"\n' >"$TEST_DIR/noisy"
    chmod 755 "$TEST_DIR/noisy"
    {
        cat /etc/passwd
        echo "expired:x:61001:61001::/:/bin/sh"
        echo "over:x:61002:61002::/:/bin/sh"
        echo "nologin:x:61003:61003::/:/usr/sbin/nologin"
        echo "false:x:61004:61004::/:/bin/false"
        echo "noisy:x:0:0::/:$TEST_DIR/noisy"
    } >"$TEST_DIR/passwd"
    {
        cat /etc/shadow
        printf '%s:*:%s:0:99999:7::%s:\n' expired 0 '' over "$today" 1 nologin "$today" '' \
            false "$today" '' noisy "$today" ''
    } >"$TEST_DIR/shadow"
    export SSHD_PASSWORD="open sesame"
    SSHD_HOST_KEYS=ed25519 unshare -m sh -c 'mount --bind "$1/passwd" /etc/passwd &&
        mount --bind "$1/shadow" /etc/shadow && exec sh "$2/sshd.sh" start "$3" "Subsystem sftp $4"' \
        sh "$TEST_DIR" "$support" "$DIR" "$SFTP_SERVER" 3>&-
    service=/etc/pam.d/vmxfs-sshd-$(cksum <"$DIR/id.pub" | cut -d' ' -f1)
    sed -i 's/^account.*/account required pam_unix.so/; $a password required pam_unix.so' "$service"
    while read -r user pattern; do
        for way in libssh2 openssh; do
            echo "$user: $way"
            run --separate-stderr mount_source "$user@127.0.0.1:$LAB" "port=$(port)" "transport=$way" \
                "UserKnownHostsFile=$DIR/known_hosts" timeout=600 password_stdin <<<"$SSHD_PASSWORD"
            echo "$stderr"
            [ "$status" -eq 1 ]
            [ "${#stderr_lines[@]}" -eq 1 ]
            [[ $stderr =~ $pattern ]]
        done
    done <<END
expired ^vmxfs: 127.0.0.1 wants the password .*changed first: log in once with "ssh
over ^vmxfs: 127.0.0.1 (refuses the password|closed the connection during authentication).*
nologin ^vmxfs: the server says "This account is currently not available." instead of SFTP
false ^vmxfs: the server closed the connection before it spoke SFTP: .*no shell
noisy ^vmxfs: the server says "Welcome to this host" instead of SFTP: a login script
END
}

@test "ForceCommand internal-sftp, a chroot, and another forced command" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local root
    start "ForceCommand internal-sftp" "Subsystem sftp internal-sftp"
    works_everywhere "internal-sftp"
    sh "$support/sshd.sh" stop "$DIR"
    # sshd wants a root that nobody else can write into, from / on.
    root=$(mktemp -d /run/vmxfs-chroot-XXXXXX)
    chmod 755 "$root"
    write_vmx "$root/data/vm/vm.vmx" one
    start "ChrootDirectory $root" "ForceCommand internal-sftp" "Subsystem sftp internal-sftp"
    path=/data works_everywhere "chroot"
    rm -r "$root"
    sh "$support/sshd.sh" stop "$DIR"
    start "ForceCommand echo only this"
    refused_everywhere 'the server says "only this" instead of SFTP'
}
