# SPDX-License-Identifier: MIT
# Why a VM did not power on: what a mount says of it, and that the commands which it prints mend it.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# The fields of a line of why that holds a word.
why() { # WORD FIELD
    grep -F -- "$1" "$vm/.vmxfs/why" | cut -f "$2"
}

# A host with a GPU for nested-esxi; its reservation and its window for MMIO are missing.
start() { # [HOST-OPTION...]
    host_start "$@"
    mount_host
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e true -a"
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:134:00.0 \
        pciPassthru0.deviceId 0x5690 pciPassthru0.vendorId 0x8086 \
        pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 >"$vm/.vmxfs/merge"
}

# Follows the commands of why until the VM is on.
follows() {
    local command n
    [ "$(cat "$vm/.vmxfs/why")" = "# no power-on is known: there is no vmware.log" ]
    for n in 1 2; do
        refused "Input/output error" on "$vm/.vmxfs/power"
        command=$(grep -v '^#' "$vm/.vmxfs/why" | cut -f 4 | grep -v '^-$')
        echo "$command"
        [ "$(wc -l <<<"$command")" -eq 1 ]
        [ "$n" = 1 ] || [ "$(why "pages needed" 3)" = "the cards need more than the 3.5 GiB below 4 GiB: 64-bit MMIO is off or too small" ]
        tail -n 1 "$vm/.vmxfs/why" | grep -q "^# the last power-on failed, 20.*Z; "
        sh -c "$command"
    done
    [ "$(setting "$vmx" sched.mem.min)" = 16384 ]
    [ "$(setting "$vmx" pciPassthru.64bitMMIOSizeGB)" = 32 ]
    echo on >"$vm/.vmxfs/power"
    eventually 30 grep -q "^# the last power-on succeeded, 20.*Z$" "$vm/.vmxfs/why"
    [ "$(wc -l <"$vm/.vmxfs/why")" -eq 1 ]
}

@test "a power-on that fails is explained, the commands mend it, and then it succeeds: 7.0" {
    start
    follows
}

@test "a power-on that fails is explained, the commands mend it, and then it succeeds: 8.0" {
    start --version 8.0.1
    follows
}

# A VM with a device, on a host that cannot be asked to pass one.
start_old() { # [MOUNT-OPTION...]
    host_start --version 6.5.0
    mount_host "$@"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:066:00.0 \
        pciPassthru0.deviceId 0x1cb2 pciPassthru0.vendorId 0x10de \
        pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 >"$vm/.vmxfs/merge"
}

@test "what an old host said in its task is kept, also when the log is gone" {
    start_old
    refused "Input/output error" on "$vm/.vmxfs/power"
    rm "$DS1/nested-esxi/vmware.log"
    eventually 30 test ! -e "$MNT/datastore1/nested-esxi/vmware.log"
    sh -c "$(why "memory reservation" 4)"
    [ "$(setting "$vmx" sched.mem.min)" = 16384 ]
    tail -n 1 "$vm/.vmxfs/why" | grep -q "^# the last power-on failed, 20.*; 1 line"
}

@test "times are the host's, whose clock may be another" {
    local VMXFS=$VMXFS_UNSANITIZED
    local MOUNT_BY=(env "LD_PRELOAD=$VMXFS_BUILD/tests/support/clock-late.so")
    local begin log
    start
    log=$DS1/nested-esxi/vmware.log
    esxi fails nested-esxi slots
    begin=$(date -u +%FT%TZ)
    refused "Input/output error" on "$vm/.vmxfs/power"
    # By the clock of this machine the log was begun after the command failed.
    [[ $(head -n 1 "$log") == *"Log for VMware ESX"* ]]
    sed -i 1q "$log"
    one_line() { [ "$(grep -c "^20.*No PCIe slot" "$vm/.vmxfs/why")" = 1 ] && [ "$(wc -l <"$MNT/datastore1/nested-esxi/vmware.log")" = 1 ]; }
    eventually 30 one_line
    [[ ! $begin > $(why "No PCIe slot" 1) ]]
}

