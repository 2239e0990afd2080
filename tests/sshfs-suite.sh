#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests that sshfs brings with it, with vmxfs in the place of the program sshfs, and with its
# default idmap=none, as they change owners where root runs them. docs/posix.md says which of them fail,
# and why. For whoever may mount, with pytest.
#
# usage: sh tests/sshfs-suite.sh SSHFS_TREE [PYTEST_WORD...]
#   SSHFS_TREE   its source, https://github.com/libfuse/sshfs; it is copied and not changed
# VMXFS: the program, default build/fs/vmxfs. PYTHON: one that has pytest, default python3.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
vmxfs=${VMXFS:-$root/build/fs/vmxfs}

say() {
    echo "sshfs-suite.sh: $*" >&2
    exit 2
}

[ $# -ge 1 ] || say "usage: sh tests/sshfs-suite.sh SSHFS_TREE [PYTEST_WORD...]"
tree=$1
shift
[ -f "$tree/test/test_sshfs.py" ] || say "$tree is not the source of sshfs"
command -v "$vmxfs" >/dev/null || say "$vmxfs is not there"
"${PYTHON:-python3}" -m pytest --version >/dev/null 2>&1 || say "there is no pytest"

work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-sshfs-suite.XXXXXX")
export XDG_STATE_HOME="$work/state"
finish() {
    awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts |
        xargs -r -n 1 fusermount3 -u -z || :
    sh "$root/tests/support/sshd.sh" stop "$work/sshd" || :
    rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

SSHD_HOST_KEYS=ed25519 sh "$root/tests/support/sshd.sh" start "$work/sshd"
cp -R "$tree" "$work/suite"
mkdir "$work/bin"
# The suite logs in at localhost, as the user's own ssh_config says; here that is another file.
printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$work/sshd/ssh_config" >"$work/bin/ssh"
printf '#!/bin/sh\nexec %s -F %s -o idmap=none "$@"\n' "$vmxfs" "$work/sshd/ssh_config" \
    >"$work/suite/sshfs"
cp "$tree/test/wrong_command.c" "$work/wrong_command.c"
cc -w -o "$work/suite/test/wrong_command" "$work/wrong_command.c" 2>/dev/null || :
chmod 755 "$work/bin/ssh" "$work/suite/sshfs"
status=0
(cd "$work/suite" &&
    PATH="$work/bin:$PATH" "${PYTHON:-python3}" -m pytest -p no:cacheprovider --maxfail=1000 --basetemp "$work/tmp" \
        -q -rf --tb=line test "$@") || status=$?
exit "$status"
