# SPDX-License-Identifier: MIT
# docs/field-report.sh on the pretended host: it asks to its end, changes nothing, and tells no names.

bats_require_minimum_version 1.5.0

load host

script=$BATS_TEST_DIRNAME/../../docs/field-report.sh

# The host's shell and programs are busybox's, as on ESXi, which has no tr.
setup() {
    lab_new
    host_start
    local program
    for program in sh awk cut dd grep sed sleep sort; do
        ln -s "$(command -v busybox)" "$HOST/bin/$program"
    done
    host_program tr 'touch "$0-was-used"'
    host_program hostname 'echo esx-07.lab.example'
    host_program ls "[ \"\$2\" != /vmfs/volumes ] || set -- \"\$1\" '$VOLUMES'"'
exec busybox ls "$@"'
}

teardown() {
    host_end
}

host_program() { # NAME TEXT
    printf '#!/bin/dash\n%s\n' "$2" >"$HOST/bin/$1"
    chmod 755 "$HOST/bin/$1"
}

report() { # [OPTION...]
    dash "$script" -F "$HOST/sshd/ssh_config" "$@" esx-07 >"$TEST_DIR/report" 2>"$TEST_DIR/said" || {
        cat "$TEST_DIR/said"
        return 1
    }
}

# All that a command could change: the datastores and what hostd has in mind.
state() {
    find "$HOST/vmfs" -printf '%p %y %m %s %T@ %l\n' | sort
    find "$HOST/vmfs" -type f -exec sha256sum {} + | sort
    cat "$HOST/state.json"
}

# What the report says to a command, compared with standard input.
answered() { # COMMAND-LINE
    diff -u - <(awk -v line="\$ $1" '$0 == line { on = 1; next } on && !NF { exit } on' "$TEST_DIR/report")
}

