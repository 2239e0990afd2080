# SPDX-License-Identifier: MIT
# How the mount reaches its server: logins, host keys, ways and addresses, and what a user is told
# when one of them does not work.

bats_require_minimum_version 1.5.0

load helper
load logins

setup() {
    lab_new
    mkdir "$LAB/vm"
    printf 'displayName = "one"\nmemSize = "4096"\n' >"$LAB/vm/vm.vmx"
    DIR=$TEST_DIR/sshd
}

teardown() {
    lab_end
    [ -z "${BABBLER:-}" ] || kill "$BABBLER" 2>/dev/null || :
    [ ! -d "$DIR" ] || sh "$support/sshd.sh" stop "$DIR"
}

# ---- ways

@test "libssh2 with a key" {
    start
    mount_from transport=libssh2
    [[ $(transport) == libssh2* ]]
    works
}

@test "the ssh program with a key" {
    start
    mount_from transport=openssh
    [[ $(transport) == *ssh* ]]
    [[ $(transport) != libssh2* ]]
    works
}

@test "ssh_command" {
    start
    mount_from ssh_command="ssh -F $DIR/ssh_config -o Compression=no"
    works
    printf '#!/bin/sh\necho called >>%s\nexec ssh -F %s "$@"\n' "$TEST_DIR/called" "$DIR/ssh_config" >"$TEST_DIR/my-ssh"
    chmod 755 "$TEST_DIR/my-ssh"
    refuses 'nothing.*ssh_command' mount_from ssh_command="$TEST_DIR/nothing"
    mount_from ssh_command="$TEST_DIR/my-ssh"
    [ -s "$TEST_DIR/called" ]
    works
}

# The login is followed in what ssh logs.
@test "ssh_command that makes ssh silent, or chatty" {
    start
    local words
    for words in -q "-o LogLevel=ERROR" -oLogLevel=quiet -v -vvv; do
        echo "$words"
        mount_from ssh_command="ssh $words" timeout=120
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        unmount_lab
    done
}

# As sshpass is: it answers its ssh's question on a terminal of its own.
@test "ssh_command names a program that answers for its ssh" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    export SSHD_PASSWORD="open sesame"
    start "PubkeyAuthentication no"
    cat >"$TEST_DIR/answers" <<END
#!/usr/bin/env python3
import os, pty, sys
streams = os.dup(0), os.dup(1)
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(streams[0], 0)
    os.dup2(streams[1], 1)
    os.execvp("ssh", ["ssh"] + sys.argv[1:])
asked = b""
while b"assword:" not in asked:
    asked += os.read(terminal, 256)
os.write(terminal, b"$SSHD_PASSWORD\n")
os.waitpid(pid, 0)
END
    chmod 755 "$TEST_DIR/answers"
    mount_from ssh_command="$TEST_DIR/answers" timeout=120 </dev/null
    works
}

@test "the ssh program forwards nothing, runs nothing here, and takes no host for an option" {
    start
    printf '#!/bin/sh\nprintf "%%s\\n" "$@" >%s\nexec ssh -F %s "$@"\n' \
        "$TEST_DIR/words" "$DIR/ssh_config" >"$TEST_DIR/my-ssh"
    chmod 755 "$TEST_DIR/my-ssh"
    mount_from ssh_command="$TEST_DIR/my-ssh" timeout=120
    works
    local word
    for word in -a -x -T -oClearAllForwardings=yes -oPermitLocalCommand=no -oControlPath=none; do
        grep -qxFe "$word" "$TEST_DIR/words"
    done
    [ "$(tail -n 3 "$TEST_DIR/words" | head -n 1)" = -- ]
}

@test "sftp_server names a program on the server, or here" {
    start
    printf '#!/bin/sh\necho called >>%s\nexec %s\n' "$TEST_DIR/called" "$SFTP_SERVER" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    mount_from transport=libssh2 sftp_server="$TEST_DIR/server"
    works
    mount_from transport=openssh sftp_server="$TEST_DIR/server"
    works
    mount_source "$LAB" sftp_server="$TEST_DIR/server"
    [ "$(transport)" = "local sftp-server" ]
    works
    [ "$(wc -l <"$TEST_DIR/called")" -eq 3 ]
    refuses "$TEST_DIR/nothing" mount_source "$LAB" sftp_server="$TEST_DIR/nothing"
    refuses 'nothing|SFTP' mount_from transport=libssh2 sftp_server="$TEST_DIR/nothing"
    refuses 'nothing|SFTP' mount_from transport=openssh sftp_server="$TEST_DIR/nothing"
    refuses 'SFTP' mount_source "$LAB" sftp_server=/bin/true
}

