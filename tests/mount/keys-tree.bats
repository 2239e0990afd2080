#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A .vmx as a whole, by ways that know nothing of it: mkdir, cp -r, rm -r, mv.

load keys

# The settings of two VMs are the same.
same_settings() { # VM VM
    diff -r "$1" "$2"
    [ "$(ls -A "$1" | sort)" = "$(ls -A "$2" | sort)" ]
}

@test "mkdir makes an empty .vmx; its passthrough-profile appears after a while" {
    start
    mkdir "$MNT/vm/new.vmx"
    [ -f "$LAB/vm/new.vmx" ]
    [ ! -s "$LAB/vm/new.vmx" ]
    [ -z "$(ls -A "$MNT/vm/new.vmx")" ]
    echo x >"$MNT/vm/new.vmx/guestinfo.a"
    printf 'guestinfo.a = "x"\n' | cmp - "$LAB/vm/new.vmx"
    eventually 60 test -f "$MNT/vm/new.vmx/passthrough-profile"
    run mkdir "$MNT/vm/new.vmx"
    [ "$status" -eq 1 ]
    [[ "$output" == *"File exists"* ]]
}

@test "cp -r of a VM ends with status 0 and an equal VM" {
    start
    cp -r "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
    becomes "$(counter commits)" || cmp "$VM" "$TEST_DIR/before"
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "cp -a of a VM ends with status 0 and an equal VM" {
    start
    cp -a "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
}

@test "cp -r onto a VM that is there" {
    printf 'memSize = "1024"\nother = "x"\n' >"$LAB/vm/b.vmx"
    start
    cp -rT "$K" "$MNT/vm/b.vmx"
    [ "$(cat "$MNT/vm/b.vmx/other")" = x ]
    rm "$MNT/vm/b.vmx/other"
    same_settings "$K" "$MNT/vm/b.vmx"
    grep -qx 'memSize = "4096"' "$LAB/vm/b.vmx"
}

@test "cp -r of a VM with .encoding on line 6 and values that need it" {
    {
        printf '#!/usr/bin/vmware\n# 1\n# 2\n# 3\n# 4\n.encoding = "windows-1252"\n'
        printf 'displayName = "caf\351"\nguestinfo.\351 = "\200"\nannotation = "a|0Ab"\n'
    } >"$VM"
    start
    cp -r "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
    [ "$(cat "$MNT/vm/b.vmx/displayName")" = café ]
    [ "$(cat "$MNT/vm/b.vmx/guestinfo.é")" = € ]
    grep -qa $'caf\351' "$LAB/vm/b.vmx"
}

@test "cp -r of a VM with .encoding on line 6 in CJK" {
    printf '#!/usr/bin/vmware\n# 1\n# 2\n# 3\n# 4\n.encoding = "GBK"\ndisplayName = "仮想"\nz.表 = "ポ"\n' |
        iconv -f UTF-8 -t GBK >"$VM"
    start
    cp -r "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
}

@test "cp -r of a VM with an active profile" {
    printf 'firmware = "efi"\nvirtualHW.version = "20"\n' >>"$VM"
    start
    echo nested-esxi mmio=32 cpu=intel >"$K/passthrough-profile"
    grep -q '\[nested-esxi\]' "$K/passthrough-profile"
    sleep 1.2
    cp -r "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
    echo none >"$MNT/vm/b.vmx/passthrough-profile"
    echo none >"$K/passthrough-profile"
    cmp "$VM" "$TEST_DIR/before"
    same_settings "$K" "$MNT/vm/b.vmx"
}

@test "cp -r of a VM whose profile has drifted" {
    start
    echo nested-esxi cpu=intel >"$K/passthrough-profile"
    echo 1000 >"$K/sched.mem.min"
    rm "$K/vhv.enable"
    grep -q 'nested-esxi!' "$K/passthrough-profile"
    cp -r "$K" "$MNT/vm/b.vmx"
    same_settings "$K" "$MNT/vm/b.vmx"
}

@test "rm -r removes a VM" {
    start
    rm -r "$K"
    [ ! -e "$VM" ]
    [ ! -e "$K" ]
    [ -z "$(ls -A "$LAB/vm")" ]
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "rm -r of a VM that is in use is refused and leaves it" {
    : >"$VM.lck"
    start
    run rm -r "$K"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Device or resource busy"* ]]
    becomes 0
    [ "$(cat "$K/memSize")" = 4096 ]
}

@test "rmdir wants an empty VM" {
    start
    run rmdir "$K"
    [ "$status" -eq 1 ]
    [[ "$output" == *"not empty"* ]]
    becomes 0
    mkdir "$MNT/vm/new.vmx"
    rmdir "$MNT/vm/new.vmx"
    [ ! -e "$LAB/vm/new.vmx" ]
}

@test "passthrough-profile can be unlinked, made anew, and is there again by itself" {
    start
    cp "$K/passthrough-profile" "$TEST_DIR/was"
    missing() { rm -f "$K/passthrough-profile" && [ ! -e "$K/passthrough-profile" ]; }
    eventually 60 missing # it comes back two seconds later, when a busy machine may look first
    cp "$TEST_DIR/was" "$K/passthrough-profile"
    [ -f "$K/passthrough-profile" ]
    rm "$K/passthrough-profile"
    eventually 60 test -f "$K/passthrough-profile"
    becomes 0
}

@test "mv renames a VM" {
    start
    cat "$K/memSize"
    mv "$K" "$MNT/vm/b.vmx"
    cmp "$TEST_DIR/before" "$LAB/vm/b.vmx"
    [ ! -e "$VM" ]
    [ ! -e "$K" ]
    [ "$(cat "$MNT/vm/b.vmx/memSize")" = 4096 ]
    echo 8192 >"$MNT/vm/b.vmx/memSize"
    sed 's/"4096"/"8192"/' "$TEST_DIR/before" | cmp - "$LAB/vm/b.vmx"
}

@test "mv of the folder while a key is open for writing" {
    start
    exec 5>"$K/memSize"
    mv "$MNT/vm" "$MNT/other"
    echo 8192 >&5
    exec 5>&-
    sed 's/"4096"/"8192"/' "$TEST_DIR/before" | cmp - "$LAB/other/vm.vmx"
    [ "$(cat "$MNT/other/vm.vmx/memSize")" = 8192 ]
}

@test "scratch files go with rm -r" {
    start
    echo x >"$K/memSize~"
    mktemp "$K/tmp.XXXXXX"
    rm -r "$K"
    [ ! -e "$VM" ]
}

@test "grep -r and find see keys only" {
    start
    [ "$(cd "$MNT" && grep -rl 4096 .)" = ./vm/vm.vmx/memSize ]
    [ "$(find "$K" -mindepth 1 | wc -l)" = 8 ]
    [ "$(find "$MNT" -name memSize -size 1)" = "$K/memSize" ]
}

@test "rsync copies a VM, then changes only what differs" {
    start
    mkdir "$MNT/vm/b.vmx"
    eventually 60 test -f "$MNT/vm/b.vmx/passthrough-profile"
    rsync -a "$K/" "$MNT/vm/b.vmx/"
    same_settings "$K" "$MNT/vm/b.vmx"
    echo 8192 >"$K/memSize"
    rm "$K/guestinfo.a"
    rsync -rc --delete "$K/" "$MNT/vm/b.vmx/"
    same_settings "$K" "$MNT/vm/b.vmx"
    [ "$(cat "$MNT/vm/b.vmx/memSize")" = 8192 ]
}

@test "tar archives a VM's settings and brings them back" {
    start
    tar -C "$K" -cf "$TEST_DIR/settings.tar" .
    echo 8192 >"$K/memSize"
    rm "$K/guestinfo.a"
    tar -C "$K" -xf "$TEST_DIR/settings.tar"
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(cat "$K/guestinfo.a")" = alpha ]
    # The lines that were there keep place and comment, and so does one just removed.
    cmp "$VM" "$TEST_DIR/before"
}
