# SPDX-License-Identifier: MIT
# Passthrough of the host's devices: what goes along with one, what is refused, what is told of it,
# and which VMs name which device.

load host

setup() {
    lab_new
}

teardown() {
    host_end
}

start() { # [HOST-OPTION...]
    host_start "$@"
    mount_host
    pci=$MNT/.vmxfs/host/pci
}

# The last line of errors, from its second column on.
told() {
    tail -n 1 "$MNT/.vmxfs/errors" | cut -f 2-
}

# Which of the devices are passed to VMs, as the host says it.
passed() {
    on_host "esxcli hardware pci pcipassthru list" | awk '$2 == "true" { printf "%s ", $1 }'
}

enabled() { # ADDRESS...
    local address
    for address; do
        on_host "esxcli hardware pci pcipassthru set -d $address -e true -a"
    done
}

# A command of the host's is replaced by a script, which calls the one before as $REAL.
replace_esxcli() { # SCRIPT
    mkdir -p "$HOST/real"
    [ -e "$HOST/real/esxcli" ] || mv "$HOST/bin/esxcli" "$HOST/real/"
    printf '#!/bin/sh\nREAL=%s\n%s\n' "$HOST/real/esxcli" "$1" >"$HOST/bin/esxcli"
    chmod 755 "$HOST/bin/esxcli"
}

give() { # VM ADDRESS-IN-DECIMAL...
    local file=$1 n=0 id
    shift
    for id; do
        printf 'pciPassthru%s.%s = "%s"\n' $n id "$id" $n present TRUE $n systemId \
            5aec7ae7-7d90-8511-435a-d094660b7768 >>"$file"
        n=$((n + 1))
    done
}

card="0000:65:00.0, 0000:65:00.1, 0000:65:00.2, 0000:65:00.3"

@test "a display card's functions go along, and come back with it" {
    start --kind amd
    echo 1 >"$pci/0000:65:00.0/passthrough"
    [ "$(passed)" = "0000:65:00.0 0000:65:00.1 0000:65:00.2 0000:65:00.3 " ]
    [ "$(told)" = "NOTE	.vmxfs/host/pci/0000:65:00.0	passthrough	passed to VMs now: $card; no reboot is due" ]
    for function in 0 1 2 3; do
        [ "$(cat "$pci/0000:65:00.$function/passthrough")" = 1 ]
    done
    # There is nothing left to do, and nothing to tell.
    echo 1 >"$pci/0000:65:00.2/passthrough"
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -eq 1 ]
    echo 0 >"$pci/0000:65:00.0/passthrough"
    [ -z "$(passed)" ]
    [ "$(told)" = "NOTE	.vmxfs/host/pci/0000:65:00.0	passthrough	given back to the host: $card; no reboot is due" ]
    echo "1 alone" >"$pci/0000:65:00.2/passthrough"
    [ "$(passed)" = "0000:65:00.2 " ]
    echo "0 alone" >"$pci/0000:65:00.2/passthrough"
    [ -z "$(passed)" ]
}

@test "an Arc's audio device goes along from its own bus, and so does all behind an old bridge" {
    start --kind amd
    echo 1 >"$pci/0000:86:00.0/passthrough"
    echo 1 >"$pci/0000:71:01.0/passthrough"
    [ "$(passed)" = "0000:71:00.0 0000:71:01.0 0000:86:00.0 0000:87:00.0 " ]
    echo 0 >"$pci/0000:86:00.0/passthrough"
    [ "$(passed)" = "0000:71:00.0 0000:71:01.0 " ]
}

@test "what the host boots from does not go along: all is refused, or by force taken" {
    start --kind amd
    refused "Device or resource busy" 1 "$pci/0000:66:00.0/passthrough"
    [ "$(told)" = 'EBUSY	.vmxfs/host/pci/0000:66:00.0	passthrough	the host needs 0000:66:00.2 (vmhba32); write "1 alone" to take just this one, or "1 force" to take them all nevertheless' ]
    ! grep "pcipassthru set" "$HOST/commands" || false
    echo "1 alone" >"$pci/0000:66:00.0/passthrough"
    [ "$(passed)" = "0000:66:00.0 " ]
    refused "Device or resource busy" "1 alone" "$pci/0000:66:00.2/passthrough"
    echo "1 force" >"$pci/0000:66:00.0/passthrough"
    [ "$(passed)" = "0000:66:00.0 0000:66:00.1 0000:66:00.2 0000:66:00.3 " ]
    for line in "1 alone alone" "1 forced" "2 force" "force" "1force"; do
        refused "Invalid argument" "$line" "$pci/0000:66:00.0/passthrough"
    done
}

# nested-esxi runs with the card, and without its audio device.
runs_with_a_card() {
    start
    local vmx=$DS1/nested-esxi/nested-esxi.vmx
    enabled 0000:42:00.0
    give "$vmx" 00000:066:00.0
    printf '%s = "%s"\n' pciPassthru0.deviceId 0x1cb2 pciPassthru0.vendorId 0x10de >>"$vmx"
    sed -i 's/^sched.mem.min = .*/sched.mem.min = "16384"/' "$vmx"
    on_host "vim-cmd vmsvc/reload 1 && vim-cmd vmsvc/power.on 1"
    eventually 30 grep -q "^on.*nested-esxi.vmx" "$MNT/.vmxfs/vms"
}

