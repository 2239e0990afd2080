#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vmxfs doctor: what works at a source and what will not, one line each, and nothing is left there.

load host

bats_require_minimum_version 1.5.0

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
}

teardown() {
    host_end
}

# Runs the doctor over the server of the file. Its report is in $output.
doctor() { # SOURCE [OPTION...]
    local source=$1
    shift
    run --separate-stderr "$VMXFS" doctor "${@/#/-o}" -o "port=$(cat "$SERVER/port")" \
        -o "IdentityFile=$SERVER/id" -o "UserKnownHostsFile=$SERVER/known_hosts" "127.0.0.1:$source" 3>&- </dev/null
    seen
}

# The same of $LAB, with this program as its server.
doctor_of() { # SERVER-PROGRAM [OPTION...]
    printf '#!/bin/sh\nexec %s\n' "$1" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    shift
    run --separate-stderr "$VMXFS" doctor -o "sftp_server=$TEST_DIR/server" "${@/#/-o}" "$LAB" 3>&-
    seen
}

# Every report has the form that check has, and a last line that sums up what is in it.
seen() {
    echo "status $status"
    echo "$output"
    echo "$stderr"
    [ -z "$stderr" ]
    printf '%s\n' "$output" | awk -F '\t' '
        /^#/ { sum = $0; next }
        NF != 4 || $1 !~ /^(PASS|WARN|FAIL|UNKNOWN|NOTE)$/ || $2 !~ /^[a-z-]+$/ || $4 != "-" || sum { print "bad: " $0; exit 1 }
        { n[$1]++ }
        END { exit sum != sprintf("# %d PASS, %d WARN, %d FAIL, %d UNKNOWN, %d NOTE", n["PASS"], n["WARN"],
                                  n["FAIL"], n["UNKNOWN"], n["NOTE"]) }'
    # Only a FAIL is a failure.
    if grep -q ^FAIL <<<"$output"; then [ "$status" -eq 1 ]; else [ "$status" -eq 0 ]; fi
}

says() { # VERDICT RULE PATTERN
    grep -qP "^$1\t$2\t$3\t-$" <<<"$output"
}

# Nothing is there that was not there before.
is_untouched() {
    [ "$(cd "$LAB" && find . | sort | tr '\n' ' ')" = "${1:-. ./vm ./vm/vm.vmx }" ]
}

@test "a server that can all: each line, in its order" {
    local transport
    for transport in libssh2 openssh; do
        doctor "$LAB" "transport=$transport"
        says PASS login "$transport.*, publickey"
        says NOTE compression 'none; -C asks for it.*'
        says PASS directory "$LAB"
        says PASS posix-rename '.*'
        says PASS folder-rename "tried in $LAB"
        says PASS fsync '.*'
        says PASS clock 'the same as here'
        says PASS statvfs 'df shows the space: \d+ MiB are free'
        says PASS limits 'reads of \d+ bytes, writes of \d+, [1-9]\d* open files'
        says PASS hardlink offered
        says PASS sessions '4 connections at once, .*'
        says NOTE host-commands 'vim-cmd and esxcli are not there: .*'
        [ "$(cut -f 2 <<<"$output" | grep -v '^#' | paste -sd ' ')" = "login compression directory posix-rename \
folder-rename fsync clock statvfs limits hardlink copy-data sessions host-commands" ]
        is_untouched
    done
    doctor "$LAB" transport=openssh Compression=yes
    says PASS compression 'zlib@openssh.com'
}

@test "it takes the options of a mount, and a URI" {
    run -0 "$VMXFS" doctor -C -o "IdentityFile=$SERVER/id,UserKnownHostsFile=$SERVER/known_hosts,delay_connect" \
        "sftp://127.0.0.1:$(cat "$SERVER/port")$LAB"
    says PASS directory "$LAB"
    run "$VMXFS" doctor
    [ "$status" -eq 1 ]
    [[ $output == "vmxfs: SOURCE is missing; usage: vmxfs doctor"* ]]
    run "$VMXFS" doctor "$LAB" "$MNT"
    [ "$status" -eq 1 ]
    [[ $output == "vmxfs: $MNT: one argument too many; usage: vmxfs doctor"* ]]
    run "$VMXFS" doctor -o nonsense "$LAB"
    [ "$status" -eq 1 ]
    [[ $output == "vmxfs: nonsense: unknown option"* ]]
}

