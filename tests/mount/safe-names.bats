# SPDX-License-Identifier: MIT
# What people, guests and hosts call things cannot make a terminal or a shell do anything, in whatever
# file of a host's mount it is shown.

load host

# All that a shell or a terminal obeys, but for a line break: quotes, escapes of a terminal in ASCII,
# in UTF-8's C1 and in bytes of no character, and what turns the direction of text around.
EVIL=$'-n it\'s "q" $(touch pwned) `touch pwned` %s $HOME \\ \e]0;x\a \x7f\xc2\x9b2J \x9b5n \xff\xc0 \xe2\x80\xae\xe2\x81\xa6!'
UUID=5f1e2d99-0badcafe-ccdd-001122334455

setup() {
    lab_new
}

teardown() {
    host_end
}

# A host whose datastore, VM, card, guest and question are all called so.
start() {
    host_start
    esxi tools nested-esxi yes "${EVIL//\"/}" "${EVIL//\"/}"
    mkdir -p "$VOLUMES/$UUID/$EVIL"
    ln -s "$UUID" "$VOLUMES/$EVIL"
    sed 's/^displayName = .*//' "$DS1/orphan/orphan.vmx" >"$VOLUMES/$UUID/$EVIL/$EVIL.vmx"
    printf '%s = "%s"\n' displayName "${EVIL//\"/}" annotation "${EVIL//\"/}" \
        uuid.action create pciPassthru0.present TRUE pciPassthru0.id 00000:066:00.0 pciPassthru0.deviceId 0x1cb2 \
        pciPassthru0.vendorId 0x10de pciPassthru0.systemId 5aec7ae7-7d90-8511-435a-d094660b7768 \
        >>"$VOLUMES/$UUID/$EVIL/$EVIL.vmx"
    mv "$HOST/bin/esxcli" "$HOST/bin/esxcli.real"
    printf '%s' "$EVIL" >"$HOST/evil"
    cat >"$HOST/bin/esxcli" <<'END'
#!/usr/bin/env python3
import os, subprocess, sys
here = os.path.dirname(os.path.abspath(sys.argv[0]))
done = subprocess.run([here + "/esxcli.real", *sys.argv[1:]], stdout=subprocess.PIPE)
evil = open(here + "/../evil", "rb").read()
sys.stdout.buffer.write(done.stdout.replace(b"GP107GL [Quadro P600]", evil))
sys.exit(done.returncode)
END
    chmod 755 "$HOST/bin/esxcli"
    mount_host
    on_host "esxcli hardware pci pcipassthru set -d 0000:42:00.0 -e true -a"
    vm=$MNT/$EVIL/$EVIL/$EVIL.vmx vmx=$VOLUMES/$UUID/$EVIL/$EVIL.vmx
    eventually 30 test -e "$vm"
}

tame() { # FILE [FIELDS]
    local file=$1
    shift
    cat "$file" >"$TEST_DIR/shown"
    must_be_tame "$TEST_DIR/shown" "$@"
    grep -q pwned "$TEST_DIR/shown" || { cat "$TEST_DIR/shown"; return 1; }
}

@test "every file of the mount shows names, questions and guests' words without what is obeyed" {
    start
    echo 1 >"$vm/.vmxfs/registered"
    refused "Input/output error" on "$vm/.vmxfs/power"
    tame "$vm/.vmxfs/why" 4
    tame "$vm/.vmxfs/errors" 5
    tame "$vm/.vmxfs/check" 4
    tame "$MNT/.vmxfs/errors" 5
    tame "$MNT/.vmxfs/check" 4
    tame "$MNT/.vmxfs/vms" 9
    tame "$MNT/.vmxfs/gpus" 7
    tame "$MNT/.vmxfs/datastores" 6
    tame "$MNT/.vmxfs/host/pci/0000:42:00.0/name"
    tame "$MNT/.vmxfs/host/pci/0000:42:00.0/user"
    cat "$MNT/.vmxfs/status" >"$TEST_DIR/status"
    must_be_tame "$TEST_DIR/status"
}

@test "what a guest and a question say is shown without what is obeyed, and answers go by number" {
    start
    printf 'Virtual machine message _vmx1:\nmsg.x:%s\n%s\n   0. %s (%s)\n   1. Other (Other) [default]\n' \
        "$EVIL" "$EVIL" "${EVIL//[()]/}" "${EVIL//[()]/}" >"$TEST_DIR/question"
    vm=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    echo on >"$vm/.vmxfs/power"
    tame "$vm/.vmxfs/guest"
    echo off >"$vm/.vmxfs/power"
    esxi question nested-esxi "$TEST_DIR/question"
    refused "Device or resource busy" on "$vm/.vmxfs/power"
    tame "$vm/.vmxfs/question"
    tame "$vm/.vmxfs/errors" 5
    cat "$vm/.vmxfs/task" >"$TEST_DIR/task"
    must_be_tame "$TEST_DIR/task"
    refused "Invalid argument" "$EVIL" "$vm/.vmxfs/question"
    tame "$vm/.vmxfs/errors" 5
    echo 1 >"$vm/.vmxfs/question"
    is_on() { [ "$(cat "$vm/.vmxfs/power")" = on ]; }
    eventually 60 is_on
}

# Each with its own file and value; no other file is made.
@test "each command that is printed does what it says, in sh, bash and dash" {
    start
    local shell command n=0
    echo 1 >"$vm/.vmxfs/registered"
    refused "Input/output error" on "$vm/.vmxfs/power"
    for shell in sh bash dash; do
        while IFS= read -r command; do
            echo "$shell: $command"
            (cd "$TEST_DIR" && "$shell" -c "$command")
            [ "$(setting "$vmx" sched.mem.min)" = 4096 ]
            sed -i 's/^sched.mem.min = .*/sched.mem.min = "0"/' "$vmx"
            eventually 30 grep -qx 0 "$vm/sched.mem.min"
            n=$((n + 1))
        done < <(grep -hF sched.mem.min "$vm/.vmxfs/why" "$vm/.vmxfs/check" | cut -f 4 | sort -u)
    done
    [ "$n" -ge 3 ]
    # All the others of check, on the way to a report without a fault that a command mends.
    while command=$(awk -F '\t' '($1 == "FAIL" || $1 == "WARN") && $4 != "-" { print $4; exit }' "$vm/.vmxfs/check") && [ -n "$command" ]; do
        echo "$command"
        (cd "$TEST_DIR" && dash -c "$command")
        n=$((n + 1))
        [ "$n" -lt 40 ]
    done
    [ -z "$(find "$TEST_DIR" "$HOST" -name 'pwned*')" ]
    [ "$(find "$VOLUMES/$UUID/$EVIL" -maxdepth 1 -name '*.vmx' | wc -l)" -eq 1 ]
}
