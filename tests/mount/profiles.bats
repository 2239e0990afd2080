# SPDX-License-Identifier: MIT
# passthrough-profile and plan/NAME: what a user writes, reads and finds in the file.

load helper

data=$BATS_TEST_DIRNAME/../data

setup() {
    lab_new
    mkdir "$LAB/vm"
    VMX=$MNT/vm/vm.vmx PROFILE=$MNT/vm/vm.vmx/passthrough-profile FILE=$LAB/vm/vm.vmx
}

teardown() {
    lab_end
}

# A VM with some of the settings that profiles change, written as people write them.
write_vmx() {
    cat >"$FILE" <<'END'
#!/usr/bin/vmware
.encoding = "UTF-8"
displayName = "nested-01"
memSize = "16384"
numvcpus = 4
# by hand
VHV.enable = FALSE
sched.mem.min  =  "0"   # was so
firmware = "efi"
END
    cp "$FILE" "$TEST_DIR/before"
}

device="device=0000:65:00.0 vendor=10de deviceid=1c82 system=5aec7ae7-7d90-8511-435a-d094660b7768"

# Writes a line that must be refused, and shows why.
refused() { # LINE
    local before
    before=$(cksum <"$FILE")
    run bash -c 'echo "$1" >"$2"' - "$1" "$PROFILE"
    [ "$status" -ne 0 ]
    [[ $output == *"write error: Invalid argument"* ]]
    [ "$(cksum <"$FILE")" = "$before" ]
    tail -n 1 "$MNT/.vmxfs/errors"
}

@test "the profile is printed in a line of all, with the active one in brackets" {
    write_vmx
    mount_local
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest" ]
    echo nested-esxi >"$PROFILE"
    [ "$(cat "$PROFILE")" = "none [nested-esxi] inner-guest" ]
    [ "$(stat -c %s "$PROFILE")" -eq "$(wc -c <"$PROFILE")" ]
    echo inner-guest >"$PROFILE"
    [ "$(cat "$PROFILE")" = "none nested-esxi [inner-guest]" ]
    echo none >"$PROFILE"
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest" ]
    cmp "$TEST_DIR/before" "$FILE"
}

@test "applying is one rewrite of all settings, and of the record" {
    write_vmx
    mount_local
    echo "nested-esxi mmio=32 cpu=amd" >"$PROFILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    grep -v '^vmxfs\.' "$FILE" >"$TEST_DIR/settings"
    holds "$TEST_DIR/settings" <<'END'
#!/usr/bin/vmware
.encoding = "UTF-8"
displayName = "nested-01"
memSize = "16384"
numvcpus = 4
# by hand
VHV.enable = "TRUE"
sched.mem.min  =  "16384"   # was so
firmware = "efi"
vvtd.enable = "TRUE"
vhv.allowPassthru = "TRUE"
pciPassthru.use64bitMMIO = "TRUE"
pciPassthru.64bitMMIOSizeGB = "32"
sched.mem.pin = "TRUE"
amd.iommu.supportsPcip = "TRUE"
END
    [ "$(cat "$VMX/vmxfs.profile")" = "nested-esxi mmio=32 cpu=amd" ]
    [ "$(cat "$VMX/VHV.enable")" = TRUE ]
}

@test "applying again rewrites nothing, keeps the parameters and mends what has drifted" {
    write_vmx
    mount_local cache_timeout=0
    echo "nested-esxi mmio=64" >"$PROFILE"
    cp "$FILE" "$TEST_DIR/applied"
    echo nested-esxi >"$PROFILE"
    echo "nested-esxi mmio=64" >"$PROFILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    sed -i /VHV.enable/d "$FILE" # as the host client does
    [ "$(cat "$PROFILE")" = "none [nested-esxi!] inner-guest" ]
    echo nested-esxi >"$PROFILE"
    [ "$(cat "$PROFILE")" = "none [nested-esxi] inner-guest" ]
    [ "$(cat "$VMX/vhv.enable")" = TRUE ]
    [ "$(cat "$VMX/pciPassthru.64bitMMIOSizeGB")" = 64 ]
    echo "nested-esxi mmio=" >"$PROFILE"
    [ "$(cat "$VMX/pciPassthru.64bitMMIOSizeGB")" = 16 ]
    [ "$(cat "$VMX/vmxfs.profile")" = nested-esxi ]
}

