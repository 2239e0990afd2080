# SPDX-License-Identifier: MIT
# What is there after the quickstart: on a copy of this system, so that nothing of it is changed.

load helper
bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/../..

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
}

# Runs the shell script on standard input in the copy, at the sources.
on_a_copy() {
    { echo 'set -eux; cd /home/vmxfs; fails() { if "$@"; then return 1; fi; }'; cat; } >"$BATS_TEST_TMPDIR/script"
    sh "$support/throwaway.sh" "$root" sh -s <"$BATS_TEST_TMPDIR/script" 3>&-
}

@test "the quickstart installs vmxfs and its manual: for an ordinary user, for root, newer ones over older ones, and takes them away" {
    on_a_copy <<'END'
useradd -m -s /bin/bash newcomer
chown -R newcomer /home/vmxfs
newcomer() {
    setpriv --reuid newcomer --regid newcomer --init-groups \
        env -i HOME=/home/newcomer PATH="${path-/usr/bin:/bin}" "$@"
}
local=/home/newcomer/.local

newcomer sh docs/quickstart.sh >/tmp/said
line=$(grep '^  PATH=' /tmp/said)
newcomer bash -c "$line"'
    [ "$(type -P vmxfs)" = '$local'/bin/vmxfs ] && vmxfs --version &&
        [ "$(man -w vmxfs)" = '$local'/share/man/man1/vmxfs.1 ] && man vmxfs | grep -q "^SYNOPSIS" &&
        man 5 vmxfs-profile | grep -q "^FILES\\|^DESCRIPTION"'
newcomer grep -q memSize /home/newcomer/vmxfs-demo/physical/.vmxfs/profiles/nested-esxi
cmp docs/completion/vmxfs.bash $local/share/bash-completion/completions/fusermount3
cmp docs/completion/vmxfs.bash $local/share/bash-completion/completions/vmxfs
cmp docs/completion/_vmxfs $local/share/zsh/site-functions/_vmxfs
[ "$(readlink /proc/[0-9]*/exe | grep -c "^$local/bin/vmxfs\$")" -eq 3 ]

# A newer one, while the older one serves; the path is known by now.
sed -i 's/usage: vmxfs \[options\]/usage: vmxfs [newer options]/' fs/options.c
sed -i 's/^vmxfs - mount/vmxfs - newer: mount/' docs/vmxfs.1.scd
path=$local/bin:/usr/bin:/bin
newcomer sh docs/quickstart.sh >/tmp/said
fails grep PATH= /tmp/said
grep -q 'man vmxfs' /tmp/said
newcomer vmxfs --help | grep 'newer options'
newcomer man vmxfs | grep 'newer: mount'
newcomer sh docs/quickstart.sh stop
newcomer sh docs/quickstart.sh uninstall
fails test -e $local

PATH=/usr/local/sbin:/usr/local/bin:$PATH
find /usr/local /usr/sbin /sbin/ | sort >/tmp/before
sh docs/quickstart.sh >/tmp/said
fails grep PATH= /tmp/said
[ "$(command -v vmxfs)" = /usr/local/bin/vmxfs ]
[ "$(readlink -f "$(man -w vmxfs)")" = /usr/local/share/man/man1/vmxfs.1 ]
[ "$(readlink -f /sbin/mount.fuse.vmxfs)" = /usr/local/bin/vmxfs ]
sh docs/quickstart.sh stop
# What only the older one has goes at once.
sed -i 's/^install_data(.completion\/_vmxfs.,/install_data('"'completion\/_vmxfs', rename: '_vmxfs_newer',/" docs/meson.build
sh docs/quickstart.sh >/tmp/said
test -e /usr/local/share/zsh/site-functions/_vmxfs_newer
fails test -e /usr/local/share/zsh/site-functions/_vmxfs
sh docs/quickstart.sh stop
sh docs/quickstart.sh uninstall
find /usr/local /usr/sbin /sbin/ | sort | diff /tmp/before -

# What is not the quickstart's stays. And it mounts what it is told to.
ln -s /bin/true /sbin/mount.fuse.vmxfs
mkdir /tmp/lab /tmp/mnt
sh docs/quickstart.sh -o ro /tmp/lab /tmp/mnt
grep -q ' /tmp/mnt fuse.vmxfs ro,' /proc/mounts
umount /tmp/mnt
sh docs/quickstart.sh uninstall
[ "$(readlink /sbin/mount.fuse.vmxfs)" = /bin/true ]
END
}

@test "the Debian package is as lintian wants it, brings what it promises, and goes without a trace" {
    on_a_copy <<'END'
export DEBFULLNAME='A Packager' DEBEMAIL=packager@vmxfs.example
package=$(sh docs/debian-package.sh /tmp/package)
[ "$package" = "/tmp/package/vmxfs_$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)_$(dpkg --print-architecture).deb" ]
lintian --allow-root --fail-on error,warning "$package"
for needed in libc6 libfuse3- libssh2-1 fuse3 openssh-client; do
    dpkg-deb -f "$package" Depends | grep -qE "(^|, )$needed"
done

dpkg --install "$package"
[ "$(command -v vmxfs)" = /usr/bin/vmxfs ]
vmxfs --version
for page in vmxfs 'vmxfs-profile' mount.fuse.vmxfs; do
    man "$page" | grep -q '^DESCRIPTION'
done
[ "$(zsh -c 'autoload -U compinit && compinit -D && print $_comps[vmxfs]')" = _vmxfs ]
for program in vmxfs fusermount3; do
    bash -c ". /usr/share/bash-completion/bash_completion
        _comp_load $program || _completion_loader $program
        complete -p $program" | grep -qE 'vmxfs'
done
mkdir /tmp/lab /tmp/mnt
mount -t fuse.vmxfs /tmp/lab /tmp/mnt
grep -q memSize /tmp/mnt/.vmxfs/profiles/nested-esxi
umount /tmp/mnt

dpkg --purge vmxfs
[ -z "$(find /usr/bin /usr/sbin /usr/share /var/lib/dpkg -name '*vmxfs*')" ]
END
}
