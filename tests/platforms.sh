#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the README's two commands on fresh Debian systems, and prints what each says.
#
# usage: sh tests/platforms.sh [SUITE]...      default: bookworm trixie; forky is a look ahead
#
# For each suite: a new system in a folder (debootstrap), a clone of the last commit in it, then
#   sh docs/quickstart.sh            vmxfs and its manual are there, the demo hosts are mounted, read,
#                                    written and stopped again; all is uninstalled
#   meson setup, ninja               as the README says, with gcc and with clang, each from nothing
#   sh tests/run.sh                  all, and arm64, with CI set: a test that cannot run is a failure
# ends with a line for each suite, and status 0 if nothing failed. All that was said is kept in
# build-platforms/SUITE.log.
#
# Needs root, /dev/fuse and a mirror of Debian: $MIRROR, else the one that apt here uses. The system
# has mounts and processes of its own, which end with it, and its folder (below $TMPDIR, some 3 GiB)
# is removed: nothing of this machine is changed. What tests serve they serve on 127.0.0.1.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
logs=$root/build-platforms

fail() {
    echo "platforms: $*" >&2
    exit 2
}

mirror() {
    apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null |
        awk '$2 !~ /security|backports/ { print $1; exit }'
}

# debootstrap is unpacked, not installed, where it is missing.
have_debootstrap() {
    command -v debootstrap >/dev/null 2>&1 && return
    (cd "$work" && apt-get download -q debootstrap >/dev/null && dpkg-deb -x debootstrap_*.deb tool) ||
        fail "cannot get debootstrap: apt-get update, then again"
    DEBOOTSTRAP_DIR=$work/tool/usr/share/debootstrap
    PATH=$PATH:$work/tool/usr/sbin
    export DEBOOTSTRAP_DIR PATH
}

# A suite that is newer than debootstrap is made as unstable is. What it mounts ends with it.
make_system() { # SUITE FOLDER
    script=${DEBOOTSTRAP_DIR:-/usr/share/debootstrap}/scripts/$1
    [ -e "$script" ] || script=${script%/*}/sid
    unshare --mount debootstrap --variant=minbase "$1" "$2" "$mirror" "$script" || return
    # How to reach the mirror from here.
    cp /etc/resolv.conf /etc/hosts "$2/etc/"
    apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$2/etc/apt/apt.conf.d/01mirror"
    mkdir "$2/root/vmxfs.git" && git -C "$root" bundle create -q "$2/root/vmxfs.git/bundle" HEAD
}

# Runs a command in the system, with mounts, processes and devices of its own. They all end with
# it, however it ends.
inside() { # FOLDER COMMAND...
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child sh -c '
        set -e
        system=$1
        shift
        mount --make-rprivate /
        mount --bind "$system" "$system"
        mount -t proc proc "$system/proc"
        mount --rbind -o ro /sys "$system/sys"
        mount -t tmpfs -o mode=755 devices "$system/dev"
        for device in null zero full random urandom tty fuse autofs; do
            [ -e "/dev/$device" ] || continue
            touch "$system/dev/$device"
            mount --bind "/dev/$device" "$system/dev/$device"
        done
        mkdir "$system/dev/pts" "$system/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=666 terminals "$system/dev/pts"
        mount -t tmpfs -o mode=1777 shared "$system/dev/shm"
        ln -s pts/ptmx "$system/dev/ptmx"
        ln -s /proc/self/fd "$system/dev/fd"
        for stream in 0,stdin 1,stdout 2,stderr; do
            ln -s "fd/${stream%,*}" "$system/dev/${stream#*,}"
        done
        # No chroot: in one there can be no user namespaces.
        cd "$system"
        pivot_root . mnt
        cd /
        umount -l /mnt
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LC_ALL=C.UTF-8 CI=1 DEBIAN_FRONTEND=noninteractive "$@"' sh "$@" </dev/null
}

# What is done there. It says "platform: WORD..." where it has got to.
walk() {
    cat <<'END'
set -u
step() { # NAME COMMAND...
    name=$1
    shift
    if "$@"; then echo "platform: ok $name"; else echo "platform: FAILED $name"; fi
}
demo() {
    sh docs/quickstart.sh && /usr/local/bin/vmxfs --version && man -w vmxfs || return
    cd /root/vmxfs-demo/physical/datastore1 || return
    cat db-01/db-01.vmx/memSize && echo 32768 >nested-esxi/nested-esxi.vmx/memSize &&
        [ "$(cat nested-esxi/nested-esxi.vmx/memSize)" = 32768 ] && cat ../.vmxfs/status
    status=$?
    cd /root/vmxfs && sh docs/quickstart.sh stop && sh docs/quickstart.sh uninstall && return "$status"
}
from_nothing() { # COMPILER
    CC=$1 meson setup "/root/build-$1" && ninja -C "/root/build-$1" --quiet
}
echo 'path-exclude=/usr/share/doc/*' >/etc/dpkg/dpkg.cfg.d/01small
apt-get update -q && apt-get install -q -y --no-install-recommends git ca-certificates || exit
cd /root && git clone -q vmxfs.git/bundle vmxfs && cd vmxfs || exit
step quickstart demo
sh tests/packages.sh build run test
for package in gcc clang libssh2-1-dev libfuse3-dev openssh-server libcmocka-dev; do
    echo "platform: has $package $(dpkg-query -W -f='${Version}' "$package")"
done
step build/gcc from_nothing gcc
step build/clang from_nothing clang
sh tests/run.sh lint unit mount fault tsan arm64
END
}

# Follows the log of a suite: what a reader wants to know at once.
show() { # SUITE
    sed -n -u -E "s/^platform: (.*)/$1: \\1/p; s/^(FAILED .*|[0-9]+ passed, [0-9]+ failed)\$/$1: \\1/p"
}

try_suite() { # SUITE
    system=$work/$1
    log=$logs/$1.log
    echo "$1: making the system"
    if ! make_system "$1" "$system" >"$log" 2>&1; then
        echo "$1: FAILED to make the system: $(tail -n 1 "$log")"
        return
    fi
    walk >"$system/root/walk"
    inside "$system" sh /root/walk 2>&1 | tee -a "$log" | show "$1"
    rm -rf --one-file-system "$system"
}

[ "$(id -u)" -eq 0 ] || fail "a new system needs root"
[ -c /dev/fuse ] || fail "there is no /dev/fuse"
mirror=${MIRROR:-$(mirror)}
[ -n "$mirror" ] || fail "no mirror of Debian is known: set MIRROR"
[ -z "$(git -C "$root" status --porcelain)" ] ||
    echo "platforms: what is not committed is not tried" >&2
[ $# -gt 0 ] || set -- bookworm trixie
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-platforms.XXXXXX") || exit 2
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$logs" || exit 2
have_debootstrap
for suite in "$@"; do
    try_suite "$suite" | tee "$work/$suite.said"
done
echo
status=0
for suite in "$@"; do
    failed=$(grep -c ': FAILED' "$work/$suite.said")
    count=$(sed -n "s/^$suite: \([0-9]* passed, [0-9]* failed\)\$/\1/p" "$work/$suite.said" | tail -n 1)
    echo "$suite: ${count:-tests did not run}, $failed lines FAILED"
    [ "$failed" -eq 0 ] && [ -n "$count" ] || status=1
done
exit "$status"