@test "what a running VM has is not touched, nor what goes along with it" {
    local vm=datastore1/nested-esxi/nested-esxi.vmx
    runs_with_a_card
    refused "Device or resource busy" 1 "$pci/0000:42:00.1/passthrough"
    [ "$(told | cut -f 4)" = "$vm has 0000:42:00.0 and is powered on; write \"1 alone\" to take just this one, or \"1 force\" to take them all nevertheless" ]
    refused "Device or resource busy" 0 "$pci/0000:42:00.0/passthrough"
    [ "$(told | cut -f 4)" = "$vm has it and is powered on; write \"0 force\" to take it away nevertheless" ]
    [ "$(passed)" = "0000:42:00.0 " ]
    refused "Device or resource busy" 1 "$pci/0000:42:00.0/passthrough"
    [ "$(passed)" = "0000:42:00.0 " ]
    echo "1 force" >"$pci/0000:42:00.1/passthrough"
    [ "$(passed)" = "0000:42:00.0 0000:42:00.1 " ]
    # What only goes along stays with a VM that names it.
    echo 0 >"$pci/0000:42:00.1/passthrough"
    [ "$(passed)" = "0000:42:00.0 " ]
    [ "$(told | cut -f 4)" = "given back to the host: 0000:42:00.1; no reboot is due; a VM names and keeps 0000:42:00.0" ]
}

@test "a VM that is off, or not registered, keeps what it names, too" {
    start --kind amd
    give "$DS1/orphan/orphan.vmx" 00000:101:00.1
    echo 1 >"$pci/0000:65:00.0/passthrough"
    echo 0 >"$pci/0000:65:00.0/passthrough"
    [ "$(passed)" = "0000:65:00.1 " ]
    [[ $(told) == *"given back to the host: 0000:65:00.0, 0000:65:00.2, 0000:65:00.3; no reboot is due; a VM names and keeps 0000:65:00.1" ]]
    echo 0 >"$pci/0000:65:00.0/passthrough"
    [[ $(told) == *"	a VM names and keeps 0000:65:00.1" ]]
    echo 0 >"$pci/0000:65:00.1/passthrough"
    [ -z "$(passed)" ]
}

@test "user has the VMs that name a device, the one that runs first" {
    runs_with_a_card
    give "$DS1/gpu-guest/gpu-guest.vmx" 00000:066:00.0 0:66:0.0 00000:066:00.1
    give "$VOLUMES/data [2]/build [gpu] box/build [gpu] box.vmx" 00000:066:00.0
    give "$DS1/orphan/orphan.vmx" 00000:134:00.0
    printf 'pciPassthru0.id = "00000:135:00.0"\npciPassthru0.present = "FALSE"\n' >>"$DS1/db-01/db-01.vmx"
    names_all() { [ "$(wc -l <"$pci/0000:42:00.0/user")" -eq 3 ]; }
    eventually 30 names_all
    holds "$pci/0000:42:00.0/user" <<END
datastore1/nested-esxi/nested-esxi.vmx
data [2]/build [gpu] box/build [gpu] box.vmx
datastore1/gpu-guest/gpu-guest.vmx
END
    [ "$(cat "$pci/0000:42:00.1/user")" = datastore1/gpu-guest/gpu-guest.vmx ]
    [ "$(cat "$pci/0000:86:00.0/user")" = datastore1/orphan/orphan.vmx ]
    [ -z "$(cat "$pci/0000:87:00.0/user")" ]
    echo "1 alone" >"$pci/0000:87:00.0/passthrough" # db-01 runs, and does not have it
    on_host "vim-cmd vmsvc/power.off 1"
    is_last() { [ "$(tail -n 1 "$pci/0000:42:00.0/user")" = datastore1/nested-esxi/nested-esxi.vmx ]; }
    eventually 30 is_last
}

@test "where a function is refused, those before it are switched back" {
    start --kind amd
    replace_esxcli 'case "$*" in *"-d 0000:65:00.2 -e true"*) echo "Device is busy." >&2; exit 1 ;; esac
exec "$REAL" "$@"'
    refused "Input/output error" 1 "$pci/0000:65:00.0/passthrough"
    [ "$(told | cut -f 1,4)" = "EIO	0000:65:00.2: esxcli hardware: Device is busy.; nothing is changed" ]
    [ -z "$(passed)" ]
    grep -q "pcipassthru set -d 0000:65:00.1 -e false" "$HOST/commands"
    ! grep -q "pcipassthru set -d 0000:65:00.3" "$HOST/commands" || false
}

