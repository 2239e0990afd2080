#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The history of VMs on a host, which writes into their files by itself.

load host

bats_require_minimum_version 1.5.0

setup() {
    lab_new
    HISTORY=$TEST_DIR/history
    host_start --hard
    mount_host "history=$HISTORY"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    C=$vm/.vmxfs
}

teardown() {
    host_end
}

by() { # ORIGIN
    git -C "$HISTORY" log --format=%b "$(git -C "$HISTORY" symbolic-ref HEAD)" -- \
        '*/nested-esxi.vmx' | grep -x "By: $1"
}

@test "what the host writes at power-on and power-off stays out of the log, and in the file" {
    local before
    before=$(cat "$vm/memSize")
    echo 32768 >"$vm/memSize"
    echo on >"$C/power"
    [ "$(setting "$vmx" cleanShutdown)" = FALSE ]
    refused "Device or resource busy" 1 "$C/undo"
    explained EBUSY datastore1/nested-esxi/nested-esxi.vmx undo .
    echo off >"$C/power"
    [ "$(setting "$vmx" cleanShutdown)" = TRUE ]
    cat "$vm/memSize"
    eventually 60 by host
    diff - <(cut -f 4- "$C/log") <<END
datastore1/nested-esxi/nested-esxi.vmx	-	-	first seen
datastore1/nested-esxi/nested-esxi.vmx	memSize	$before	32768
END
    run -0 by others
    [ "${#lines[@]}" -eq 1 ]
    echo 1 >"$C/undo"
    [ "$(setting "$vmx" memSize)" = "$before" ]
    [ "$(setting "$vmx" cleanShutdown)" = TRUE ]
    # Also back to before: what it wrote since stays.
    local first
    first=$(ls "$C/history" | head -n 1)
    run ! grep sched.swap.derivedName "$C/history/$first"
    echo 65536 >"$vm/memSize"
    echo "$first" >"$C/undo"
    [ "$(setting "$vmx" memSize)" = "$before" ]
    grep -q '^sched.swap.derivedName = ' "$vmx"
}

@test "a VM has one path in the log, by its datastore's name or by the UUID" {
    local uuid=$MNT/${DS1##*/}/nested-esxi/nested-esxi.vmx
    echo 32768 >"$vm/memSize"
    echo 16384 >"$uuid/memSize"
    cmp "$C/log" "$uuid/.vmxfs/log"
    diff - <(tail -n 2 "$C/log" | cut -f 4,7) <<END
datastore1/nested-esxi/nested-esxi.vmx	32768
datastore1/nested-esxi/nested-esxi.vmx	16384
END
    echo 1 >"$uuid/.vmxfs/undo"
    [ "$(cat "$vm/memSize")" = 32768 ]
}
