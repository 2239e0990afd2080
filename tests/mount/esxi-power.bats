# SPDX-License-Identifier: MIT
# The pretended ESXi host by itself, over plain ssh: power that takes time, tasks, questions, guests,
# and how what fails is told. Nothing is mounted.

bats_require_minimum_version 1.5.0

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# Begins a power-on whose command goes on by itself.
begins() { # VM
    rm -f "$TEST_DIR/on"
    on_host "vim-cmd vmsvc/power.on $1" >"$TEST_DIR/on" 2>&1 3>&- &
    ssh_pid=$!
    eventually 60 grep -qx "Powering on VM:" "$TEST_DIR/on"
}

power_is() { # VM STATE
    [ "$(on_host "vim-cmd vmsvc/power.getstate $1" | tail -n 1)" = "$2" ]
}

asks() { # VM PATTERN
    on_host "vim-cmd vmsvc/message $1" | grep -q -- "$2"
}

# The state of the VM's last task.
task_state() { # VM
    local task
    task=$(on_host "vim-cmd vmsvc/get.tasklist $1" | sed -n "s/^   'vim.Task:\(.*\)',\{0,1\}\$/\1/p" | tail -n 1)
    on_host "vim-cmd vimsvc/task_info $task" | sed -n 's/^   state = "\(.*\)", $/\1/p'
}

# Registers a copy of the VM orphan, prints its id.
copied() {
    mkdir "$DS1/copy"
    sed 's/^displayName = .*/displayName = "copy"/' "$DS1/orphan/orphan.vmx" >"$DS1/copy/copy.vmx"
    on_host "vim-cmd solo/registervm $DS1/copy/copy.vmx"
}

@test "a power-on takes its time, stops no other command, and is a task meanwhile" {
    host_start
    esxi slow 100000 1
    [ "$(on_host "vim-cmd vmsvc/get.tasklist 1")" = "(ManagedObjectReference) []" ]
    begins 1
    power_is 1 "Powered off"
    [ "$(task_state 1)" = running ]
    run on_host "vim-cmd vmsvc/get.tasklist 1"
    [[ $output =~ ^"(ManagedObjectReference) ["$'\n'"   'vim.Task:haTask-1-vim.VirtualMachine.powerOn-"[0-9]+"'"$'\n'"]"$ ]]
    run -1 on_host "vim-cmd vmsvc/power.on 1 2>&1"
    [[ $output == *"another task is in progress"* ]]
    esxi slow 0 1
    wait "$ssh_pid"
    power_is 1 "Powered on"
    [ "$(task_state 1)" = success ]
    esxi forget
    [ "$(on_host "vim-cmd vmsvc/get.tasklist 1")" = "(ManagedObjectReference) []" ]
    run -1 on_host "vim-cmd vimsvc/task_info haTask-1-vim.VirtualMachine.powerOn-1 2>&1"
    [[ $output == "(vmodl.fault.ManagedObjectNotFound) {"*"The object has already been deleted or has not been completely created"* ]]
}

@test "a power-on goes on when the command's connection is lost, and not when the host stops" {
    host_start
    esxi slow 100000 1
    begins 1
    kill -KILL "$ssh_pid"
    sh "$support/sshd.sh" signal "$HOST/sshd" KILL
    sh "$support/sshd.sh" open "$HOST/sshd"
    power_is 1 "Powered off"
    esxi slow 0 1
    eventually 60 power_is 1 "Powered on"
    on_host "vim-cmd vmsvc/power.off 1"
    esxi slow 100000 1
    begins 1
    esxi stop
    host_start
    power_is 1 "Powered off"
    [ "$(task_state 1)" = error ]
    [ ! -e "$DS1/nested-esxi/nested-esxi.vmx.lck" ]
}

