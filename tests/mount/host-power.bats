# SPDX-License-Identifier: MIT
# What a mount makes an ESXi host do: power, and reading a .vmx again after it was changed; and what
# it does not let happen to a VM that is in use.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A host, mounted, with an outer VM (off) and another one (on).
start() { # [MOUNT-OPTION...]
    host_start
    mount_host "$@"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    running=$MNT/datastore1/db-01/db-01.vmx
}

@test "a new value is what the VM starts with, by either transport" {
    start transport=libssh2
    echo 32768 >"$vm/memSize"
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory nested-esxi)" = 32768 ]
    [ "$(cat "$vm/.vmxfs/power")" = on ]
    echo off >"$vm/.vmxfs/power"
    [ "$(cat "$vm/.vmxfs/power")" = off ]
    [ "$(setting "$vmx" memSize)" = 32768 ]
    unmount_lab
    mount_host transport=openssh
    echo 24576 >"$vm/memSize"
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory nested-esxi)" = 24576 ]
}

@test "an edit is kept by the host a second after it was made" {
    start
    echo 32768 >"$vm/memSize"
    reloaded 1
    on_host "vim-cmd vmsvc/power.on 1; vim-cmd vmsvc/power.off 1"
    [ "$(setting "$vmx" memSize)" = 32768 ]
    [ "$(cat "$vm/memSize")" = 32768 ]
}

@test "with reload=off the host loses the edit" {
    start reload=off
    echo 32768 >"$vm/memSize"
    sleep 1.5
    reloaded 0
    on_host "vim-cmd vmsvc/power.on 1; vim-cmd vmsvc/power.off 1"
    [ "$(setting "$vmx" memSize)" = 16384 ]
}

@test "several edits within a second are one reload" {
    start
    for n in 1 2 3 4 5 6 7 8; do
        echo "$n" >"$vm/numvcpus"
        echo "$n" >"$MNT/datastore1/gpu-guest/gpu-guest.vmx/numvcpus"
        sleep 0.2
    done
    reloaded 2
    [ "$(ran "vim-cmd vmsvc/reload 1")" = 1 ]
    [ "$(ran "vim-cmd vmsvc/reload 2")" = 1 ]
    grep -qx "reloads: 2" "$MNT/.vmxfs/status"
    grep -qx "reloads-failed: 0" "$MNT/.vmxfs/status"
    on_host "vim-cmd vmsvc/power.on 1; vim-cmd vmsvc/power.off 1"
    [ "$(setting "$vmx" numvcpus)" = 8 ]
}

@test "a reload that is being made is still due" {
    start
    cat "$vm/.vmxfs/power"
    esxi slow-command vim-cmd 0.5
    echo 6 >"$vm/numvcpus"
    while status=$(cat "$MNT/.vmxfs/status") && grep -qx "reloads-due: 1" <<<"$status"; do
        :
    done
    grep -qx "reloads: 1" <<<"$status"
    grep -qx "reloads-due: 0" <<<"$status"
}

