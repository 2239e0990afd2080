#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command for which programs of arm64 start as those of this machine do, through qemu-user,
# and so do the programs that they start. Only the command's own user namespace knows of it (Linux
# 6.7 and later). Where the system runs such programs by itself, no namespace is made.
#
# usage: with-arm64.sh SYSROOT COMMAND...        as root; SYSROOT: see arm64-sysroot.sh

set -eu

QEMU_LD_PREFIX=$1
export QEMU_LD_PREFIX
shift
if ls /proc/sys/fs/binfmt_misc/qemu-aarch64 >/dev/null 2>&1; then
    exec "$@"
fi

unshare --user true || {
    echo "with-arm64: there can be no user namespace here" >&2
    exit 1
}
# All users of this machine are there in the namespace, as the same ones. Its map is written from
# outside, once it is there; then it may go on.
place=$(mktemp -d)
trap 'rm -r "$place"' EXIT
ready=$place/ready
mkfifo "$ready"
# shellcheck disable=SC2016 # for the inner shell
unshare --user --mount sh -c '
    ready=$1
    shift
    echo >"$ready"
    read -r _ <"$ready"
    mount -t binfmt_misc arm64 /proc/sys/fs/binfmt_misc &&
        printf "%s" ":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64:F" \
            >/proc/sys/fs/binfmt_misc/register || exit
    exec "$@"' sh "$ready" "$@" &
namespace=$!
read -r _ <"$ready"
for map in uid_map gid_map; do
    echo "0 0 65536" >"/proc/$namespace/$map"
done
echo >"$ready"
wait "$namespace"
