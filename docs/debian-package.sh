#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a Debian package of vmxfs, for the release of Debian that it is made on.
#
# usage: sh docs/debian-package.sh [FOLDER]      prints the package's name; default: build-debian
#
# Then, as root:  apt install ./FOLDER/vmxfs_VERSION_ARCHITECTURE.deb
# The packager is the last commit's author, or $DEBFULLNAME and $DEBEMAIL.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/build-debian}

fail() {
    echo "debian-package: $*" >&2
    exit 1
}

# Nothing where there is no repository.
last_commit() { # FORMAT
    git -C "$root" log -1 --format="$1" 2>/dev/null || :
}

# Builds for /usr, with the flags that the tests know, and installs below $tree.
build() {
    meson setup --prefix=/usr -Dc_args="-ffile-prefix-map=$root=." "$work/build" "$root"
    ninja -C "$work/build" installed
    DESTDIR=$tree meson install -C "$work/build" --no-rebuild --strip
}

# What Debian has elsewhere, or in another form. Each program has a page: mount(8)'s helpers vmxfs(1).
debianize() {
    strip --remove-section=.comment --remove-section=.note "$tree/usr/bin/vmxfs"
    find "$tree/usr/share/man" -type f -exec gzip -9n {} +
    mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
    mkdir "$tree/usr/share/man/man8"
    for helper in "$tree"/usr/sbin/*; do
        ln -s ../man1/vmxfs.1.gz "$tree/usr/share/man/man8/${helper##*/}.8.gz"
    done
    find "$tree/usr" -lname '/usr/*' | while read -r link; do
        ln -sfnr "$tree$(readlink "$link")" "$link"
    done
}

add_documents() {
    mkdir -p "$tree/usr/share/doc/vmxfs"
    cp "$root"/docs/*.md "$root"/docs/*.svg "$tree/usr/share/doc/vmxfs/"
    cat >"$tree/usr/share/doc/vmxfs/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: vmxfs

Files: *
$(sed -n 's/^Copyright (c)/Copyright:/p' "$root/LICENSE")
License: Expat
$(sed -e '1,/^Permission/{/^Permission/!d}' -e 's/^$/./' -e 's/^/ /' "$root/LICENSE")
END
    cat >"$work/changelog" <<END
vmxfs ($version) unstable; urgency=medium

  * See CHANGELOG.md.

 -- $packager  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END
    gzip -9nc "$work/changelog" >"$tree/usr/share/doc/vmxfs/changelog.gz"
}

# The packages of the libraries, in the versions that have all functions that are called.
libraries() {
    mkdir "$work/debian"
    printf 'Source: vmxfs\n\nPackage: vmxfs\nArchitecture: any\n' >"$work/debian/control"
    (cd "$work" && dpkg-shlibdeps -O "$tree/usr/bin/vmxfs") | sed -n 's/^shlibs:Depends=//p'
}

describe() {
    mkdir "$tree/DEBIAN"
    cat >"$tree/DEBIAN/control" <<END
Package: vmxfs
Version: $version
Architecture: $architecture
Maintainer: $packager
Installed-Size: $(du -sk "$tree/usr" | cut -f 1)
Depends: $(libraries), fuse3, openssh-client
Suggests: openssh-sftp-server
Section: utils
Priority: optional
Description: mount VMware datastores with one file per VM setting
 vmxfs mounts the datastores of VMware ESXi hosts over SFTP and shows every
 VM's .vmx as a directory with one file per setting. Each change is one atomic
 rewrite that keeps all other bytes as they were.
 .
 A file named passthrough-profile sets a VM up for GPU passthrough, nested
 ESXi included, and takes that back. On an ESXi host vmxfs also shows the
 host's devices and VMs, and changes power states and passthrough.
END
    (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
}

sh "$root/tests/packages.sh" build package >&2
umask 022
packager=${DEBFULLNAME:-$(last_commit %an)} address=${DEBEMAIL:-$(last_commit %ae)}
[ -n "$packager" ] && [ -n "$address" ] || fail "who makes the package? Set DEBFULLNAME and DEBEMAIL"
packager="$packager <$address>"
time=$(last_commit %ct)
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-${time:-$(date +%s)}}"
architecture=$(dpkg --print-architecture)
work=$(mktemp -d) tree=$work/vmxfs
trap 'rm -rf "$work"' EXIT
build >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "the build failed"
}
version=$(meson introspect --projectinfo "$work/build" |
    sed -n 's/^{.*"version": "\([^"]*\)".*/\1/p')
debianize
add_documents
describe
package=$folder/vmxfs_${version}_$architecture.deb
mkdir -p "$folder"
dpkg-deb --root-owner-group --build "$tree" "$package" >&2
echo "$package"
