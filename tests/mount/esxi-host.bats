# SPDX-License-Identifier: MIT
# The pretended ESXi host by itself, over plain ssh: that it says what real hosts say, and does to a
# .vmx what they do. Nothing is mounted.

bats_require_minimum_version 1.5.0

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# Compares what a command on the host says with standard input.
says() { # COMMAND-LINE
    on_host "$1" >"$TEST_DIR/said" 2>"$TEST_DIR/error" || {
        cat "$TEST_DIR/error"
        return 1
    }
    diff -u - "$TEST_DIR/said"
}

# A command that fails with this on standard error.
refuses() { # STATUS ERROR-PATTERN COMMAND-LINE
    run --separate-stderr on_host "$3"
    echo "status $status: $output, $stderr"
    [ "$status" -eq "$1" ]
    [[ $stderr =~ $2 ]]
}

@test "versions are told as by 6.0 to 9.0" {
    host_start --version 6.5.0 --empty
    says "vmware -vl" <<END
VMware ESXi 6.5.0 build-14320405
VMware ESXi 6.5.0 Update 3
END
    host_again --version 8.0.1 --empty
    says "vmware -v" <<<"VMware ESXi 8.0.1 build-21495797"
    says "esxcli system version get" <<END
   Product: VMware ESXi
   Version: 8.0.1
   Build: Releasebuild-21495797
   Update: 1
   Patch: 0
END
    host_again --version 9.0.0 --empty
    says "vmware -v" <<<"VMware ESXi 9.0.0 build-24755229"
    says "esxcli system version get" <<END
   Product: VMware ESXi
   Version: 9.0.0
   Build: Releasebuild-24755229
   Update: 0
   Maintenance: 0
   Patch: 0
END
    host_again --version 6.0.0 --empty
    says "vmware -v" <<<"VMware ESXi 6.0.0 build-5050593"
    host_again --empty --build 24784741
    says "vmware -v" <<<"VMware ESXi 7.0.3 build-24784741"
}

passthru_block() {
    cat <<'END'
0000:42:00.0
   Address: 0000:42:00.0
   Segment: 0x0000
   Bus: 0x42
   Slot: 0x00
   Function: 0x0
   VMkernel Name: 
   Vendor Name: NVIDIA Corporation
   Device Name: GP107GL [Quadro P600]
   Configured Owner: VM Passthru
   Current Owner: VM Passthru
   Vendor ID: 0x10de
   Device ID: 0x1cb2
   SubVendor ID: 0x10de
   SubDevice ID: 0x11bd
   Device Class: 0x0300
   Device Class Name: VGA compatible controller
   Programming Interface: 0x00
   Revision ID: 0xa1
   Interrupt Line: 0x0b
   IRQ: 255
   Interrupt Vector: 0x00
   PCI Pin: 0x00
   Spawned Bus: 0x00
   Flags: 0x3001
   Module ID: 49
   Module Name: pciPassthru
   Chassis: 0
   Physical Slot: 4
   Slot Description: Slot4
   Device Layer Bus Address: s00000004.00
   Passthru Capable: true
   Parent Device: PCI 0:0:1:0
   Dependent Device: PCI 0:0:1:0
   Reset Method: Bridge reset
   FPT Sharable: true
   NUMA Node: -1
   Extended Device ID: 0
END
}

@test "a PCI device is told in all its lines" {
    host_start --empty
    on_host "esxcli hardware pci pcipassthru set -d 0000:42:00.0 -e true -a"
    says "esxcli hardware pci list | sed -n '/^0000:42:00.0/,/^\$/p' | sed '/^\$/d'" < <(passthru_block)
}

@test "6.5 tells less of a device, and cannot switch passthrough" {
    host_start --version 6.5.0 --empty
    says "esxcli hardware pci list | sed -n '/^0000:42:00.0/,/^\$/p' | sed '/^\$/d'" < <(
        passthru_block | sed -e '/NUMA Node/d' -e '/Extended Device/d' \
            -e 's/Configured Owner: .*/Configured Owner: Unknown/' \
            -e 's/Current Owner: .*/Current Owner: VMkernel/' \
            -e 's/Module ID: 49/Module ID: -1/' -e 's/Module Name: .*/Module Name: None/'
    )
    refuses 1 "Unknown command or namespace hardware pci pcipassthru" \
        "esxcli hardware pci pcipassthru list"
}

