#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vmxfs map: the lab as a graph, from three pretended hosts: an Intel one, the one that runs in a VM
# of it, and an AMD one.

load host

BIOS='56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e 01'
SWAPPED='0a 1f 4d 56 22 7c 5e 90-b1 83 6a d4 00 c1 9e 01'

setup() {
    lab_new
    MNTS=$TEST_DIR/lab
}

teardown() {
    local name
    for name in esxi-01 esxi-02 esxi-03; do
        ! mountpoint -q "$MNTS/$name" || fusermount3 -u "$MNTS/$name"
        [ ! -d "$TEST_DIR/hosts/$name" ] || sh "$support/esxi.sh" stop "$TEST_DIR/hosts/$name"
    done
}

# Starts a pretended host, and mounts it by its name.
host_up() { # NAME [OPTION...]
    local name=$1 files=$TEST_DIR/hosts/$1
    shift
    mkdir -p "$files" "$MNTS/$name"
    sh "$support/esxi.sh" start "$files" "$@" 3>&-
    printf 'Host %s\n HostName 127.0.0.1\n Port %s\n IdentityFile %s\n UserKnownHostsFile %s\n' \
        "$name" "$(cat "$files/sshd/port")" "$files/sshd/id" "$files/sshd/known_hosts" >>"$TEST_DIR/config"
    sed -i "s/^\[127.0.0.1\]:[0-9]*/&,[$name]:$(cat "$files/sshd/port")/" "$files/sshd/known_hosts"
    "$VMXFS" -F "$TEST_DIR/config" -o cache_timeout=1 "$name:$files/vmfs/volumes" "$MNTS/$name" 3>&-
}

# The lab of docs/fleet.md: on each host a VM has a card, and esxi-02 runs in a VM of esxi-01.
lab_up() {
    host_up esxi-01
    host_up esxi-02 --nested
    host_up esxi-03 --kind amd
    give esxi-01 nested-esxi nested-esxi 0000:86:00.0
    give esxi-02 gpu-guest inner-guest
    give esxi-03 gpu-guest inner-guest
    LAB_MAP=$TEST_DIR/map.dot
    map
}

map() {
    "$VMXFS" map "$MNTS/esxi-01" "$MNTS/esxi-02" "$MNTS/esxi-03" | sed "s|$MNTS|/home/ann/lab|" >"$LAB_MAP"
}

# Gives a VM a card (default: the first that a VM can have), and starts it.
give() { # HOST VM PROFILE [CARD]
    local at=$MNTS/$1 card=${4:-}
    [ -n "$card" ] || card=$(awk -F '\t' '!/^#/ && $7 != "-" { print $1; exit }' "$at/.vmxfs/gpus")
    [ "$(cat "$at/.vmxfs/host/pci/$card/passthrough")" = 1 ] ||
        echo 1 >"$at/.vmxfs/host/pci/$card/passthrough"
    echo "$3 device=$card mmio=64" >"$at/datastore1/$2/$2.vmx/passthrough-profile"
    echo on >"$at/datastore1/$2/$2.vmx/.vmxfs/power"
}

# The lines of the drawing: "CARD -> VM", "VM -> HOST", by their labels.
arrows() {
    python3 - "$LAB_MAP" <<'END'
import re, sys

text = open(sys.argv[1], encoding="utf-8").read()
labels = dict(re.findall(r'^    (\w+) \[.*label="([^"\\]*)', text, re.M))
for number, label in re.findall(r'subgraph cluster(\d+) \{\n    label="([^"\\]*)', text):
    labels["host" + number] = label
for start, end in re.findall(r"(\w+) -> (\w+)", text):
    print(labels[start], "->", labels[end])
END
}

@test "each card leads to the VM that has it, and a VM to the host that runs in it" {
    lab_up
    arrows >"$TEST_DIR/arrows"
    cat "$LAB_MAP" "$TEST_DIR/arrows"
    holds "$TEST_DIR/arrows" <<'END'
DG2 [Arc A770M] -> nested-esxi
DG2 [Arc A770M] -> gpu-guest
GP107GL [Quadro P600] -> gpu-guest
nested-esxi -> esxi-02
END
}

@test "the page's picture is what vmxfs map prints for this lab, and dot draws it" {
    lab_up
    diff "$BATS_TEST_DIRNAME/../../docs/examples/lab.dot" "$LAB_MAP"
    dot -Tsvg "$LAB_MAP" >"$TEST_DIR/map.svg"
    grep -q 'DG2 \[Arc A770M\]' "$TEST_DIR/map.svg"
}

