#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what vmxfs needs (Debian 12 and 13; Ubuntu has the same packages), builds and installs
# vmxfs, or a newer one over it, and mounts something.
#
#   sh docs/quickstart.sh                       three pretended ESXi hosts, to walk through docs/guide.md
#   sh docs/quickstart.sh [OPTION]... SOURCE MOUNTPOINT   that, with vmxfs(1)'s options
#   sh docs/quickstart.sh stop                  unmounts the pretended hosts and stops their sshds
#   sh docs/quickstart.sh uninstall             removes what was installed
#
# vmxfs is installed below /usr/local, with links to its helpers of mount(8) in /sbin, the only place
# where mount(8) looks; who is not root installs below ~/.local, without these links.
# The pretended hosts (tests/support/esxi.sh) serve on 127.0.0.1 and live in ~/vmxfs-demo, or in
# $VMXFS_DEMO: physical (Intel), amd, and nested, the host that runs in a VM of the first.
# With $VMXFS that program is run, and nothing is installed or built.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
installed=$build/meson-logs/install-log.txt
if [ "$(id -u)" -eq 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
vmxfs=${VMXFS:-$prefix/bin/vmxfs}
demo=${VMXFS_DEMO:-$HOME/vmxfs-demo}
esxi=$root/tests/support/esxi.sh
hosts="physical amd nested"

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
    [ -z "${VMXFS:-}" ] || return
    sh "$root/tests/packages.sh" build run || exit 1
    pkg-config --atleast-version=3.14 fuse3 ||
        fail "libfuse $(pkg-config --modversion fuse3) is too old: 3.14 is needed (Debian 12, Ubuntu 24.04)"
    mkdir -p "$build" && : >"$build/quickstart.log" || fail "cannot write to $build"
    if [ -f "$build/build.ninja" ]; then
        quietly "configuring the build" meson configure "$build" -Dprefix="$prefix"
    else
        quietly "configuring the build" meson setup --prefix="$prefix" "$build" "$root"
    fi
    quietly "the build" ninja -C "$build" installed
    older=$(grep -v '^#' "$installed" 2>/dev/null)
    quietly "installing below $prefix" meson install -C "$build" --no-rebuild
    keep_track
    link_helpers
}

# meson has listed what it installed now, and the folders that it made for that. Those that it made for
# an older one join the list, to go with it in the end; what only the older one has goes at once.
keep_track() {
    printf '%s\n' "$older" | while read -r path; do
        case $path in "$prefix" | "$prefix"/*) ;; *) continue ;; esac
        if grep -qxF "$path" "$installed"; then
            continue
        elif [ -d "$path" ]; then
            echo "$path" >>"$installed"
        else
            rm -f "$path"
        fi
    done
}

# mount(8)'s helpers that are installed, as they are called.
helpers() {
    find "$prefix/sbin" -name 'mount.*vmxfs' 2>/dev/null
}

# One that is there and not ours, a package's, stays.
link_helpers() {
    [ "$(id -u)" -ne 0 ] || for helper in $(helpers); do
        link=/sbin/${helper##*/}
        [ ! -e "$link" ] || [ "$(readlink "$link")" = "$helper" ] || continue
        ln -sf "$helper" "$link" || fail "cannot link $helper to /sbin"
    done
}

uninstall() {
    [ -f "$build/build.ninja" ] || fail "nothing was installed from $root"
    [ "$(id -u)" -ne 0 ] || for helper in $(helpers); do
        link=/sbin/${helper##*/}
        [ "$(readlink "$link")" != "$helper" ] || rm "$link"
    done
    : >"$build/quickstart.log"
    quietly "uninstalling" ninja -C "$build" uninstall
    echo "Uninstalled."
}

# man looks beside the folders of PATH, too.
tell_path() {
    [ -z "${VMXFS:-}" ] || return
    case :$PATH: in
    *":$prefix/bin:"*) printf 'Installed: vmxfs, and its manual (man vmxfs).\n\n' ;;
    *)
        cat <<END
vmxfs and its manual are installed below $prefix. For this shell (Debian's ~/.profile does it at
the next login):

  PATH="$prefix/bin:\$PATH"