@test "with ro nothing is written" {
    : >"$SERVER_LOG"
    doctor "$LAB" ro
    says UNKNOWN posix-rename 'offered, not tried: the mount is read-only .*'
    says UNKNOWN folder-rename 'not tried: .*'
    says UNKNOWN fsync 'offered, not tried: .*'
    says UNKNOWN clock 'not tried: .*'
    says PASS statvfs '.*'
    [ -s "$SERVER_LOG" ]
    ! grep -E 'mkdir|rename|open .*WRITE' "$SERVER_LOG" || false
}

@test "where nothing may be written it is not tried" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    LAB=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX") # bats lets nobody else look below its own
    chmod 755 "$LAB"
    mkdir -p "$LAB/vm"
    : >"$LAB/vm/vm.vmx"
    doctor_of "setpriv --reuid=nobody --regid=nogroup --clear-groups $SFTP_SERVER"
    says UNKNOWN folder-rename "not tried: $LAB: Permission denied"
    says UNKNOWN posix-rename "offered, not tried: $LAB: Permission denied"
    is_untouched
    # Of the directory of datastores the first of these is taken, and none of the host's own.
    local volumes=$LAB/vmfs/volumes
    local boot=00000000-11111111-2222-333333333333 first=$volumes/5f1e2d3c-4b5a6978-1234-001122334455
    mkdir -p "$volumes/$boot" "$first"
    ln -s "$boot" "$volumes/BOOTBANK1"
    ln -s "${first##*/}" "$volumes/datastore1"
    chown nobody "$volumes/$boot" "$first"
    LAB=$volumes doctor_of "setpriv --reuid=nobody --regid=nogroup --clear-groups $SFTP_SERVER"
    says PASS folder-rename "tried in $first"
    [ -z "$(ls -A "$first" "$volumes/$boot" | grep -v :)" ]
    rm -rf "$LAB"
}

@test "a disk that is full, and one that is read-only" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    LAB=$TEST_DIR/disk
    mkdir "$LAB"
    mount -t tmpfs -o size=64k none "$LAB"
    head -c 100k /dev/zero >"$LAB/fill" 2>"$TEST_DIR/full" || grep -q space "$TEST_DIR/full"
    doctor_of "$SFTP_SERVER"
    says FAIL write "no file can be written in $LAB: No space left on device"
    says PASS statvfs 'df shows the space: 0 MiB are free'
    is_untouched '. ./fill '
    mount -o remount,size=1m,nr_inodes=2 "$LAB"
    doctor_of "$SFTP_SERVER"
    says FAIL write "no file can be written in $LAB: No space left on device"
    is_untouched '. ./fill '
    mount -o remount,ro "$LAB"
    doctor_of "$SFTP_SERVER"
    umount -l "$LAB"
    says UNKNOWN posix-rename "offered, not tried: $LAB: Read-only file system"
    ! says FAIL '.*' '.*' || false
}

@test "what a server does not offer" {
    doctor_of "$SFTP_SERVER -P posix-rename"
    says FAIL posix-rename 'not offered: no setting can be changed, but with -o rename=unsafe'
    doctor_of "$SFTP_SERVER -P posix-rename" rename=unsafe
    says WARN posix-rename 'not offered: .* in two steps .*'
    doctor_of "$SFTP_SERVER -P posix-rename" ro
    says UNKNOWN posix-rename 'not offered, not tried: .*'
    doctor_of "$SFTP_SERVER -P fsync,statvfs,hardlink,copy-data,limits"
    says WARN fsync 'not offered: .*'
    says NOTE statvfs 'not offered: .*'
    says NOTE hardlink 'not offered: .*'
    says NOTE copy-data 'not offered: .*'
    says NOTE limits 'not offered: reads and writes of 32768 bytes, .*'
    says NOTE compression 'none: SOURCE is a local directory'
    doctor_of "$SFTP_SERVER -P open"
    says FAIL write "no file can be written in $LAB: .*"
    says PASS login 'local sftp-server'
    is_untouched
}