@test "a server that has only RSA host keys goes through ssh where libssh2 is too old" {
    host_keys=rsa start
    mount_from transport=auto
    works
    mount_from transport=auto
    if [[ $(transport) == libssh2* ]]; then
        [[ $(transport) != "libssh2 1.10."* ]]
        unmount_lab
        mount_from transport=libssh2
        works
    else
        unmount_lab
        refuses 'libssh2 1\.10.*transport=openssh' mount_from transport=libssh2
    fi
}

agreed() { # KEY
    sed -n "s/^$1: //p" "$MNT/.vmxfs/status"
}

@test "the status shows what was agreed on, whoever carries the connection" {
    local way shown
    start
    shown="ED25519 $(ssh-keygen -lf "$DIR/host_ed25519.pub" | cut -d' ' -f2)"
    for way in libssh2 openssh; do
        mount_from "transport=$way"
        [ "$(agreed host-key)" = "$shown" ]
        [[ $(agreed server) == SSH-2.0-OpenSSH_* ]]
        [ -n "$(agreed key-exchange)" ]
        [ -n "$(agreed cipher)" ]
        [ -n "$(agreed mac)" ]
        unmount_lab
    done
}

# libssh2 1.10 does not have these; 1.11.0 and 1.11.1 read them unchecked.
@test "libssh2 is offered no algorithm that it reads unchecked; the ssh program carries it then" {
    local lines
    for lines in "Ciphers chacha20-poly1305@openssh.com" \
        "Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com" \
        "MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"; do
        start "$lines" "Ciphers aes256-ctr"
        mount_from transport=auto
        if [[ $(agreed transport) == libssh2* ]]; then # a later version, which is mended
            [[ ! $(agreed transport) =~ ^libssh2\ 1\.(10\..*|11\.[01])$ ]]
            works
        else
            [ "$(agreed transport)" = openssh ]
            [[ $lines == *"$(agreed cipher)"* || $lines == *"$(agreed mac)"* ]]
            works
            refuses 'libssh2 1\.1[01]\..*use transport=openssh' mount_from transport=libssh2
        fi
        sh "$support/sshd.sh" stop "$DIR"
    done
}

# Who allows only these finds no use for libssh2 either.
@test "Ciphers of ssh_config do not bring back what libssh2 reads unchecked" {
    start
    printf 'Host *\n    Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com\n' \
        >>"$DIR/ssh_config"
    own_ssh "$DIR/ssh_config"
    mount_from transport=auto
    if [[ $(agreed transport) == libssh2* ]]; then
        [[ ! $(agreed transport) =~ ^libssh2\ 1\.(10\..*|11\.[01])$ ]]
    else
        [ "$(agreed cipher)" = chacha20-poly1305@openssh.com ]
    fi
    works
}

@test "aliases and options of ssh_config" {
    start
    own_ssh "$DIR/ssh_config"
    host=esxi-01
    mount_source "esxi-01:$LAB" transport=libssh2
    grep -q "^esxi-01:$LAB $MNT " /proc/mounts
    works
    mount_source "esxi-01:$LAB" transport=openssh
    works
    # What libssh2 cannot do goes through ssh by itself.
    { echo 'Host jump-only'; echo "ProxyCommand $TEST_DIR/proxy %h %p"; cat "$DIR/ssh_config"; } >"$TEST_DIR/ssh_config"
    printf '#!/bin/sh\necho called >>%s\nexec python3 %s "$@"\n' "$TEST_DIR/called" "$TEST_DIR/proxy.py" >"$TEST_DIR/proxy"
    chmod 755 "$TEST_DIR/proxy"
    cat >"$TEST_DIR/proxy.py" <<'END'
import os, select, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for f in select.select([0, s], [], [])[0]:
        data = os.read(0, 65536) if f == 0 else s.recv(65536)
        if not data:
            sys.exit()
        s.sendall(data) if f == 0 else os.write(1, data)
END
    own_ssh "$TEST_DIR/ssh_config"
    mount_source "jump-only:$LAB"
    [ -s "$TEST_DIR/called" ]
    [[ $(transport) != libssh2* ]]
    works
    refuses '[Pp]roxy[Cc]ommand.*transport=openssh' mount_source "jump-only:$LAB" transport=libssh2
}

