# SPDX-License-Identifier: MIT
# .vmxfs/next: what waits until a VM is off, and who applies it when.

load host

setup() { lab_new; }
teardown() { host_end; }

UUID_2='56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e ff'

# A host, mounted, with one VM that is on.
start() { # [MOUNT-OPTION...]
    host_start
    mount_host "$@"
    db_01
}

db_01() {
    vm=$MNT/datastore1/db-01/db-01.vmx folder=$DS1/db-01 vmx=$DS1/db-01/db-01.vmx
    waiting=$folder/.db-01.vmx.vmxfs-next next=$vm/.vmxfs/next
}

# Local files, where nobody can tell whether the VM is off.
start_local() { # [MOUNT-OPTION...]
    mkdir -p "$LAB/vm"
    folder=$LAB/vm vmx=$LAB/vm/vm.vmx waiting=$LAB/vm/.vm.vmx.vmxfs-next
    [ -e "$vmx" ] ||
        printf '%s\n' 'uuid.bios = "56 4d 01"' 'memSize = "4096"' 'numvcpus = "2"' 'old = "x"' >"$vmx"
    mount_local cache_timeout=1 "$@"
    vm=$MNT/vm/vm.vmx next=$MNT/vm/vm.vmx/.vmxfs/next
}

nothing_waits() {
    [ ! -e "$waiting" ] && [ -z "$(cat "$next")" ]
}

is_set() { # KEY VALUE
    [ "$(setting "$vmx" "$1")" = "$2" ]
}

noted() { # PATTERN
    cut -f 2,4- "$MNT/.vmxfs/errors" | grep -qE -- "^NOTE	next	.*$1"
}

