# SPDX-License-Identifier: MIT
# Files' times are by the host's clock, which vmxfs learns when it first asks the host for something.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

# A .vmx is changed, and read two hours later by the clock of this machine, which is that much ahead.
# The second edit has its size and time.
start() {
    local VMXFS=$VMXFS_UNSANITIZED
    local MOUNT_BY=(env "LD_PRELOAD=$VMXFS_BUILD/tests/support/clock-early.so")
    host_start
    mount_host prefetch=off
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx vmx=$DS1/nested-esxi/nested-esxi.vmx
    touch -d "5 minutes ago" "$vmx"
}

edit_unseen() {
    touch -r "$vmx" "$TEST_DIR/time"
    sed -i 's/^displayName = .nested/displayName = "tested/' "$vmx"
    touch -r "$TEST_DIR/time" "$vmx"
}

@test "a file is as old as the host's clock says" {
    start
    grep -q nested-esxi "$MNT/.vmxfs/vms"
    [ "$(cat "$vm/displayName")" = nested-esxi ]
    edit_unseen
    eventually 10 grep -qx tested-esxi "$vm/displayName"
}
