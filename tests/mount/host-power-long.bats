# SPDX-License-Identifier: MIT
# Power on a host that is as slow as a real one, whose VMs ask questions, and which has tasks of its
# own.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A hard host, mounted, with an outer VM (off) and another one (on).
start() { # [MOUNT-OPTION...]
    host_start --hard
    mount_host "$@"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    running=$MNT/datastore1/db-01/db-01.vmx
    orphan=$MNT/datastore1/orphan/orphan.vmx
}

# A copy of the orphan, registered: its uuid.location does not fit.
register_copy() {
    cp -r "$DS1/orphan" "$DS1/copy"
    mv "$DS1/copy/orphan.vmx" "$DS1/copy/copy.vmx"
    copy=$MNT/datastore1/copy/copy.vmx
    eventually 30 test -e "$copy"
    echo 1 >"$copy/.vmxfs/registered"
}

task_is() { # VMX PATTERN
    [[ $(cat "$1/.vmxfs/task") =~ ^$2$ ]]
}

power_is() { # VMX WORD
    [ "$(cat "$1/.vmxfs/power")" = "$2" ]
}

@test "a power-on that takes longer than timeout is waited for, and nothing else waits" {
    start timeout=10
    esxi slow 25 1
    echo on >"$vm/.vmxfs/power" 3>&- &
    local writer=$!
    eventually 30 task_is "$vm" 'power-on [0-9]+ s'
    # Another VM's power, a commit and its reload go on meanwhile.
    echo off >"$running/.vmxfs/power"
    power_is "$running" off
    echo 8192 >"$running/memSize"
    reloaded 1
    power_is "$vm" off
    wait "$writer"
    power_is "$vm" on
    [ -z "$(cat "$vm/.vmxfs/task")" ]
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "nowait returns when the host has taken the command" {
    start
    esxi slow 8 8
    echo on nowait >"$vm/.vmxfs/power"
    task_is "$vm" 'power-on [0-9]+ s'
    power_is "$vm" off
    eventually 60 power_is "$vm" on
    echo shutdown nowait >"$vm/.vmxfs/power"
    power_is "$vm" on
    task_is "$vm" 'shutdown [0-9]+ s'
    eventually 60 power_is "$vm" off
    eventually 10 task_is "$vm" ""
    echo "suspend nowait" >"$running/.vmxfs/power"
    eventually 30 power_is "$running" suspended
    refused "Invalid argument" "on later" "$vm/.vmxfs/power"
}

@test "a VM is not written while it is being powered on" {
    start
    esxi slow 6 1
    echo on nowait >"$vm/.vmxfs/power"
    refused "Device or resource busy" 8192 "$vm/memSize"
    explained EBUSY datastore1/nested-esxi/nested-esxi.vmx memSize "powered on|in use"
    eventually 60 power_is "$vm" on
    [ "$(setting "$vmx" memSize)" = 16384 ]
}

@test "Ctrl-C ends the wait, not the action" {
    start
    esxi slow 25 1
    for signal in INT TERM; do
        run timeout -s "$signal" 8 sh -c 'echo on >"$1"' sh "$vm/.vmxfs/power"
        [ "$status" -eq 124 ]
        task_is "$vm" 'power-on [0-9]+ s'
        eventually 120 power_is "$vm" on
        echo off >"$vm/.vmxfs/power"
    done
    [ "$(ran "vim-cmd vmsvc/power.on 1")" = 2 ]
}

@test "a write that is given twice is one command" {
    start
    esxi slow 4 1
    echo on >"$vm/.vmxfs/power" 3>&- &
    local writer=$!
    eventually 30 task_is "$vm" 'power-on [0-9]+ s'
    echo on >"$vm/.vmxfs/power"
    wait "$writer"
    [ "$(ran "vim-cmd vmsvc/power.on 1")" = 1 ]
}

@test "a copied VM is registered, asks, runs and shows its address: three echoes and a cat" {
    start
    register_copy # echo 1 >registered
    [ -z "$(cat "$copy/.vmxfs/question")" ]
    refused "Device or resource busy" on "$copy/.vmxfs/power"
    explained EBUSY datastore1/copy/copy.vmx power \
        "the VM asks: This virtual machine might have been moved or copied.*0. Cancel, 1. I Moved It, 2. I Copied It \\*.; cat '$copy/.vmxfs/question'"
    cat "$copy/.vmxfs/question"
    [ "$(head -n 1 "$copy/.vmxfs/question")" = "This virtual machine might have been moved or copied." ]
    [ "$(tail -n 3 "$copy/.vmxfs/question")" = $'0. Cancel\n1. I Moved It\n2. I Copied It *' ]
    task_is "$copy" 'power-on [0-9]+ s'
    power_is "$copy" off
    [ -z "$(cat "$copy/.vmxfs/guest")" ]
    echo copied >"$copy/.vmxfs/question"
    eventually 60 power_is "$copy" on
    [ -z "$(cat "$copy/.vmxfs/question")" ]
    [ "$(ran "vim-cmd vmsvc/power.on 12")" = 1 ]
    cat "$copy/.vmxfs/guest"
    [[ $(cat "$copy/.vmxfs/guest") =~ ^"tools: running"$'\n'"host-name: "[^$'\n']+$'\n'"address: "192\.0\.2\.[0-9]+$ ]]
    [ "$(setting "$DS1/copy/copy.vmx" uuid.location)" != "$(setting "$DS1/orphan/orphan.vmx" uuid.location)" ]
}

@test "an answer is a number or one word, and nothing else" {
    start
    register_copy
    refused "Invalid argument" copied "$copy/.vmxfs/question"
    explained EINVAL datastore1/copy/copy.vmx question "asks nothing"
    echo on nowait >"$copy/.vmxfs/power"
    for answer in it 7 maybe "copied it" ""; do
        refused "Invalid argument" "$answer" "$copy/.vmxfs/question"
    done
    explained EINVAL datastore1/copy/copy.vmx question "more than one choice"
    explained EINVAL datastore1/copy/copy.vmx question "no choice is meant"
    echo MOVED >"$copy/.vmxfs/question"
    eventually 60 power_is "$copy" on
    # The host's own numbers, and text that looks like a choice or a command.
    echo off >"$copy/.vmxfs/power"
    esxi question 12 odd
    echo on nowait >"$copy/.vmxfs/power"
    eventually 30 test -n "$(cat "$copy/.vmxfs/question")"
    ! grep -q "$(printf '[\033\007]')" "$copy/.vmxfs/question" || false
    [ "$(grep -c '' "$copy/.vmxfs/question")" = 5 ]
    grep -qxF '3. Red ?[31m$(touch pwned)' "$copy/.vmxfs/question"
    refused "Invalid argument" red "$copy/.vmxfs/question"
    refused "Invalid argument" 1 "$copy/.vmxfs/question"
    echo 7 >"$copy/.vmxfs/question"
    eventually 60 power_is "$copy" on
}

@test "a question that is answered with no ends the power-on, and the failure is told" {
    start
    register_copy
    echo on nowait >"$copy/.vmxfs/power"
    echo cancel >"$copy/.vmxfs/question"
    eventually 30 explained EIO datastore1/copy/copy.vmx power .
    power_is "$copy" off
    [ -z "$(cat "$copy/.vmxfs/task")" ]
}

@test "what somebody else began is a task, too" {
    start
    esxi slow 100000 1
    on_host "vim-cmd vmsvc/power.on 1 >/dev/null 2>&1 &"
    eventually 30 task_is "$vm" 'power-on [0-9]+ s'
    power_is "$vm" off
    refused "Device or resource busy" on "$vm/.vmxfs/power"
    explained EBUSY datastore1/nested-esxi/nested-esxi.vmx power "another task is in progress"
    esxi slow 0 1
    eventually 60 power_is "$vm" on
    [ -z "$(cat "$orphan/.vmxfs/task")" ]
}

@test "without VMware Tools there is no shutdown" {
    start
    esxi tools db-01 no
    refused "Operation not supported" shutdown "$running/.vmxfs/power"
    explained EOPNOTSUPP datastore1/db-01/db-01.vmx power "VMware Tools"
    grep -qx 'tools: not-running' "$running/.vmxfs/guest"
    grep -qx 'address: -' "$running/.vmxfs/guest"
    power_is "$running" on
    echo off >"$running/.vmxfs/power"
}

@test "a VM with a device is not suspended; another one is" {
    start
    echo suspend >"$running/.vmxfs/power"
    power_is "$running" suspended
    echo on >"$running/.vmxfs/power"
    for function in 0 1; do
        echo 1 >"$MNT/.vmxfs/host/pci/0000:42:00.$function/passthrough"
    done
    echo inner-guest device=0000:42:00.0 >"$vm/passthrough-profile"
    echo on >"$vm/.vmxfs/power"
    refused "Operation not supported" suspend "$vm/.vmxfs/power"
    explained EOPNOTSUPP datastore1/nested-esxi/nested-esxi.vmx power "passthrough device"
    [ "$(ran "vim-cmd vmsvc/power.suspend 1")" = 0 ]
}

@test "power is one word, also where the VM is not registered" {
    start
    power_is "$orphan" unknown
    for control in task question guest; do
        [ -z "$(cat "$orphan/.vmxfs/$control")" ]
    done
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "a power-on of an old host gives its reason by the task" {
    host_start --version 6.5.0
    mount_host
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:066:00.0 >"$vm/.vmxfs/merge"
    refused "Input/output error" on "$vm/.vmxfs/power"
    cat "$MNT/.vmxfs/errors"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx power .
    [ "$(cut -f 2 "$vm/.vmxfs/why" | sort | uniq -d)" = "" ]
}

@test "a VM is followed when the connections break while it is powered on" {
    start timeout=10
    esxi slow 15 1
    echo on >"$vm/.vmxfs/power" 3>&- &
    local writer=$!
    eventually 30 task_is "$vm" 'power-on [0-9]+ s'
    sh "$support/sshd.sh" stop "$HOST/sshd"
    sh "$support/esxi.sh" start "$HOST" 3>&-
    wait "$writer"
    power_is "$vm" on
}

@test "unmounting does not wait for a power-on, and the host goes on with it" {
    start
    esxi slow 20 1
    echo on nowait >"$vm/.vmxfs/power"
    unmount_lab
    [[ $(on_host "vim-cmd vmsvc/power.getstate 1") == *"Powered off"* ]]
    on() { [[ $(on_host "vim-cmd vmsvc/power.getstate 1") == *"Powered on"* ]]; }
    eventually 60 on
}

@test "a mount that is told to end does not wait for a power-on that is waited for" {
    start
    esxi slow 100000 1
    echo on >"$vm/.vmxfs/power" 2>"$TEST_DIR/said" 3>&- &
    local writer=$! vmxfs
    eventually 30 task_is "$vm" 'power-on [0-9]+ s'
    vmxfs=$(pgrep -f -x -- "$VMXFS .*$MNT" | head -n 1)
    kill -TERM "$vmxfs"
    wait "$writer" || :
    is_gone() { ! kill -0 "$vmxfs" 2>/dev/null; }
    eventually 60 is_gone
}

@test "a command whose login is refused fails at once, and is not waited for" {
    start power_timeout=86400
    power_is "$vm" off
    esxi lockdown on
    refused "Permission denied" on "$vm/.vmxfs/power"
    [ "$(ran "vim-cmd vmsvc/power.on 1")" = 0 ]
    [ -z "$(cat "$vm/.vmxfs/task")" ]
    esxi lockdown off
    power_is "$vm" off
}
