#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a folder with the arm64 libraries and headers that vmxfs is built with, from Debian's packages,
# and cross.ini for meson in it. The system's own package lists and packages stay as they are.
#
# usage: arm64-sysroot.sh FOLDER        an absolute path; a complete one stays

set -eu

folder=$1
packages="libc6-dev libfuse3-dev libssh2-1-dev libcmocka-dev uthash-dev"

[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
: >"$folder/apt/status"

# An apt of its own, for a system of that architecture on which nothing is installed.
apt_arm64() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= \
        -o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" \
        -o Dir::Cache="$folder/apt" "$@"
}

apt_arm64 update
# shellcheck disable=SC2086 # a list of words
apt_arm64 install -y --no-install-recommends --download-only $packages
for package in "$folder"/apt/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
for top in bin lib sbin; do
    [ -e "$folder/$top" ] || ln -s "usr/$top" "$folder/$top"
done
# A link to /lib/... means the folder's.
find "$folder" -lname '/*' | while read -r link; do
    ln -sfn "$folder$(readlink "$link")" "$link"
done
rm -rf "$folder/apt"
cat >"$folder/cross.ini" <<END
[binaries]
c = ['aarch64-linux-gnu-gcc', '--sysroot=$folder']
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'

[properties]
sys_root = '$folder'
pkg_config_libdir = ['$folder/usr/lib/aarch64-linux-gnu/pkgconfig', '$folder/usr/share/pkgconfig']
needs_exe_wrapper = false # with-arm64.sh runs them

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
: >"$folder/complete"