@test "a file is known by its UUID path, too, and however it was written" {
    start
    echo 6 >"$MNT/${DS1##*/}/nested-esxi/nested-esxi.vmx/numvcpus"
    reloaded 1
    echo 'numvcpus = "2"' >"$vm/.vmxfs/merge"
    reloaded 2
    sed 's/^numvcpus.*/numvcpus = "4"/' "$vm/.vmxfs/raw" >"$TEST_DIR/raw"
    cp "$TEST_DIR/raw" "$vm/.vmxfs/raw"
    reloaded 3
    sed -i 's/^numvcpus.*/numvcpus = "6"/' "$MNT/.vmxfs/plain/datastore1/nested-esxi/nested-esxi.vmx"
    reloaded 4
    [ "$(ran "vim-cmd vmsvc/reload 1")" = 4 ]
    echo nested-esxi >"$vm/passthrough-profile"
    echo on >"$vm/.vmxfs/power"
    [ "$(ran "vim-cmd vmsvc/reload 1")" = 5 ]
    echo off >"$vm/.vmxfs/power"
    [ "$(cat "$vm/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
    [ "$(setting "$vmx" numvcpus)" = 6 ]
}

@test "unmounting completes a reload that is due" {
    start
    for transport in libssh2 openssh; do
        was=$(ran "vim-cmd vmsvc/reload 1")
        echo "$((20480 + 4 * was))" >"$vm/memSize"
        unmount_lab
        [ "$(ran "vim-cmd vmsvc/reload 1")" = $((was + 1)) ]
        on_host "vim-cmd vmsvc/power.on 1"
        [ "$(esxi guest-memory 1)" = "$((20480 + 4 * was))" ]
        on_host "vim-cmd vmsvc/power.off 1"
        mount_host "transport=$transport"
    done
}

@test "reload is made at once, and says what went wrong" {
    start
    edit "$vmx" memSize 20480
    echo 1 >"$vm/.vmxfs/reload"
    reloaded 1
    refused "Device or resource busy" 1 "$running/.vmxfs/reload"
    explained EBUSY datastore1/db-01/db-01.vmx reload "powered on"
    refused "No such device or address" 1 "$MNT/datastore1/orphan/orphan.vmx/.vmxfs/reload"
    explained ENXIO datastore1/orphan/orphan.vmx reload "not registered"
    reloaded 1
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory 1)" = 20480 ]
}

@test "a VM that is not registered is written, and errors says that it was not reloaded" {
    start
    echo 8192 >"$MNT/datastore1/orphan/orphan.vmx/memSize"
    [ "$(setting "$DS1/orphan/orphan.vmx" memSize)" = 8192 ]
    eventually 30 explained ENXIO datastore1/orphan/orphan.vmx - "not reloaded: the VM is not registered"
    grep -qx "reloads-failed: 1" "$MNT/.vmxfs/status"
    # Of one that was removed since there is nothing to tell.
    mkdir "$MNT/datastore1/new"
    cp "$DS1/orphan/orphan.vmx" "$MNT/.vmxfs/plain/datastore1/new/new.vmx"
    rm -r "$MNT/datastore1/new"
    failed() { grep -qx "reloads-failed: $1" "$MNT/.vmxfs/status"; }
    eventually 30 failed 2
    echo 4096 >"$MNT/datastore1/orphan/orphan.vmx/memSize"
    eventually 30 failed 3 # so the one before has said all that it says
    [ "$(grep -c -F new.vmx "$MNT/.vmxfs/errors")" = 0 ]
}

@test "what the host says of a running VM's lock is asked once in five seconds, not at each refusal" {
    local n before start asked
    start
    before=$(ran "vim-cmd vmsvc/getallvms") start=$SECONDS
    for n in $(seq 20); do
        run rm "$MNT/datastore1/db-01/db-01.vmx/memSize"
        [ "$status" -ne 0 ]
    done
    explained EBUSY datastore1/db-01/db-01.vmx memSize "in use"
    asked=$(($(ran "vim-cmd vmsvc/getallvms") - before))
    # However long it took; the host may be asked of something else in between.
    echo "asked $asked times in $((SECONDS - start)) s"
    [ "$asked" -le $(((SECONDS - start) / 5 + 3)) ]
}

@test "a VM that is registered after the mount asked is found" {
    start
    cat "$MNT/.vmxfs/vms" >/dev/null
    esxi register "$DS1/orphan/orphan.vmx"
    echo on >"$MNT/datastore1/orphan/orphan.vmx/.vmxfs/power"
    [ "$(cat "$MNT/datastore1/orphan/orphan.vmx/.vmxfs/power")" = on ]
}

@test "a VM that is registered anew after the mount asked is reloaded by its new id" {
    start
    cat "$vm/.vmxfs/power" >/dev/null
    esxi unregister nested-esxi
    [ "$(esxi register "$vmx" 21)" = 21 ]
    echo 8192 >"$vm/memSize"
    reloaded 1
    [ "$(ran "vim-cmd vmsvc/reload 21")" = 1 ]
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory 21)" = 8192 ]
}