@test "a device that the host keeps is named as in pci/, with the command that lets it go" {
    start
    on_host "esxcli hardware pci pcipassthru set -d 0000:86:00.0 -e false -a"
    cat "$vm/memSize" >"$vm/sched.mem.min"
    refused "Input/output error" on "$vm/.vmxfs/power"
    local line
    line=$(head -n 1 "$vm/.vmxfs/why" | cut -f 2-)
    [[ $line == *"is not a passthrough device"*" (in pci/ the device is 0000:86:00.0)"* ]]
    [ "${line##*$'\t'}" = "echo 1 > $MNT/.vmxfs/host/pci/0000:86:00.0/passthrough" ]
    sh -c "${line##*$'\t'}"
    [ "$(cat "$MNT/.vmxfs/host/pci/0000:86:00.0/passthrough")" = 1 ]
    refused "Input/output error" on "$vm/.vmxfs/power"
    run why "is not a passthrough device" 1
    [ -z "$output" ]
}

@test "a log that another host holds is no missing one, and hides not what the command said" {
    start --hard
    local log=$DS1/nested-esxi/vmware.log
    refused "Input/output error" on "$vm/.vmxfs/power"
    esxi lock "$log"
    eventually 30 grep -qF "memory reservation" "$vm/.vmxfs/why"
    sh -c "$(head -n 1 "$vm/.vmxfs/why" | cut -f 4)"
    [ "$(setting "$vmx" sched.mem.min)" = 16384 ]
    unmount_lab
    mount_host
    [[ $(cat "$vm/.vmxfs/why") == "# vmware.log could not be read: "* ]]
    esxi unlock "$log"
    eventually 30 grep -qF "memory reservation" "$vm/.vmxfs/why"
}

@test "a VM that ran is told what ended it, or that it found nothing to boot" {
    local what
    start --version 8.0.1
    echo FALSE >"$vm/pciPassthru0.present"
    for what in no-system iommu; do
        echo on >"$vm/.vmxfs/power"
        eventually 30 grep -q "^# the last power-on succeeded, 20.*Z$" "$vm/.vmxfs/why"
        esxi fails nested-esxi "$what"
        eventually 30 grep -q "^# the last power-on succeeded, 20.*Z; 1 line since then$" "$vm/.vmxfs/why"
        [ "$what" = iommu ] || { [[ $(why OsNotFound 3) == *"nothing to boot"* ]] && echo off >"$vm/.vmxfs/power"; }
    done
    [[ $(why "IOMMU fault" 3) == *"the guest's driver, the card's firmware" ]]
    [ "$(cat "$vm/.vmxfs/power")" = off ]
}

@test "what somebody else tried is explained from vmware.log, also from an older one" {
    start
    reloaded 1
    run on_host "vim-cmd vmsvc/power.on 1"
    [ "$status" -ne 0 ]
    [ "$(why "Invalid memory setting" 3)" = "a VM with a passed device needs all of its memory reserved" ]
    [[ $(why "Invalid memory setting" 1) =~ ^20..-..-..T..:..:..Z$ ]]
    mv "$DS1/nested-esxi/vmware.log" "$DS1/nested-esxi/vmware-9.log"
    eventually 30 grep -qF "Invalid memory setting" "$vm/.vmxfs/why"
    # Only the end of a long one is read.
    yes "$(date -u +%FT%T).000Z| vmx| | I005: nothing" | head -c 3000000 >"$DS1/nested-esxi/vmware.log"
    cat "$DS1/nested-esxi/vmware-9.log" >>"$DS1/nested-esxi/vmware.log"
    eventually 30 grep -qF "Invalid memory setting" "$vm/.vmxfs/why"
    [ "$(ran "vim-cmd vmsvc/power.on 1")" = 1 ]
}

# power.on fails with these words and this status, and the host's task says why.
fails() { # STATUS WORDS REASON
    [ -e "$HOST/bin/vim-cmd.real" ] || mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd" <<END
#!/bin/sh
task=haTask-1-vim.VirtualMachine.powerOn-7
case \$1 in
vmsvc/power.on) echo "Powering on VM:"; echo "$2"; exit $1 ;;
vmsvc/get.tasklist) printf '(ManagedObjectReference) [\n   %s\n]\n' "'vim.Task:\$task'" ;;
vimsvc/task_info) printf '%s\n' '(vim.TaskInfo) {' "   key = \"\$task\", " \
    '   name = "vim.VirtualMachine.powerOn", ' '   state = "error", ' \
    '   error = (vim.fault.GenericVmConfigFault) {' '      msg = "$3", ' '   }, ' '}' ;;
*) exec '$HOST/bin/vim-cmd.real' "\$@" ;;
esac
END
    chmod 755 "$HOST/bin/vim-cmd"
}