@test "passthrough is configured at once and in force after a reboot" {
    host_start --empty
    owners() { on_host "esxcli hardware pci list" | grep -A11 '^0000:86:00.0' | sed -n 's/^.* Owner: //p' | paste -sd,; }
    [ "$(owners)" = VMkernel,VMkernel ]
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true"
    [ "$(owners)" = "VM Passthru,VMkernel" ]
    says "esxcli hardware pci pcipassthru list | sed -n '1,2p;/86:00/p;/87:00/p'" <<END
Device ID     Enabled
------------  -------
0000:86:00.0     true
0000:87:00.0    false
END
    esxi reboot
    [ "$(owners)" = "VM Passthru,VM Passthru" ]
    refuses 1 "^Device owner is already configured to " \
        "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true"
    on_host "esxcli hardware pci pcipassthru set --device-id=0000:86:00.0 --enable=false -a"
    [ "$(owners)" = VMkernel,VMkernel ]
}

@test "the processor, the platform and the uuid" {
    host_start --empty --kind amd
    on_host "esxcli hardware cpu list" | grep -qxF "   Brand: AuthenticAMD"
    on_host "esxcli hardware cpu global get" | grep -qxF "   HV Support: 3"
    says "esxcli system uuid get" <<<5aec7ae7-7d90-8511-435a-d094660b7768
    on_host "esxcli hardware platform get" | grep -qxF "   Vendor Name: Dell Inc."
    host_again --empty --nested
    on_host "esxcli hardware cpu list" | grep -qxF "   Brand: GenuineIntel"
    on_host "esxcli hardware platform get" | grep -qxF "   Vendor Name: VMware, Inc."
    on_host "esxcli hardware platform get" | grep -qxF "   Product Name: VMware20,1"
}

@test "getallvms is as wide as what is in it" {
    host_start --empty
    mkdir -p "$VOLUMES/uuid-of-it/x8"
    ln -s uuid-of-it "$VOLUMES/pve-esx"
    printf '%s = "%s"\n' displayName x8 guestOS centos9-64 virtualHW.version 20 \
        >"$VOLUMES/uuid-of-it/x8/x8.vmx"
    esxi register "$VOLUMES/pve-esx/x8/x8.vmx"
    says "vim-cmd vmsvc/getallvms | sed 's/ *\$//'" <<END
Vmid   Name          File              Guest OS       Version   Annotation
1      x8     [pve-esx] x8/x8.vmx   centos9_64Guest   vmx-20
END
}

@test "getallvms sorts ids as texts, skips what is invalid and breaks annotations" {
    host_start
    run --separate-stderr on_host "vim-cmd vmsvc/getallvms"
    [ "$stderr" = "Skipping invalid VM '6'" ]
    echo "$output"
    [[ ${lines[1]} == "1      nested-esxi       [datastore1] nested-esxi/nested-esxi.vmx "* ]]
    [[ ${lines[2]} == "10     build [gpu] box   [data [2]] build [gpu] box/build [gpu] box.vmx "*" Builds the drivers." ]]
    [ "${lines[3]}" = "2 cards, see [data] rack 4.vmx" ]
    [[ ${lines[4]} == "11 "* ]]
    [[ ${lines[5]} == "2 "* ]]
    [ "${#lines[@]}" -eq 6 ]
}

@test "getallvms of a hard host: 8.0 pads its rows, 9.0 has VMs of its own" {
    host_start --hard --version 8.0.1
    on_host "vim-cmd vmsvc/getallvms" | grep -qE "^11 .* {200}\$"
    host_again --hard --version 9.0.0
    on_host "vim-cmd vmsvc/getallvms" | grep -qE "^99 +vCLS-.* +\[\] /var/run/crx/.*\.vmx "
}

@test "power is told as it is, of an unknown VM nothing" {
    host_start
    says "vim-cmd vmsvc/power.getstate 1" <<END
Retrieved runtime info
Powered off
END
    on_host "vim-cmd vmsvc/power.on 1; vim-cmd vmsvc/power.suspend 1"
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx Suspended
    on_host "vim-cmd vmsvc/power.off 1; vim-cmd vmsvc/power.on 1"
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx "Powered on"
    refuses 1 'Unable to find a VM corresponding to "16"' "vim-cmd vmsvc/power.getstate 16"
    refuses 1 '^\(vim.fault.NotFound\)' "vim-cmd vmsvc/power.getstate 16"
    refuses 1 'current state \(Powered on\)' "vim-cmd vmsvc/power.on 1"
}

@test "a guest takes a moment to shut down" {
    host_start
    on_host "vim-cmd vmsvc/power.shutdown 11; vim-cmd vmsvc/power.getstate 11" | grep -qx "Powered on"
    off() { on_host "vim-cmd vmsvc/power.getstate 11" | grep -qx "Powered off"; }
    eventually 60 off
}