@test "IPv6 addresses in brackets" {
    start "ListenAddress ::1" || skip "no IPv6"
    sed 's/127\.0\.0\.1/::1/g' "$DIR/known_hosts" >>"$DIR/known_hosts.6" && cat "$DIR/known_hosts.6" >>"$DIR/known_hosts"
    host="[::1]"
    mount_from transport=libssh2
    works
    mount_from transport=openssh
    works
    host="$(id -un)@[::1]"
    mount_from
    works
}

@test "paths: none, relative, with spaces, through links" {
    start "Subsystem sftp $SFTP_SERVER -d $TEST_DIR/lab"
    local p
    for p in "" . ./ vm/.. "$LAB/" "$LAB/vm/../" "$TEST_DIR/link"; do
        ln -sfn lab "$TEST_DIR/link"
        path=$p
        mount_from
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        unmount_lab
    done
    path=vm
    mount_from
    [ "$(cat "$MNT/vm.vmx/displayName")" = one ]
    unmount_lab
    mkdir "$LAB/with space"
    cp "$LAB/vm/vm.vmx" "$LAB/with space/"
    path="with space"
    mount_from
    [ "$(cat "$MNT/vm.vmx/displayName")" = one ]
    unmount_lab
    path="$LAB/with space"
    mount_from transport=openssh
    [ "$(cat "$MNT/vm.vmx/displayName")" = one ]
}

@test "an @ in the path is no user" {
    mkdir -p "$LAB/a@b:c/vm"
    cp "$LAB/vm/vm.vmx" "$LAB/a@b:c/vm/"
    start
    path="$LAB/a@b:c"
    mount_from
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    unmount_lab
    host="$(id -un)@127.0.0.1"
    mount_from
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

@test "an empty path is /vmfs/volumes on a host that has it" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local root=$TEST_DIR/root uuid=6554a2f0-3c1d9a20-7b14-a4bf01512e30
    mkdir -p "$root/vmfs/volumes/$uuid/vm" "$root/usr" "$root/dev" "$root/etc"
    echo 'root:x:0:0::/:/bin/sh' >"$root/etc/passwd"
    cp "$LAB/vm/vm.vmx" "$root/vmfs/volumes/$uuid/vm/"
    ln -s "$uuid" "$root/vmfs/volumes/datastore1"
    ln -s "/vmfs/volumes/datastore1/vm" "$root/vmfs/volumes/$uuid/again"
    local dir
    for dir in bin lib lib64; do
        if [ -L "/$dir" ]; then ln -s "$(readlink "/$dir")" "$root/$dir"; else mkdir "$root/$dir"; fi
    done
    cat >"$TEST_DIR/server" <<END
#!/bin/sh
exec unshare -m sh -c '
    mount --bind /usr $root/usr && mount --bind /dev $root/dev &&
    { [ -L /lib64 ] || mount --bind /lib64 $root/lib64; } && { [ -L /lib ] || mount --bind /lib $root/lib; } &&
    exec chroot $root $SFTP_SERVER'
END
    chmod 755 "$TEST_DIR/server"
    start "Subsystem sftp $TEST_DIR/server"
    path=
    mount_from transform_symlinks
    [ "$(ls "$MNT")" = datastore1 ]
    [ "$(cat "$MNT/datastore1/vm/vm.vmx/displayName")" = one ]
    [ "$(cat "$MNT/$uuid/again/vm.vmx/displayName")" = one ]
    [ "$(sed -n 's/^root: //p' "$MNT/.vmxfs/status")" = /vmfs/volumes ]
}

@test "an absolute link leads to the same place through a mounted link" {
    ln -s lab "$TEST_DIR/link"
    echo text >"$LAB/file"
    ln -s "$TEST_DIR/link/file" "$LAB/given"
    ln -s "$LAB/file" "$LAB/real"
    start
    path=$TEST_DIR/link
    mount_from transform_symlinks
    [ "$(cat "$MNT/given")" = text ]
    [ "$(cat "$MNT/real")" = text ]
}

# ---- logins

