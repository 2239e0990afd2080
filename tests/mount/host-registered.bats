# SPDX-License-Identifier: MIT
# What the host has registered is not lost by "rm -r" through a mount.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A host with an outer VM that is off, and its disk of two files, with a parent elsewhere.
prepare() {
    host_start
    on_server=$DS1/nested-esxi
    printf '%s\n' '# Disk DescriptorFile' version=1 'parentFileNameHint="../base/golden.vmdk"' \
        'RW 4192256 VMFS "nested-esxi-flat.vmdk"' >"$on_server/nested-esxi.vmdk"
    mkdir "$DS1/base"
    printf '%s\n' '# Disk DescriptorFile' 'RW 4192256 VMFS "golden-flat.vmdk"' >"$DS1/base/golden.vmdk"
    for name in "$on_server"/{nested-esxi-flat.vmdk,nested-esxi.nvram,other.vmdk,notes} "$DS1/base/golden-flat.vmdk"; do
        echo "$name" >"$name"
    done
    folder=$MNT/datastore1/nested-esxi vm=$folder/nested-esxi.vmx
    orphan=$MNT/datastore1/orphan
    command="echo 0 > '$vm/.vmxfs/registered'"
}

# The same, mounted.
start() { # [MOUNT-OPTION...]
    prepare
    mount_host "$@"
}

