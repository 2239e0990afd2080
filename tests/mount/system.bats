#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The system around a mount: mount(8) and its helpers, fstab, ordinary users, remount, mount points
# that are mounted already, and what fusermount3 says.

load system

bats_require_minimum_version 1.5.0

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    system_new
}

teardown() {
    system_end
}

# One line of standard error that matches, with an exit code, and nothing is mounted.
fails() { # STATUS PATTERN SCRIPT
    run --separate-stderr in_system "$3"
    echo "status $status, stdout: $output, stderr: $stderr"
    [ "$status" -eq "$1" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr =~ $2 ]]
}

@test "fstab: root mounts and unmounts by the mount point alone" {
    local type
    for type in vmxfs fuse.vmxfs; do
        echo "$LAB $MNT $type noauto,_netdev,nofail,x-systemd.automount,allow_other,uid=65534,gid=65534,umask=022 0 0" \
            >"$SYSTEM/fstab"
        in_system '
            mount "$MNT"
            grep -q "^$LAB $MNT fuse.vmxfs rw,.*allow_other" /proc/mounts
            [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
            [ "$(by_nobody cat "$MNT/vm/vm.vmx/displayName")" = one ]
            [ "$(stat -c %u:%g "$MNT/vm/vm.vmx/displayName")" = 65534:65534 ]
            umount "$MNT"
            not_mounted'
    done
}

@test "fstab: the type fuse, with the program before the source" {
    echo "vmxfs#$LAB $MNT fuse noauto,ro 0 0" >"$SYSTEM/fstab"
    in_system '
        mount "$MNT"
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        umount "$MNT"
        mount -t fuse.vmxfs "vmxfs#$LAB" "$MNT"
        grep -q "^$LAB $MNT fuse.vmxfs " /proc/mounts
        umount "$MNT"'
}

# Who is started by root may have root's HOME.
@test "fstab: an ordinary user mounts with his own ssh_config, keys and known hosts, and unmounts" {
    mkdir "$SYSTEM/home/.ssh"
    cp "$SERVER/id" "$SERVER/known_hosts" "$SYSTEM/home/.ssh/"
    printf '%s\n' 'Host lab' '    HostName 127.0.0.1' '    User root' "    Port $(cat "$SERVER/port")" \
        '    IdentityFile ~/.ssh/id' >"$SYSTEM/home/.ssh/config"
    chown -R nobody "$SYSTEM/home"
    chmod 700 "$SYSTEM/home" "$SYSTEM/home/.ssh"
    local option
    for option in user users user,transport=openssh; do
        echo "lab:$LAB $MNT vmxfs noauto,$option 0 0" >"$SYSTEM/fstab"
        HOME=/root in_system '
            by_nobody mount "$MNT"
            grep -q "^lab:$LAB $MNT fuse.vmxfs rw,nosuid,nodev,.*user_id=65534" /proc/mounts
            [ "$(by_nobody cat "$MNT/vm/vm.vmx/displayName")" = one ]
            by_nobody sh -c "echo two >$MNT/vm/vm.vmx/displayName; echo one >$MNT/vm/vm.vmx/displayName"
            by_nobody umount "$MNT"
            not_mounted'
    done
}

@test "the letters of mount(8): -n -s -v -t, and -f mounts nothing" {
    in_system '
        mount -f -t vmxfs "$LAB" "$MNT"
        mount.vmxfs "$LAB" "$MNT" -sfnv -o rw
        mount.fuse.vmxfs "$LAB" "$MNT" -f
        not_mounted
        mount.vmxfs "$LAB" "$MNT" -s -n -v -t fuse.vmxfs -o rw
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        umount "$MNT"
        mount -n -s -t vmxfs -o X-mount.mkdir=0750 "$LAB" "$MNT/new/folder"
        [ "$(cat "$MNT/new/folder/vm/vm.vmx/displayName")" = one ]
        umount "$MNT/new/folder"'
}

@test "the exit codes are those of mount(8)" {
    fails 32 "vmxfs: $MNT/nothing: does not exist" 'mount.vmxfs "$LAB" "$MNT/nothing"'
    fails 32 'vmxfs: .*cannot find the address' 'mount -t vmxfs nowhere.invalid:/x "$MNT"'
    fails 1 'vmxfs: nonsense: unknown option' 'mount -t vmxfs -o nonsense "$LAB" "$MNT"'
    fails 1 'vmxfs: nonsense: unknown option' 'mount.vmxfs -f -o nonsense "$LAB" "$MNT"'
    fails 1 'vmxfs: MOUNTPOINT is missing' 'mount.vmxfs "$LAB"'
}

@test "remount changes what the kernel can change, and mounts nothing more" {
    in_system '
        mount -t vmxfs -o cache_timeout=7 "$LAB" "$MNT"
        mount -o remount,ro "$MNT"
        grep -q " $MNT fuse.vmxfs ro," /proc/mounts
        refused sh -c "echo two >$MNT/vm/vm.vmx/displayName"
        mount -o remount,rw,noexec "$MNT"
        grep -q " $MNT fuse.vmxfs rw,.*noexec" /proc/mounts
        echo two >"$MNT/vm/vm.vmx/displayName"
        mount -o remount,nosuid,noatime "$MNT"
        grep -q " $MNT fuse.vmxfs rw,nosuid,.*noexec,noatime" /proc/mounts
        mount.vmxfs "$LAB" "$MNT" -o remount,exec
        refused grep " $MNT fuse.vmxfs .*noexec" /proc/mounts
        mount.fuse3 "vmxfs#$LAB" "$MNT" -o remount,ro
        grep -q " $MNT fuse.vmxfs ro," /proc/mounts
        vmxfs -o remount,rw "$LAB" "$MNT"
        mount -f -o remount,ro "$MNT"
        grep -q " $MNT fuse.vmxfs rw," /proc/mounts
        [ "$(grep -c " $MNT " /proc/mounts)" = 1 ]'
}

@test "remount takes what fstab says as what the mount has" {
    echo "$LAB $MNT vmxfs noauto,cache_timeout=7,profile_dir=$SYSTEM 0 0" >"$SYSTEM/fstab"
    in_system '
        mount "$MNT"
        mount -o remount,ro "$MNT"
        grep -q " $MNT fuse.vmxfs ro," /proc/mounts'
    fails 1 "vmxfs: cache_timeout=8: cannot be changed while it is mounted; unmount $MNT," '
        mount "$MNT"
        mount -o remount,ro,cache_timeout=8 "$MNT" || {
            status=$?
            grep -q " $MNT fuse.vmxfs rw," /proc/mounts || status=99
            exit $status
        }'
}

@test "remount says what it cannot do" {
    fails 1 "vmxfs: $MNT: no vmxfs is mounted there" 'mount.vmxfs "$LAB" "$MNT" -o remount,ro'
    fails 1 'vmxfs: MOUNTPOINT: is missing' 'vmxfs -o remount,ro'
    fails 1 "vmxfs: $MNT: was mounted read-only; to write" '
        mount -t vmxfs -o ro "$LAB" "$MNT"
        mount -o remount,rw "$MNT"'
    fails 1 'vmxfs: nonsense: cannot be changed' '
        mount -t vmxfs "$LAB" "$MNT"
        mount -o remount,nonsense "$MNT"'
    fails 1 "vmxfs: $MNT: cannot be changed: only root may do that" '
        by_nobody vmxfs "$LAB" "$MNT"
        by_nobody mount.vmxfs "$LAB" "$MNT" -o remount,ro'
}

@test "fusermount3's words are in the one line" {
    : >"$SYSTEM/fuse.conf"
    fails 1 "vmxfs: $MNT: cannot be mounted: fusermount3: option allow_other only allowed if 'user_allow_other'" \
        'by_nobody vmxfs -o allow_other "$LAB" "$MNT"'
    fails 1 "vmxfs: $MNT: cannot be mounted: fusermount3: .*user_allow_other" \
        'by_nobody vmxfs -f -o allow_other "$LAB" "$MNT"'
    chown root "$MNT"
    fails 1 "vmxfs: $MNT: cannot be mounted: fusermount3: user has no write access to mountpoint" \
        'by_nobody vmxfs "$LAB" "$MNT"'
    chown nobody "$MNT"
    cp /usr/bin/fusermount3 "$SYSTEM/fusermount3"
    chmod 755 "$SYSTEM/fusermount3"
    fails 1 'fusermount3: mount failed: Operation not permitted; fusermount3 must .*setuid' '
        mount --bind "$SYSTEM/fusermount3" /usr/bin/fusermount3
        by_nobody vmxfs "$LAB" "$MNT"'
    fails 1 'cannot be mounted: .*fusermount3.*failed: .*; install|cannot be mounted: fuse: failed to exec fusermount3: .*; install' '
        mount --bind /dev/null /usr/bin/fusermount3
        by_nobody vmxfs "$LAB" "$MNT"'
    fails 32 'vmxfs: /dev/fuse: No such file or directory; .*modprobe' '
        mount -t tmpfs none /dev
        mount.vmxfs "$LAB" "$MNT"'
}

# Hands vmxfs a mount that is made before it starts.
give_mount() { # SOURCE [OPTION...]
    python3 - "$@" <<'END'
import ctypes, os, subprocess, sys
fd = os.open('/dev/fuse', os.O_RDWR)
os.set_inheritable(fd, True)
mnt, lab, system = os.environ['MNT'], os.environ['LAB'], os.environ['SYSTEM']
libc = ctypes.CDLL(None, use_errno=True)
options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'
if libc.mount(sys.argv[1].encode(), mnt.encode(), b'fuse.vmxfs', 0, options.encode()):
    sys.exit(os.strerror(ctypes.get_errno()))
sys.exit(subprocess.run([f'{system}/programs/vmxfs', lab, f'/dev/fd/{fd}'], pass_fds=[fd]).returncode)
END
}

@test "/dev/fd/N: a mount that the caller has made" {
    export -f give_mount
    in_system '
        give_mount "vmxfs#$LAB"
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        echo two >"$MNT/vm/vm.vmx/displayName"
        grep -q two "$LAB/vm/vm.vmx"
        cut -f 4 "$MNT/.vmxfs/check" | grep -qF "cat '\''$MNT/vm/vm.vmx/.vmxfs/check'\''"
        umount "$MNT"'
    fails 1 'vmxfs: /dev/fd/5: is not the FUSE device' 'vmxfs "$LAB" /dev/fd/5 5</dev/null'
    fails 1 'vmxfs: /dev/fd/6: is not the FUSE device' 'vmxfs "$LAB" /dev/fd/6'
}

@test "mount.fuse3 that drops its privileges hands such a mount on" {
    in_system '
        mount.fuse3 "vmxfs#$LAB" "$MNT" -o drop_privileges,allow_other
        grep -q /dev/fd/ /proc/[0-9]*/cmdline
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        umount "$MNT"'
}

@test "sftp:// and ssh:// as SOURCE" {
    local port source
    port=$(cat "$SERVER/port")
    mount_source() {
        "$VMXFS" -o "IdentityFile=$SERVER/id,UserKnownHostsFile=$SERVER/known_hosts" "$@" "$MNT" 3>&-
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
        grep -q "^root: $LAB$" "$MNT/.vmxfs/status"
        unmount "$MNT"
    }
    for source in "sftp://root@127.0.0.1:$port$LAB" "SSH://127.0.0.1:$port${LAB//l/%6C}"; do
        mount_source "$source"
    done
    mount_source -p "$port" "sftp://127.0.0.1:1$LAB"
    mount_source -o "port=$port" "ssh://127.0.0.1$LAB"
    SYSTEM_LINK=/root/${SYSTEM##*/}
    ln -s "$LAB" "$SYSTEM_LINK"
    "$VMXFS" -o "IdentityFile=$SERVER/id,UserKnownHostsFile=$SERVER/known_hosts" \
        "sftp://127.0.0.1:$port/~/${SYSTEM_LINK##*/}" "$MNT" 3>&-
    rm "$SYSTEM_LINK"
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

examples=$BATS_TEST_DIRNAME/../../docs/examples

@test "the examples for systemd and fstab are right" {
    command -v systemd-analyze >/dev/null
    mkdir "$SYSTEM/units"
    cp "$examples"/mnt-lab.* "$SYSTEM/units/"
    cp "$examples/vmxfs@.service" "$SYSTEM/units/vmxfs@esxi-01.service"
    cd "$SYSTEM/units"
    run systemd-analyze verify --man=no mnt-lab.mount mnt-lab.automount
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    XDG_RUNTIME_DIR=$SYSTEM/run run systemd-analyze --user verify --man=no ./vmxfs@esxi-01.service
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run findmnt --verify --tab-file "$examples/fstab"
    [[ $output == *"0 parse errors, 0 errors"* ]]
    # vmxfs takes all options that are in them.
    local options
    while read -r options; do
        "$SYSTEM/programs/mount.vmxfs" "$LAB" "$MNT" -f -o "$options"
    done < <(sed -n 's/^Options=//p' "$examples/mnt-lab.mount"; grep -v '^#' "$examples/fstab" | awk '{ print $4 }'
        sed -n 's/^esxi-0.*-fstype=[a-z]*,\([^ ]*\) .*/\1/p' "$examples/auto.vmxfs")
}

@test "autofs mounts at the first use, and unmounts when it is idle" {
    [ -e /dev/autofs ] || skip "the kernel has no autofs"
    local port
    port=$(cat "$SERVER/port")
    local login=IdentityFile=$SERVER/id,UserKnownHostsFile=$SERVER/known_hosts,port=$port
    sed -e "s#root@esxi-0.\(\\\\:2222\|\\\\\)\?#root@127.0.0.1\1#; s#2222#$port#; s#/vmfs/volumes#$LAB#" \
        -e "s#-fstype=\([a-z]*\),#&$login,#" "$examples/auto.vmxfs" >"$SYSTEM/auto.vmxfs"
    cat "$SYSTEM/auto.vmxfs"
    local options
    options=$(sed -n 's/.* --timeout=600\(.*\)" in$/\1/p' "$examples/auto.vmxfs")
    echo "$MNT/auto $SYSTEM/auto.vmxfs --timeout=1$options" >"$SYSTEM/auto.master"
    mkdir "$MNT/auto"
    export -f eventually
    # What is of the group of processes of automount itself mounts nothing.
    in_system '
        setsid automount -f -v -p "$SYSTEM/automount.pid" "$SYSTEM/auto.master" >"$SYSTEM/log" 2>&1 &
        eventually 30 grep -q " $MNT/auto autofs " /proc/mounts
        cat "$MNT"/auto/*/vm/vm.vmx/displayName >"$SYSTEM/all" # as docs/fleet.md names all hosts
        [ "$(grep -cx one "$SYSTEM/all")" = 3 ]
        for name in esxi-01 esxi-02 esxi-03; do
            [ "$(cat "$MNT/auto/$name/vm/vm.vmx/displayName")" = one ] || {
                cat "$SYSTEM/log"
                exit 1
            }
            grep -q " $MNT/auto/$name fuse.vmxfs rw" /proc/mounts
        done
        idle() { refused grep -q " $MNT/auto/.* fuse.vmxfs " /proc/mounts; }
        eventually 60 idle
        kill $!
        wait $!'
}