@test "what could not be switched back is told" {
    start --kind amd
    replace_esxcli 'case "$*" in *"-d 0000:65:00.2 -e true"* | *"-d 0000:65:00.1 -e false"*) echo "Device is busy." >&2; exit 1 ;; esac
exec "$REAL" "$@"'
    refused "Input/output error" 1 "$pci/0000:65:00.0/passthrough"
    [ "$(told | cut -f 4)" = "0000:65:00.2: esxcli hardware: Device is busy.; still passed to VMs: 0000:65:00.1" ]
    [ "$(passed)" = "0000:65:00.1 " ]
    [ "$(cat "$pci/0000:65:00.1/passthrough")" = 1 ]
    [ "$(cat "$pci/0000:65:00.0/passthrough")" = 0 ]
}

# The first command that switches a function runs BEFORE, loses its session, and runs BEHIND.
loses_session() { # FUNCTION BEFORE BEHIND
    replace_esxcli 'case "$*" in *"-d '"$1"' -e "*) [ -e "$REAL.lost" ] || lost=yes ;; esac
[ -n "$lost" ] || exec "$REAL" "$@"
: >"$REAL.lost"
'"$2"'
session=$PPID
until grep -q "^sshd" "/proc/$session/comm"; do
    session=$(sed "s/.*) . \\([0-9]*\\).*/\\1/" "/proc/$session/stat")
done
kill -KILL "$session"
'"$3"
}

lost="the connection for a command on the server was lost; what it did is not known"

@test "a link that is lost in the middle: what was done is taken back, and what may still come is told" {
    local before
    for before in : '"$REAL" "$@"'; do
        start --kind amd
        loses_session 0000:65:00.2 "$before" :
        refused "Input/output error" 1 "$pci/0000:65:00.0/passthrough"
        [ "$(told)" = "EIO	.vmxfs/host/pci/0000:65:00.0	passthrough	0000:65:00.2: $lost; nothing is changed now, but what was not answered may still be carried out: 0000:65:00.2" ]
        [ -z "$(passed)" ]
        [ "$(cat "$pci"/0000:65:00.[0-3]/passthrough | sort -u)" = 0 ]
        unmount_lab
        esxi stop
        rm -r "$HOST"
    done
    host_start --empty
}

@test "a command that is carried out after its session was lost is seen" {
    start --kind amd
    loses_session 0000:65:00.2 : 'while [ ! -e "$REAL.go" ]; do sleep 0.1; done; exec setsid "$REAL" "$@"'
    refused "Input/output error" 1 "$pci/0000:65:00.0/passthrough"
    [[ $(told) == *"; nothing is changed now, but what was not answered may still be carried out: 0000:65:00.2" ]]
    [ -z "$(passed)" ]
    : >"$HOST/real/esxcli.go"
    comes() { [ "$(passed)" = "0000:65:00.2 " ]; }
    eventually 60 comes
    seen() { [ "$(cat "$pci/0000:65:00.2/passthrough")" = 1 ]; }
    eventually 150 seen
    echo "0 alone" >"$pci/0000:65:00.2/passthrough"
    [ -z "$(passed)" ]
}

@test "a link that is lost and does not come back: what is known and what is not is told" {
    start --kind amd
    echo 1 >"$pci/0000:86:00.0/passthrough"
    loses_session 0000:65:00.2 "sh '$support/esxi.sh' ssh '$HOST' stop" :
    refused "Input/output error" 1 "$pci/0000:65:00.0/passthrough"
    [ "$(told)" = "EIO	.vmxfs/host/pci/0000:65:00.0	passthrough	0000:65:00.2: $lost; passed to VMs, and not known whether given back since: 0000:65:00.0, 0000:65:00.1; not known whether this was done: 0000:65:00.2" ]
    esxi ssh start
    [ "$(passed)" = "0000:65:00.0 0000:65:00.1 0000:86:00.0 0000:87:00.0 " ]
    # The other way round, after which no login is accepted; the mount shows what is so.
    eventually 60 grep -qx 1 "$pci/0000:65:00.1/passthrough"
    rm "$HOST/real/esxcli.lost"
    loses_session 0000:87:00.0 "sh '$support/esxi.sh' lockdown '$HOST' on" :
    refused "Input/output error" 0 "$pci/0000:86:00.0/passthrough"
    [[ $(told) == *"	0000:87:00.0: $lost; given back to the host, and not known whether passed to VMs since: 0000:86:00.0; not known whether this was done: 0000:87:00.0" ]]
    esxi lockdown off
    [ "$(passed)" = "0000:65:00.0 0000:65:00.1 0000:87:00.0 " ]
}

@test "it is told which of them wait for a reboot" {
    start --kind amd
    replace_esxcli 'case "$*" in *"-d 0000:65:00.0 "*-a | *"-d 0000:65:00.1 "*-a) echo "Error: Invalid option -a" >&2; exit 1 ;; esac
exec "$REAL" "$@"'
    # The pretended host applies all of them with the first that it applies at once.
    echo "1 alone" >"$pci/0000:65:00.0/passthrough"
    [ "$(told | cut -f 4)" = "passed to VMs now: 0000:65:00.0; the host has to be rebooted for 0000:65:00.0" ]
    [ "$(cat "$pci/0000:65:00.0/passthrough")" = "1 (reboot pending)" ]
    esxi reboot
    rebooted() { [ "$(cat "$pci/0000:65:00.0/passthrough")" = 1 ]; }
    eventually 150 rebooted
}
