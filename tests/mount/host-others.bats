# SPDX-License-Identifier: MIT
# What others do to a host and its VMs meanwhile: maintenance mode, and what hostd takes out of a
# .vmx by itself.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

start() { # HOST-OPTION...
    host_start "$@"
    mount_host
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
}

@test "in maintenance mode power on is refused with the host's reason, and mends itself" {
    local version reason
    while read -r version reason; do
        start --hard --version "$version"
        esxi maintenance on
        refused "Input/output error" on "$vm/.vmxfs/power"
        explained EIO datastore1/nested-esxi/nested-esxi.vmx power "$reason"
        [ "$(cat "$vm/.vmxfs/power")" = off ]
        [ -z "$(cat "$vm/.vmxfs/task")" ]
        grep -q "maintenance mode.*	-\$" "$vm/.vmxfs/why" || {
            cat "$vm/.vmxfs/why"
            return 1
        }
        esxi maintenance off
        echo on >"$vm/.vmxfs/power"
        [ "$(cat "$vm/.vmxfs/power")" = on ]
        unmount_lab
        esxi stop
        rm -r "$HOST"
    done <<'END'
6.5.0 maintenance mode
7.0.3 maintenance mode
9.0.1 maintenance mode
END
    host_start --empty
}

@test "a setting that hostd drops is gone at once, and nothing else is" {
    host_start --version 9.0.1
    mount_host cache_timeout=600
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    echo 10 >"$vm/vmx.log.keepOld"
    echo mine >"$vm/vmxfs.note"
    echo 32768 >"$vm/memSize"
    [ "$(cat "$vm/vmx.log.keepOld")" = 10 ]
    exec 7<>"$vm/vmx.log.keepOld"
    echo on >"$vm/.vmxfs/power"
    gone() { [ ! -e "$vm/vmx.log.keepOld" ]; }
    eventually 10 gone
    ! ls "$vm" | grep -x vmx.log.keepOld || false
    [ "$(cat "$vm/cleanShutdown")" = FALSE ]
    [ "$(cat "$vm/vmxfs.note")" = mine ]
    echo off >"$vm/.vmxfs/power"
    # Who had it open, and believes it to be there, does not bring it back unasked.
    run bash -c 'echo 11 >&7'
    [ "$status" -ne 0 ]
    exec 7>&-
    ! grep vmx.log.keepOld "$vmx" || false
    # One that is dropped between a look and a write is merged, not lost: the rest of the text stays.
    echo 10 >"$vm/vmx.log.keepOld"
    cat "$vm/memSize" >/dev/null
    esxi client-edit nested-esxi annotation "by the client"
    echo 16384 >"$vm/memSize"
    [ "$(setting "$vmx" memSize)" = 16384 ]
    [ "$(setting "$vmx" annotation)" = "by the client" ]
    ! grep vmx.log.keepOld "$vmx" || false
    [ "$(setting "$vmx" vmxfs.note)" = mine ]
    echo 12 >"$vm/vmx.log.keepOld"
    [ "$(cat "$vm/vmx.log.keepOld")" = 12 ]
}