@test "a running VM leaves its traces, and takes them along" {
    host_start
    cd "$DS1/nested-esxi"
    on_host "vim-cmd vmsvc/power.on 1"
    [ "$(stat -c '%s %a' nested-esxi.vmx.lck)" = "0 600" ]
    [ -f nested-esxi.vmx~ ]
    swap=$(setting nested-esxi.vmx sched.swap.derivedName)
    [[ $swap =~ ^$DS1/nested-esxi/nested-esxi-[0-9a-f]{8}\.vswp$ ]]
    [ -f "$swap" ]
    on_host "esxcli vm process list" | sed -n 's/^   Config File: //p' | sort >"$TEST_DIR/running"
    holds "$TEST_DIR/running" <<END
$DS1/db-01/db-01.vmx
$DS1/nested-esxi/nested-esxi.vmx
END
    on_host "vmfsfilelockinfo -p $DS1/nested-esxi/nested-esxi.vmx.lck" |
        grep -q "is locked in Exclusive mode by host having mac address"
    on_host "vim-cmd vmsvc/power.off 1"
    [ ! -e nested-esxi.vmx.lck ]
    [ ! -e "$swap" ]
    [ -f nested-esxi.vmx~ ]
}

@test "a lock that was left behind is free, one of another host is not" {
    host_start
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    touch "$vmx.lck"
    on_host "vmfsfilelockinfo -p $vmx.lck" | grep -q "is not locked by any ESX host and is Free"
    esxi lock "$vmx"
    on_host "vmfsfilelockinfo -p $vmx.lck" | grep -q "is locked in Exclusive mode"
    refuses 1 "Failed to lock the file" "vim-cmd vmsvc/power.on 1"
    esxi unlock "$vmx"
    on_host "vim-cmd vmsvc/power.on 1"
}

@test "an edit of the file is lost when the VM is started" {
    host_start
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    edit "$vmx" memSize 32768
    [ "$(setting "$vmx" memSize)" = 32768 ]
    on_host "vim-cmd vmsvc/power.on 1"
    [ "$(esxi guest-memory nested-esxi)" = 16384 ]
    [ "$(setting "$vmx" memSize)" = 16384 ]
}

@test "an edit of a running VM's file is lost when it is powered off" {
    host_start
    vmx=$DS1/db-01/db-01.vmx
    edit "$vmx" memSize 32768
    on_host "vim-cmd vmsvc/power.off 11"
    [ "$(setting "$vmx" memSize)" = 4096 ]
}

@test "an edit is kept after a reload" {
    host_start
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    edit "$vmx" memSize 32768
    says "vim-cmd vmsvc/reload 1" </dev/null
    on_host "vim-cmd vmsvc/power.on 1"
    [ "$(esxi guest-memory nested-esxi)" = 32768 ]
    on_host "vim-cmd vmsvc/power.off 1"
    [ "$(setting "$vmx" memSize)" = 32768 ]
}

@test "an edit in the host client drops vhv.enable and what it does not know" {
    host_start
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    echo 'vhv.enable = "TRUE"' >>"$vmx"
    on_host "vim-cmd vmsvc/reload 1"
    echo 'vvtd.enable = "TRUE"' >>"$vmx"
    esxi client-edit nested-esxi numvcpus 6
    [ "$(setting "$vmx" numvcpus)" = 6 ]
    [ -z "$(setting "$vmx" vhv.enable)" ]
    [ -z "$(setting "$vmx" vvtd.enable)" ]
}

# Sets up the outer VM by hand with the Arc card.
with_gpu() {
    vmx=$DS1/nested-esxi/nested-esxi.vmx
    sed -i 's/^sched.mem.min = .*/sched.mem.min = "16384"/' "$vmx"
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:134:00.0 \
        pciPassthru0.deviceId 0x5690 pciPassthru0.vendorId 0x8086 \
        pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 \
        pciPassthru.use64bitMMIO TRUE vhv.enable TRUE vhv.allowPassthru TRUE >>"$vmx"
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true -a"
}

# After an edit with sed, the VM does not start, for this reason.
fails() { # SED-SCRIPT ERROR-PATTERN
    cp "$vmx" "$TEST_DIR/good"
    sed -i "$1" "$vmx"
    on_host "vim-cmd vmsvc/reload 1"
    refuses 1 "$2" "vim-cmd vmsvc/power.on 1"
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx "Powered off"
    grep -q "Module 'DevicePowerOn' power on failed" "$DS1/nested-esxi/vmware.log"
    cp "$TEST_DIR/good" "$vmx"
}