@test "a reload that fails is told, and the commit stands" {
    start
    mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd" <<END
#!/bin/sh
case \$1 in
vmsvc/reload) echo "hostd is upset" >&2; exit 1 ;;
*) exec '$HOST/bin/vim-cmd.real' "\$@" ;;
esac
END
    chmod 755 "$HOST/bin/vim-cmd"
    echo 8192 >"$vm/memSize"
    eventually 30 explained EREMOTEIO datastore1/nested-esxi/nested-esxi.vmx - "hostd is upset"
    [ "$(setting "$vmx" memSize)" = 8192 ]
    refused "Input/output error" 1 "$vm/.vmxfs/reload"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx reload "hostd is upset"
}

@test "while hostd is down nothing is said of what is registered, and a reload waits for it" {
    start
    unmount_lab
    esxi hostd down
    mount_host
    refused "Input/output error" on "$vm/.vmxfs/power"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx power "the host does not list its VMs"
    [ "$(cat "$vm/.vmxfs/power")" = unknown ]
    echo 8192 >"$vm/memSize"
    eventually 30 explained EIO datastore1/nested-esxi/nested-esxi.vmx - "not reloaded yet: the host does not list"
    ! grep ENXIO "$MNT/.vmxfs/errors" || false
    esxi hostd up
    reloaded 1
    [ "$(cat "$vm/.vmxfs/power")" = off ]
}

@test "power waits for the state to change" {
    start
    echo shutdown >"$running/.vmxfs/power"
    on_host "vim-cmd vmsvc/power.getstate 11" | grep -qx "Powered off"
    echo on >"$running/.vmxfs/power"
    echo reset >"$running/.vmxfs/power"
    [ "$(ran "vim-cmd vmsvc/power.reset 11")" = 1 ]
    # What is so already needs no command.
    echo on >"$running/.vmxfs/power"
    [ "$(ran "vim-cmd vmsvc/power.on 11")" = 1 ]
    [ "$(cat "$running/.vmxfs/power")" = on ]
    on_host "vim-cmd vmsvc/power.suspend 11"
    [ "$(cat "$running/.vmxfs/power")" = suspended ]
    echo on >"$running/.vmxfs/power"
    [ "$(cat "$running/.vmxfs/power")" = on ]
}

@test "a command whose caller is freed by a signal, and writes it again, is given once" {
    start
    mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd" <<END
#!/bin/sh
if [ "\$1" = vmsvc/power.reset ]; then
    echo reset >>'$TEST_DIR/resets'
    until [ -e '$TEST_DIR/end' ]; do sleep 0.1; done
fi
exec '$HOST/bin/vim-cmd.real' "\$@"
END
    chmod 755 "$HOST/bin/vim-cmd"
    python3 - "$running/.vmxfs/power" "$TEST_DIR/freed" >"$TEST_DIR/said" 3>&- <<'END' &
import os, signal, sys
asked = []
def ask(*_):
    asked.append(1)
    open(sys.argv[2], "w").close()
signal.signal(signal.SIGTERM, ask)
fd = os.open(sys.argv[1], os.O_WRONLY)
print(os.write(fd, b"reset\n"), asked)
END
    eventually 60 test -e "$TEST_DIR/resets"
    kill -TERM $!
    eventually 60 test -e "$TEST_DIR/freed" # after a second; python writes again
    sleep 2
    touch "$TEST_DIR/end"
    wait $!
    [ "$(cat "$TEST_DIR/said")" = "6 [1]" ]
    [ "$(cat "$TEST_DIR/resets")" = reset ]
}