@test "what only the host's task says of a failure is explained, too, whatever the exit status" {
    start
    fails 1 "Power on failed" "Admission check failed for memory resource"
    refused "Input/output error" on "$vm/.vmxfs/power"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx power "Admission check failed"
    [ "$(why "Admission check" 3)" = "the host has not enough free memory, or no space for the swap file" ]
    fails 0 "Power on failed" ""
    refused "Input/output error" on "$vm/.vmxfs/power"
    [[ $(cat "$vm/.vmxfs/why") =~ ^"# the last power-on failed, "20[^\;]*"; the host gives no reason"$ ]]
    fails 1 "Power on failed: another task is in progress" ""
    refused "Device or resource busy" on "$vm/.vmxfs/power"
    [ "$(why "another task" 3)" = "the host still does something else with the VM: wait" ]
}

@test "a log that a guest wrote into makes no command, and nothing that a terminal would obey" {
    start
    stamp=$(date -u +%FT%T).000Z
    {
        printf '%s| vmx| | I005: Log for VMware ESX pid=1\n' "$stamp"
        printf '%s| vcpu-0| | I005: Guest: PCIPassthru: total number of pages needed (4206594) exceeds\n' "$stamp"
        printf '%s| vmx| | I005: [msg.x] \033]0;$(touch %s/pwned)\007 `id`\n' "$stamp" "$TEST_DIR"
    } >"$DS1/nested-esxi/vmware.log"
    eventually 30 grep -qF '[msg.x]' "$vm/.vmxfs/why"
    [ "$(why '[msg.x]' 3)" = "not known" ]
    [ "$(why '[msg.x]' 4)" = - ]
    run grep -c pages "$vm/.vmxfs/why"
    [ "$output" = 0 ]
    ! LC_ALL=C grep -q '[[:cntrl:]]' <(tr -d '\t\n' <"$vm/.vmxfs/why") || false
}

# Lines of a guest, as many bytes as asked for.
guest_lines() { # BYTES
    yes "2026-03-01T10:00:03.000Z In(05) vcpu-0 - Guest: [msg.x] Module 'Disk' power on failed." | head -c "$1"
}

requests() {
    awk '$1 == "requests:" { print $2 }' "$MNT/.vmxfs/status"
}

