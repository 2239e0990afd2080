#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command in a copy of this system that is gone with all its mounts and processes when the
# command ends: what it installs, removes or adds users for is not seen outside.
#
# usage: throwaway.sh TREE COMMAND...       as root; /home/vmxfs has a copy of TREE's sources there

set -eu

tree=$1
shift
# What is mounted at /mnt of the new namespace is memory: the changes, and the system that they make.
exec unshare --mount --pid --fork --kill-child sh -c '
    set -e
    tree=$1 system=/mnt/system
    shift
    mount --make-rprivate /
    # A mount of another test would not end as long as this copy of it is there.
    awk "\$3 ~ /^fuse/ { print \$2 }" /proc/self/mounts | tac | while read -r mounted; do
        umount -l "$(printf %b "$mounted")"
    done
    mount -t tmpfs -o mode=755 changes /mnt
    mkdir /mnt/upper /mnt/work "$system"
    mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay "$system"
    mount -t proc proc "$system/proc"
    mount --rbind -o ro /sys "$system/sys"
    mount --rbind /dev "$system/dev"
    mount -t tmpfs -o mode=1777 tmp "$system/tmp"
    # Whatever this machine has, all users may mount there.
    mknod -m 666 /mnt/fuse c 10 229
    mount --bind /mnt/fuse "$system/dev/fuse"
    mkdir "$system/home/vmxfs"
    (cd "$tree" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c) |
        tar -x --no-same-owner -C "$system/home/vmxfs"
    exec chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"' sh "$tree" "$@"
