#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vmxfs status: one table of all mounts, which no mount can hold up, on a terminal and in a pipe.

load ../fault/helper
load host

setup() {
    lab_new
    host_start
    write_vmx "$LAB/one/one.vmx" one
    write_vmx "$LAB/two/two.vmx" two
    OTHER=$TEST_DIR/other
    mkdir "$OTHER"
}

teardown() {
    [ -z "${STOPPED:-}" ] || kill -CONT "$STOPPED"
    [ -z "${SERVER_STOPPED:-}" ] || kill -CONT "$SERVER_STOPPED"
    ! mountpoint -q "$OTHER" || fusermount3 -u "$OTHER"
    host_end
}

# A mount of $LAB beside that of the host.
mount_other() {
    MNT=$OTHER mount_local
}

# The words of a mount's line.
row() { # MOUNTPOINT
    "$VMXFS" status "$1" | tail -n +2 | tr -s ' '
}

# What the pretended host has, by its control files.
counted() { # FILE AWK-CONDITION
    awk -F '\t' '!/^#/ && '"$2"' { n++ } END { print n + 0 }' "$MNT/.vmxfs/$1"
}

@test "a line for each mount counts what its control files say; - where there is no host" {
    mount_host
    mount_other
    echo nested-esxi >"$MNT/datastore1/nested-esxi/nested-esxi.vmx/passthrough-profile"
    echo 2 >"$MNT/datastore1/nested-esxi/nested-esxi.vmx/numvcpus"
    [[ $(cat "$MNT/datastore1/nested-esxi/nested-esxi.vmx/passthrough-profile") != *'!'* ]] ||
        false
    rm "$MNT/datastore1/nested-esxi/nested-esxi.vmx/vhv.enable"
    echo on >"$MNT/datastore1/gpu-guest/gpu-guest.vmx/.vmxfs/power"
    [ "$(counted vms '$1 == "on"')" -gt 0 ]
    [ "$(counted vms '$4 ~ /!$/')" = 1 ]
    [ "$(counted gpus '$7 != "-" && $5 == "-"')" -gt 0 ]
    local all
    all=$("$VMXFS" status "$MNT" "$OTHER" | tr -s ' ')
    [ "$(head -n 1 <<<"$all")" = "HOST LINK MS VMS ON DRIFT FAIL WARN FREE USED MOUNTPOINT" ]
    [ "$(sed -n 2p <<<"$all" | sed -E 's/^127.0.0.1 up [0-9.]+ //')" = "$(counted vms 1) \
$(counted vms '$1 == "on"') 1 $(counted check '$1 == "FAIL"') $(counted check '$1 == "WARN"') \
$(counted gpus '$7 != "-" && $5 == "-"') $(counted gpus '$5 != "-"') $MNT" ]
    [ "$(sed -n 3p <<<"$all" | sed -E 's/^localhost up [0-9.]+ //')" = "2 0 0 0 0 - - $OTHER" ]
}

# Without mount points, where those of other tests are not: what is read there would count there.
status_of_all() {
    unshare -m sh -c '
        awk "\$3 == \"fuse.vmxfs\" { print \$2 }" /proc/mounts | grep -vxF -e "$1" -e "$2" |
            while read -r at; do umount -l "$at"; done
        exec "$VMXFS" status' sh "$MNT" "$OTHER"
}

@test "without a mount point it shows all mounts, by their paths; another path is refused" {
    mount_host
    mount_other
    [ "$(status_of_all | tail -n +2 | awk '{ print $NF }')" = "$(printf '%s\n' "$MNT" "$OTHER")" ]
    [ "$(cd "$TEST_DIR" && "$VMXFS" status ./other/ | tail -n 1 | awk '{ print $NF }')" = "$OTHER" ]
    run "$VMXFS" status "$TEST_DIR"
    [ "$status" -eq 1 ]
    [ "$output" = "vmxfs: $TEST_DIR: no vmxfs is mounted there" ]
    run "$VMXFS" status -x
    [ "$status" -eq 1 ]
}

@test "a mount is named by any path that leads to it" {
    mount_other
    local path
    ln -s "$TEST_DIR" "$TEST_DIR/way"
    ln -s way/other "$TEST_DIR/link"
    mkdir "$TEST_DIR/beside"
    cd "$TEST_DIR/beside"
    for path in ../other "$TEST_DIR//other/." ../way/other ../link "$TEST_DIR/beside/../other/"; do
        [[ $(row "$path") = "localhost up "*" $OTHER" ]] || {
            echo "$path"
            false
        }
    done
    cd "$OTHER/one"
    [[ $(row ..) = "localhost up "*" $OTHER" ]]
    cd "$OTHER"
    [[ $(row .) = "localhost up "*" $OTHER" ]]
    [[ $(row ./) = "localhost up "*" $OTHER" ]]
    cd "$TEST_DIR"
    [ "$("$VMXFS" status other "$OTHER" link | wc -l)" = 2 ]
    run "$VMXFS" status beside/missing
    [ "$output" = "vmxfs: beside/missing: no vmxfs is mounted there" ]
}