@test "a copied VM asks, and goes on as it is answered" {
    host_start
    id=$(copied)
    bios=$(setting "$DS1/copy/copy.vmx" uuid.bios)
    [ "$(on_host "vim-cmd vmsvc/message $id")" = "No message." ]
    begins "$id"
    eventually 60 asks "$id" "^Virtual machine message _vmx1:$"
    run on_host "vim-cmd vmsvc/message $id"
    echo "$output"
    [[ ${lines[1]} == "msg.uuid.altered:This virtual machine might have been moved or copied." ]]
    [[ $output == *$'\n'"   0. Cancel (Cancel)"$'\n'"   1. I Moved It (I Moved It)"$'\n'"   2. I Copied It (I Copied It) [default]" ]]
    power_is "$id" "Powered off"
    [ "$(task_state "$id")" = running ]
    run -1 on_host "vim-cmd vmsvc/message $id _vmx2 2"
    run -1 on_host "vim-cmd vmsvc/message $id _vmx1 3"
    run -0 on_host "vim-cmd vmsvc/message $id _vmx1 2 2>&1"
    [ -z "$output" ]
    wait "$ssh_pid"
    power_is "$id" "Powered on"
    [ "$(on_host "vim-cmd vmsvc/message $id")" = "No message." ]
    [ "$(setting "$DS1/copy/copy.vmx" uuid.bios)" != "$bios" ]
    # It is at home here now.
    on_host "vim-cmd vmsvc/power.off $id; vim-cmd vmsvc/power.on $id"
}

@test "a moved VM keeps its uuid, a cancelled one stays off, and the .vmx may answer itself" {
    host_start --hard --version 6.5.0
    id=$(copied) vmx=$DS1/copy/copy.vmx
    bios=$(setting "$vmx" uuid.bios)
    begins "$id"
    eventually 60 asks "$id" "^   1. I _moved it (I _moved it)$"
    on_host "vim-cmd vmsvc/message $vmx _vmx1 0"
    local status=0
    wait "$ssh_pid" || status=$?
    [ "$status" -eq 1 ]
    holds "$TEST_DIR/on" <<<$'Powering on VM:\nPower on failed'
    [ "$(task_state "$id")" = error ]
    power_is "$id" "Powered off"
    [ ! -e "$vmx.lck" ]
    begins "$id"
    eventually 60 asks "$id" "message _vmx2:"
    on_host "vim-cmd vmsvc/message $id _vmx2 1"
    wait "$ssh_pid"
    [ "$(setting "$vmx" uuid.bios)" = "$bios" ]
    on_host "vim-cmd vmsvc/power.off $id; vim-cmd vmsvc/unregister $id"
    mv "$DS1/copy" "$DS1/other"
    echo 'answer.msg.uuid.altered = "I copied it"' >>"$DS1/other/copy.vmx"
    on_host "vim-cmd vmsvc/power.on \$(vim-cmd solo/registervm $DS1/other/copy.vmx)"
    [ "$(setting "$DS1/other/copy.vmx" uuid.bios)" != "$bios" ]
}

@test "a VM may be made to ask anything, at a power-on and while it runs" {
    host_start
    esxi question nested-esxi odd
    begins 1
    eventually 60 asks 1 $'^   3. Red \e\\[31m'
    grep -A1 "Msg_Post: Question" "$DS1/nested-esxi/vmware.log" |
        grep -q '\[msg.odd.question\] Which of the disks'
    run -1 on_host "vim-cmd vmsvc/message 1 _vmx1 1000"
    on_host "vim-cmd vmsvc/message 1 _vmx1 10"
    wait "$ssh_pid"
    printf '%s\n' "Virtual machine message 44:" "msg.disk.full:More?" "   5. Retry (Retry)" >"$TEST_DIR/own"
    esxi question db-01 "$TEST_DIR/own"
    on_host "vim-cmd vmsvc/message 11" | diff "$TEST_DIR/own" -
    on_host "vim-cmd vmsvc/message 11 44 5"
    [ "$(on_host "vim-cmd vmsvc/message 11")" = "No message." ]
    esxi question db-01 copied-4
    asks 11 "^Virtual machine message 13:$"
    run -1 esxi question db-01 "$TEST_DIR/none"
}

