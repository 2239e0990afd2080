#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The files errors, of the mount and of each VM: what they show, how they grow, and that programs can
# follow them.

load helper

setup() {
    lab_new
    write_vmx "$LAB/vm/vm.vmx" one
    write_vmx "$LAB/vm/vm2.vmx" other
    write_vmx "$LAB/two/two.vmx" two
    VM=$MNT/vm/vm.vmx E=$MNT/.vmxfs/errors
    mount_local
}

teardown() {
    [ -z "${READER:-}" ] || kill "$READER" || :
    [ -z "${ODD:-}" ] || ! mountpoint -q "$ODD" || fusermount3 -u -z "$ODD"
    lab_end
}

# Writes a value that is refused.
refuse() { # VALUE [VMX]
    ! echo "$1" 2>/dev/null >"${2:-$VM}/memSize"
}

# A program goes on reading, into $TEST_DIR/read.
follow() { # COMMAND...
    "$@" >"$TEST_DIR/read" 2>"$TEST_DIR/said" 3>&- &
    READER=$!
}

has_read() { # PATTERN [TIMES]
    [ "$(grep -c -- "$1" "$TEST_DIR/read")" -eq "${2:-1}" ]
}

@test "errors holds the refusals, newest last, each of five fields" {
    local i
    for i in $(seq 250); do
        refuse "x$i"
    done
    [ "$(wc -l <"$E")" = 250 ]
    [[ $(head -n 1 "$E") == *$'\tEINVAL\tvm/vm.vmx\tmemSize\t'*'"x1"' ]]
    [[ $(tail -n 1 "$E") == *'"x250"' ]]
    ! awk -F '\t' 'NF != 5' "$E" | grep . || false
    ! grep -vP '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t' "$E" || false
}

@test "errors beside a VM has the lines of that VM and of its files" {
    refuse a
    refuse b "$MNT/vm/vm2.vmx"
    refuse c "$MNT/two/two.vmx"
    for name in vm/vm-flat.vmdk vm/vm.nvram vm/vm2.nvram vm/other two/vm.nvram; do
        touch "$LAB/$name"
        ! mkfifo "$MNT/$name.pipe" 2>/dev/null || false
    done
    [ "$(cut -f 3 "$VM/.vmxfs/errors" | paste -sd ' ')" = "vm/vm.vmx vm/vm-flat.vmdk.pipe vm/vm.nvram.pipe" ]
    [ "$(cut -f 3 "$MNT/vm/vm2.vmx/.vmxfs/errors" | paste -sd ' ')" = "vm/vm2.vmx vm/vm2.nvram.pipe" ]
    grep -F vm/vm "$E" | grep -v vm2 | diff - "$VM/.vmxfs/errors"
    [ "$(cat "$MNT/two/two.vmx/.vmxfs/errors")" = "$(grep two/two "$E")" ]
    run rm "$VM/.vmxfs/errors"
    [ "$status" -ne 0 ]
    run bash -c 'echo x >"$1"' - "$VM/.vmxfs/errors"
    [ "$status" -ne 0 ]
}

@test "errors has its size, other controls have none" {
    local i file
    [ "$(stat -c %s "$E")" = 0 ]
    for i in 1 2 3; do
        refuse "x$i"
        for file in "$E" "$VM/.vmxfs/errors"; do
            [ "$(stat -c %s "$file")" = "$(cat "$file" | wc -c)" ]
            [ "$(stat -c %s "$file")" -gt 50 ]
            [ "$(tail -c 5 "$file")" = "\"x$i\"" ]
        done
    done
    [ "$(stat -c %s "$VM/.vmxfs/check" "$VM/.vmxfs/plan/nested-esxi" "$MNT/.vmxfs/status" | sort -u)" = 0 ]
}

@test "tail follows errors, of the mount and of a VM" {
    local option file
    refuse before
    for option in -f -F; do
        for file in "$E" "$VM/.vmxfs/errors"; do
            follow tail -n 1 "$option" "$file"
            eventually 60 has_read before
            for i in 1 2 3; do
                refuse "after$i"
                eventually 60 has_read "\"after$i\""
            done
            [ "$(wc -l <"$TEST_DIR/read")" -eq 4 ]
            [ ! -s "$TEST_DIR/said" ]
            kill "$READER"
            READER=
            refuse before
        done
    done
}

@test "less +F follows errors" {
    refuse before
    follow script -qc "less +F '$E'" /dev/null </dev/null
    eventually 60 grep -q before "$TEST_DIR/read"
    refuse after
    eventually 60 grep -q after "$TEST_DIR/read"
}

# Refusals of values that are as long as they may be, until the file gets shorter.
fill() {
    python3 - "$VM/memSize" "$E" <<'END'
import os, sys
size = 0
n = 0
while os.stat(sys.argv[2]).st_size >= size:
    size = os.stat(sys.argv[2]).st_size
    for _ in range(500):
        n += 1
        fd = os.open(sys.argv[1], os.O_WRONLY)
        try:
            os.write(fd, f"x{n:06}{0:0200}\n".encode())
            sys.exit("taken")
        except OSError:
            pass
        finally:
            os.close(fd)
print(size)
END
}

@test "errors grows to a MiB, then its older half goes, and tail goes on" {
    refuse first
    follow tail -n +1 -f "$E"
    eventually 60 has_read first
    most=$(fill)
    [ "$most" -gt 700000 ] && [ "$most" -le $((1 << 20)) ]
    [ "$(stat -c %s "$E")" -le 800000 ]
    [ "$(stat -c %s "$E")" -ge 400000 ]
    ! grep '"first"' "$E" || false
    ! awk -F '\t' 'NF != 5' "$E" | grep . || false
    cut -f 5 "$E" | sort -C
    refuse last
    eventually 60 has_read '"last"'
    grep -q truncated "$TEST_DIR/said"
    awk 'length < 60 || !/^2/ { bad = 1 } END { exit bad }' "$TEST_DIR/read"
}