@test "a mount that hangs holds up nobody, and its line says so; nor is more and more asked of it" {
    mount_host
    mount_other
    STOPPED=$(vmxfs_pid)
    kill -STOP "$STOPPED"
    "$VMXFS" status "$MNT" "$OTHER" >"$TEST_DIR/table"
    [ "$(grep " $MNT\$" "$TEST_DIR/table" | tr -s ' ')" = "127.0.0.1 hangs - ? ? ? ? ? ? ? $MNT" ]
    [[ $(grep " $OTHER\$" "$TEST_DIR/table" | tr -s ' ') = "localhost up "*" 2 0 0 0 0 - - $OTHER" ]]
    kill -CONT "$STOPPED"
    [[ $(row "$MNT") = "127.0.0.1 up "* ]]
}

# Then who reads there cannot even be killed.
@test "a mount that hangs with what it was asked does not hold up who reads the table" {
    MNT=$OTHER mount_local prefetch=off
    local daemon reader
    daemon=$(MNT=$OTHER vmxfs_pid)
    SERVER_STOPPED=$(pgrep -P "$daemon")
    kill -STOP "$SERVER_STOPPED"
    "$VMXFS" status "$OTHER" 3>&- | cat >"$TEST_DIR/table" 3>&- &
    reader=$!
    MNT=$OTHER soon waiting 1
    STOPPED=$daemon
    kill -STOP "$STOPPED"
    eventually 60 has_ended "$reader"
    [[ $(tail -n 1 "$TEST_DIR/table" | tr -s ' ') = "localhost hangs - "[?]" "[?]" "[?]" "[?]" "[?]" "[?-]" "[?-]" $OTHER" ]]
}

has_ended() { # PID
    ! kill -0 "$1"
}

# Runs it on a terminal of 80 columns, until what it has written holds a word so many times.
on_a_terminal() { # COUNT WORD ARGUMENT...
    python3 - "$@" <<'END'
import fcntl, os, pty, signal, struct, sys, termios

count, word, *arguments = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(os.environ["VMXFS"], ["vmxfs", "status", *arguments])
seen = b""
while seen.count(word.encode()) < int(count):
    seen += os.read(terminal, 65536)
try:
    while "-w" not in arguments:
        seen += os.read(terminal, 65536)
except OSError:  # its end
    pass
os.kill(pid, signal.SIGINT)
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
END
}

@test "a terminal's table is no wider than that, and in colours; a pipe's has none, and is not cut" {
    local deep=$TEST_DIR/a-mount-point-whose-name-is-longer-than-a-terminal-is-wide-at-eighty-columns
    mkdir "$deep"
    OTHER=$deep
    mount_other
    TERM=xterm on_a_terminal 1 MOUNTPOINT "$deep" >"$TEST_DIR/screen"
    grep -q $'\033\[32mup\033\[0m' "$TEST_DIR/screen"
    sed $'s/\033\[[0-9]*m//g; s/\r$//' "$TEST_DIR/screen" >"$TEST_DIR/plain"
    [ "$(LC_ALL=C.UTF-8 wc -L <"$TEST_DIR/plain")" = 80 ]
    grep -q '…$' "$TEST_DIR/plain"
    [ "$("$VMXFS" status "$deep" | grep -c -e $'\033' -e '…')" = 0 ]
    "$VMXFS" status "$deep" | grep -q " $deep\$"
    NO_COLOR=1 on_a_terminal 1 MOUNTPOINT "$deep" >"$TEST_DIR/screen"
    [ "$(grep -c $'\033' "$TEST_DIR/screen")" = 0 ]
}

@test "-w paints it again and again, also while a mount hangs" {
    mount_other
    on_a_terminal 3 $'\033[H' -w "$OTHER" >"$TEST_DIR/screen"
    [ "$(grep -ao 'MOUNTPOINT' "$TEST_DIR/screen" | wc -l)" -ge 2 ]
    STOPPED=$(MNT=$OTHER vmxfs_pid)
    kill -STOP "$STOPPED"
    on_a_terminal 3 hangs -w "$OTHER" >"$TEST_DIR/screen"
}

@test "a name that a terminal would obey is made safe" {
    OTHER=$TEST_DIR/$'odd\033[31m'
    mkdir "$OTHER"
    mount_other
    "$VMXFS" status "$OTHER" >"$TEST_DIR/table"
    grep -qF 'odd?[31m' "$TEST_DIR/table"
}

@test "a mount without a link is asked for no more than that: none is made, and none is waited for" {
    server_start
    proxy_start 0
    MNT=$OTHER mount_proxied delay_connect
    [ "$(row "$OTHER")" = "127.0.0.1 unused - - - - - - - - $OTHER" ]
    [ "$(grep -c '^session opened' "$SERVER_LOG")" = 0 ]
    ls "$OTHER" >/dev/null
    [[ $(row "$OTHER") = "127.0.0.1 up "*" 2 0 0 0 0 - - $OTHER" ]]
    proxy_stop
    eventually 60 is_lost
    proxy_stop
    fusermount3 -u "$OTHER"
    server_stop
}

is_lost() {
    [[ $(row "$OTHER") == "127.0.0.1 "@(lost|down)" "*" - - - - - - - $OTHER" ]]
}
