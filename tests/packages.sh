#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian or Ubuntu packages that vmxfs needs, those that are missing only: a second
# call needs no network.
#
# usage: sh tests/packages.sh [build|run|package|test|arm64|bench]...

set -eu

BUILD="meson ninja-build gcc libc6-dev pkg-config libfuse3-dev libssh2-1-dev libgit2-dev libssl-dev
       zlib1g-dev uthash-dev scdoc libcmocka-dev"
RUN="fuse3 man-db openssh-client openssh-server openssh-sftp-server"
PACKAGE="dpkg-dev"
ARM64="gcc-aarch64-linux-gnu qemu-user"
BENCH="qemu-utils rclone sshfs"
TEST="autofs bash-completion bats busybox clang cppcheck dropbear-bin ed expect git graphviz groff-base less lintian
      llvm make netcat-openbsd patch perl procps python3 qemu-utils rsync shellcheck sshfs systemd vim zsh"

fail() {
    echo "packages: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "these packages are missing, and installing them needs root or sudo: $missing"
    fi
}

installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed$'
}

# Tests and tour start an sshd of their own on 127.0.0.1, and an automounter. The system's own must
# not come up because of us: nobody asked for an open port 22.
install() {
    missing=$*
    no_services=
    case " $missing " in
    *" openssh-server "* | *" autofs "*)
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            no_services=yes
            printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
            as_root chmod 755 /usr/sbin/policy-rc.d
        fi
        ;;
    esac
    status=0
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' sh $missing \
        >&2 </dev/null || status=$?
    if [ -n "$no_services" ]; then
        as_root rm -f /usr/sbin/policy-rc.d
        if command -v systemctl >/dev/null 2>&1; then
            case " $missing " in
            *" openssh-server "*) as_root systemctl disable ssh.service ssh.socket >/dev/null 2>&1 || : ;;
            esac
            case " $missing " in
            *" autofs "*) as_root systemctl disable autofs.service >/dev/null 2>&1 || : ;;
            esac
        fi
    fi
    [ "$status" -eq 0 ] || fail "apt-get could not install: $missing"
}

install_missing() {
    wanted=
    for package in "$@"; do
        installed "$package" || wanted="$wanted $package"
    done
    # shellcheck disable=SC2086
    [ -z "$wanted" ] || install $wanted
}

# clang-format and clang-tidy of one version judge the sources. Where a distribution does not have
# it, those two checks fail and say so; all other tests run.
install_judges() {
    llvm=$(sh "$(dirname "$0")/lint.sh" --llvm)
    for package in "clang-format-$llvm" "clang-tidy-$llvm"; do
        installed "$package" && continue
        apt-cache show "$package" >/dev/null 2>&1 || as_root apt-get update -q >&2
        if apt-cache show "$package" >/dev/null 2>&1; then
            install "$package"
        else
            echo "packages: $package is not to be had here" >&2
        fi
    done
}

# The sanitizers' libraries are in a package whose name bears clang's version.
clang_can_sanitize() {
    echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o /dev/null 2>/dev/null
}

command -v apt-get >/dev/null 2>&1 || fail "this is no Debian or Ubuntu: see README.md for what is needed"
for set in "$@"; do
    # shellcheck disable=SC2086
    case $set in
    build) install_missing $BUILD ;;
    run) install_missing $RUN ;;
    package) install_missing $PACKAGE ;;
    arm64) install_missing $ARM64 ;;
    bench) install_missing $BENCH ;;
    test)
        install_missing $TEST
        install_judges
        clang_can_sanitize ||
            install_missing "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
        ;;
    *) fail "unknown set: $set" ;;
    esac
done