@test "writing the line that was read changes nothing, in any state" {
    write_vmx
    mount_local cache_timeout=0
    cat "$PROFILE" >"$TEST_DIR/line"
    cp "$TEST_DIR/line" "$PROFILE"
    cmp "$TEST_DIR/before" "$FILE"
    echo nested-esxi >"$PROFILE"
    cp "$FILE" "$TEST_DIR/applied"
    echo "$(cat "$PROFILE")" >"$PROFILE"
    cmp "$TEST_DIR/applied" "$FILE"
    sed -i /vvtd.enable/d "$FILE"
    cp "$FILE" "$TEST_DIR/drifted"
    [ "$(cat "$PROFILE")" = "none [nested-esxi!] inner-guest" ]
    echo "none [nested-esxi!] inner-guest" >"$PROFILE"
    cmp "$TEST_DIR/drifted" "$FILE"
}

@test "none restores the file byte for byte, also after a remount" {
    local name
    for name in lf crlf no-final-newline odd-spacing utf8 shift-jis bom duplicates; do
        cp "$data/$name.vmx" "$LAB/vm/$name.vmx"
        [ "$name" = duplicates ] || grep -qi '^ *memsize' "$LAB/vm/$name.vmx" || echo 'memSize = "4096"' >>"$LAB/vm/$name.vmx"
    done
    mkdir "$TEST_DIR/before"
    cp -p "$LAB/vm/"*.vmx "$TEST_DIR/before/"
    mount_local
    for name in "$LAB/vm/"*.vmx; do
        echo "nested-esxi mmio=32 cpu=amd $device" >"$MNT/vm/${name##*/}/passthrough-profile"
    done
    unmount_lab
    mount_local
    for name in "$LAB/vm/"*.vmx; do
        [ "$(cat "$MNT/vm/${name##*/}/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
        echo none >"$MNT/vm/${name##*/}/passthrough-profile"
        [ "${name##*/}" = duplicates.vmx ] || cmp "$TEST_DIR/before/${name##*/}" "$name"
    done
}

@test "B over A restores what A saved, and none goes back to the beginning" {
    write_vmx
    mount_local
    echo "nested-esxi cpu=amd" >"$PROFILE"
    echo "inner-guest mmio=64" >"$PROFILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 2 ]
    [ "$(cat "$VMX/VHV.enable")" = FALSE ]
    [ ! -e "$VMX/vvtd.enable" ]
    [ ! -e "$VMX/amd.iommu.supportsPcip" ]
    [ "$(cat "$VMX/sched.mem.min")" = 16384 ]
    echo none >"$PROFILE"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "what was edited by hand since is left alone by none, and reported" {
    write_vmx
    mount_local
    echo nested-esxi >"$PROFILE"
    echo 128 >"$VMX/pciPassthru.64bitMMIOSizeGB"
    echo nested-02 >"$VMX/displayName"
    echo none >"$PROFILE"
    [ "$(cat "$VMX/pciPassthru.64bitMMIOSizeGB")" = 128 ]
    [ "$(cat "$VMX/displayName")" = nested-02 ]
    [ ! -e "$VMX/vvtd.enable" ]
    ! grep -q '^vmxfs\.' "$FILE" || false
    grep -q 'vm/vm.vmx	passthrough-profile	.*pciPassthru.64bitMMIOSizeGB' "$MNT/.vmxfs/errors"
}

@test "none without saved values is refused and says why" {
    write_vmx
    mount_local
    echo nested-esxi >"$PROFILE"
    echo '-vmxfs.saved.vhv.enable
-vmxfs.saved.vvtd.enable
-vmxfs.saved.vhv.allowPassthru
-vmxfs.saved.pciPassthru.use64bitMMIO
-vmxfs.saved.pciPassthru.64bitMMIOSizeGB
-vmxfs.saved.sched.mem.min
-vmxfs.saved.sched.mem.pin' >"$VMX/.vmxfs/merge"
    run refused none
    [ "$status" -eq 0 ]
    [[ $output == *EINVAL*passthrough-profile*saved* ]]
}

@test "settings that depend on another follow it in the same rewrite" {
    write_vmx
    mount_local
    echo nested-esxi >"$PROFILE"
    echo 32768 >"$VMX/memSize"
    [ "$(renames_onto vm/vm.vmx)" -eq 2 ]
    [ "$(cat "$VMX/sched.mem.min")" = 32768 ]
    echo 'memSize = "8192"' >"$VMX/.vmxfs/merge"
    [ "$(cat "$VMX/sched.mem.min")" = 8192 ]
    [ "$(cat "$PROFILE")" = "none [nested-esxi] inner-guest" ]
    echo 16384 >"$VMX/memSize"
    echo none >"$PROFILE"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "a device is added as the next free block of settings, and goes again" {
    write_vmx
    printf 'pciPassthru0.present = "TRUE"\npciPassthru0.id = "00000:003:00.0"\n' >>"$FILE"
    cp "$FILE" "$TEST_DIR/before"
    mount_local
    echo "inner-guest $device" >"$PROFILE"
    [ "$(cat "$VMX/pciPassthru1.id")" = 00000:101:00.0 ]
    [ "$(cat "$VMX/pciPassthru1.deviceId")" = 0x1c82 ]
    [ "$(cat "$VMX/pciPassthru1.vendorId")" = 0x10de ]
    [ "$(cat "$VMX/pciPassthru1.systemId")" = 5aec7ae7-7d90-8511-435a-d094660b7768 ]
    [ "$(cat "$VMX/pciPassthru1.present")" = TRUE ]
    # What the host adds goes along.
    echo 'pciPassthru1.pciSlotNumber = "33"' >"$VMX/.vmxfs/merge"
    echo none >"$PROFILE"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "a device without a host needs to be described" {
    write_vmx
    mount_local
    run refused "nested-esxi device=0000:65:00.0"
    [ "$status" -eq 0 ]
    [[ $output == *vendor=*system=* ]]
    run refused "nested-esxi device=65"
    [ "$status" -eq 0 ]
    run refused "nested-esxi vendor=10de"
    [ "$status" -eq 0 ]
    [[ $output == *device=* ]]
}

@test "what makes no sense is refused with a reason" {
    write_vmx
    mount_local
    local line
    while IFS='|' read -r line reason; do
        run refused "$line"
        [ "$status" -eq 0 ]
        [[ $output == *EINVAL*vm/vm.vmx*passthrough-profile*$reason* ]]
    done <<'END'
nope|there is no profile "nope"
nested-esxi mmio=many|64bitMMIOSizeGB
nested-esxi mmio=0|64bitMMIOSizeGB
nested-esxi colour=red|no parameter "colour"
nested-esxi mmio|PARAM=VALUE
nested-esxi mmio=1 mmio=2|twice
nested-esxi cpu=arm|
none mmio=1|
nested-esxi inner-guest|
[inner-guest]|
|name of a profile
END
}

@test "a profile's requirements are checked" {
    write_vmx
    sed -i /memSize/d "$FILE"
    mount_local
    run refused nested-esxi
    [ "$status" -eq 0 ]
    [[ $output == *memSize* ]]
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest" ]
}

@test "a profile is not applied to a VM that is in use, nor taken back" {
    write_vmx
    mount_local cache_timeout=0
    : >"$FILE.lck"
    run bash -c 'echo nested-esxi >"$1"' - "$PROFILE"
    [[ $output == *"write error: Device or resource busy"* ]]
    cmp "$TEST_DIR/before" "$FILE"
    rm "$FILE.lck"
    echo nested-esxi >"$PROFILE"
    cp "$FILE" "$TEST_DIR/applied"
    : >"$FILE.lck"
    echo nested-esxi >"$PROFILE" # holds already: nothing is rewritten
    run bash -c 'echo none >"$1"' - "$PROFILE"
    [[ $output == *"write error: Device or resource busy"* ]]
    cmp "$TEST_DIR/applied" "$FILE"
    [[ $(tail -n 1 "$MNT/.vmxfs/errors") == *EBUSY*vm.vmx* ]]
}

@test "an encrypted VM takes no profile" {
    cp "$data/encrypted.vmx" "$FILE"
    cp "$FILE" "$TEST_DIR/before"
    # It lacks what the profile requires, and is in use, but its encryption is what is told.
    : >"$FILE.lck"
    mount_local
    run bash -c 'echo nested-esxi >"$1"' - "$PROFILE"
    [ "$status" -ne 0 ]
    [[ $output == *"Operation not permitted"* ]]
    [[ $(tail -n 1 "$MNT/.vmxfs/errors") == *EPERM*"the VM is encrypted"* ]]
    cmp "$TEST_DIR/before" "$FILE"
}

@test "editors and copies set the profile too" {
    write_vmx
    mount_local
    printf nested-esxi | cp /dev/stdin "$PROFILE"
    [ "$(cat "$PROFILE")" = "none [nested-esxi] inner-guest" ]
    echo none | tee "$PROFILE" >/dev/null
    cmp "$TEST_DIR/before" "$FILE"
    echo "  inner-guest   mmio=64  " >"$PROFILE"
    [ "$(cat "$VMX/vmxfs.profile")" = "inner-guest mmio=64" ]
}

@test "cp -r of a VM's directory takes the profile along" {
    write_vmx
    mount_local
    echo "nested-esxi mmio=64 $device" >"$PROFILE"
    cp -r "$VMX" "$MNT/vm/copy.vmx"
    eventually 60 diff -r "$VMX" "$MNT/vm/copy.vmx"
    [ "$(cat "$MNT/vm/copy.vmx/passthrough-profile")" = "none [nested-esxi] inner-guest" ]
}

@test "a plan is a diff that patch applies, and that gives what applying gives" {
    local name profile
    for name in lf crlf no-final-newline odd-spacing utf8 shift-jis; do
        cp "$data/$name.vmx" "$LAB/vm/$name.vmx"
        grep -qi '^ *memsize' "$LAB/vm/$name.vmx" || echo 'memSize = "4096"' >>"$LAB/vm/$name.vmx"
    done
    mount_local
    for name in lf crlf no-final-newline odd-spacing utf8 shift-jis; do
        for profile in nested-esxi inner-guest; do
            cp "$MNT/vm/$name.vmx/.vmxfs/raw" "$TEST_DIR/raw"
            cat "$MNT/vm/$name.vmx/.vmxfs/plan/$profile" >"$TEST_DIR/plan"
            patch --binary -s "$TEST_DIR/raw" "$TEST_DIR/plan"
            echo "$profile" >"$MNT/vm/$name.vmx/passthrough-profile"
            cmp "$TEST_DIR/raw" "$LAB/vm/$name.vmx"
            [ -z "$(cat "$MNT/vm/$name.vmx/.vmxfs/plan/$profile")" ]
            echo none >"$MNT/vm/$name.vmx/passthrough-profile"
        done
    done
}

@test "a plan that cannot be made says so" {
    printf 'a = "1"\n' >"$FILE"
    mount_local
    run cat "$VMX/.vmxfs/plan/nested-esxi"
    [[ $output == "# refused: "*memSize* ]]
    [ ! -e "$VMX/.vmxfs/plan/nope" ]
}

@test "profiles of the user's own are offered, and win over those that are installed" {
    write_vmx
    mkdir "$TEST_DIR/profiles"
    cat >"$TEST_DIR/profiles/small.profile" <<'END'
profile.summary = "little memory"
profile.param.mb = "512"
memSize = "${mb}"
[require]
numvcpus
END
    cat >"$TEST_DIR/profiles/inner-guest.profile" <<'END'
profile.summary = "another one"
sched.mem.pin = "TRUE"
END
    mount_local profile_dir="$TEST_DIR/profiles"
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest small" ]
    cmp "$TEST_DIR/profiles/small.profile" "$MNT/.vmxfs/profiles/small"
    cmp "$TEST_DIR/profiles/inner-guest.profile" "$MNT/.vmxfs/profiles/inner-guest"
    [ "$(ls "$MNT/.vmxfs/profiles")" = "inner-guest
nested-esxi
small" ]
    echo "small mb=256" >"$PROFILE"
    [ "$(cat "$VMX/memSize")" = 256 ]
    echo none >"$PROFILE"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "profiles in XDG_CONFIG_HOME and in ~/.config are found" {
    write_vmx
    mkdir -p "$TEST_DIR/xdg/vmxfs/profiles" "$TEST_DIR/home/.config/vmxfs/profiles"
    echo 'a = "1"' >"$TEST_DIR/xdg/vmxfs/profiles/xdg.profile"
    echo 'a = "1"' >"$TEST_DIR/home/.config/vmxfs/profiles/home.profile"
    XDG_CONFIG_HOME=$TEST_DIR/xdg mount_local
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest xdg" ]
    unmount_lab
    HOME=$TEST_DIR/home mount_local
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest home" ]
}

@test "a broken profile is reported by name, line and column, and not offered" {
    write_vmx
    mkdir "$TEST_DIR/profiles"
    printf 'profile.summary = "broken"\nmemSize = "4096\n' >"$TEST_DIR/profiles/broken.profile"
    printf 'a = "1"\n' >"$TEST_DIR/profiles/good.profile"
    mount_local profile_dir="$TEST_DIR/profiles"
    [ "$(cat "$PROFILE")" = "[none] nested-esxi inner-guest good" ]
    [ ! -e "$MNT/.vmxfs/profiles/broken" ]
    grep -q 'EINVAL.*broken.profile.*line 2, column ' "$MNT/.vmxfs/errors"
    unmount_lab
    # At mount, where there is somebody to see it.
    "$VMXFS" -f -o profile_dir="$TEST_DIR/profiles" "$LAB" "$MNT" 2>"$TEST_DIR/stderr" 3>&- &
    eventually 60 grep -q " $MNT " /proc/mounts
    unmount_lab
    wait "$!"
    grep -q 'broken.profile.*line 2, column ' "$TEST_DIR/stderr"
}

@test "a profile_dir that is not there is an error, not silence" {
    write_vmx
    run mount_local profile_dir="$TEST_DIR/nothing"
    [ "$status" -eq 1 ]
    [[ $output == "vmxfs: "*"$TEST_DIR/nothing"* ]]
    [ "${#lines[@]}" -eq 1 ]
}

# The plan of a line is what an echo of it does, from the file as it is now on.
plan_is_true() { # LINE NAME
    cp "$FILE" "$TEST_DIR/now"
    cat "$VMX/.vmxfs/plan/$2" >"$TEST_DIR/plan"
    cmp "$TEST_DIR/now" "$FILE"
    echo "$1" >"$PROFILE"
    diff -u --label vm/vm.vmx --label vm/vm.vmx "$TEST_DIR/now" "$FILE" | cmp - "$TEST_DIR/plan"
}

@test "plan/LINE is what the line would do" {
    write_vmx
    mount_local
    plan_is_true "nested-esxi mmio=32" "nested-esxi mmio=32"
    [ "$(cat "$VMX/pciPassthru.64bitMMIOSizeGB")" = 32 ]
    # What is omitted is the active profile's.
    plan_is_true nested-esxi nested-esxi
    [ ! -s "$TEST_DIR/plan" ]
    plan_is_true "nested-esxi $device" "nested-esxi $device"
    grep -q '^+pciPassthru0.id = "00000:101:00.0"' "$TEST_DIR/plan"
    ! grep -q '^[-+].*64bitMMIOSizeGB' "$TEST_DIR/plan" || false
    plan_is_true "nested-esxi cpu=amd mmio=" "nested-esxi  cpu=amd mmio= "
    grep -q '^+pciPassthru.64bitMMIOSizeGB = "16"' "$TEST_DIR/plan"
    plan_is_true "inner-guest mmio=64" "inner-guest mmio=64"
    [ "$(ls "$VMX/.vmxfs/plan" | paste -sd ' ')" = "inner-guest nested-esxi" ]
    [ "$(stat -c %s "$VMX/.vmxfs/plan/inner-guest mmio=8")" = 0 ]
}

@test "plan/LINE says why a line is refused, and is not there for what is no profile" {
    local name
    write_vmx
    mount_local
    plan_says() { # NAME TEXT
        [[ $(cat "$VMX/.vmxfs/plan/$1") == "# refused: "*"$2"* ]]
    }
    plan_says "nested-esxi mmio=lots" "64bitMMIOSizeGB wants"
    plan_says "nested-esxi vram=8" "give device= too"
    plan_says "nested-esxi a%2Fb" '"a/b": expected PARAM=VALUE'
    plan_says "nested-esxi a%2fb=%25" '"a/b"'
    plan_says "nested-esxi %252F" '"%2F": expected PARAM=VALUE'
    plan_says $'nested-esxi\nmmio=1' "expected one line"
    plan_says $'nested-esxi \e[2J' '"?[2J"'
    plan_says "nested-esxiX" nested-esxiX
    for name in "unknown mmio=32" "mmio=32 nested-esxi" nested none; do
        run cat "$VMX/.vmxfs/plan/$name"
        [[ $output == *"No such file"* ]]
    done
    cmp "$TEST_DIR/before" "$FILE"
    [ ! -s "$MNT/.vmxfs/errors" ]
}

@test "what vmxfs 0.1 has applied is shown and taken back, byte for byte" {
    cat >"$FILE" <<'END'
.encoding = "UTF-8"
displayName = "vm"
memSize = "8192"
vhv.enable = TRUE
firmware = "efi"
vvtd.enable = "TRUE"
vhv.allowPassthru = "TRUE"
pciPassthru.use64bitMMIO = "TRUE"
pciPassthru.64bitMMIOSizeGB = "32"
sched.mem.min = "8192"
sched.mem.pin = "TRUE"
vmxfs.profile = "nested-esxi mmio=32"
vmxfs.saved.vvtd.enable = "- TRUE"
vmxfs.saved.vhv.enable = "~TRUE TRUE"
vmxfs.saved.vhv.allowPassthru = "- TRUE"
vmxfs.saved.pciPassthru.use64bitMMIO = "- TRUE"
vmxfs.saved.pciPassthru.64bitMMIOSizeGB = "- 32"
vmxfs.saved.sched.mem.min = "- 8192"
vmxfs.saved.sched.mem.pin = "- TRUE"
END
    head -n 5 "$FILE" >"$TEST_DIR/before"
    mount_local
    [ "$(cat "$PROFILE")" = "none [nested-esxi] inner-guest" ]
    echo none >"$PROFILE"
    cmp "$FILE" "$TEST_DIR/before"
}
