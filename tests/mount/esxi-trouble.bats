# SPDX-License-Identifier: MIT
# The pretended ESXi host by itself, over plain ssh and sftp: what goes wrong with its services, its
# logins and its VMs, and what it writes into a .vmx by itself. Nothing is mounted.

bats_require_minimum_version 1.5.0

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A session that stays: what is written to descriptor 7 is run there; it says into a file.
session_begins() {
    mkfifo "$TEST_DIR/session"
    ssh -F "$HOST/sshd/ssh_config" host sh <"$TEST_DIR/session" >"$TEST_DIR/said" 2>&1 3>&- &
    session=$!
    exec 7>"$TEST_DIR/session"
    session_says one
}

session_says() { # WORD
    echo "echo $1" >&7
    eventually 60 grep -qx "$1" "$TEST_DIR/said"
}

session_ends() {
    exec 7>&-
    wait "$session"
}

@test "without hostd its commands fail, a VM goes on, and a power-on too" {
    host_start
    esxi slow 100000 1
    on_host "vim-cmd vmsvc/power.on 1" >"$TEST_DIR/on" 2>&1 3>&- &
    local waiting=$!
    eventually 60 grep -qx "Powering on VM:" "$TEST_DIR/on"
    esxi hostd down
    local status=0
    wait "$waiting" || status=$?
    [ "$status" -eq 1 ]
    run -1 on_host "vim-cmd vmsvc/getallvms"
    run -1 on_host "esxcli vm process list"
    run -0 on_host "vmware -v"
    run -0 on_host "vmfsfilelockinfo -p $DS1/orphan/orphan.vmx"
    esxi slow 0 1
    eventually 60 grep -q poweredOn "$DS1/nested-esxi/vmware.log"
    esxi hostd up
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx "Powered on"
    [ "$(on_host "vim-cmd vmsvc/get.tasklist 1")" = "(ManagedObjectReference) []" ]
}

@test "esxcli may be slow, which holds nothing else up" {
    host_start
    esxi slow-command esxcli 100000
    on_host "esxcli system uuid get" >"$TEST_DIR/uuid" 3>&- &
    local waiting=$!
    eventually 60 grep -qx "esxcli system uuid get" "$HOST/commands"
    on_host "vim-cmd vmsvc/getallvms; vmware -v" | grep -q "^VMware ESXi"
    kill -0 "$waiting"
    kill "$waiting"
    esxi slow-command esxcli 0
    says=$(on_host "esxcli system uuid get")
    [ -n "$says" ]
}

@test "in lockdown mode no login is accepted, and sessions stay" {
    host_start --empty
    session_begins
    esxi lockdown on
    run -255 on_host true
    [[ $output == *"Permission denied (publickey)"* ]]
    session_says two
    esxi lockdown off
    on_host true
    session_ends
}

@test "the SSH service stops and starts, and sessions stay" {
    host_start --empty
    session_begins
    esxi ssh stop
    run -255 on_host true
    [[ $output == *"Connection refused"* ]]
    session_says two
    esxi ssh start
    on_host true
    session_says three
    session_ends
}

@test "what is left of a session ends with the host" {
    host_start --empty
    session_begins
    esxi ssh stop
    esxi stop
    eventually 60 ended "$session"
    exec 7>&-
}

@test "where others fill MaxStartups a new connection is dropped" {
    host_start --empty
    esxi crowd on
    run -255 on_host true
    [[ $output == *"Connection "@(reset|closed)" by "* ]]
    esxi crowd off
    on_host true
}

@test "ESXi's own MaxStartups is in force" {
    host_start --empty
    /usr/sbin/sshd -T -f "$HOST/sshd/sshd_config" | grep -qx "maxstartups 10:30:100"
}

# A login with this password.
with_password() { # WORD
    printf '#!/bin/sh\necho "%s"\n' "$1" >"$TEST_DIR/ask"
    chmod 755 "$TEST_DIR/ask"
    SSH_ASKPASS=$TEST_DIR/ask SSH_ASKPASS_REQUIRE=force ssh -o NumberOfPasswordPrompts=1 \
        -F "$HOST/sshd/ssh_config" host "vmware -v" </dev/null
}

@test "five wrong passwords lock the account" {
    [ "$(id -u)" = 0 ] || skip "only root can start such a server"
    host_start --empty --password right
    for n in 1 2 3 4; do
        run ! with_password wrong
    done
    with_password right
    for n in 1 2 3 4 5; do
        run ! with_password wrong
    done
    run ! with_password right
    esxi account
    with_password right
}