@test "it asks to its end and changes nothing" {
    state >"$TEST_DIR/before"
    report
    state | diff "$TEST_DIR/before" -
    [ ! -e "$HOST/bin/tr-was-used" ]
    [ ! -s "$TEST_DIR/said" ]
    [ "$(grep '^#' "$TEST_DIR/report")" = "# A field report for vmxfs
## The host
## Datastores
## Refusals that change nothing
## Passthrough
## A VM that runs
# The end of the host's part" ]
    answered "vim-cmd vmsvc/power.on 2000000000" <<'END'
exit: 1
err:  (vim.fault.NotFound) {
err:     faultCause = (vmodl.MethodFault) null, 
err:     faultMessage = <unset>
err:     msg = "Unable to find a VM corresponding to "2000000000""
err:  }
END
    answered "esxcli hardware pci pcipassthru set -d ffff:ff:1f.7 -e true" <<'END'
exit: 1
err:  Unable to find a device with ID ffff:ff:1f.7.
END
    answered "vim-cmd vmsvc/power.getstate 11" <<'END'
exit: 0
out:  Retrieved runtime info
out:  Powered on
END
    answered "vsish -e get /hardware/pci/seg/0x0000/bus/0x86/slot/0x00/func/0x0/pciConfigHeader" <<'END'
exit: 127
err:  sh: vsish: not found
END
    grep -q '^out:     Device Name: DG2 \[Arc A770M\]' "$TEST_DIR/report"
    [ "$(grep -c '^out:     Device Class: ' "$TEST_DIR/report")" = 5 ]
    [ "$(grep -c '^out:     Device Class: 0x03' "$TEST_DIR/report")" = 5 ]
}

@test "names, serial numbers and addresses are replaced, each by the same word" {
    mv "$HOST/bin/esxcli" "$HOST/bin/esxcli.host"
    host_program esxcli 'case $* in "storage filesystem list")
    echo "Mount Point           Volume Name  UUID"
    echo "--------------------  -----------  --------"
    echo "/vmfs/volumes/abcdef  nfs iso      abcdef" ;;
*) exec "$(dirname "$0")/esxcli.host" "$@" ;; esac'
    host_program lspci 'cat <<END
db-01 and DB-01 on esx-07.lab.example, esx-07 (not esx-071) in [data [2]] datastore1 on nfs iso
serial 7XK2J53, naa.600508b1001c4d5e, 5f1e2d3c-4b5a6978-1234-001122334455
00:11:22:33:44:55 made 5f1e2d3c-4b5a6978-1234-001122334455, 5aec7ae7-7d90-8511-435a-d094660b7768
56 4d 1f 0a 7c 22 90 5e-b1 83 6a d4 00 c1 9e 01 is 0x56 0x4d 0x1f 0xa 0x7c 0x22 0x90 0x5e 0xb1
from 192.0.2.9 and fe80::20c:29ff:fe00:1 at 00:50:56:01:22:33, 0000:86:00.0 00000:134:00.0
12:34:56 7.0.3 build-20328353 realaddr 0x3b800000000 size 34359738368
END
printf "\033[31mred\033[0m"
echo failed >&2'
    report
    # What else the host says before that decides who is the first.
    local made other
    made=$(sed -n 's/^out:  \(mac-[0-9]*\) made .*/\1/p' "$TEST_DIR/report" | head -n 1)
    other=$(sed -n 's/^out:  from .* at \(mac-[0-9]*\), .*/\1/p' "$TEST_DIR/report" | head -n 1)
    [ "$made" != "$other" ]
    answered "lspci -p" <<END
exit: 0
out:  vm-1 and vm-1 on host-2, host-1 (not esx-071) in [datastore-1] datastore-2 on datastore-3
out:  serial serial-1, disk-1, uuid-1
out:  $made made uuid-1 ($made), uuid-3
out:  uuid-4 is uuid-5
out:  from address-1 and address-2 at $other, 0000:86:00.0 00000:134:00.0
out:  12:34:56 7.0.3 build-20328353 realaddr 0x3b800000000 size 34359738368
out:  ?[31mred?[0m
err:  failed
END
    run ! grep -iE "db-01|esx-07\b|datastore1|5f1e2d3c|00:50:56|10\.20\.30" "$TEST_DIR/report"
    grep -q 'Looking for lock owners on "vm-1.vmx"' "$TEST_DIR/report"
    grep -q "locked in Exclusive mode by host having mac address \['mac-[0-9]'\]" "$TEST_DIR/report"
}

@test "a command that hangs is ended, and the rest is asked" {
    host_program lspci '[ "$1" = -p ] || exit 7; echo begun; exec sleep 1000'
    report
    answered "lspci -p" <<'END'
exit: 143
out:  begun
err:  Terminated
END
    answered "lspci -d" <<<"exit: 7"
}

@test "renaming is tried only when asked for, in a folder of its own that goes again" {
    state >"$TEST_DIR/before"
    report -r "$VOLUMES/datastore1" -r "$VOLUMES/data [2]"
    state | grep -v 'vmfs/volumes/[^/]* d' | diff <(grep -v 'vmfs/volumes/[^/]* d' "$TEST_DIR/before") -
    [ "$(grep -c "makes .*/vmxfs-field-report-[0-9]*, renames in it, and removes it" "$TEST_DIR/said")" = 2 ]
    [ "$(grep -c '^## Renaming over SFTP' "$TEST_DIR/report")" = 2 ]
    # Onto a free name and onto an empty folder, not onto a folder with a file.
    [ "$(grep -c 'remote rename ".*/three" to ".*/empty": Failure' "$TEST_DIR/report")" = 2 ]
    [ "$(grep -c 'remote rename' "$TEST_DIR/report")" = 2 ]
    run ! grep -iE "datastore1|data \[2\]" "$TEST_DIR/report"
}

@test "without an answer there is no report" {
    sh "$support/sshd.sh" stop "$HOST/sshd"
    run ! report
    grep -q "Connection refused" "$TEST_DIR/said"
    grep -q "the host's part did not come to its end" "$TEST_DIR/said"
    [ ! -s "$TEST_DIR/report" ]
    run -2 dash "$script"
    [[ $output == "usage: sh docs/field-report.sh "* ]]
    run -1 dash "$script" -r 'a "b"' esx-07
    [[ $output == *"not for sftp" ]]
}