@test "a reader of errors that is slow gets one text" {
    local i
    for i in $(seq 60); do
        refuse "$(printf 'x%02d%0200d' "$i" 0)"
    done
    exec 7<"$E"
    head -c 100 <&7 >"$TEST_DIR/read"
    cat "$E" >"$TEST_DIR/whole"
    refuse new
    cat <&7 >>"$TEST_DIR/read"
    exec 7<&-
    head -n 60 "$TEST_DIR/read" | diff - "$TEST_DIR/whole"
    [ "$(wc -l <"$TEST_DIR/read")" -eq 61 ]
}

@test "what is refused again and again is a line and a count" {
    local i
    refuse other
    for i in $(seq 100); do
        refuse same
        refuse same2
    done
    [ "$(times '"same"')" -eq 100 ]
    [ "$(times '"same2"')" -eq 100 ]
    [ "$(wc -l <"$E")" -lt 100 ]
    [ "$(grep -c '"other"' "$E")" -eq 1 ]
    before=$(wc -l <"$E")
    refuse same
    [ "$(wc -l <"$E")" -eq $((before + 1)) ]
    cp "$E" "$TEST_DIR/before"
    refuse same
    head -n $((before + 1)) "$E" | cmp - "$TEST_DIR/before"
    ! awk -F '\t' 'NF != 5' "$E" | grep . || false
}

# ---- the link

link_is() { # STATE
    [ "$(counter link)" = "$1" ]
}

utc='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'

@test "a link that is lost and comes back is told, and so is what was refused meanwhile" {
    unmount_lab
    mount_local timeout=2 cache_timeout=1
    [ "$(cat "$VM/memSize")" = 4096 ]
    [[ $(counter link-since) =~ ^$utc$ ]]
    [ -z "$(counter link-lost)$(counter link-lost-reason)" ]
    follow tail -n +1 -f "$E"
    mv "$TEST_DIR/server" "$TEST_DIR/away"
    kill -KILL "$(counter transport-pid)"
    eventually 60 link_is down
    ! echo 8192 2>/dev/null >"$VM/memSize" || false
    lost=$(counter link-lost)
    [[ $lost =~ ^$utc$ ]]
    [ "$(counter link-since)" = "$lost" ]
    [ -n "$(counter link-lost-reason)" ]
    grep -qP "\tNOTE\t-\t-\tthe connection to the server was lost: $(counter link-lost-reason)\$" "$E"
    grep -qP "\tEIO\tvm/vm.vmx\tmemSize\tthe connection to the server is lost since $lost: " "$E"
    mv "$TEST_DIR/away" "$TEST_DIR/server"
    eventually 60 link_is up
    eventually 60 grep -qP "\tNOTE\t-\t-\tthe connection to the server is back after \d+\.\d s; it was lost at $lost: " "$E"
    echo 8192 >"$VM/memSize"
    [ "$(counter link-lost)" = "$lost" ]
    [ "$(grep -c $'\tNOTE\t-\t' "$E")" -eq 2 ]
    ! grep -q "connection to the server" "$MNT/two/two.vmx/.vmxfs/errors" || false
    eventually 60 has_read "is back after"
}

@test "status tells how far reading ahead is, and the round trip with one decimal" {
    [[ $(counter round-trip-ms) =~ ^[0-9]+\.[0-9]$ ]]
    [ "$(counter prefetch)" = 0/0 ]
    ls "$MNT" >/dev/null
    read_ahead() { [ "$(counter prefetch)" = 2/2 ]; } # the folders
    eventually 60 read_ahead
    unmount_lab
    mount_local prefetch=off
    [ "$(counter prefetch)" = off ]
}

# ---- commands that are pasted

hostile=("plain" "it's \"quoted\" \$(touch pwned) \`id\` \\" $'two\nlines' \
    $'\e[2J\xc2\x9b\x9b!' "-n *?~#;&" "\$HOME %s %d")

@test "the commands of check can be pasted, whatever the names" {
    local name vm shell command
    unmount_lab
    ODD="$TEST_DIR/mnt \$(touch pwned)'" # /proc/mounts has it in another form
    MNT=$ODD
    mkdir "$MNT"
    for name in "${hostile[@]}"; do
        write_vmx "$LAB/$name/$name.vmx" hostile
    done
    mount_local
    for name in "${hostile[@]}"; do
        vm=$MNT/$name/$name.vmx
        echo nested-esxi >"$vm/passthrough-profile"
        rm "$vm/vhv.enable"
        for shell in sh bash dash; do
            command=$(awk -F '\t' '$2 == "nested-virtualization" && NF == 4 { print $4 }' "$vm/.vmxfs/check")
            [ -n "$command" ] && [ "$command" != - ]
            (cd "$TEST_DIR" && "$shell" -c "$command")
            [ "$(cat "$vm/vhv.enable")" = TRUE ]
            rm "$vm/vhv.enable"
        done
    done
    for shell in sh bash dash; do
        cut -f 4 "$MNT/.vmxfs/check" | grep -v '^#' >"$TEST_DIR/commands"
        [ "$(wc -l <"$TEST_DIR/commands")" -eq 9 ]
        while IFS= read -r command; do
            (cd "$TEST_DIR" && "$shell" -c "$command") >"$TEST_DIR/report"
            grep -q "^# " "$TEST_DIR/report"
        done <"$TEST_DIR/commands"
    done
    [ ! -e "$TEST_DIR/pwned" ]
    unmount_lab
}