@test "password_stdin, by password and by keyboard-interactive" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    export SSHD_PASSWORD="open sesame"
    local only
    for only in KbdInteractiveAuthentication PasswordAuthentication; do
        start "$only no" "PubkeyAuthentication no"
        mount_from transport=libssh2 password_stdin <<<"$SSHD_PASSWORD"
        works
        mount_from transport=openssh password_stdin <<<"$SSHD_PASSWORD"
        works
        mount_from transport=libssh2 password_stdin <<<"$SSHD_PASSWORD"$'\r'
        works
        sh "$support/sshd.sh" stop "$DIR"
    done
    # Neither the password nor a piece of it is to be seen.
    ! grep -r sesame "$DIR/log" || false
}

@test "a refused password is told, once, and not tried again" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    export SSHD_PASSWORD="open sesame"
    start "PubkeyAuthentication no"
    local way
    for way in libssh2 openssh; do
        run --separate-stderr mount_from transport=$way password_stdin <<<"wrong words"
        echo "$stderr"
        [ "$status" -eq 1 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ $stderr == "vmxfs: "* ]]
        [[ $stderr =~ [Pp]assword|denied ]]
        [[ $stderr != *"wrong words"* ]]
        ! grep -q " $MNT " /proc/mounts || false
        eventually 30 no_processes
    done
    run --separate-stderr mount_from password_stdin </dev/null
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: "*"standard input"* ]]
}

@test "a password is asked for on the terminal" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    command -v expect >/dev/null || skip "no expect"
    export SSHD_PASSWORD="open sesame"
    start "PubkeyAuthentication no"
    local way
    for way in libssh2 openssh; do
        VMXFS=$VMXFS MNT=$MNT SOURCE=127.0.0.1:$LAB OPTIONS=port=$(port),UserKnownHostsFile=$DIR/known_hosts,transport=$way \
            expect -c '
            set timeout 300
            spawn -noecho $env(VMXFS) -o $env(OPTIONS) $env(SOURCE) $env(MNT)
            expect -re {[Pp]assword.*:} { send "open sesame\r" } timeout { exit 3 } eof { exit 4 }
            expect eof
            exit [lindex [wait] 3]' 3>&- >"$TEST_DIR/terminal"
        cat "$TEST_DIR/terminal"
        ! grep -q sesame "$TEST_DIR/terminal" || false
        works
    done
}

@test "a wrong key is refused, with the next step" {
    start
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other"
    local way
    for way in libssh2 openssh; do
        refuses 'authorized_keys|IdentityFile|publickey' setsid -w "$BASH" -c '"$@"' - "$VMXFS" \
            -o "port=$(port),IdentityFile=$TEST_DIR/other,UserKnownHostsFile=$DIR/known_hosts,transport=$way" \
            "127.0.0.1:$LAB" "$MNT"
    done
}

@test "a key that is not there or not readable" {
    start
    refuses 'nothing|authorized_keys|IdentityFile' setsid -w "$VMXFS" \
        -o "port=$(port),IdentityFile=$TEST_DIR/nothing,UserKnownHostsFile=$DIR/known_hosts,transport=libssh2" "127.0.0.1:$LAB" "$MNT"
}

# ---- host keys

@test "an unknown host key is refused with its fingerprint and the next step" {
    start
    local fingerprint way
    fingerprint=$(ssh-keygen -lf "$DIR/host_ed25519.pub" | cut -d' ' -f2)
    : >"$TEST_DIR/known_hosts"
    for way in libssh2 openssh; do
        refuses 'not known.*ssh.*accept-new' mount_from transport=$way UserKnownHostsFile="$TEST_DIR/known_hosts"
        [[ $stderr == *"$fingerprint"* ]]
        [ ! -s "$TEST_DIR/known_hosts" ]
    done
    mount_from transport=libssh2 UserKnownHostsFile="$TEST_DIR/known_hosts" StrictHostKeyChecking=accept-new
    works
    [ "$(wc -l <"$TEST_DIR/known_hosts")" -eq 1 ]
    mount_from transport=libssh2 UserKnownHostsFile="$TEST_DIR/known_hosts"
    works
}