@test "a guest that does not shut down is told of within power_timeout" {
    start power_timeout=5
    eventually 60 cat "$running/.vmxfs/power" # a login may take as long as that
    mv "$HOST/bin/vim-cmd" "$HOST/bin/vim-cmd.real"
    cat >"$HOST/bin/vim-cmd" <<END
#!/bin/sh
[ "\$1" = vmsvc/power.shutdown ] || exec '$HOST/bin/vim-cmd.real' "\$@"
END
    chmod 755 "$HOST/bin/vim-cmd"
    refused "Connection timed out" shutdown "$running/.vmxfs/power"
    explained ETIMEDOUT datastore1/db-01/db-01.vmx power "what was begun goes on"
}

@test "a power command that fails says what the host said" {
    start
    refused "Input/output error" reset "$vm/.vmxfs/power"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx power "current state .Powered off."
    refused "Invalid argument" up "$vm/.vmxfs/power"
    local orphan=$MNT/datastore1/orphan/orphan.vmx
    refused "No such device or address" on "$orphan/.vmxfs/power"
    last_hint "$orphan" | sh
    [ "$(cat "$orphan/.vmxfs/registered")" = 1 ]
    # As long as names can be.
    local folder
    folder="it's $(printf '%0240d' 0)"
    cp -r "$DS1/orphan" "$DS1/$folder"
    orphan=$MNT/datastore1/$folder/orphan.vmx
    eventually 30 test -d "$orphan"
    refused "No such device or address" on "$orphan/.vmxfs/power"
    last_hint "$orphan" | sh
    [ "$(cat "$orphan/.vmxfs/registered")" = 1 ]
    printf '%s = "%s"\n' pciPassthru0.present TRUE pciPassthru0.id 00000:066:00.0 >"$TEST_DIR/gpu"
    cat "$TEST_DIR/gpu" >"$vm/.vmxfs/merge"
    refused "Input/output error" on "$vm/.vmxfs/power"
    explained EIO datastore1/nested-esxi/nested-esxi.vmx power \
        "memory reservation .sched.mem.min. should be equal to memsize.16384."
    last_hint "$vm" | sh >"$TEST_DIR/why"
    cmp "$TEST_DIR/why" "$vm/.vmxfs/why"
    grep -q "memory reservation" "$TEST_DIR/why"
}

# The command at the end of the VM's last line in errors.
last_hint() { # VM
    tail -n 1 "$1/.vmxfs/errors" | sed 's/.*; //'
}

@test "a running VM is not changed" {
    start
    cp "$DS1/db-01/db-01.vmx" "$TEST_DIR/before"
    refused "Device or resource busy" 8192 "$running/memSize"
    explained EBUSY datastore1/db-01/db-01.vmx memSize .
    refused "Device or resource busy" nested-esxi "$running/passthrough-profile"
    cmp "$DS1/db-01/db-01.vmx" "$TEST_DIR/before"
    echo off >"$running/.vmxfs/power"
    echo 8192 >"$running/memSize"
    reloaded 1
}

