# SPDX-License-Identifier: MIT
# What the server refuses to its user: told with the right error, and nothing else suffers.

load helper

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    lab_new
    LAB=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX") # bats lets nobody else look below its own
    chmod 755 "$LAB"
    mkdir "$LAB/vm" "$LAB/locked"
    printf 'displayName = "one"\nmemSize = "4096"\n' | tee "$LAB/vm/vm.vmx" "$LAB/vm/secret.vmx" >"$LAB/locked/vm.vmx"
    echo text >"$LAB/vm/file"
    chmod 600 "$LAB/vm/secret.vmx"
    chmod 700 "$LAB/locked"
    printf '#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups %s\n' "$SFTP_SERVER" >"$LAB-server"
    chmod 755 "$LAB-server"
    (cd "$LAB" && find . -type f -exec cksum {} + | sort) >"$TEST_DIR/before"
    mount_source "$LAB" sftp_server="$LAB-server"
}

teardown() {
    lab_end
    rm -rf "$LAB" "$LAB-server"
}

denied() { # COMMAND
    run bash -c "cd '$MNT' && $1"
    echo "$1: $output"
    [ "$status" -ne 0 ]
    [[ $output == *"Permission denied"* ]]
}

@test "what cannot be read is listed, and only that is refused" {
    [ "$(ls "$MNT/vm")" = "file
secret.vmx
vm.vmx" ]
    denied "cat vm/secret.vmx/memSize"
    denied "cat .vmxfs/plain/vm/secret.vmx"
    denied "ls locked"
    denied "cat locked/vm.vmx/memSize"
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
    run grep -r 4096 "$MNT" --include=memSize
    [[ $output == *"$MNT/vm/vm.vmx/memSize:4096"* ]]
    grep -q '	vm/vm.vmx	' "$MNT/.vmxfs/check"
}

# With a line of its own in errors.
denied_and_told() { # COMMAND
    local before
    before=$(wc -l <"$MNT/.vmxfs/errors")
    denied "$1"
    [ "$(wc -l <"$MNT/.vmxfs/errors")" -gt "$before" ]
}

@test "what cannot be written is refused and told, and stays" {
    local command
    while read -r command; do
        denied_and_told "$command"
    done <<'END'
echo 8192 >vm/vm.vmx/memSize
echo nested-esxi >vm/vm.vmx/passthrough-profile
rm vm/vm.vmx/memSize
mv vm/vm.vmx/memSize vm/vm.vmx/other
sed -i s/4096/8192/ vm/vm.vmx/memSize
sed -i s/4096/8192/ .vmxfs/plain/vm/vm.vmx
sed s/4096/8192/ vm/vm.vmx/.vmxfs/raw >new; cp new vm/vm.vmx/.vmxfs/raw
mv vm/vm.vmx vm/other.vmx
rm -r vm/vm.vmx
rm .vmxfs/plain/vm/vm.vmx
mkdir vm/new.vmx
cp vm/file vm/new.vmx
mkdir vm/new
echo x >vm/file
rm vm/file
mv vm/file vm/other
truncate -s 0 vm/file
chmod 777 vm/file
touch vm/file
chmod 777 vm
chmod 777 .vmxfs/plain/vm/vm.vmx
ln -s x vm/link
END
    denied "rmdir locked/vm.vmx"
    (cd "$LAB" && find . -type f -exec cksum {} + | sort) | diff "$TEST_DIR/before" -
    grep -q 'EACCES	vm/vm.vmx	memSize	the server does not allow it' "$MNT/.vmxfs/errors"
}

@test "a folder that holds something, and cannot be listed, is not empty" {
    mkdir -p "$LAB/own/blind/something"
    chown -R nobody "$LAB/own"
    chmod 333 "$LAB/own/blind"
    eventually 60 test -d "$MNT/own/blind"
    run rmdir "$MNT/own/blind"
    [[ $output == *"not empty"* ]]
}

# One line in errors, with the errno, the file and the setting.
refused_in_one_line() { # ERRNO FILE KEY PYTHON
    local before
    before=$(wc -l <"$MNT/.vmxfs/errors")
    run python3 -B -c "import ctypes, os
def exchange(a, b):
    if ctypes.CDLL(None, use_errno=True).renameat2(-100, a.encode(), -100, b.encode(), 2) < 0:
        raise OSError(ctypes.get_errno(), 'renameat2')
os.chdir('$MNT/own')
$4"
    echo "$4: $output"
    [ "$status" -ne 0 ]
    tail -n +$((before + 1)) "$MNT/.vmxfs/errors" | cut -f 2-4 | diff <(printf '%s\t%s\t%s\n' "$1" "$2" "$3") -
}

@test "what is refused for no reason but its errno has a line, too" {
    mkdir -p "$LAB/own/full"
    touch "$LAB/own/full/file"
    cp "$LAB/vm/vm.vmx" "$LAB/own/"
    touch "$LAB/own/a" "$LAB/own/b"
    chown -R nobody "$LAB/own"
    eventually 60 test -e "$MNT/own/vm.vmx/memSize"
    refused_in_one_line EINVAL own/vm.vmx memSize "exchange('vm.vmx/memSize', 'vm.vmx/displayName')"
    refused_in_one_line EINVAL own/a - "exchange('a', 'b')"
    refused_in_one_line ENOSPC own/vm.vmx .a.swp "
open('vm.vmx/.a.swp', 'w').close()
os.truncate('vm.vmx/.a.swp', 1 << 30)"
    grep -q 'MiB at most' "$MNT/.vmxfs/errors"
    # What any file system answers is no refusal.
    before=$(wc -l <"$MNT/.vmxfs/errors")
    run mkdir "$MNT/own" "$MNT/own/a"
    run rmdir "$MNT/own/full"
    run python3 -c "open('$MNT/own/a', 'x')"
    [ "$(wc -l <"$MNT/.vmxfs/errors")" = "$before" ]
}