END
        ;;
    esac
}

mount_vmxfs() {
    [ -e /dev/fuse ] || modprobe fuse 2>/dev/null
    [ ! -e /dev/fuse ] || [ -w /dev/fuse ] ||
        fail "$(id -un) may not open /dev/fuse: as root, chmod 666 /dev/fuse"
    (: <>/dev/fuse) 2>/dev/null || fail "cannot open /dev/fuse: a container needs --device /dev/fuse --cap-add SYS_ADMIN"
    "$vmxfs" "$@" || exit 1
}

is_mounted() { # HOST
    awk -v at="$demo/$1" '$2 == at { found = 1 } END { exit !found }' /proc/mounts
}

start_host() { # HOST [OPTION...]
    host=$1 files=$demo/hosts/$1
    if is_mounted "$host" && ls "$demo/$host" >/dev/null 2>&1; then
        return
    fi
    stop_host "$host"
    shift
    mkdir -p "$demo/$host" "$files" || fail "cannot write to $demo"
    sh "$esxi" start "$files" "$@" || fail "the pretended host did not start, see $files/sshd/log"
    mount_vmxfs -p "$(cat "$files/sshd/port")" -o IdentityFile="$files/sshd/id" \
        -o UserKnownHostsFile="$files/sshd/known_hosts" -o history="$demo/history/$host" \
        "$(id -un)@127.0.0.1:$files/vmfs/volumes" "$demo/$host"
}

stop_host() { # HOST
    if is_mounted "$1"; then
        fusermount3 -u "$demo/$1" 2>/dev/null || fusermount3 -u -z "$demo/$1" ||
            fail "cannot unmount $demo/$1"
    fi
    [ ! -d "$demo/hosts/$1" ] || sh "$esxi" stop "$demo/hosts/$1"
}

start_hosts() {
    start_host physical
    start_host amd --kind amd
    start_host nested --nested
    cat >"$demo/happens" <<END
#!/bin/sh
# What happens at a pretended host without vmxfs: happens VERB HOST [WORD...], with the verbs of
# $esxi
[ \$# -ge 2 ] && [ -d '$demo/hosts/'"\$2" ] || {
    echo "usage: happens VERB HOST [WORD...], with a HOST of: $hosts" >&2
    exit 2
}
verb=\$1 host=\$2
shift 2
exec sh '$esxi' "\$verb" '$demo/hosts/'"\$host" "\$@"
END
    chmod 755 "$demo/happens"
}

tour() {
    cat <<END
Three pretended ESXi hosts are mounted below $demo: physical (Intel), amd, and
nested, the host in a VM of the first. To try:

  cd $demo/physical
  cat .vmxfs/host/version .vmxfs/host/cpu          the host
  grep . .vmxfs/host/pci/*/name                    its PCI devices
  cat .vmxfs/vms                                   its VMs
  cd datastore1
  ls nested-esxi/nested-esxi.vmx                   every setting is a file
  grep . */*.vmx/memSize                           one setting of all VMs
  echo 32768 > nested-esxi/nested-esxi.vmx/memSize set one; the file on the host changes at once
  echo lots > nested-esxi/nested-esxi.vmx/memSize  a wrong value is refused
  echo 8 > db-01/db-01.vmx/numvcpus                so is a change to a running VM
  cat ../.vmxfs/errors                             why they were refused

A GPU for a VM in a nested host, step by step: $root/docs/guide.md
Its commands work here as they stand.

The files of the hosts: $demo/hosts
To stop:                sh $root/docs/quickstart.sh stop
END
}

case "$#:${1:-}" in
0:*)
    prepare
    tell_path
    start_hosts
    tour
    ;;
1:stop)
    for host in $hosts; do
        stop_host "$host"
    done
    echo "Stopped. The files of the hosts are still in $demo; remove them with: rm -r $demo"
    ;;
1:uninstall) uninstall ;;
1:*) fail "usage: sh docs/quickstart.sh [[OPTION]... SOURCE MOUNTPOINT | stop | uninstall]" ;;
*)
    prepare
    tell_path
    mount_vmxfs "$@"
    ;;
esac