@test "a changed host key is refused, also with accept-new" {
    start
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other"
    echo "[127.0.0.1]:$(port) $(cut -d' ' -f1,2 "$TEST_DIR/other.pub")" >"$TEST_DIR/known_hosts"
    cp "$TEST_DIR/known_hosts" "$TEST_DIR/before"
    local way
    for way in libssh2 openssh; do
        refuses 'has changed.*ssh-keygen (-f .*)?-R' mount_from transport=$way UserKnownHostsFile="$TEST_DIR/known_hosts"
        refuses 'has changed.*ssh-keygen (-f .*)?-R' mount_from transport=$way UserKnownHostsFile="$TEST_DIR/known_hosts" \
            StrictHostKeyChecking=accept-new
    done
    cmp "$TEST_DIR/before" "$TEST_DIR/known_hosts"
}

@test "a revoked host key is refused, hashed names are understood" {
    start
    ssh-keygen -q -H -f "$DIR/known_hosts"
    mount_from transport=libssh2
    works
    { cat "$DIR/known_hosts"; echo "@revoked * $(cut -d' ' -f1,2 "$DIR/host_ed25519.pub")"; } >"$TEST_DIR/known_hosts"
    refuses 'revoked' mount_from transport=libssh2 UserKnownHostsFile="$TEST_DIR/known_hosts"
    refuses 'revoked' mount_from transport=openssh UserKnownHostsFile="$TEST_DIR/known_hosts"
}

# ---- no server

@test "an unknown host and an unreachable port" {
    local way free
    free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    for way in auto libssh2 openssh; do
        refuses 'no-such-host.invalid.*(name|resolve|address)' mount_source no-such-host.invalid: transport=$way
        refuses '127.0.0.1.*(refuse|Connection refused)' mount_source 127.0.0.1: transport=$way port="$free"
    done
}

@test "a port that speaks no SSH, or is silent" {
    python3 - "$TEST_DIR/ports" <<'END' &
import socket, sys, threading, os
talker, mute = socket.socket(), socket.socket()
for s in talker, mute:
    s.bind(("127.0.0.1", 0))
    s.listen(50)
with open(sys.argv[1] + ".new", "w") as f:
    f.write("%d %d\n" % (talker.getsockname()[1], mute.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    c, _ = talker.accept()
    c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    c.close()
END
    local server=$! talker mute way
    eventually 60 test -s "$TEST_DIR/ports"
    read -r talker mute <"$TEST_DIR/ports"
    for way in libssh2 openssh; do
        refuses '127.0.0.1' mount_source 127.0.0.1: transport=$way port="$talker" timeout=10
        refuses '127.0.0.1' mount_source 127.0.0.1: transport=$way port="$mute" timeout=2
    done
    kill "$server"
}

@test "a server without SFTP" {
    start "Subsystem sftp /bin/false"
    refuses 'sftp|SFTP' mount_from transport=libssh2
    refuses 'sftp|SFTP' mount_from transport=openssh
}

@test "a server that talks before SFTP begins" {
    printf '#!/bin/sh\necho Welcome to this host\nexec %s\n' "$SFTP_SERVER" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    start "Subsystem sftp $TEST_DIR/server"
    refuses 'SFTP|sftp' mount_from transport=libssh2 timeout=5
}

# The version is SFTP's, the next answer has no bytes at all.
@test "a server that stops speaking SFTP before the mount is there" {
    cat >"$TEST_DIR/server" <<'EOF'
#!/usr/bin/env python3
import os
for answer in b"\0\0\0\5\2\0\0\0\3", b"\0\0\0\0\0":
    os.read(0, 4096)
    os.write(1, answer)
os.read(0, 4096)
EOF
    chmod 755 "$TEST_DIR/server"
    run --separate-stderr "$VMXFS" -o ssh_command="$TEST_DIR/server" lab:/ "$MNT" </dev/null
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr =~ ^vmxfs:\ the\ connection.*is\ lost.*not\ SFTP$ ]]
}

# A server that says lines without end before its version, as it may say some.
babble() {
    cat >"$TEST_DIR/babble.py" <<'EOF'
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
peer = listener.accept()[0]
while True:
    peer.sendall(b"one more line\r\n" * 1000)
EOF
    python3 "$TEST_DIR/babble.py" >"$TEST_DIR/babble.out" 2>/dev/null 3>&- &
    BABBLER=$!
    eventually 60 test -s "$TEST_DIR/babble.out"
}

@test "a login without an end is given up" {
    babble
    # Whatever the load: without an end of its own it would go on.
    refuses 'was given up' timeout 60 "$VMXFS" -o transport=libssh2,timeout=2 \
        -o "port=$(head -n 1 "$TEST_DIR/babble.out")" 127.0.0.1:/ "$MNT"
}

