#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who sees a disk may copy it next: its connections are made then, where the line is worth it.

bats_require_minimum_version 1.5.0

load ../fault/helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    local i
    for ((i = 0; i < 200; i++)); do
        write_vmx "$LAB/a-virtual-machine-$i/vm.vmx" "vm $i"
    done
    truncate -s 16G "$LAB/a-virtual-machine-7/vm-flat.vmdk"
}

teardown() {
    lab_end
    proxy_stop
}

# Of the disk nothing is read. With compression=no no line is taken for thin, however busy the machine.
looks() {
    [ "$(cat "$MNT"/*/vm.vmx/displayName | wc -l)" -eq 200 ]
    [ "$(stat -c %s "$MNT/a-virtual-machine-7/vm-flat.vmdk")" -eq $((16 << 30)) ]
}

has_ready() { # NUMBER
    [ "$(counter bulk-connections)" -eq "$1" ]
}

@test "the connections are there once a disk was seen, as many as the distance is worth" {
    proxy_start 20
    TRANSPORT=auto mount_proxied compression=no
    looks
    eventually 60 has_ready 4
    [ "$(counter bulk-connections-made)" -eq 4 ]
}

@test "over a thin line none are made ahead" {
    RATE_MBIT=4 proxy_start 20
    TRANSPORT=auto mount_proxied
    [ "$(counter compression)" = zlib@openssh.com ]
    looks
    ls -l "$MNT/a-virtual-machine-7"
    sleep 2 # more than a login takes
    [ "$(counter bulk-connections-made)" -eq 0 ]
}

@test "a host without a disk that is seen gets no further login" {
    local logins
    rm "$LAB/a-virtual-machine-7/vm-flat.vmdk"
    TRANSPORT=auto mount_lab
    logins=$(grep -c "Connection from" "$SERVER/log")
    [ "$(cat "$MNT"/*/vm.vmx/displayName | wc -l)" -eq 200 ]
    sleep 1
    [ "$(counter bulk-connections-made)" -eq 0 ]
    [ "$(grep -c "Connection from" "$SERVER/log")" -eq "$logins" ]
}

@test "max_conns= is the most connections for files" {
    proxy_start 20
    TRANSPORT=auto mount_proxied compression=no max_conns=3
    looks
    eventually 60 has_ready 2
    sleep 2
    [ "$(counter bulk-connections-made)" -eq 2 ]
    unmount_lab
    TRANSPORT=auto mount_proxied compression=no max_conns=1
    looks
    head -c 20M "$MNT/a-virtual-machine-7/vm-flat.vmdk" >/dev/null
    [ -z "$(counter bulk-connections)" ]
    unmount_lab
}