@test "a VM with a GPU starts only if everything is right" {
    host_start
    with_gpu
    fails '/sched.mem.min/d' \
        'Invalid memory setting: memory reservation \(sched.mem.min\) should be equal to memsize\(16384\)\.'
    fails 's/00000:134:00.0/00000:86:00.0/' 'Device 00000:86:00.0 is not a passthrough device'
    fails 's/00000:134:00.0/00000:135:00.0/' 'Device 00000:135:00.0 is not a passthrough device'
    fails 's/5aec7ae7/5aec7ae8/' 'systemId does not match the current system'
    fails '/vhv.allowPassthru/d' 'nested hardware-assisted virtualization'
    fails '/pciBridge7.present/d' 'No PCIe slot available for SCSI0'
    fails '/use64bitMMIO/d' \
        'PCIPassthru: total number of pages needed \(4206594\) exceeds limit \(917504\), failing'
    on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1"
    [ -n "$(setting "$vmx" pciPassthru0.pciSlotNumber)" ]
    refuses 1 "cannot be suspended" "vim-cmd vmsvc/power.suspend 1"
}

@test "reloading a running VM takes its device away" {
    host_start
    with_gpu
    on_host "vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.on 1; vim-cmd vmsvc/reload 1; vim-cmd vmsvc/power.off 1"
    [ -z "$(setting "$vmx" pciPassthru0.id)" ]
}

@test "the server has the host keys of FIPS mode, and takes no Ed25519 key of a user" {
    host_start --empty
    ssh -n -v -F "$HOST/sshd/ssh_config" host true 2>"$TEST_DIR/log"
    grep -q 'host key algorithm: \(ecdsa-sha2-nistp256\|rsa-sha2-\)' "$TEST_DIR/log"
    [ ! -e "$HOST/sshd/host_ed25519" ]
    ssh-keygen -q -t ed25519 -N '' -f "$TEST_DIR/ed25519"
    cat "$TEST_DIR/ed25519.pub" >>"$HOST/sshd/authorized_keys"
    run ssh -n -F none -o BatchMode=yes -o IdentitiesOnly=yes -i "$TEST_DIR/ed25519" \
        -o "UserKnownHostsFile=$HOST/sshd/known_hosts" -p "$(cat "$HOST/sshd/port")" 127.0.0.1 true
    [ "$status" -eq 255 ]
    [[ $output == *"Permission denied (publickey)"* ]]
}

@test "a connection carries one session, and forwards nothing" {
    host_start --empty
    ssh_over() { ssh -n -F "$HOST/sshd/ssh_config" -S "$TEST_DIR/master" "$@"; }
    ssh_over -M -o ControlPersist=yes host "touch '$TEST_DIR/there'; sleep 3" 3>&- &
    eventually 60 test -e "$TEST_DIR/there"
    run --separate-stderr ssh_over -o ProxyCommand=false host true
    ssh_over -O exit host
    [ "$status" -eq 255 ]
    [[ $stderr == *"Session open refused by peer"* ]]
    run --separate-stderr ssh -n -F "$HOST/sshd/ssh_config" -W 127.0.0.1:1 host
    [ "$status" -ne 0 ]
    [[ $stderr == *"administratively prohibited"* ]]
}

@test "a password is asked for by keyboard-interactive authentication alone" {
    [ "$(id -u)" = 0 ] || skip "only root can start such a server"
    host_start --empty --password "pass word"
    printf '#!/bin/sh\necho "pass word"\n' >"$TEST_DIR/ask"
    chmod 755 "$TEST_DIR/ask"
    SSH_ASKPASS=$TEST_DIR/ask SSH_ASKPASS_REQUIRE=force \
        ssh -v -F "$HOST/sshd/ssh_config" host "vmware -v" >"$TEST_DIR/said" 2>"$TEST_DIR/log" </dev/null
    grep -q "VMware ESXi 7.0.3" "$TEST_DIR/said"
    grep -q "Authentications that can continue: keyboard-interactive\s*$" "$TEST_DIR/log"
}

@test "a host keeps what it was told when it starts again" {
    host_start
    on_host "vim-cmd vmsvc/power.on 1; esxcli hardware pci pcipassthru set -d 0000:42:00.0 -e true"
    esxi stop
    host_start
    on_host "vim-cmd vmsvc/power.getstate 1" | grep -qx "Powered on"
    on_host "esxcli hardware pci pcipassthru list" | grep -qx "0000:42:00.0     true"
}

@test "VMs are registered and unregistered" {
    host_start
    [ "$(esxi register "$VOLUMES/datastore1/orphan/orphan.vmx")" = 12 ]
    on_host "vim-cmd vmsvc/getallvms" | grep -q '^12 *orphan *\[datastore1\] orphan/orphan.vmx '
    run esxi register "$DS1/orphan/orphan.vmx"
    [ "$status" -eq 1 ]
    esxi unregister orphan
    ! on_host "vim-cmd vmsvc/getallvms" | grep orphan || false
    run esxi unregister db-01
    [ "$status" -eq 1 ]
}
