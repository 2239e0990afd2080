#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A host whose commands do not end, or whose connection for them is lost: what is written over SFTP
# is written all the same, and no reload is lost.

load ../mount/host

setup() {
    lab_new
}

teardown() {
    proxy_stop
    rm -f "$TEST_DIR/hangs"
    host_end
    eventually 60 no_command_runs # whose ticks would come while the folder is removed
}

no_command_runs() {
    [ -z "${HOST:-}" ] || ! pgrep -f -- "$HOST/bin/"
}

# A host, mounted, with an outer VM (off).
start() { # [MOUNT-OPTION...]
    host_start
    mount_host "$@"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
}

# A command of the host does not end while a file is there: whatever its words are, or only with one
# first word. It has done nothing then; but vmware, without which this is no ESXi, still answers. It
# counts the tenths of a second, which a busy machine makes longer for all.
hangs() { # COMMAND [WORD]
    mkdir -p "$HOST/real" && mv "$HOST/bin/$1" "$HOST/real/"
    cat >"$HOST/bin/$1" <<END
#!/bin/sh
case \$1 in
${2:-*})
    i=0
    [ ! -e '$TEST_DIR/hangs' ] || echo >>'$TEST_DIR/asked'
    while [ -e '$TEST_DIR/hangs' ] && [ \$i -lt 2000 ]; do
        echo >>'$TEST_DIR/ticks' && sleep 0.1 && i=\$((i + 1))
    done
    [ \$i -eq 0 ] || [ $1 = vmware ] || exit 1
    ;;
esac
exec '$HOST/real/$1' "\$@"
END
    chmod 755 "$HOST/bin/$1"
    touch "$TEST_DIR/hangs"
}

# Whether a command succeeds that waits for the other no longer than 10 s, or not at all.
does_not_wait_long() { # COMMAND...
    : >"$TEST_DIR/ticks"
    "$@" || return 1
    [ "$(wc -l <"$TEST_DIR/ticks")" -lt 200 ]
}

put() { # VALUE FILE
    echo "$1" >"$2"
}

sets_in_a_row() {
    local i
    for i in {1..30}; do
        put $((4096 + 4 * i)) "$vm/memSize" && cat "$vm/numvcpus" >/dev/null || return 1
    done
    put 4096 "$vm/memSize"
}

@test "a commit goes on without a host that does not answer" {
    local asked before
    start timeout=60
    cat "$vm/memSize"
    hangs vmware
    does_not_wait_long put 8192 "$vm/memSize"
    [ "$(setting "$vmx" memSize)" = 8192 ]
    # Once is enough, for half a minute.
    asked=$(wc -l <"$TEST_DIR/asked")
    before=$SECONDS
    sets_in_a_row
    [ $(($(wc -l <"$TEST_DIR/asked") - asked)) -le $((2 + (SECONDS - before) / 30)) ]
    [ "$(setting "$vmx" memSize)" = 4096 ]
    [ "$(counter commits-failed)" = 0 ]
    # It is reloaded when that is possible again.
    rm "$TEST_DIR/hangs"
    reloaded 1
}

@test "a VM that the host has just shown to run is in use while the host does not answer" {
    local used=$MNT/datastore1/db-01/db-01.vmx
    start timeout=10
    rm "$DS1/db-01/db-01.vmx.lck" "$DS1"/db-01/*.vswp
    cat "$used/memSize" "$MNT/.vmxfs/vms"
    hangs vim-cmd
    run bash -c "echo 8192 >'$used/memSize'"
    [[ $output == *"Device or resource busy"* ]]
    run mv "$MNT/datastore1/db-01" "$MNT/datastore1/elsewhere"
    [[ $output == *"Device or resource busy"* ]]
    rm "$TEST_DIR/hangs"
    [ "$(setting "$DS1/db-01/db-01.vmx" memSize)" = 4096 ]
}

@test "a lock file counts while the host does not say that it is stale" {
    start timeout=60
    touch "$vmx.lck"
    hangs vmfsfilelockinfo
    does_not_wait_long refused "Device or resource busy" 8192 "$vm/memSize"
    rm "$TEST_DIR/hangs"
    echo 8192 >"$vm/memSize"
}

@test "a reload that did not end before power is made by the next one" {
    start timeout=10
    hangs vim-cmd vmsvc/reload
    echo 8192 >"$vm/memSize"
    refused "Input/output error" on "$vm/.vmxfs/power"
    [ "$(ran "vim-cmd vmsvc/power.on 1")" = 0 ]
    rm "$TEST_DIR/hangs"
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory 1)" = 8192 ]
}

@test "a reload that somebody gives up is made later" {
    start timeout=10
    hangs vim-cmd vmsvc/reload
    echo 8192 >"$vm/memSize"
    ! timeout 2 sh -c 'echo 1 >"$1"' sh "$vm/.vmxfs/reload" || false
    rm "$TEST_DIR/hangs"
    rm "$HOST/commands"
    eventually 60 grep -qx "vim-cmd vmsvc/reload 1" "$HOST/commands"
}

@test "unmounting does not wait for a host that does not answer" {
    start timeout=10
    cat "$vm/.vmxfs/power"
    hangs vim-cmd
    echo 8192 >"$vm/memSize"
    sleep 10.8 # the reload is tried again, and the list of VMs is due
    unmount_lab
    [ -e "$TEST_DIR/hangs" ]
}

# sshd names itself so, with the user, between a login's first request and its end.
logging_in() {
    LOGIN=$(pgrep -f '^sshd(-auth)?: [^ ]+ \[net\]$' -P "$(pgrep -d, -P "$(cat "$HOST/sshd/pid")")")
    [ -n "$LOGIN" ]
}

# Reads a VM's power, and kills its login as the server is about to be asked for the key. Status 1:
# the login was over.
read_power_and_kill() {
    mount_source "127.0.0.1:$VOLUMES" transport=libssh2 "port=$PROXY_PORT" cache_timeout=1 \
        "IdentityFile=$SERVER/id" "UserKnownHostsFile=$SERVER/known_hosts" \
        "StrictHostKeyChecking=no"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    cat "$vm/.vmxfs/power" >"$TEST_DIR/power" 2>&1 3>&- &
    local reader=$!
    soon logging_in
    sleep 0.22
    local killed=0
    # shellcheck disable=SC2086 # a list
    kill -KILL $LOGIN || killed=1
    wait "$reader" || :
    return "$killed"
}

@test "a connection that is lost in the middle of a login is no refusal" {
    host_start
    SERVER=$HOST/sshd
    proxy_start 150
    until read_power_and_kill; do
        unmount_lab
    done
    cat "$TEST_DIR/power"
    [ "$(cat "$vm/.vmxfs/power")" = off ]
}
