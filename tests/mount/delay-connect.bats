#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# delay_connect: the mount is there before its connection, which the first use makes.

load host

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
    sh "$support/sshd.sh" open "$SERVER" 3>&- 2>/dev/null || :
    host_end
}

# Logins that the server has seen. One in vain is one, too.
connections() {
    grep -c '^Connection from' "$SERVER/log" || :
}

is_unused() {
    [ "$(counter link)" = unused ] && [ "$(connections)" = "$before" ]
}

mount_delayed() { # [OPTION...]
    before=$(connections)
    mount_lab delay_connect "$@"
    is_unused
}

@test "what asks for the mount point alone does not connect" {
    mount_delayed
    ls -d "$MNT"
    ls -ld "$MNT/"
    df "$MNT" || :
    df -a | grep -q " $MNT$"
    stat -f "$MNT"
    mountpoint "$MNT"
    findmnt "$MNT"
    [ "$(stat -c '%F %u' "$MNT")" = "directory $(id -u)" ]
    [ -d "$MNT" ] && [ -x "$MNT" ] && cd "$MNT"
    cd /
    ls "$MNT/.vmxfs" | grep -qx status
    cat "$MNT/.vmxfs/errors" "$MNT/.vmxfs/profiles/nested-esxi"
    is_unused
    [ -z "$(counter root)$(counter link-error)" ]
}

@test "the first use connects: a list, a name, a setting, a control, a write" {
    local use
    while read -r use; do
        mount_delayed
        echo "$use"
        (cd "$MNT" && eval "$use")
        [ "$(counter link)" = up ]
        [ "$(counter links)" = 1 ]
        [ "$(counter root)" = "$LAB" ]
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        [ ! -s "$MNT/.vmxfs/errors" ]
        unmount_lab
    done <<'END'
ls | grep -qx vm
[ -d vm ]
[ "$(cat vm/vm.vmx/memSize)" = 4096 ]
ls .vmxfs/plain | grep -qx vm
grep -q vm/vm.vmx .vmxfs/check
grep -q vm/vm.vmx .vmxfs/vms
[ ! -e .vmxfs/host ]
echo text >file && rm file
mkdir folder && rmdir folder
touch .
END
}

@test "many at once that are the first make one connection" {
    mount_delayed
    local i pids=()
    for i in {1..20}; do
        cat "$MNT/vm/vm.vmx/displayName" >"$TEST_DIR/said-$i" &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$TEST_DIR"/said-* | sort | uniq -c | grep -qx ' *20 one'
    [ "$(counter links)" = 1 ]
}

@test "a first use that fails is EIO with the reason, and is tried again by the next" {
    sh "$support/sshd.sh" close "$SERVER"
    mount_delayed
    run ls "$MNT"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"Input/output error"* ]]
    [ "$(counter link)" = unused ]
    [[ $(counter link-error) == *"refuses connections"* ]]
    grep -qP '\tEIO\t-\t-\tthere is no connection to the server: .*127\.0\.0\.1 refuses' "$MNT/.vmxfs/errors"
    run cat "$MNT/vm/vm.vmx/displayName"
    [[ $output == *"Input/output error"* ]]
    ls -d "$MNT"
    sh "$support/sshd.sh" open "$SERVER" 3>&-
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    [ "$(counter link)" = up ]
    [ -z "$(counter link-error)" ]
}

@test "a directory that is not there is EIO with the reason, until it is there" {
    mount_lab -s "$LAB/later" delay_connect
    run ls "$MNT"
    [ "$status" -ne 0 ]
    [[ $output == *"Input/output error"* ]]
    grep -qP "\tEIO\t-\t-\t$LAB/later: No such file or directory; give a directory" "$MNT/.vmxfs/errors"
    mkdir "$LAB/later"
    : >"$LAB/later/file"
    [ "$(ls "$MNT")" = file ]
}

@test "a refused login stays refused, with the reason, and nobody is asked" {
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/other"
    mount_delayed "IdentityFile=$TEST_DIR/other"
    local i
    for i in 1 2; do
        run timeout 60 setsid ls "$MNT"
        echo "$output"
        [ "$status" -eq 2 ]
        [[ $output == *"Input/output error"* ]]
    done
    [ "$(counter link)" = refused ]
    [ "$(connections)" = $((before + 1)) ]
    grep -qP '\tEIO\t-\t-\tthere is no connection to the server: .* refuses root' "$MNT/.vmxfs/errors"
    ls -d "$MNT"
}

@test "a server that is silent costs the first use its timeout, and Ctrl-C ends it before" {
    sh "$support/sshd.sh" signal "$SERVER" STOP
    mount_delayed timeout=2
    run ls "$MNT"
    sh "$support/sshd.sh" signal "$SERVER" CONT
    [ "$status" -ne 0 ]
    [[ $output == *"Input/output error"* ]]
    grep -qP '\tEIO\t-\t-\tthere is no connection' "$MNT/.vmxfs/errors"
    eventually 30 ls "$MNT/vm"
    unmount_lab
    sh "$support/sshd.sh" signal "$SERVER" STOP
    mount_lab delay_connect timeout=600
    run timeout -s INT 1 ls "$MNT"
    sh "$support/sshd.sh" signal "$SERVER" CONT
    [ "$status" -eq 124 ]
    eventually 30 ls "$MNT/vm"
}

@test "the other transport, and a local directory" {
    mount_delayed transport=openssh
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    unmount_lab
    mount_local delay_connect
    [ ! -s "$SERVER_LOG" ]
    [ "$(counter link)" = unused ]
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    [ -s "$SERVER_LOG" ]
}

@test "after the first use it is a mount like others: a lost link comes back, large files go beside" {
    mount_delayed
    head -c 40M /dev/urandom >"$LAB/large"
    ls "$MNT" >"$TEST_DIR/list"
    cmp "$LAB/large" "$MNT/large"
    [ "$(counter bulk-connections)" -ge 1 ]
    sh "$support/sshd.sh" signal "$SERVER" KILL
    sh "$support/sshd.sh" open "$SERVER" 3>&-
    eventually 30 cat "$MNT/vm/vm.vmx/displayName"
    eventually 30 grep -q 'is back after' "$MNT/.vmxfs/errors"
}

@test "a host: nothing is asked before the first use, then all is there" {
    host_start
    SERVER=$HOST/sshd
    before=$(connections)
    mount_lab -s "$VOLUMES" delay_connect cache_timeout=1
    is_unused
    [ ! -s "$HOST/commands" ]
    [ "$(cat "$MNT/.vmxfs/host/version")" ]
    eventually 30 grep -q . "$MNT/.vmxfs/datastores"
    [ -s "$HOST/commands" ]
}