@test "the known questions differ by release in head, text and labels" {
    local kind head text label
    host_start
    while IFS='|' read -r kind head text label; do
        esxi question db-01 "$kind"
        run on_host "vim-cmd vmsvc/message 11"
        echo "$kind: $output"
        [[ ${lines[0]} =~ ^"Virtual machine message "$head":"$ ]]
        [ "${lines[1]}" = "$text" ]
        [[ $'\n'$output$'\n' == *$'\n'"   $label"$'\n'* ]]
    done <<END
copied-4|[0-9]+|msg.uuid.altered:This virtual machine may have been moved or copied.|2. I _copied it (I _copied it) [default]
copied-5|_vmx[0-9]+|msg.uuid.altered:This virtual machine may have been moved or copied.|1. I _moved it (I _moved it)
copied-6|_vmx[0-9]+|msg.uuid.altered:This virtual machine might have been moved or copied.|0. Cancel (Cancel)
copied-7|_vmx[0-9]+|msg.uuid.altered:This virtual machine might have been moved or copied.|1. I Moved It (I Moved It)
copied-button|_vmx[0-9]+|msg.uuid.altered:This virtual machine might have been moved or copied.|1. button.uuid.movedTheVM (I Moved It)
vhv|_vmx[0-9]+|msg.cpuid.noVHVQuestion:Virtualized AMD-V/RVI is not supported on this platform.|1. No (No) [default]
END
}

@test "a guest is told as its Tools tell it" {
    host_start
    run on_host "vim-cmd vmsvc/get.guest 11"
    [ "${lines[0]}" = "Guest information:" ]
    [ "${lines[1]}" = "(vim.vm.GuestInfo) {" ]
    [[ $output == *$'\n   toolsRunningStatus = "guestToolsRunning", \n'* ]]
    [[ $output == *$'\n   hostName = "db-01", \n   ipAddress = "192.0.2.12", \n'* ]]
    esxi tools db-01 yes "a b" 198.51.100.1 2001:db8::1
    run on_host "vim-cmd vmsvc/get.guest 11"
    [[ $output == *$'\n            "198.51.100.1", \n            "2001:db8::1"\n'* ]]
    esxi tools db-01 no
    run on_host "vim-cmd vmsvc/get.guest 11; vim-cmd vmsvc/get.guest 1"
    [ "$(grep -cx '   hostName = <unset>, ' <<<"$output")" -eq 2 ]
    for command in shutdown reboot; do
        run -1 on_host "vim-cmd vmsvc/power.$command 11 2>&1"
        [ "${lines[0]}" = "(vim.fault.ToolsUnavailable) {" ]
    done
    power_is 11 "Powered on"
}

# The outer VM gets the device of the Arc card, and nothing else that this needs.
with_device() {
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:134:00.0 >>"$vmx"
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true -a; vim-cmd vmsvc/reload 1" || :
}

@test "a power-on that fails is a fault with messages, of which one ends in a newline" {
    host_start --hard --version 9.0.0
    with_device
    run -1 --separate-stderr on_host "vim-cmd vmsvc/power.on 1"
    [ "$output" = "Powering on VM:" ]
    diff -u - <(echo "$stderr") <<'END'
Power on failed: (vim.fault.GenericVmConfigFault) {
   faultCause = (vmodl.MethodFault) null, 
   faultMessage = (vmodl.LocalizableMessage) [
      (vmodl.LocalizableMessage) {
         key = "msg.unrecorded", 
         arg = <unset>, 
         message = "Invalid memory setting: memory reservation (sched.mem.min) should be equal to memsize(16384)."
      }, 
      (vmodl.LocalizableMessage) {
         key = "msg.moduletable.powerOnFailed", 
         arg = (vmodl.KeyAnyValue) [
            (vmodl.KeyAnyValue) {
               key = "1", 
               value = "DevicePowerOn"
            }
         ], 
         message = "Module 'DevicePowerOn' power on failed.
"
      }, 
      (vmodl.LocalizableMessage) {
         key = "msg.vmx.poweron.failed", 
         arg = <unset>, 
         message = "Failed to start the virtual machine."
      }
   ], 
   reason = "Invalid memory setting: memory reservation (sched.mem.min) should be equal to memsize(16384)."
   msg = "Invalid memory setting: memory reservation (sched.mem.min) should be equal to memsize(16384)."
}
END
    run -1 --separate-stderr on_host "vim-cmd vmsvc/power.reset 1"
    [ "$output" = "Reset VM:" ]
    diff -u - <(echo "$stderr") <<'END'
Reset failed: (vim.fault.InvalidPowerState) {
   faultCause = (vmodl.MethodFault) null, 
   faultMessage = <unset>, 
   requestedState = "poweredOn", 
   existingState = "poweredOff"
   msg = "The attempted operation cannot be performed in the current state (Powered off)."
}
END
}