@test "the refusal of an edit names next, which takes it, and shows who wants what" {
    start
    refused "Device or resource busy" 8192 "$vm/memSize"
    explained EBUSY datastore1/db-01/db-01.vmx memSize \
        '^the VM is (powered on|in use) .*; power it off, or mount with -o running=allow; .vmxfs/next takes it, and waits until the VM is off$'
    echo 'memSize = "8192"' >"$next"
    printf '%s\n' 'numvcpus = "4"' '-sched.mem.min' 'guestinfo.new = "1"' >>"$next"
    is_set memSize 4096
    cat "$next"
    cut -d : -f 1 "$next" | diff - <(printf '%s  # waits\n' 'memSize = "8192"' 'numvcpus = "4"' \
        -sched.mem.min 'guestinfo.new = "1"')
    grep -qE "^memSize = \"8192\"  # waits: 20..-..-..T..:..:..Z by $(id -un), in place of \"4096\"$" "$next"
    grep -qE '^guestinfo.new .*, in place of nothing$' "$next"
    [ "$(stat -c %a "$waiting")" = 600 ]
    [[ "$(head -n 1 "$waiting")" =~ ^token\ =\ \"[0-9a-f]{32}\"$ ]]
    holds_only "$folder" "$(ls -A "$folder" | grep -v lock)" # no lock is left
    [ "$(awk -F '\t' '$5 ~ /db-01/ { print $9 }' "$MNT/.vmxfs/vms")" = 4 ]
}

@test "a VM that is switched off gets what waits, once" {
    start
    echo 'memSize = "8192"' >"$next"
    token=$(sed -n '1s/.*"\(.*\)"/\1/p' "$waiting")
    echo off >"$vm/.vmxfs/power"
    eventually 60 is_set memSize 8192
    eventually 60 nothing_waits
    [ "$(setting "$vmx" vmxfs.next)" = "$token" ]
    [ "$(cat "$vm/memSize")" = 8192 ]
    noted 'what waited for the VM to be off is set: memSize$'
    ! grep -q 4096 "$MNT/.vmxfs/errors" || false
    # It is not set again, and what others wait for is.
    echo 4096 >"$vm/memSize"
    echo 'numvcpus = "4"' >"$next"
    eventually 60 is_set numvcpus 4
    eventually 60 nothing_waits
    is_set memSize 4096
}

@test "a VM that is switched off by others is found, and one that runs is left alone" {
    start
    id=$(awk -F '\t' '$5 ~ /db-01/ { print $2 }' "$MNT/.vmxfs/vms")
    echo 'memSize = "8192"' >"$next"
    sleep 15
    is_set memSize 4096
    on_host "vim-cmd vmsvc/power.off $id"
    eventually 90 is_set memSize 8192
    eventually 60 nothing_waits
}

# The host's vim-cmd, but for what it does when it is asked for a VM's tasks. Those questions are
# counted.
tasklist_is() { # SHELL-COMMANDS
    [ -e "$HOST/bin/vim-cmd.real" ] || mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd.new" <<END
#!/bin/sh
if [ "\$1" = vmsvc/get.tasklist ]; then
    echo >>'$TEST_DIR/asked'
    $1
fi
exec '$HOST/bin/vim-cmd.real' "\$@"
END
    chmod 755 "$HOST/bin/vim-cmd.new"
    mv "$HOST/bin/vim-cmd.new" "$HOST/bin/vim-cmd"
}

asked_for_tasks() { # COUNT
    [ "$(wc -l <"$TEST_DIR/asked")" -ge "$1" ]
}

@test "a host that does not say what is under way sets nothing" {
    start
    echo 'memSize = "8192"' >"$next"
    : >"$TEST_DIR/asked"
    tasklist_is "exit 1"
    echo off >"$vm/.vmxfs/power"
    eventually 120 asked_for_tasks 2
    # The look after the next one would have set it.
    eventually 120 asked_for_tasks 3
    is_set memSize 4096
    tasklist_is :
    eventually 120 is_set memSize 8192
}

@test "that a VM was off before something else was found counts for nothing" {
    start
    echo 'memSize = "8192"' >"$next"
    : >"$TEST_DIR/asked"
    tasklist_is "while [ ! -e '$TEST_DIR/edited' ]; do sleep 0.1; done"
    echo off >"$vm/.vmxfs/power"
    eventually 60 asked_for_tasks 1
    esxi client-edit db-01 memSize 6144
    : >"$TEST_DIR/edited"
    eventually 60 noted 'memSize: changed since it was written to next, where it stays$'
    echo 'numvcpus = "4"' >"$next"
    eventually 120 is_set numvcpus 4
    asked_for_tasks 3
}

@test "what is edited in the host client meanwhile is not set, and said" {
    start
    printf '%s\n' 'memSize = "8192"' 'numvcpus = "4"' >"$TEST_DIR/lines"
    cp "$TEST_DIR/lines" "$next"
    echo off >"$vm/.vmxfs/power"
    esxi client-edit db-01 memSize 6144
    eventually 60 is_set numvcpus 4
    is_set memSize 6144
    eventually 60 noted 'is set: numvcpus; not memSize: changed since it was written to next, where it stays$'
    grep -q '^memSize.*pending' "$next"
    echo 'memSize = "8192"' >"$next" # it is to replace what is there now
    eventually 60 is_set memSize 8192
    eventually 60 nothing_waits
}

@test "power on through vmxfs sets what waits before the VM starts" {
    start
    echo 'memSize = "8192"' >"$next"
    echo off >"$vm/.vmxfs/power"
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory db-01)" = 8192 ]
    is_set memSize 8192
    nothing_waits
    noted 'is set: memSize$'
    echo on >"$vm/.vmxfs/power"
}

# The first thing that vmxfs tells the host of, or asks it, once the lines are set comes too late.
@test "a VM that others switch on before the host has read what is set gets it the next time" {
    start
    local id
    id=$(awk -F '\t' '$5 ~ /db-01/ { print $2 }' "$MNT/.vmxfs/vms")
    echo 'memSize = "8192"' >"$next"
    echo off >"$vm/.vmxfs/power"
    mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd" <<END
#!/bin/sh
! grep -q '^vmxfs.next = ' '$vmx' || ! mkdir '$TEST_DIR/once' 2>/dev/null ||
    '$HOST/bin/vim-cmd.real' vmsvc/power.on $id >/dev/null
exec '$HOST/bin/vim-cmd.real' "\$@"
END
    chmod 755 "$HOST/bin/vim-cmd"
    refused "Device or resource busy" apply "$next"
    explained EBUSY datastore1/db-01/db-01.vmx next \
        '^switched on while what waits was set: it waits on, unless the VM has it now$'
    [ -d "$TEST_DIR/once" ]
    is_set memSize 4096
    sleep 1.1
    grep -qE '^memSize = "8192"  # waits: ' "$next"
    on_host "vim-cmd vmsvc/power.off $id"
    eventually 90 is_set memSize 8192
    eventually 60 nothing_waits
}

# As another mount leaves it that has set the lines, and not told the host yet.
@test "what was set is not done with before the host has read it" {
    start
    local id looks reloads
    id=$(awk -F '\t' '$5 ~ /db-01/ { print $2 }' "$MNT/.vmxfs/vms")
    echo 'memSize = "8192"' >"$next"
    cp "$waiting" "$TEST_DIR/waiting"
    echo off >"$vm/.vmxfs/power"
    echo apply >"$next"
    nothing_waits
    is_set memSize 8192
    on_host "vim-cmd vmsvc/power.on $id"
    cp "$TEST_DIR/waiting" "$waiting"
    sleep 1.1
    looks=$(ran "vim-cmd vmsvc/power.getstate $id")
    has_looked() { ls "$MNT/datastore1/db-01" && [ "$(ran "vim-cmd vmsvc/power.getstate $id")" -gt "$looks" ]; }
    eventually 90 has_looked
    sleep 1.1
    [ -e "$waiting" ]
    reloads=$(ran "vim-cmd vmsvc/reload $id")
    on_host "vim-cmd vmsvc/power.off $id"
    eventually 90 nothing_waits
    [ "$(ran "vim-cmd vmsvc/reload $id")" -gt "$reloads" ]
    is_set memSize 8192
}

@test "power on of a VM that is not registered leaves what waits" {
    start
    vm=$MNT/datastore1/orphan/orphan.vmx vmx=$DS1/orphan/orphan.vmx
    before=$(setting "$vmx" memSize)
    echo 'memSize = "512"' >"$vm/.vmxfs/next"
    refused "No such device or address" on "$vm/.vmxfs/power"
    is_set memSize "$before"
    grep -q '^memSize.*waits' "$vm/.vmxfs/next"
}

@test "power on where it is on leaves what waits" {
    start
    echo 'memSize = "8192"' >"$next"
    echo on >"$vm/.vmxfs/power"
    is_set memSize 4096
    grep -q '^memSize.*waits' "$next"
}

@test "a line whose value was changed meanwhile stays, and is a WARN" {
    start_local
    echo 'memSize = "8192"' >"$next"
    echo 'numvcpus = "4"' >"$next"
    ! grep -q '	pending	' "$vm/.vmxfs/check" || false
    echo 6144 >"$vm/memSize"
    grep -qE '^memSize = "8192"  # pending: .*, it was in place of "4096", which has changed since$' "$next"
    refused "Operation canceled" apply "$next"
    explained ECANCELED vm/vm.vmx next '^memSize: changed since .* the rest is set$'
    is_set memSize 6144
    is_set numvcpus 4
    grep -q '^memSize.*pending' "$next"
    [ "$(wc -l <"$next")" = 1 ]
    grep '	pending	' "$vm/.vmxfs/check"
    command=$(awk -F '\t' '$1 == "WARN" && $2 == "pending" && /^WARN\tpending\tmemSize waits since/ { print $4 }' "$vm/.vmxfs/check")
    ! grep -q 4096 "$MNT/.vmxfs/errors" || false
    # The command of check replaces what is there now.
    eval "$command"
    grep -q '^memSize.*waits.*"6144"$' "$next"
    echo apply >"$next"
    is_set memSize 8192
    nothing_waits
    ! grep -q '	pending	' "$vm/.vmxfs/check" || false
}

@test "a value that is changed back waits again" {
    start_local
    echo 'memSize = "8192"' >"$next"
    echo 6144 >"$vm/memSize"
    refused "Operation canceled" apply "$next"
    echo 4096 >"$vm/memSize"
    echo apply >"$next"
    is_set memSize 8192
}

@test "where use cannot be seen only apply sets it, and never where there is evidence of use" {
    start_local
    printf '%s\n' 'memSize = "8192"' '-old' >"$TEST_DIR/lines"
    cp "$TEST_DIR/lines" "$next"
    : >"$vmx.lck"
    refused "Device or resource busy" apply "$next"
    explained EBUSY vm/vm.vmx next '^the VM is in use'
    is_set memSize 4096
    rm "$vmx.lck"
    sleep 12
    is_set memSize 4096
    echo apply >"$next"
    is_set memSize 8192
    [ "$(setting "$vmx" old)" = "" ]
    nothing_waits
    echo apply >"$next" # nothing waits
}

@test "truncating drops what waits" {
    start_local
    echo 'memSize = "8192"' >"$next"
    : >"$next"
    nothing_waits
    echo 'memSize = "8192"' >"$next"
    python3 -c 'import sys; open(sys.argv[1], "w").close()' "$next"
    eventually 30 nothing_waits
    echo 'memSize = "8192"' >"$next"
    truncate -s 0 "$next"
    eventually 30 nothing_waits
    echo 'memSize = "8192"' >"$next"
    { sleep 0.1; echo 'numvcpus = "4"'; } >"$next"
    [ "$(wc -l <"$next")" = 2 ]
    echo apply >"$next"
    is_set memSize 8192
    is_set numvcpus 4
}

@test "what a shell closes on the way to a line drops nothing" {
    start_local
    echo 'memSize = "8192"' >"$next"
    { cd / >/dev/null; echo 'numvcpus = "4"'; } >"$next"
    [ "$(wc -l <"$next")" = 2 ]
    printf '%s\n' 'command -v ls >/dev/null 2>&1' "echo '-old'" >"$TEST_DIR/generate"
    sh "$TEST_DIR/generate" >"$next"
    [ "$(wc -l <"$next")" = 3 ]
    { : >/dev/null; } >"$next"
    nothing_waits
}

@test "a line that asks for what is there takes back the one before" {
    start_local
    echo 'memSize = "8192"' >"$next"
    echo 'memSize = "4096"' >"$next"
    nothing_waits
}

@test "lines are judged as those of merge" {
    start_local
    refused "Invalid argument" 'memSize = "lots"' "$next"
    explained EINVAL vm/vm.vmx next 'memSize wants'
    refused "Invalid argument" 'no line' "$next"
    refused "Invalid argument" 'power = "on"' "$next"
    refused "Invalid argument" 'vmxfs.next = "x"' "$next"
    nothing_waits
    echo 'encryption.data = "x"' >>"$vmx"
    sleep 1.1
    refused "Operation not permitted" 'memSize = "8192"' "$next"
}

@test "a copy of the folder does not wait, and its original does" {
    start_local
    echo 'memSize = "8192"' >"$next"
    cp -r "$folder" "$LAB/copy"
    [ -e "$LAB/copy/.vm.vmx.vmxfs-next" ]
    ls "$MNT" "$MNT/copy" >/dev/null
    gone() { [ ! -e "$LAB/copy/.vm.vmx.vmxfs-next" ]; }
    eventually 60 gone
    cut -f 2- "$MNT/.vmxfs/errors" | grep -qF "NOTE	copy/vm.vmx	next	what waited here was dropped: it was written for the VM at $vmx"
    grep -q waits "$next"
    echo apply >"$MNT/copy/vm.vmx/.vmxfs/next"
    [ "$(setting "$LAB/copy/vm.vmx" memSize)" = 4096 ]
    echo apply >"$next"
    is_set memSize 8192
}

@test "another VM in its place does not get what waits" {
    start_local
    echo 'memSize = "8192"' >"$next"
    unmount_lab
    sed -i "s/^uuid.bios.*/uuid.bios = \"$UUID_2\"/" "$vmx"
    start_local running=allow # nobody drops it meanwhile
    grep -q '^# written for another VM' "$next"
    unmount_lab
    start_local
    echo apply >"$next"
    is_set memSize 4096
    nothing_waits
    noted 'dropped: it was written for another VM, of another uuid.bios$'
}

@test "a folder or a .vmx that is renamed through vmxfs takes along what waits" {
    start_local
    echo 'memSize = "8192"' >"$next"
    mv "$MNT/vm" "$MNT/moved"
    grep -q waits "$MNT/moved/vm.vmx/.vmxfs/next"
    mkdir "$MNT/deep"
    mv "$MNT/moved" "$MNT/deep/moved"
    mv "$MNT/deep" "$MNT/deeper"
    mv "$MNT/deeper/moved/vm.vmx" "$MNT/deeper/moved/new.vmx"
    [ ! -e "$LAB/deeper/moved/.vm.vmx.vmxfs-next" ]
    unmount_lab
    mount_local
    grep -q waits "$MNT/deeper/moved/new.vmx/.vmxfs/next"
    echo apply >"$MNT/deeper/moved/new.vmx/.vmxfs/next"
    [ "$(setting "$LAB/deeper/moved/new.vmx" memSize)" = 8192 ]
    ! grep -q dropped "$MNT/.vmxfs/errors" || false
}

@test "a folder that is renamed takes along what the mount did not know of" {
    start_local
    echo 'memSize = "8192"' >"$next"
    unmount_lab
    mount_local running=allow prefetch=off
    mkdir "$MNT/deep"
    mv "$MNT/vm" "$MNT/deep/vm"
    mv "$MNT/deep" "$MNT/deeper"
    unmount_lab
    grep -qF "path = \"$LAB/deeper/vm/vm.vmx\"" "$LAB/deeper/vm/.vm.vmx.vmxfs-next"
    mount_local
    grep -q waits "$MNT/deeper/vm/vm.vmx/.vmxfs/next"
}

@test "what came with a move is neither applied nor dropped before who moved it can say so" {
    start_local
    echo 'memSize = "8192"' >"$next"
    mv "$folder" "$LAB/moved"
    sleep 1.1 # cache_timeout
    echo apply >"$MNT/moved/vm.vmx/.vmxfs/next"
    [ "$(setting "$LAB/moved/vm.vmx" memSize)" = 4096 ]
    mv "$LAB/moved" "$folder"
    sleep 1.1
    grep -q waits "$next"
}

@test "a copy in a place to which the original was moved once is a copy" {
    start_local
    mv "$MNT/vm" "$MNT/bak"
    cp -r "$LAB/bak" "$folder"
    sleep 1.1 # cache_timeout
    echo 'memSize = "8192"' >"$next"
    rm -r "$LAB/bak"
    cp -r "$folder" "$LAB/bak"
    sleep 1.1
    grep -q '^# written for another VM, or another place' "$MNT/bak/vm.vmx/.vmxfs/next"
    echo apply >"$MNT/bak/vm.vmx/.vmxfs/next"
    [ "$(setting "$LAB/bak/vm.vmx" memSize)" = 4096 ]
    grep -q waits "$next"
}

@test "a .vmx that is renamed takes along what no listing showed, and what is of another VM is dropped" {
    start_local
    echo 'memSize = "8192"' >"$next"
    unmount_lab
    mount_local running=allow prefetch=off
    mv "$MNT/vm" "$MNT/moved"
    mv "$MNT/moved/vm.vmx" "$MNT/moved/new.vmx"
    grep -q waits "$MNT/moved/new.vmx/.vmxfs/next"
    unmount_lab
    sed -i "s/^uuid.bios.*/uuid.bios = \"$UUID_2\"/" "$LAB/moved/new.vmx"
    mount_local running=allow prefetch=off
    mv "$MNT/moved/new.vmx" "$MNT/moved/newer.vmx"
    [ ! -e "$LAB/moved/.new.vmx.vmxfs-next" ]
    [ ! -e "$LAB/moved/.newer.vmx.vmxfs-next" ]
    [ -z "$(cat "$MNT/moved/newer.vmx/.vmxfs/next")" ]
    noted 'dropped: it was written for another VM, of another uuid.bios$'
}

@test "an editor that moves the .vmx away and writes it anew leaves what waits" {
    start_local
    echo 'memSize = "8192"' >"$next"
    plain=$MNT/.vmxfs/plain/vm
    mv "$plain/vm.vmx" "$plain/vm.vmx~"
    cp "$plain/vm.vmx~" "$plain/vm.vmx"
    grep -q waits "$next"
    rm "$plain/vm.vmx~"
}

@test "a .vmx that is removed takes along what waits, and a folder goes with what was left" {
    start_local
    echo 'memSize = "8192"' >"$next"
    [ "$(ls -A "$MNT/vm")" = vm.vmx ]
    rm -r "$MNT/vm"
    [ ! -e "$folder" ]
    mkdir "$folder"
    echo 'memSize = "8192"' >"$waiting"
    sleep 1.1
    rmdir "$MNT/vm"
    [ ! -e "$folder" ]
}

@test "what waits for a .vmx that is gone is dropped, and what waits for one that comes back is not" {
    start_local
    echo 'memSize = "8192"' >"$next"
    mv "$vmx" "$LAB/aside"
    sleep 2
    [ -e "$waiting" ]
    mv "$LAB/aside" "$vmx"
    sleep 1.1 # cache_timeout
    grep -q waits "$next"
    rm "$vmx"
    is_gone() { [ ! -e "$waiting" ]; }
    eventually 120 is_gone
    noted 'dropped: its .vmx is gone$'
}

@test "a VM that gets its uuid.bios is the one that its lines wait for" {
    start_local
    sed -i /uuid.bios/d "$vmx"
    sleep 1.1 # cache_timeout
    echo 'memSize = "8192"' >"$next"
    grep -qx 'uuid.bios = ""' "$waiting"
    echo "$UUID_2" >"$vm/uuid.bios"
    knows() { grep -qxF "uuid.bios = \"$UUID_2\"" "$waiting"; }
    eventually 90 knows
    grep -q waits "$next"
}

@test "a mount that is read only, or allows all, applies nothing" {
    host_start
    mount_host
    db_01
    echo 'memSize = "8192"' >"$next"
    unmount_lab
    on_host "vim-cmd vmsvc/power.off $(on_host 'vim-cmd vmsvc/getallvms' | awk '/db-01/ { print $1 }')"
    mount_host ro
    ls "$MNT"/* >/dev/null
    grep -q waits "$next"
    refused "Read-only file system" apply "$next"
    sleep 12
    unmount_lab
    mount_host running=allow
    ls "$MNT"/* >/dev/null
    refused "Operation not permitted" apply "$next"
    explained EPERM datastore1/db-01/db-01.vmx next 'running=allow does not apply'
    echo on >"$vm/.vmxfs/power"
    echo off >"$vm/.vmxfs/power"
    sleep 12
    is_set memSize 4096
    echo 'numvcpus = "4"' >"$next" # it takes more
    unmount_lab
    # A mount that comes later finds it by a listing.
    mount_host
    ls "$MNT"/* "$MNT"/*/* >/dev/null
    eventually 60 is_set memSize 8192
    eventually 60 is_set numvcpus 4
}

@test "a mount that root makes read-only changes nothing until it may again" {
    [ "$(id -u)" = 0 ] || skip "only root can mount"
    start_local
    echo 'memSize = "8192"' >"$next"
    "$VMXFS" -o remount,ro "$LAB" "$MNT"
    cp -r "$folder" "$LAB/copy"
    sleep 1.1 # cache_timeout
    ls "$MNT" "$MNT/copy" >/dev/null
    sleep 3
    [ -e "$LAB/copy/.vm.vmx.vmxfs-next" ]
    "$VMXFS" -o remount,rw "$LAB" "$MNT"
    gone() { [ ! -e "$LAB/copy/.vm.vmx.vmxfs-next" ]; }
    eventually 90 gone
}

@test "a suspended VM keeps what waits" {
    start
    echo 'memSize = "8192"' >"$next"
    echo suspend >"$vm/.vmxfs/power"
    sleep 12
    is_set memSize 4096
    echo on >"$vm/.vmxfs/power"
    is_set memSize 4096
    grep -q waits "$next"
}

@test "what is no such file is said, applied never, and dropped" {
    start_local
    echo hello >"$waiting"
    [ "$(cat "$next")" = '# what waits here cannot be read; drop it: : > next' ]
    refused "Input/output error" 'memSize = "8192"' "$next"
    refused "Input/output error" apply "$next"
    : >"$next"
    nothing_waits
    echo 'memSize = "8192"' >"$next"
    grep -q waits "$next"
}

@test "a profile that is active follows what is set" {
    start_local
    echo nested-esxi >"$vm/passthrough-profile"
    [ "$(cat "$vm/sched.mem.min")" = "$(cat "$vm/memSize")" ]
    echo 'memSize = "16384"' >"$next"
    echo apply >"$next"
    [ "$(cat "$vm/sched.mem.min")" = 16384 ]
    [ "$(cat "$vm/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
}

@test "a mount that ends in the middle of a look ends" {
    start_local
    echo 'memSize = "8192"' >"$next"
    local round
    for ((round = 0; round < 10; round++)); do
        rm -rf "$LAB/copy"
        cp -r "$folder" "$LAB/copy" # which is dropped
        ls "$MNT/copy" >/dev/null
        unmount_lab
        start_local
    done
    echo apply >"$next"
    is_set memSize 8192
}

@test "where nothing waits nothing is asked" {
    start_local
    ls "$MNT/vm" >/dev/null
    cat "$next"
    local before
    before=$(counter requests)
    sleep 2
    [ "$(counter requests)" = "$before" ]
}