@test "a running VM without a lock file is known by the host's list" {
    start
    rm "$DS1/db-01/db-01.vmx.lck" "$DS1"/db-01/*.vswp
    cat "$MNT/.vmxfs/vms" >/dev/null
    refused "Device or resource busy" 8192 "$running/memSize"
    explained EBUSY datastore1/db-01/db-01.vmx memSize "host"
}

# All of a VM stays where it is: $1, a folder of datastore1.
stays() { # FOLDER
    local folder=$MNT/datastore1/$1 before
    before=$(cd "$DS1" && find "$1" -type f -exec cksum {} + | sort)
    run mv "$folder" "$MNT/datastore1/elsewhere"
    echo "$output"
    [[ $output == *"Device or resource busy"* ]]
    run mv "$folder/$1.vmx" "$folder/other.vmx"
    [[ $output == *"Device or resource busy"* ]]
    run mv "$MNT/.vmxfs/plain/datastore1/orphan/orphan.vmx" "$MNT/.vmxfs/plain/datastore1/$1/$1.vmx"
    [[ $output == *"Device or resource busy"* ]]
    run rm -r "$folder"
    [[ $output == *"Device or resource busy"* ]]
    run rm -r "$MNT/.vmxfs/plain/datastore1/$1"
    [[ $output == *"Device or resource busy"* ]]
    diff <(echo "$before") <(cd "$DS1" && find "$1" -type f -exec cksum {} + | sort)
}

@test "a VM that only the host's list shows to run is neither moved nor removed" {
    start timeout=120
    rm "$DS1/db-01/db-01.vmx.lck" "$DS1"/db-01/*.vswp
    rm -f "$DS1/db-01/"{vmware.log,db-01.vmx~} # which it can do without
    cat "$MNT/.vmxfs/vms" >/dev/null
    stays db-01
    echo off >"$running/.vmxfs/power"
    mv "$MNT/datastore1/db-01" "$MNT/datastore1/db-02"
}

@test "a VM that was not in use is, as soon as it was switched on here" {
    start
    local folder=$MNT/datastore1/nested-esxi
    echo disk >"$DS1/nested-esxi/nested-esxi.vmdk"
    cat "$MNT/.vmxfs/vms" >/dev/null
    echo more >>"$folder/nested-esxi.vmdk" # whether it is in use has been asked just now
    echo on >"$vm/.vmxfs/power"
    for attempt in "truncate -s 0 $folder/nested-esxi.vmdk" "mv $folder $folder.moved" \
        "rm -f $folder/nested-esxi.vmdk"; do
        run $attempt
        [ "$status" -ne 0 ]
        [[ $output == *busy* ]]
    done
    [ "$(cat "$DS1/nested-esxi/nested-esxi.vmdk")" = $'disk\nmore' ]
}

@test "a VM that runs on another host is neither moved nor removed" {
    start timeout=120
    esxi lock "$vmx"
    rm -f "$DS1/nested-esxi/"{vmware.log,nested-esxi.vmx~}
    stays nested-esxi
    esxi unlock "$vmx"
    mv "$MNT/datastore1/nested-esxi" "$MNT/datastore1/moved"
}

@test "a VM that runs on another host is not changed" {
    start
    esxi lock "$vmx"
    refused "Device or resource busy" 8192 "$vm/memSize"
    esxi unlock "$vmx"
    echo 8192 >"$vm/memSize"
    # Nor one that this host does not know.
    esxi lock "$DS1/orphan/orphan.vmx"
    refused "Device or resource busy" 8192 "$MNT/datastore1/orphan/orphan.vmx/memSize"
}

@test "a lock that nobody holds is overruled by the host that would run the VM" {
    start
    touch "$vmx.lck"
    echo 8192 >"$vm/memSize"
    [ "$(setting "$vmx" memSize)" = 8192 ]
    # Of a VM that it does not know the host knows nothing.
    touch "$DS1/orphan/orphan.vmx.lck"
    refused "Device or resource busy" 8192 "$MNT/datastore1/orphan/orphan.vmx/memSize"
}

@test "a suspended VM is not changed" {
    start
    on_host "vim-cmd vmsvc/power.suspend 11"
    refused "Device or resource busy" 8192 "$running/memSize"
}

@test "a VM that is started by somebody else is known at the next write" {
    start
    echo 8192 >"$vm/memSize"
    reloaded 1
    on_host "vim-cmd vmsvc/power.on 1"
    refused "Device or resource busy" 4096 "$vm/memSize"
    on_host "vim-cmd vmsvc/power.off 1"
    echo 4096 >"$vm/memSize"
    reloaded 2
}

# Switches the VM on within the second after a write: it is not reloaded, and that is reported. A
# slow machine gets some tries, because for it the second may be over.
reported_when_switched_on() { # COMMAND after that
    local try before
    for try in {1..10}; do
        before=$(reloads)
        echo $((8192 + 4 * try)) >"$vm/memSize"
        on_host "vim-cmd vmsvc/power.on 1"
        "$@"
        if eventually 5 explained EBUSY "datastore1/nested-esxi/nested-esxi.vmx" - "switched on while the file was written"; then
            [ "$(reloads)" = "$before" ]
            return
        fi
        on_host "vim-cmd vmsvc/power.off 1" || :
    done
    return 1
}

@test "a VM that is switched on right after the write is reported" {
    start
    for mode in auto off; do
        reported_when_switched_on :
        on_host "vim-cmd vmsvc/power.off 1"
        [ "$(setting "$vmx" memSize)" = 16384 ]
        unmount_lab
        mount_host reload=off
    done
}

@test "switching it off again hides that from nobody" {
    start
    switch_off() { echo off >"$vm/.vmxfs/power"; }
    reported_when_switched_on switch_off
}

@test "a running VM that may be changed is not reloaded" {
    start running=allow
    echo 8192 >"$running/memSize"
    [ "$(setting "$DS1/db-01/db-01.vmx" memSize)" = 8192 ]
    eventually 30 explained EBUSY "datastore1/db-01/db-01.vmx" - "^not reloaded: the VM is powered on"
    [ "$(reloads)" = 0 ]
}

@test "names are words, whatever is in them" {
    host_start
    name="it's \$(touch $TEST_DIR/pwned) \`touch $TEST_DIR/pwned\`; touch pwned #\"x"
    name=${name//\//_}
    mkdir "$DS1/$name"
    sed 's/^displayName = .*/displayName = "$(reboot) \& co"/' "$DS1/orphan/orphan.vmx" >"$DS1/$name/$name.vmx"
    [ "$(esxi register "$DS1/$name/$name.vmx")" = 12 ]
    touch "$DS1/$name/$name.vmx.lck"
    mount_host
    vm=$MNT/datastore1/$name/$name.vmx
    echo 8192 >"$vm/memSize"
    refused "Device or resource busy" on "$vm/.vmxfs/power" # it is a copy, and asks
    echo copied >"$vm/.vmxfs/question"
    runs() { [ "$(cat "$vm/.vmxfs/power")" = on ]; }
    eventually 60 runs
    [ "$(esxi guest-memory 12)" = 8192 ]
    [ "$(cat "$MNT/.vmxfs/host/vms/\$(reboot) & co/memSize")" = 8192 ]
    [ -z "$(find "$TEST_DIR" -name 'pwned*')" ]
}

