# SPDX-License-Identifier: MIT
# A system of its own for tests of mount(8): a mount namespace in which fstab, the helpers, the user
# database and the FUSE device are a test's. Root only.

load helper

# Makes $SYSTEM, which everybody may look into, and the helpers in it, with a copy of the program:
# the build may lie where only root may look. A program that is setuid, as mount is, takes back what
# the sanitizers need of setarch.
system_new() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    unshare -m true 2>/dev/null || skip "no namespace can be made"
    SYSTEM=$(mktemp -d "${TMPDIR:-/tmp}/system.XXXXXX") # bats lets nobody else look below its own
    LAB=$SYSTEM/lab MNT=$SYSTEM/mnt
    mkdir "$LAB" "$MNT" "$SYSTEM/programs" "$SYSTEM/sbin" "$SYSTEM/home" "$SYSTEM/run"
    chmod 755 "$SYSTEM"
    write_vmx "$LAB/vm/vm.vmx" one
    cp "$VMXFS" "$SYSTEM/programs/vmxfs"
    ln -s vmxfs "$SYSTEM/programs/mount.vmxfs"
    ln -s vmxfs "$SYSTEM/programs/mount.fuse.vmxfs"
    local name
    for name in vmxfs mount.vmxfs mount.fuse.vmxfs; do
        printf '#!/bin/sh\nexec setarch -R "%s/programs/%s" "$@"\n' "$SYSTEM" "$name" >"$SYSTEM/sbin/$name"
        chmod 755 "$SYSTEM/sbin/$name"
    done
    ln -s /usr/sbin/mount.fuse3 "$SYSTEM/programs/mount.fuse3"
    for name in mount.fuse3 mount.fuse automount; do
        [ ! -e "/usr/sbin/$name" ] || cp -P "/usr/sbin/$name" "$SYSTEM/sbin/"
    done
    : >"$SYSTEM/fstab"
    mknod "$SYSTEM/fuse" c 10 229
    chmod 666 "$SYSTEM/fuse"
    echo user_allow_other >"$SYSTEM/fuse.conf"
    sed "s#^\(nobody:[^:]*:[^:]*:[^:]*:[^:]*\):[^:]*:.*#\1:$SYSTEM/home:/bin/sh#" /etc/passwd >"$SYSTEM/passwd"
    chown -R nobody "$MNT" "$LAB" "$SYSTEM/home"
}

# A mount that ended in a system of its own may still be recording.
system_end() {
    [ -n "$SYSTEM" ] || return 0
    lab_end
    # shellcheck disable=SC2046 # a list
    eventually 60 ended $(VMXFS=$SYSTEM/programs/vmxfs mount_processes)
    rm -rf "$SYSTEM"
}

# Runs a script in that system. It may use: by_nobody COMMAND, refused
# COMMAND, not_mounted, LAB, MNT, SYSTEM.
in_system() { # SCRIPT
    export SYSTEM LAB MNT
    unshare -m --propagation private bash -c '
        for file in fstab fuse.conf passwd; do mount --bind "$SYSTEM/$file" "/etc/$file"; done
        mount --bind "$SYSTEM/fuse" /dev/fuse
        mkdir -p /run/mount && mount --bind "$SYSTEM/run" /run/mount
        mount --bind "$SYSTEM/sbin" /usr/local/sbin
        mount --bind "$SYSTEM/sbin" /usr/local/bin
        mount --bind "$SYSTEM/sbin" /usr/sbin
        by_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
        refused() { ! "$@"; }
        not_mounted() { refused grep " $MNT " /proc/mounts; }
        end() { while grep -q " $MNT fuse" /proc/mounts; do fusermount3 -u -z "$MNT"; done; }
        trap end EXIT
        set -e
        '"$1" 3>&-
}