@test "keywords of ssh_config are options, in any case, for libssh2 and for the ssh program" {
    start
    local keyword transport
    for transport in auto openssh; do
        for keyword in AddressFamily=inet BatchMode=yes CheckHostIP=no ciphers=aes256-ctr \
            COMPRESSION=yes ConnectTimeout=30 HostKeyAlgorithms=ssh-ed25519 "hostkeyalias=[127.0.0.1]:$(port)" \
            IdentitiesOnly=yes KexAlgorithms=curve25519-sha256 LogLevel=ERROR MACs=hmac-sha2-256 \
            NumberOfPasswordPrompts=1 PasswordAuthentication=no "PreferredAuthentications=publickey" \
            "ProxyCommand=nc 127.0.0.1 $(port)" RekeyLimit=1G ServerAliveInterval=15 TCPKeepAlive=no \
            UpdateHostKeys=no StrictHostKeyChecking=ask StrictHostKeyChecking=off "User=$(id -un)" VisualHostKey=no IPQoS=none GSSAPIAuthentication=no \
            RemoteCommand=none RequestTTY=no StdinNull=no ForkAfterAuthentication=no Tunnel=no; do
            echo "$transport $keyword"
            mount_from "transport=$transport" "${keyword//,/\\,}"
            [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
            unmount_lab
        done
    done
    mount_from ciphers=aes256-ctr
    grep -qx 'cipher: aes256-ctr' "$MNT/.vmxfs/status"
    unmount_lab
    for transport in auto openssh; do
        refuses '^vmxfs: nonsense: unknown option' mount_from Nonsense=1 "transport=$transport"
    done
    refuses 'preferredauthentications.*transport=openssh' mount_from \
        PreferredAuthentications=publickey transport=libssh2
}

@test "of ssh's own keywords the first one counts, in any case of letters, but keys add up" {
    start
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other key" </dev/null
    cp "$DIR/id" "$TEST_DIR/key, named so"
    local transport keys known
    known=UserKnownHostsFile=$DIR/known_hosts
    for transport in libssh2 openssh; do
        for keys in "IdentityFile=$TEST_DIR/other key,IdentityFile=$DIR/id" \
            "IdentityFile=$DIR/id,IdentityFile=$TEST_DIR/nothing" \
            "identityfile=$TEST_DIR/other key,IdentityFile=$TEST_DIR/nothing,IDENTITYFILE=$DIR/id" \
            "IdentityFile=$TEST_DIR/nothing,IdentityFile=$TEST_DIR/key\\, named so" \
            "IdentityFile=\"$TEST_DIR/key\\, named so\""; do
            echo "$transport $keys"
            "$VMXFS" -p "$(port)" -o "Port=1,port=2,transport=$transport,$keys,$known" \
                -o StrictHostKeyChecking=YES,stricthostkeychecking=no,UserKnownHostsFile=/dev/null \
                "127.0.0.1:$LAB" "$MNT" 3>&-
            [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
            unmount_lab
        done
        "$VMXFS" -o "transport=$transport,IdentityFile=$DIR/id,Port=$(port),StrictHostKeyChecking=False" \
            -o "userknownhostsfile=/dev/null,StrictHostKeyChecking=yes,$known" -p 1 "127.0.0.1:$LAB" "$MNT" 3>&-
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        unmount_lab
    done
}

@test "-F names the configuration, and -C compresses" {
    start
    local transport
    for transport in libssh2 openssh; do
        "$VMXFS" -F "$DIR/ssh_config" -C -o "transport=$transport" "host:$LAB" "$MNT"
        grep -qx 'compression: zlib@openssh.com' "$MNT/.vmxfs/status"
        works
    done
    "$VMXFS" -F "$DIR/ssh_config" "host:$LAB" "$MNT"
    grep -qx 'compression: none' "$MNT/.vmxfs/status"
    unmount_lab
}

@test "files that keywords name are found again when the connection is made anew" {
    start
    (cd "$DIR" && "$VMXFS" -o "Port=$(port),identityfile=id,UserKnownhostsFile=known_hosts" \
        "127.0.0.1:$LAB" "$MNT")
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    sh "$support/sshd.sh" stop "$DIR"
    start
    anew() { [ "$(counter links)" = 2 ]; }
    eventually 60 anew
    works
}
