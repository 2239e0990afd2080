#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# No secret is in a history, wherever it stood and whatever was done with it.

bats_require_minimum_version 1.5.0

load history

# Of each kind that design and manual name, and places that are no settings.
SECRETS=(RemoteDisplay.vnc.password remotedisplay.VNC.key encryption.bundle dataFileKey
    acme.keyring admin.passphrase adminPassword acme.secretSauce api_token guestinfo.userdata
    GuestInfo.cloud.init.data vmxfs.saved.guestinfo.old)

setup() {
    history_new
    local key
    for key in "${SECRETS[@]}"; do
        echo "$key = \"planted-1-$key\"" >>"$FILE"
    done
    cat >>"$FILE" <<'END'
# guestinfo.comment = "planted-1-comment"
guestinfo.noEquals "planted-1-malformed"
GUESTINFO.open = "planted-1-open
notes = "the end"
END
    mkdir "$LAB/encrypted"
    sed '/planted/d' "$FILE" >"$LAB/encrypted/encrypted.vmx"
    printf 'encryption.%s = "planted-1-%s"\n' keySafe keySafe data data >>"$LAB/encrypted/encrypted.vmx"
}

teardown() {
    lab_end
}

# Gives each of them another value, in one merge.
change_all() { # ROUND
    local key
    for key in "${SECRETS[@]}"; do
        echo "$key = \"planted-$1-$key\""
    done >"$TEST_DIR/lines"
    cat "$TEST_DIR/lines" >"$C/merge"
}

waits_in_spool() {
    [ -n "$(find "$HISTORY/.git/vmxfs/spool" -type f)" ]
}

# Every object of the repository, whoever made it and whether anything leads to it.
objects() {
    in_history cat-file --batch-all-objects --batch
    in_history log --all --format=%B
    in_history reflog
}

@test "no object, message, log or error holds a secret that was planted, changed, and gone back over" {
    mount_history
    run -0 ls "$C/history" "$MNT/encrypted/encrypted.vmx/.vmxfs/history"
    change_all 2
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    change_all 3
    printf 'planted-4-file' >"$VMX/guestinfo.userdata"
    sed 's/planted-1-comment/planted-5-comment/' "$C/raw" >"$TEST_DIR/text"
    cat "$TEST_DIR/text" >"$C/raw"
    grep -qx 'guestinfo.userdata = "planted-4-file"' "$FILE"
    grep -q planted-5-comment "$FILE"
    edit_by_others 's/planted-3-api_token/planted-6-others/; s/numvcpus = "2"/numvcpus = "3"/'
    until_recorded 'numvcpus 2 -> 3'
    rm "$VMX/dataFileKey"
    echo "planted-7-refused" >"$VMX/power" 2>/dev/null || :
    grep planted "$FILE" >"$TEST_DIR/secrets"

    cat "$C/undo" >/dev/null
    echo 1 >"$C/undo"
    [ "$(cat "$VMX/memSize")" = 4096 ]
    grep planted "$FILE" | cmp - "$TEST_DIR/secrets"
    local first
    first=$(find "$C/history" -type f -printf '%f\n' | sort | head -n 1)
    echo "$first" >"$C/undo"
    [ "$(cat "$VMX/numvcpus")" = 2 ]
    grep planted "$FILE" | cmp - "$TEST_DIR/secrets"
    until_recorded 'numvcpus 3 -> 2'

    run ! grep -r planted "$C/history" "$C/log" "$MNT/.vmxfs/log" "$MNT/.vmxfs/errors"
    unmount_lab
    objects >"$TEST_DIR/objects"
    grep -aq 'secret [0-9a-f]\{8\}' "$TEST_DIR/objects"
    run ! grep -a planted "$TEST_DIR/objects"
    run ! grep -ar planted "$HISTORY" "$HISTORY.key"
}

@test "a secret that waits in the spool for its turn is not in it" {
    mount_history
    run -0 ls "$C/history"
    (
        flock 9
        change_all 2
        eventually 30 waits_in_spool
        run ! grep -ar planted "$HISTORY"
    ) 9>>"$HISTORY/.git/vmxfs/lock"
    until_recorded 'and 11 more'
}

# A profile of the user's own whose parameters become secrets, one under a name that says nothing.
own_profile() {
    mkdir "$TEST_DIR/profiles"
    cat >"$TEST_DIR/profiles/agent.profile" <<'END'
profile.param.pw = "none"
profile.param.token = "none"

guestinfo.agent = "${pw}"
annotation = "agent"

[require]
guestinfo.userdata != "planted-9-required"
END
}

@test "no parameter of a user's own profile is recorded, and undo takes the profile back" {
    own_profile
    mount_history profile_dir="$TEST_DIR/profiles"
    cp "$FILE" "$TEST_DIR/before"
    echo "agent pw=planted-1-pw token=planted-1-token" >"$VMX/passthrough-profile"
    grep -qx 'guestinfo.agent = "planted-1-pw"' "$FILE"
    grep -qx 'vmxfs.profile = "agent pw=planted-1-pw token=planted-1-token"' "$FILE"
    grep -q $'\tvmxfs.profile\t(unset)\tagent pw=(secret [0-9a-f]*) token=(secret [0-9a-f]*)$' "$C/log"
    echo 1 >"$C/undo"
    run ! grep -E '^(vmxfs.profile|annotation)' "$FILE"
    grep -qx 'guestinfo.agent = "planted-1-pw"' "$FILE"
    run ! grep -r planted "$C/log" "$C/history" "$MNT/.vmxfs/errors"
    unmount_lab
    objects >"$TEST_DIR/objects"
    run ! grep -a planted "$TEST_DIR/objects"
}

@test "no refusal holds a value that could be a secret" {
    own_profile
    mount_history profile_dir="$TEST_DIR/profiles"
    local line
    for line in 'agent pw=planted-1 planted-2' 'agent =planted-3' 'pw=planted-4'; do
        refused "Invalid argument" "$line" "$VMX/passthrough-profile"
    done
    refused "Invalid argument" planted-5 "$VMX/RemoteDisplay.vnc.enabled"
    echo planted-9-required >"$VMX/guestinfo.userdata"
    refused "Invalid argument" agent "$VMX/passthrough-profile"
    run ! mkdir "$VMX/guestinfo.a=planted-6" "$C/plan/agent pw=planted-7"
    explained EINVAL vm/vm.vmx passthrough-profile 'requires guestinfo.userdata'
    explained EPERM vm/vm.vmx guestinfo.a .
    explained EINVAL vm/vm.vmx RemoteDisplay.vnc.enabled 'wants TRUE or FALSE'
    run ! grep planted "$MNT/.vmxfs/errors"
}
