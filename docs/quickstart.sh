#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what vmxfs needs (Debian 12, Ubuntu 24.04 or later), builds it and mounts something.
#
#   sh docs/quickstart.sh                       a sample lab, served by a private sshd on 127.0.0.1
#   sh docs/quickstart.sh [OPTION]... SOURCE MOUNTPOINT   that, with vmxfs(1)'s options
#   sh docs/quickstart.sh stop                  ends the sample: unmounts it and stops its sshd
#
# The sample lives in ~/vmxfs-demo, or in $VMXFS_DEMO.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
demo=${VMXFS_DEMO:-$HOME/vmxfs-demo}
sshd=$root/tests/support/sshd.sh

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

# Runs a command that has a lot to say; if it fails, the last line and where the rest is.
quietly() { # WHAT COMMAND...
    what=$1
    shift
    "$@" >>"$build/quickstart.log" 2>&1 </dev/null ||
        fail "$what failed: $(grep -v '^ *$' "$build/quickstart.log" | grep -iE 'error|fail' | tail -n 1) (all of it: $build/quickstart.log)"
}

prepare() {
    sh "$root/tests/packages.sh" build run || exit 1
    pkg-config --atleast-version=3.14 fuse3 ||
        fail "libfuse $(pkg-config --modversion fuse3) is too old: 3.14 is needed (Debian 12, Ubuntu 24.04)"
    mkdir -p "$build" && : >"$build/quickstart.log" || fail "cannot write to $build"
    [ -f "$build/build.ninja" ] ||
        quietly "configuring the build" meson setup "$build" "$root"
    quietly "the build" ninja -C "$build" fs/vmxfs
}

check_fuse() {
    [ -e /dev/fuse ] || modprobe fuse 2>/dev/null
    (: <>/dev/fuse) 2>/dev/null || fail "cannot open /dev/fuse: a container needs --device /dev/fuse --cap-add SYS_ADMIN"
}

is_mounted() {
    awk -v at="$demo/mnt" '$2 == at { found = 1 } END { exit !found }' /proc/mounts
}

start_sample() {
    mkdir -p "$demo/mnt" && sh "$root/docs/demo/lab.sh" "$demo/lab" || fail "cannot write the sample to $demo"
    if is_mounted && ls "$demo/mnt" >/dev/null 2>&1; then
        return
    fi
    stop_sample
    sh "$sshd" start "$demo/sshd" >/dev/null || fail "the private sshd did not start, see $demo/sshd/log"
    mount_vmxfs -p "$(cat "$demo/sshd/port")" -o IdentityFile="$demo/sshd/id" \
        -o UserKnownHostsFile="$demo/sshd/known_hosts" \
        "$(id -un)@127.0.0.1:$demo/lab/vmfs/volumes" "$demo/mnt"
}

stop_sample() {
    if is_mounted; then
        fusermount3 -u "$demo/mnt" 2>/dev/null || fusermount3 -u -z "$demo/mnt" ||
            fail "cannot unmount $demo/mnt"
    fi
    [ ! -d "$demo/sshd" ] || sh "$sshd" stop "$demo/sshd"
}

mount_vmxfs() {
    check_fuse
    "$build/fs/vmxfs" -o profile_dir="$root/fs/profiles" "$@" || exit 1
}

tour() {
    cat <<END
The sample lab is mounted on $demo/mnt. To try:

  cd $demo/mnt/datastore1
  ls nested-01/nested-01.vmx                       every setting is a file
  grep -H . */*.vmx/memSize                        one setting of all VMs
  echo 32768 > nested-01/nested-01.vmx/memSize     set one; the file on the server changes at once
  echo lots > nested-01/nested-01.vmx/memSize      a wrong value is refused
  echo 8 > db-01/db-01.vmx/numvcpus                so is a change to a running VM
  cat ../.vmxfs/errors                             why they were refused
  cat build-cn/build-cn.vmx/displayName            a .vmx in GBK, read as UTF-8

  cd nested-01/nested-01.vmx
  cat .vmxfs/plan/nested-esxi                      what the GPU passthrough profile would change
  echo nested-esxi > passthrough-profile           apply it, in one rewrite of the file
  cat .vmxfs/check                                 what still stands in the way of passthrough
  echo none > passthrough-profile                  take it back, to the byte

The files that the server sees: $demo/lab/vmfs/volumes
To stop:                        sh $root/docs/quickstart.sh stop
END
}

case "$#:${1:-}" in
0:*)
    prepare
    start_sample
    tour
    ;;
1:stop)
    stop_sample
    echo "Stopped. The sample's files are still in $demo; remove them with: rm -r $demo"
    ;;
1:*) fail "usage: sh docs/quickstart.sh [[OPTION]... SOURCE MOUNTPOINT | stop]" ;;
*)
    prepare
    mount_vmxfs "$@"
    ;;
esac