@test "of a log of 100 MB its two ends are read, and no line that is not whole" {
    mkdir "$LAB/vm"
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    vm=$MNT/vm/vm.vmx
    local log=$LAB/vm/vmware.log before
    local last="2026-03-01T10:09:00.000Z In(05) vmx - PCI passthru device 0000:8b:00.1 caused an IOMMU fault type 4 at address 0x1"
    local forged="2026-03-01T10:00:03.000Z In(05) vmx - [msg.Backdoor.OsNotFound] forged, and it begins the last MiB"
    {
        printf '2026-03-01T10:00:0%s.000Z In(05) vmx - %s\n' 1 'Log for VMware ESX pid=1' \
            2 'Transitioned vmx/execState/val to poweredOn'
        guest_lines 100000000
        printf '2026-03-01T10:00:03.000Z In(05) vcpu-0 - Guest: '
        printf '%s\n' "$forged"
        guest_lines $((1048576 - ${#forged} - ${#last} - 3))
        printf '\n%s\n' "$last"
    } >"$log"
    [ "$(tail -c 1048576 "$log" | head -n 1)" = "$forged" ]
    eventually 30 grep -qF "IOMMU fault" "$vm/.vmxfs/why"
    before=$(requests)
    [ "$(cut -f 1,4 "$vm/.vmxfs/why")" = "$(printf '%s\t-\n%s' 2026-03-01T10:09:00Z \
        "# the last power-on succeeded, 2026-03-01T10:00:01Z; 1 line since then")" ]
    [ $(($(requests) - before)) -lt 300 ]
}

@test "a later power-on that succeeded counts, and not the log that was put aside" {
    mkdir "$LAB/vm"
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    vm=$MNT/vm/vm.vmx
    printf '2026-03-01T10:00:0%s.000Z| vmx| | I005: %s\n' 1 'Log for VMware ESX pid=1' \
        2 "Module 'Disk' power on failed." >"$LAB/vm/vmware-2.log"
    eventually 30 grep -qF "Module 'Disk'" "$vm/.vmxfs/why"
    printf '2026-03-01T11:00:0%s.000Z| vmx| | I005: %s\r\n' 1 'Log for VMware ESX pid=2' \
        2 'Transitioned vmx/execState/val to poweredOn' >"$LAB/vm/vmware.log"
    eventually 30 grep -qx "# the last power-on succeeded, 2026-03-01T11:00:01Z" "$vm/.vmxfs/why"
    [ "$(wc -l <"$vm/.vmxfs/why")" -eq 1 ]
    # A new one is begun, and nothing is in it yet.
    : >"$LAB/vm/vmware.log"
    eventually 30 grep -qF "Module 'Disk'" "$vm/.vmxfs/why"
}

@test "without a host the log alone is read" {
    mkdir "$LAB/vm"
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    vm=$MNT/vm/vm.vmx
    [ "$(cat "$vm/.vmxfs/why")" = "# no power-on is known: there is no vmware.log" ]
    printf '%s\n' '2026-03-01T10:00:00.000Z In(05) vmx - Log for VMware ESX pid=1' \
        "2026-03-01T10:00:01.000Z In(05) vmx - Module 'Disk' power on failed." >"$LAB/vm/vmware.log"
    eventually 30 grep -qF "Module 'Disk'" "$vm/.vmxfs/why"
    [ "$(why "Module 'Disk'" 1)" = 2026-03-01T10:00:01Z ]
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:006:00.0 >"$vm/.vmxfs/merge"
    echo '2026-03-01T10:00:02.000Z In(05) vmx - Device 6:0.0 is not a passthrough device' >>"$LAB/vm/vmware.log"
    eventually 30 grep -qF "Device 6:0.0" "$vm/.vmxfs/why"
    [ "$(why "Device 6:0.0" 4)" = - ]
}

# What a name may hold that a shell or a terminal would obey. One with a newline the host is not asked
# about: no command of the host's takes it.
hostile=("it's \"quoted\" \$(touch pwned) \`touch pwned\` \\" $'\e[2J\xc2\x9b!' "-n *?~#;& %s" "\$HOME && reboot")

@test "the commands of why and check can be pasted, whatever the VM's names" {
    host_start
    mount_host
    on_host "esxcli hardware pci pcipassthru set -d 0000:42:00.0 -e true -a"
    local name command shell n=0
    for name in "${hostile[@]}"; do
        mkdir "$DS1/$name"
        sed -e 's/^displayName = .*/displayName = "$(touch pwned) `touch pwned`"/' \
            "$DS1/orphan/orphan.vmx" >"$DS1/$name/$name.vmx"
        printf '%s = "%s"\n' uuid.action create pciPassthru0.present TRUE pciPassthru0.id 00000:066:00.0 \
            pciPassthru0.deviceId 0x1cb2 pciPassthru0.vendorId 0x10de \
            pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 >>"$DS1/$name/$name.vmx"
        vm=$MNT/datastore1/$name/$name.vmx vmx=$DS1/$name/$name.vmx
        eventually 30 test -e "$vm"
        echo 1 >"$vm/.vmxfs/registered"
        refused "Input/output error" on "$vm/.vmxfs/power"
        for shell in sh bash dash; do
            command=$(why "memory reservation" 4)
            echo "$command"
            (cd "$TEST_DIR" && "$shell" -c "$command")
            [ "$(setting "$vmx" sched.mem.min)" = 4096 ]
            sed -i 's/^sched.mem.min = .*/sched.mem.min = "0"/' "$vmx"
            eventually 30 grep -qx 0 "$vm/sched.mem.min"
        done
        command=$(awk -F '\t' '$2 == "memory-reservation" { print $4 }' "$vm/.vmxfs/check")
        (cd "$TEST_DIR" && sh -c "$command")
        [ "$(setting "$vmx" sched.mem.min)" = 4096 ]
        run rm "$vmx/.none" "$vm/config.version" "$vm/virtualHW.version" "$vm/memSize"
        cut -f 3- "$vm/.vmxfs/errors" "$vm/.vmxfs/why" "$vm/.vmxfs/check" >"$TEST_DIR/told"
        run grep "$(printf '[\001-\010\013-\037\177]')" "$TEST_DIR/told"
        [ "$status" -eq 1 ]
        n=$((n + 1))
    done
    [ "$n" -eq ${#hostile[@]} ]
    [ -z "$(find "$TEST_DIR" "$HOST" -name pwned)" ]
}