@test "a host that goes away and comes back is reloaded then" {
    start timeout=10
    cat "$vm/.vmxfs/power" >/dev/null
    local try before
    once_more() { [ "$(ran "vim-cmd vmsvc/reload 1")" = $((before + 1)) ]; }
    for try in {1..10}; do
        before=$(ran "vim-cmd vmsvc/reload 1")
        echo $((32768 + 4 * try)) >"$vm/memSize"
        sh "$support/sshd.sh" stop "$HOST/sshd"
        sleep 1.5
        ! once_more || before= # for a slow machine the second was over
        sh "$support/esxi.sh" start "$HOST" 3>&-
        eventually 60 test -n "$(ls "$MNT")"
        [ -z "$before" ] || break
    done
    [ -n "$before" ]
    eventually 60 once_more
}

@test "passthrough, profile, power: the guide's first half" {
    start
    echo 1 >"$MNT/.vmxfs/host/pci/0000:86:00.0/passthrough"
    echo 1 >"$MNT/.vmxfs/host/pci/0000:87:00.0/passthrough"
    echo nested-esxi device=0000:86:00.0 >"$vm/passthrough-profile"
    [ "$(cat "$vm/pciPassthru0.id")" = 00000:134:00.0 ]
    echo on >"$vm/.vmxfs/power"
    [ "$(esxi guest-memory nested-esxi)" = 16384 ]
    echo off >"$vm/.vmxfs/power"
    # An edit in the host client takes what made it work away, and the profile brings it back.
    esxi client-edit nested-esxi numvcpus 8
    drifted() { [ "$(cat "$vm/passthrough-profile")" = "none [nested-esxi!] inner-guest" ]; }
    eventually 30 drifted
    echo nested-esxi >"$vm/passthrough-profile"
    [ "$(cat "$vm/vhv.enable")" = TRUE ]
    [ "$(cat "$vm/numvcpus")" = 8 ]
}