@test "whatever goes wrong at a power-on is told by the command and by the log" {
    host_start --hard --version 8.0.1
    esxi fails nested-esxi no-vhv
    run -1 on_host "vim-cmd vmsvc/power.on 1 2>&1"
    [[ $output == *'key = "msg.cpuid.legacyCPU.noVHV", '*'value = "MonitorMode"'* ]]
    log=$DS1/nested-esxi/vmware.log
    grep -qE "^20.*Z In\(05\) vmx vim-cmd-09-a45d \[msg.hvuser.NoSVM\] This host does not support AMD-V\.$" "$log"
    grep -qE "^20.*Z In\(05\) vmx - Log for VMware ESX pid=.* version=8.0.1 " "$log"
    esxi fails nested-esxi mmio-32
    run -1 on_host "vim-cmd vmsvc/power.on 1 2>&1"
    [[ $output != *"pages needed"* ]]
    grep -q "total number of pages needed (33566722) exceeds limit (917504), failing$" "$log"
    grep -q "NoSVM" "${log%.log}-1.log"
    on_host "vim-cmd vmsvc/power.on 1"
    esxi fails nested-esxi iommu
    grep -q "caused an IOMMU fault type 4" "$log"
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx "Powered off"
    run -1 esxi fails nested-esxi nothing
}

@test "each failure that a test may want comes once" {
    host_start --hard
    local kinds kind
    kinds=$(esxi fails nested-esxi nothing 2>&1 | sed -n 's/.*(\(.*\), iommu, no-system)$/\1/p; s/,//g' | tr -d ,)
    [ "$(wc -w <<<"$kinds")" -ge 20 ]
    for kind in $kinds; do
        esxi fails nested-esxi "$kind"
        run -1 on_host "vim-cmd vmsvc/power.on 1"
        tail -n 1 "$DS1/nested-esxi/vmware.log" | grep -q "Module '.*' power on failed"
    done
    on_host "vim-cmd vmsvc/power.on 1"
}

@test "the log has the form of its release" {
    local version form
    while read -r version form; do
        host_start --hard --version "$version"
        esxi fails nested-esxi lock
        run -1 on_host "vim-cmd vmsvc/power.on 1"
        grep -qE "$form" "$DS1/nested-esxi/vmware.log" || {
            cat "$DS1/nested-esxi/vmware.log"
            return 1
        }
        esxi stop
        rm -r "$HOST"
    done <<'END'
6.5.0 ^20..-..-..T..:..:..\.000Z\| vmx\| I125: \[msg.fileio.lock\] Failed to lock the file$
7.0.3 ^20..-..-..T..:..:..\.000Z\| vmx\| vim-cmd-09-a45d\| I005: \[msg.fileio.lock\] Failed to lock the file$
7.0.3 ^20..-..-..T..:..:..\.000Z\| vmx\| \| I005: Module 'Disk' power on failed\.$
9.0.0 ^20..-..-..T..:..:..\.000Z In\(05\) vmx - Module 'Disk' power on failed\.$
END
    host_start --empty
}

@test "a hard host writes settings of its own into a .vmx, some each time" {
    host_start --hard
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    on_host "vim-cmd vmsvc/power.on 1"
    cp "$vmx" "$TEST_DIR/first"
    [ "$(setting "$vmx" softPowerOff)" = FALSE ]
    [ "$(setting "$vmx" pciBridge4.pciSlotNumber)" = 21 ]
    [[ $(setting "$vmx" ethernet0.generatedAddress) == 00:0c:29:* ]]
    [ -n "$(setting "$vmx" monitor.phys_bits_used)" ]
    on_host "vim-cmd vmsvc/power.shutdown 1"
    off() { [ "$(setting "$vmx" softPowerOff)" = TRUE ]; }
    eventually 60 off
    on_host "vim-cmd vmsvc/power.on 1"
    cmp "$vmx" "$TEST_DIR/first"
}

@test "in maintenance mode no VM is powered on" {
    host_start --version 9.0.1
    [ "$(on_host "esxcli system maintenanceMode get")" = Disabled ]
    esxi maintenance on
    [ "$(on_host "esxcli system maintenanceMode get")" = Enabled ]
    run -1 on_host "vim-cmd vmsvc/power.on 1 2>&1"
    [[ $output == *"Power on failed: (vim.fault.InvalidState) {"* ]]
    esxi maintenance off
    on_host "vim-cmd vmsvc/power.on 1"
}

@test "9.0.1 loses settings that begin with vmx. when it writes" {
    local version kept
    while read -r version kept; do
        host_start --version "$version"
        vmx=$DS1/nested-esxi/nested-esxi.vmx
        printf '%s = "%s"\n' vmx.log.keepOld 10 vmxfs.note mine >>"$vmx"
        on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1"
        [ "$(setting "$vmx" vmx.log.keepOld)" = "$kept" ]
        [ "$(setting "$vmx" vmxfs.note)" = mine ]
        esxi stop
        rm -r "$HOST"
    done <<<"9.0.0 10"$'\n'"9.0.1"
    host_start --empty
}