@test "a host is found by the other order of the bytes, too; by no other UUID, and not in a VM that is off" {
    lab_up
    local vmx=$TEST_DIR/hosts/esxi-01/vmfs/volumes/datastore1/nested-esxi/nested-esxi.vmx
    sed -i "s/^uuid.bios = .*/uuid.bios = \"$SWAPPED\"/" "$vmx"
    sleep 1.1 # cache_timeout
    map
    [[ $(arrows) == *"nested-esxi -> esxi-02"* ]]
    sed -i "s/^uuid.bios = .*/uuid.bios = \"${BIOS%01}02\"/" "$vmx"
    sleep 1.1
    map
    [[ $(arrows) != *"-> esxi-02"* ]]
    sed -i "s/^uuid.bios = .*/uuid.bios = \"$BIOS\"/" "$vmx"
    echo off >"$MNTS/esxi-01/datastore1/nested-esxi/nested-esxi.vmx/.vmxfs/power"
    sleep 1.1
    map
    [[ $(arrows) != *"-> esxi-02"* ]]
}

@test "names with quotes, backslashes and newlines are labels, and nothing else" {
    lab_new
    local odd='a"]; evil -> x; \' other=$'b\n}\nd'
    write_vmx "$LAB/$odd/$odd.vmx" odd
    write_vmx "$LAB/$other/$other.vmx" other
    mount_local
    LAB_MAP=$TEST_DIR/map.dot
    "$VMXFS" map "$MNT" >"$LAB_MAP"
    dot -Tplain "$LAB_MAP" >"$TEST_DIR/plain"
    fusermount3 -u "$MNT"
    [ "$(grep -c '^edge' "$TEST_DIR/plain") $(grep -c '^node' "$TEST_DIR/plain")" = "0 2" ]
    dot -Tsvg "$LAB_MAP" >"$TEST_DIR/svg"
    cat "$LAB_MAP"
    grep evil "$TEST_DIR/svg"
    grep -qF 'a&quot;]; evil &#45;&gt; x; \' "$TEST_DIR/svg"
}

# An SVG with bytes of no character is shown by no browser.
@test "an entity in a name is what it is, and a byte of no character is none in the picture" {
    lab_new
    local odd=$'caf\xe9' other='a&lt;b & c'
    write_vmx "$LAB/$odd/$odd.vmx" odd
    write_vmx "$LAB/$other/$other.vmx" other
    mount_local
    "$VMXFS" map "$MNT" >"$TEST_DIR/map.dot"
    fusermount3 -u "$MNT"
    dot -Tsvg "$TEST_DIR/map.dot" >"$TEST_DIR/svg" 2>"$TEST_DIR/warnings"
    cat "$TEST_DIR/map.dot" "$TEST_DIR/warnings"
    [ ! -s "$TEST_DIR/warnings" ]
    python3 - "$TEST_DIR/svg" <<'END'
import sys
import xml.etree.ElementTree as tree
texts = [e.text for e in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text")]
assert "a&lt;b & c" in texts and "caf?" in texts, texts
END
}

@test "VMs without a part in it are one box, with the names of a dozen" {
    local i
    lab_new
    for i in {10..29}; do
        write_vmx "$LAB/vm$i/vm$i.vmx" "$i"
    done
    mount_local
    "$VMXFS" map "$MNT" >"$TEST_DIR/map.dot"
    fusermount3 -u "$MNT"
    grep -qF 'label="vm10\nvm11\nvm12\nvm13\nvm14\nvm15\nvm16\nvm17\nvm18\nvm19\nvm20\nvm21\nand 8 more"]' "$TEST_DIR/map.dot"
}

@test "a mount that hangs is not taken for one whose vmxfs has died" {
    lab_new
    mount_local
    local pid
    pid=$(pgrep -f -x -- "$VMXFS .*$MNT")
    kill -STOP "$pid"
    "$VMXFS" map "$MNT" >"$TEST_DIR/hangs"
    kill -KILL "$pid"
    "$VMXFS" map "$MNT" >"$TEST_DIR/died"
    fusermount3 -u "$MNT"
    grep -F "label=\"localhost\\n$MNT\\nhangs\"" "$TEST_DIR/hangs"
    grep -F "label=\"localhost\\n$MNT\\nerror\"" "$TEST_DIR/died"
}

@test "a host that does not answer is not drawn as one without cards and VMs" {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" vm
    mount_local prefetch=off
    local server
    server=$(pgrep -P "$(pgrep -f -x -- "$VMXFS .*$MNT")")
    kill -STOP "$server"
    "$VMXFS" map "$MNT" >"$TEST_DIR/hangs"
    kill -CONT "$server"
    fusermount3 -u "$MNT"
    cat "$TEST_DIR/hangs"
    grep -F "label=\"localhost\\n$MNT\\nhangs\"" "$TEST_DIR/hangs"
}