@test "6.0 says only that it failed; the task and the log know why" {
    host_start --version 6.0.0
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:134:00.0 >>"$vmx"
    run -1 --separate-stderr on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1"
    [ "$output" = "Powering on VM:" ]
    [ "$stderr" = "Power on failed" ]
    [ "$(task_state 1)" = error ]
    run on_host "vim-cmd vimsvc/task_info \$(vim-cmd vmsvc/get.tasklist 1 | grep -o 'haTask[^'\\'']*')"
    [[ $output == *"error = (vim.fault.GenericVmConfigFault) {"*"dynamicType = <unset>, "*'msg = "Invalid memory setting: '*'", '* ]]
    grep -q "^20.*Z| vmx| I125: \[msg.unrecorded\] Invalid memory setting: " "$DS1/nested-esxi/vmware.log"
    run -1 on_host "vim-cmd vmsvc/power.shutdown 1 2>&1"
    [[ $output == *'msg = "The attempted operation cannot be performed in the current state (Powered Off).", '* ]]
    run -1 on_host "vim-cmd vmsvc/power.getstate 77 2>&1"
    [[ $output == *$'\n   dynamicType = <unset>, \n'*'msg = "Unable to find a VM corresponding to "77"", '* ]]
}

@test "a VM with a device is not suspended" {
    host_start --hard
    with_device
    sed -i 's/^sched.mem.min = .*/sched.mem.min = "16384"/' "$vmx"
    printf '%s = "%s"\n' pciPassthru0.deviceId 0x5690 pciPassthru0.vendorId 0x8086 \
        pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 pciPassthru.use64bitMMIO TRUE >>"$vmx"
    on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1"
    run -1 on_host "vim-cmd vmsvc/power.suspend 1 2>&1"
    [[ $output == "Suspending VM:"$'\n'"Suspend failed: (vim.fault.GenericVmConfigFault) {"* ]]
    [[ $output == *'key = "msg.pciPassthru.noSuspend.postedInterrupts", '*"when FPT devices in-use have posted interrupts enabled."* ]]
}

@test "an entry that is there is told with its id, and an invalid one can go" {
    host_start --hard
    for path in "$DS1/nested-esxi/nested-esxi.vmx" "$VOLUMES/datastore1/nested-esxi/nested-esxi.vmx"; do
        run -1 on_host "vim-cmd solo/registervm $path 2>&1"
        [ "${lines[0]}" = "(vim.fault.AlreadyExists) {" ]
        [[ $output == *$'\n   name = "1"\n   msg = "The specified key, name, or identifier \'1\' already exists."\n}' ]]
    done
    mkdir "$DS1/gone"
    cp "$DS1/orphan/orphan.vmx" "$DS1/gone/gone.vmx"
    run -1 on_host "vim-cmd solo/registervm $DS1/gone/gone.vmx 2>&1"
    [[ $output == *"identifier '6' already exists"* ]]
    run -0 on_host "vim-cmd vmsvc/unregister 6 2>&1"
    [ -z "$output" ]
    [ "$(on_host "vim-cmd solo/registervm $DS1/gone/gone.vmx")" = 12 ]
    run -1 on_host "vim-cmd solo/registervm $DS1/none.vmx 2>&1"
    [[ $output == "(vim.fault.NotFound) {"*'msg = "The object or item referred to could not be found."'* ]]
    run -1 on_host "vim-cmd vmsvc/unregister 11 2>&1"
}