@test "a rename of folders that is refused, of files that is, and a clock that is far off" {
    doctor_of "python3 $support/odd_server.py refuse folder $SFTP_SERVER"
    says NOTE folder-rename "refused in $LAB .*"
    says PASS posix-rename '.*'
    is_untouched
    doctor_of "python3 $support/odd_server.py refuse file $SFTP_SERVER"
    says FAIL posix-rename 'offered, and fails .*'
    local program=$VMXFS
    VMXFS=$TEST_DIR/late
    printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$VMXFS_BUILD/tests/support/clock-late.so" \
        "$VMXFS_UNSANITIZED" >"$VMXFS"
    chmod 755 "$VMXFS"
    doctor_of "env -u LD_PRELOAD $SFTP_SERVER"
    VMXFS=$program
    says WARN clock '3(599|600|601) s ahead of the clock here'
    is_untouched
}

@test "a login that fails is one line with the reason, and nobody is asked" {
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other"
    run --separate-stderr timeout 60 setsid "$VMXFS" doctor -o "port=$(cat "$SERVER/port"),IdentityFile=$TEST_DIR/other" \
        -o "UserKnownHostsFile=$SERVER/known_hosts" "127.0.0.1:$LAB" 3>&- </dev/null
    seen
    says FAIL login '127.0.0.1 refuses root .*'
    [ "${#lines[@]}" -eq 2 ]
    run --separate-stderr "$VMXFS" doctor -o "UserKnownHostsFile=$TEST_DIR/none,port=$(cat "$SERVER/port")" 127.0.0.1: \
        3>&- </dev/null
    seen
    says FAIL login 'the host key of 127.0.0.1 is not known: .*'
    run --separate-stderr "$VMXFS" doctor nowhere.invalid: 3>&- </dev/null
    seen
    says FAIL login 'cannot find the address of nowhere.invalid.*'
    doctor "$LAB/nothing"
    says FAIL directory "$LAB/nothing: No such file or directory; .*"
    says PASS login '.*'
}

@test "a server that falls silent costs no more than the timeout, and a signal ends it" {
    doctor_of 'sleep 1000' timeout=2
    says FAIL login 'the server does not answer.*'
    # In the midst of the tries: what is there goes as soon as there is a connection again.
    printf '#!/bin/sh\nif mkdir "%s/hung"; then exec python3 %s hang folder %s; else exec %s; fi 2>/dev/null\n' \
        "$TEST_DIR" "$support/odd_server.py" "$SFTP_SERVER" "$SFTP_SERVER" >"$TEST_DIR/odd"
    chmod 755 "$TEST_DIR/odd"
    doctor_of "$TEST_DIR/odd" timeout=4
    says PASS posix-rename '.*'
    says UNKNOWN folder-rename 'there was no answer: .*'
    says UNKNOWN statvfs 'not tried: the time is over .*'
    is_untouched
    rmdir "$TEST_DIR/hung"
    "$VMXFS" doctor -o "sftp_server=$TEST_DIR/server,timeout=6" "$LAB" >"$TEST_DIR/report" 3>&- &
    local pid=$!
    eventually 30 grep -q posix-rename "$TEST_DIR/report"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    cat "$TEST_DIR/report"
    [ "$status" -eq 1 ]
    grep -qP '^UNKNOWN\tstatvfs\tnot tried: it was interrupted\t-$' "$TEST_DIR/report"
    is_untouched
}

@test "connections that a server does not take beside the first" {
    doctor_of "sh -c 'mkdir $TEST_DIR/first 2>/dev/null || exit 1; exec $SFTP_SERVER'"
    says WARN sessions '1 at once, and then: .*'
    is_untouched
}

@test "an ESXi host: its commands are there, and no datastore keeps anything" {
    host_start
    SERVER=$HOST/sshd LAB=$VOLUMES
    local before
    before=$(find "$VOLUMES" | sort)
    doctor "$VOLUMES"
    says PASS host-commands 'vim-cmd, esxcli'
    says PASS directory "$VOLUMES"
    [ "$(find "$VOLUMES" | sort)" = "$before" ]
    [ ! -s "$HOST/commands" ]
    host_again -- 'ForceCommand internal-sftp'
    doctor "$VOLUMES"
    says WARN host-commands 'none can be run: .*'
}