# What is left of the VM, its disk and their texts.
tell() {
    (cd "$DS1" && cksum nested-esxi/nested-esxi.vmx nested-esxi/nested-esxi{,-flat}.vmdk base/*)
}

# COMMAND fails, every error that it prints is EBUSY, and what tell tells stays.
spares() { # COMMAND...
    tell >"$TEST_DIR/before"
    run "$@"
    [ "$status" -ne 0 ]
    ! grep -vE 'Device or resource busy|Directory not empty|^ |^Traceback|^$' <<<"$output" || false
    diff "$TEST_DIR/before" <(tell)
}

@test "registered tells whether the host lists the VM, and changes it" {
    start
    [ "$(cat "$vm/.vmxfs/registered")" = 1 ]
    [ "$(cat "$orphan/orphan.vmx/.vmxfs/registered")" = 0 ]
    echo 0 >"$vm/.vmxfs/registered"
    [ "$(cat "$vm/.vmxfs/registered")" = 0 ]
    [ "$(ran "vim-cmd vmsvc/unregister 1")" = 1 ]
    ! on_host "vim-cmd vmsvc/getallvms" | grep -q nested-esxi || false
    echo 0 >"$vm/.vmxfs/registered"
    [ "$(ran "vim-cmd vmsvc/unregister 1")" = 1 ]
    echo 1 >"$vm/.vmxfs/registered"
    [ "$(cat "$vm/.vmxfs/registered")" = 1 ]
    on_host "vim-cmd vmsvc/getallvms" | grep -q '\[datastore1\] nested-esxi/nested-esxi.vmx '
    echo 1 >"$vm/.vmxfs/registered"
    [ "$(grep -c solo/registervm "$HOST/commands")" = 1 ]
    refused "Invalid argument" yes "$vm/.vmxfs/registered"
    explained EINVAL datastore1/nested-esxi/nested-esxi.vmx registered "write 1 or 0"
}

@test "what is changed on the host is seen at once" {
    start
    [ "$(cat "$vm/.vmxfs/registered")" = 1 ]
    esxi unregister nested-esxi
    [ "$(cat "$vm/.vmxfs/registered")" = 0 ]
    esxi register "$on_server/nested-esxi.vmx"
    [ "$(cat "$vm/.vmxfs/registered")" = 1 ]
}

@test "a VM that is not powered off stays registered" {
    start
    refused "Device or resource busy" 0 "$MNT/datastore1/db-01/db-01.vmx/.vmxfs/registered"
    explained EBUSY datastore1/db-01/db-01.vmx registered "powered on; power it off first"
    on_host "vim-cmd vmsvc/getallvms" | grep -q db-01
}

@test "an invalid entry of the same file is replaced" {
    start
    mv "$on_server/nested-esxi.vmx" "$on_server/away"
    on_host "vim-cmd vmsvc/reload 1"
    mv "$on_server/away" "$on_server/nested-esxi.vmx"
    run on_host "vim-cmd vmsvc/getallvms 2>&1"
    [[ $output == *"Skipping invalid VM '1'"* ]]
    echo 1 >"$vm/.vmxfs/registered"
    [ "$(ran "vim-cmd vmsvc/unregister 1")" = 1 ]
    [ "$(ran "vim-cmd vmsvc/unregister 6")" = 0 ]
    [ "$(cat "$vm/.vmxfs/registered")" = 1 ]
}

@test "an invalid entry is told by registered, and goes by 0 or by its id" {
    start
    registered_is() { [ "$(cat "$vm/.vmxfs/registered")" = "$1" ]; }
    mv "$on_server/nested-esxi.vmx" "$on_server/away"
    on_host "vim-cmd vmsvc/reload 1"
    mv "$on_server/away" "$on_server/nested-esxi.vmx"
    eventually 30 registered_is invalid
    [ "$(grep -c nested-esxi/nested-esxi.vmx "$MNT/.vmxfs/vms")" = 1 ]
    grep -q $'^unknown\t1\tinvalid\tnone\tdatastore1/nested-esxi/nested-esxi.vmx\t' "$MNT/.vmxfs/vms"
    echo 0 >"$vm/.vmxfs/registered"
    [ "$(ran "vim-cmd vmsvc/unregister 1")" = 1 ]
    registered_is 0
    # Of an entry whose .vmx is gone only the id is left: 6 of the host's list.
    for id in 2 99 6x "" -6 "6 2"; do
        refused "Invalid argument" "$id" "$MNT/.vmxfs/unregister"
    done
    explained EINVAL .vmxfs unregister "2 is not the id of an invalid VM"
    [ "$(grep -c 'vim-cmd vmsvc/unregister' "$HOST/commands")" = 1 ]
    echo 6 >"$MNT/.vmxfs/unregister"
    [ "$(ran "vim-cmd vmsvc/unregister 6")" = 1 ]
    ! on_host "vim-cmd vmsvc/getallvms 2>&1" | grep "invalid VM" || false
    refused "Invalid argument" 6 "$MNT/.vmxfs/unregister"
}

@test "a server that is no host has no VM registered" {
    mkdir "$LAB/vm"
    printf 'config.version = "8"\nscsi0:0.fileName = "x.vmdk"\n' >"$LAB/vm/x.vmx"
    echo disk >"$LAB/vm/x.vmdk"
    mount_local
    run cat "$MNT/vm/x.vmx/.vmxfs/registered"
    [[ $output == *"not supported"* ]]
    refused "not supported" 0 "$MNT/vm/x.vmx/.vmxfs/registered"
    rm -r "$MNT/vm"
    [ ! -e "$LAB/vm" ]
}

@test "rm -r leaves a registered VM and its disks, and errors has the command that lets it go" {
    start
    cat "$vm/memSize"
    spares rm -rf "$folder"
    [ ! -e "$on_server/notes" ]
    [ ! -e "$on_server/other.vmdk" ]
    [ "$(grep -cF "first $command" "$MNT/.vmxfs/errors")" = 1 ]
    [ "$(grep -c EBUSY "$MNT/.vmxfs/errors")" = 1 ]
    spares rm -rf "$MNT/.vmxfs/plain/datastore1/nested-esxi"
    spares rm -rf "$MNT/datastore1/base"
    spares python3 -c 'import shutil, sys; shutil.rmtree(sys.argv[1])' "$folder"
    spares find "$folder" -delete
    cp -r "$vm" "$TEST_DIR/copy" # nothing is missing because of all that
    [ "$(cat "$TEST_DIR/copy/config.version" "$TEST_DIR/copy/virtualHW.version")" = $'8\n19' ]
    sh -c "$command"
    rm -r "$folder"
    [ ! -e "$on_server" ]
    rm -r "$MNT/datastore1/base"
    [ ! -e "$DS1/base" ]
}

@test "rm -r of a registered VM that runs is one line in errors" {
    start
    (cd "$DS1/db-01" && cksum db-01.vmx *.vmdk *.vswp) >"$TEST_DIR/kept"
    run rm -rf "$MNT/datastore1/db-01"
    [ "$status" -ne 0 ]
    [ "$(grep -c EBUSY "$MNT/.vmxfs/errors")" = 1 ]
    (cd "$DS1/db-01" && cksum db-01.vmx *.vmdk *.vswp) | diff "$TEST_DIR/kept" -
}

@test "the disk of a linked clone that nobody has looked at yet stays" {
    local option
    prepare
    for option in prefetch=on prefetch=off,cache_timeout=0 running=allow; do
        mount_host "$option"
        spares rm -rf "$MNT/datastore1/base"
        [ "$(grep -cF "first $command" "$MNT/.vmxfs/errors")" = 1 ]
        unmount_lab
    done
}

@test "the disks beside a registered VM that is encrypted, or of whose .vmx nothing is left, stay" {
    local text
    prepare
    for text in 'encryption.data = "AAAA"' ''; do
        echo "$text" >"$on_server/nested-esxi.vmx"
        mount_host
        spares rm -rf "$folder"/*.vmdk
        [ -e "$on_server/other.vmdk" ]
        [ "$(grep -cF "first $command" "$MNT/.vmxfs/errors")" = 1 ]
        unmount_lab
    done
}

@test "rm -r of the whole mount deletes no VM that is registered" {
    start
    (cd "$VOLUMES" && find . -name '*.vmx' ! -name orphan.vmx -exec cksum {} +) >"$TEST_DIR/vms"
    [ "$(wc -l <"$TEST_DIR/vms")" -ge 4 ]
    ls "$MNT"/*/*/*.vmx/ >/dev/null
    spares rm -rf "$MNT"
    (cd "$VOLUMES" && find . -name '*.vmx' -exec cksum {} +) | diff "$TEST_DIR/vms" -
    [ ! -e "$DS1/orphan" ]
}

@test "each file alone is refused, whatever the option that lifts use says" {
    start running=allow
    for name in "$vm" "$folder"/nested-esxi{,-flat}.vmdk "$MNT/datastore1/base"/golden{,-flat}.vmdk; do
        echo "$name"
        cat "$vm/memSize" >/dev/null
        spares python3 -c 'import os, sys; (os.rmdir if os.path.isdir(sys.argv[1]) else os.unlink)(sys.argv[1])' "$name"
        spares rm -f "$MNT/.vmxfs/plain/${name#"$MNT"/}"
    done
    rm "$folder/nested-esxi.nvram" "$folder/other.vmdk"
}

@test "replacing and renaming stay free" {
    start
    echo new >"$folder/new"
    mv "$folder/new" "$folder/nested-esxi-flat.vmdk"
    [ "$(cat "$on_server/nested-esxi-flat.vmdk")" = new ]
    mv "$folder/nested-esxi.vmdk" "$folder/renamed.vmdk"
    mv "$folder/renamed.vmdk" "$folder/nested-esxi.vmdk"
    : >"$folder/nested-esxi-flat.vmdk"
    mv "$vm" "$folder/other.vmx"
    [ -e "$on_server/other.vmx" ]
}

@test "settings are removed as ever, but for those without which it is no VM" {
    start
    rm "$vm/hpet0.present" "$vm/svga.present"
    find "$vm" -name 'pciBridge[0-9]*' -delete
    ! grep -E 'hpet0|svga|pciBridge' "$on_server/nested-esxi.vmx" || false
    rm "$vm/config.version"
    [ ! -e "$vm/config.version" ]
    explained NOTE datastore1/nested-esxi/nested-esxi.vmx config.version "stays until it is set anew"
    [ "$(setting "$on_server/nested-esxi.vmx" config.version)" = 8 ]
    echo 9 >"$vm/config.version"
    [ "$(setting "$on_server/nested-esxi.vmx" config.version)" = 9 ]
    rm "$vm/vmci0.present"
    rm "$vm/config.version"
    run rm "$vm/tools.syncTime"
    [ "$status" -eq 1 ]
    [ "$(cat "$vm/config.version")" = 9 ]
    sleep 11
    rm "$vm/tools.syncTime"
    rm "$vm/virtualHW.version"
    back() { [ "$(cat "$vm/virtualHW.version")" = 19 ]; }
    eventually 60 back
}

@test "nothing of a registered VM in use even seems to be removed" {
    start
    vm=$MNT/datastore1/db-01/db-01.vmx
    for setting in config.version virtualHW.version memSize; do
        run rm "$vm/$setting"
        [ "$status" -eq 1 ]
        explained EBUSY datastore1/db-01/db-01.vmx "$setting" "in use"
        [ -n "$(cat "$vm/$setting")" ]
    done
}

@test "tar, cp and install put a registered VM's settings back" {
    start
    cp "$on_server/nested-esxi.vmx" "$TEST_DIR/before"
    tar -C "$folder" -cf "$TEST_DIR/vm.tar" nested-esxi.vmx
    echo 1024 >"$vm/memSize"
    echo 8 >"$vm/numvcpus"
    tar -C "$folder" -xf "$TEST_DIR/vm.tar"
    diff "$TEST_DIR/before" "$on_server/nested-esxi.vmx"
    echo 21 >"$TEST_DIR/21"
    install "$TEST_DIR/21" "$vm/virtualHW.version"
    [ "$(setting "$on_server/nested-esxi.vmx" virtualHW.version)" = 21 ]
}

@test "a VM that is unregistered on the host goes as a whole" {
    start
    spares rm -rf "$folder"
    esxi unregister nested-esxi
    eventually 60 rm -r "$folder"
    [ ! -e "$on_server" ]
}

# A command of the host's that fails; $HOST/bin/away is the true one.
break_command() { # NAME
    mv "$HOST/bin/$1" "$HOST/bin/away"
    printf '#!/bin/sh\necho "Connect to localhost failed: Connection failure" >&2\nexit 1\n' >"$HOST/bin/$1"
    chmod +x "$HOST/bin/$1"
}

@test "a host that fails to say what it is has not said that it is none" {
    prepare
    break_command vmware
    mount_host
    cat "$MNT/.vmxfs/vms"
    spares rm -rf "$folder"
    grep -q "EBUSY.*whether its VM is registered is not known" "$MNT/.vmxfs/errors"
    mv "$HOST/bin/away" "$HOST/bin/vmware"
    listed() { [ "$(cat "$vm/.vmxfs/registered")" = 1 ]; }
    eventually 60 listed
    grep -q '^host: VMware ESXi' "$MNT/.vmxfs/status"
}

@test "where no command can be given nothing that may be registered goes, but with running=allow" {
    local option
    prepare
    mv "$HOST/sshd/authorized_keys" "$HOST/sshd/away"
    for option in refuse allow; do
        cp "$HOST/sshd/away" "$HOST/sshd/authorized_keys"
        mount_host running=$option
        : >"$HOST/sshd/authorized_keys"
        [ "$option" = allow ] || spares rm -rf "$folder"
        [ "$option" = refuse ] || rm -r "$folder"
        unmount_lab
    done
    [ ! -e "$on_server" ]
}

@test "while the host does not list its VMs nothing that it may know is removed" {
    start
    cat "$vm/memSize"
    break_command vim-cmd
    spares rm -rf "$folder"
    grep -q "EBUSY.*whether its VM is registered is not known" "$MNT/.vmxfs/errors"
    mv "$HOST/bin/away" "$HOST/bin/vim-cmd"
    outdated() { echo 0 >"$vm/.vmxfs/registered"; }
    eventually 60 outdated
    rm -r "$folder"
    [ ! -e "$on_server" ]
}

# The reason of the last NOTE about a file.
last_note() { # FILE
    awk -F '\t' -v file="$1" '$2 == "NOTE" && $3 == file { said = $5 } END { print said }' "$MNT/.vmxfs/errors"
}

@test "a registered VM that was moved is a NOTE with the commands that mend the host's list" {
    local unregister="echo 1 > '$MNT/.vmxfs/unregister'"
    start
    mv "$vm" "$folder/moved.vmx"
    said=$(last_note datastore1/nested-esxi/moved.vmx)
    [[ $said == "the host has this VM registered as 1, at datastore1/nested-esxi/nested-esxi.vmx, where it is no more: "* ]]
    [[ $said == *": echo 1 > '$folder/moved.vmx/.vmxfs/registered'; $unregister" ]]
    sh -c "$(sed 's/.*: \(echo 1 > [^;]*\);.*/\1/' <<<"$said")"
    [ "$(cat "$folder/moved.vmx/.vmxfs/registered")" = 1 ]
    # One that is not registered is nobody's business.
    mv "$orphan/orphan.vmx" "$orphan/other.vmx"
    mv "$orphan" "$MNT/datastore1/elsewhere"
    [ "$(grep -c "registered as" "$MNT/.vmxfs/errors")" -eq 1 ]
}

@test "a folder that was moved has a NOTE for each registered VM in it" {
    start
    mkdir "$on_server/inner"
    cp "$on_server/nested-esxi.vmx" "$on_server/inner/inner.vmx"
    esxi register "$DS1/nested-esxi/inner/inner.vmx"
    mv "$folder" "$MNT/datastore1/moved"
    [[ $(last_note datastore1/moved/nested-esxi.vmx) == *"registered as 1, at "*"'$MNT/datastore1/moved/nested-esxi.vmx/.vmxfs/registered'; "* ]]
    [[ $(last_note datastore1/moved/inner/inner.vmx) == *"'$MNT/datastore1/moved/inner/inner.vmx/.vmxfs/registered'; "* ]]
    [ "$(cat "$MNT/datastore1/moved/inner/inner.vmx/.vmxfs/errors")" = "$(grep inner/inner.vmx "$MNT/.vmxfs/errors")" ]
}

@test "a registered .vmx that is none any more has the command that forgets it" {
    start
    mv "$MNT/.vmxfs/plain/datastore1/nested-esxi/nested-esxi.vmx" "$MNT/.vmxfs/plain/datastore1/nested-esxi/old"
    [[ $(last_note datastore1/nested-esxi/nested-esxi.vmx) == *"no more: echo 1 > '$MNT/.vmxfs/unregister'" ]]
}

@test "the commands for a registered VM can be pasted, whatever its name" {
    local name shell command
    start
    for shell in sh bash dash; do
        name="it's \"$shell\" \$(touch pwned) \`id\` \\ "$'\e'"[2J"
        mkdir "$DS1/$name"
        cp "$on_server/nested-esxi.vmx" "$DS1/$name/x.vmx"
        esxi register "$DS1/$name/x.vmx"
        [ "$(cat "$MNT/datastore1/$name/x.vmx/.vmxfs/registered")" = 1 ]
        run rm "$MNT/.vmxfs/plain/datastore1/$name/x.vmx"
        [ "$status" -ne 0 ]
        command=$(tail -n 1 "$MNT/.vmxfs/errors" | sed 's/.*first \(echo 0 > .*\)/\1/')
        (cd "$TEST_DIR" && "$shell" -c "$command")
        [ "$(cat "$MNT/datastore1/$name/x.vmx/.vmxfs/registered")" = 0 ]
        rm -r "$MNT/datastore1/$name"
        [ ! -e "$DS1/$name" ]
    done
    [ ! -e "$TEST_DIR/pwned" ]
}
