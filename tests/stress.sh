#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs what stresses a file system on a mount over a private sshd, and says of each whether it was
# clean: fio with verify, stress-ng's stressors of file systems, and git at some distance. It ends
# with a count; status 1 if anything failed. docs/programs.md tells which cannot run, and why.
#
# usage: sh tests/stress.sh BUILD [SECONDS]      SECONDS for each, default 10
#
# fio and stress-ng are Debian's packages of these names.

set -u

tests=$(cd "$(dirname "$0")" && pwd)
build=${1:?the build directory of meson}
seconds=${2:-10}
vmxfs=$(cd "$build" && pwd)/fs/vmxfs
proxy=$(cd "$build" && pwd)/tests/support/delay-proxy
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-stress.XXXXXX") || exit 1
export XDG_STATE_HOME="$work/state"
mnt=$work/mnt
passed=0 skipped=0 failed=0

stressors="access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup fallocate
    fcntl fiemap filename file-ioctl flock fpunch fstat getdent handle hdd inode-flags inotify io iomix
    io-uring link lockf lockofd mmapfork open readahead rename revio seek sendfile symlink sync-file
    touch utime verity xattr"

end() {
    cd /
    fusermount3 -u "$mnt" 2>/dev/null || fusermount3 -u -z "$mnt" 2>/dev/null
    [ -z "${proxy_pid:-}" ] || kill "$proxy_pid"
    sh "$tests/support/sshd.sh" stop "$work/sshd"
    rm -rf --one-file-system "$work"
}

mount_at() { # PORT [OPTION]...
    "$vmxfs" -o "transport=libssh2,port=$1,IdentityFile=$work/sshd/id" \
        -o "UserKnownHostsFile=$work/known_hosts,StrictHostKeyChecking=accept-new" \
        -o no_contain_symlinks "127.0.0.1:$work/lab" "$mnt"
}

# What a program says is shown only where it failed, or cannot do its work on such a file system.
try() { # NAME COMMAND...
    name=$1
    shift
    (cd "$mnt" && "$@") >"$work/said" 2>&1
    status=$?
    if grep -q -e skipping -e skipped "$work/said"; then
        skipped=$((skipped + 1))
        echo "cannot  $name: $(sed -n '/skipp/{s/^.*\] //p;q;}' "$work/said")"
    elif [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        echo "clean   $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        sed 's/^/        /' "$work/said" | tail -n 12
    fi
}

# A file is written at random and read back, each block with its checksum.
fio_verify() { # NAME OPTION...
    name=$1
    shift
    try "fio $name" fio --name="$name" --filename="fio-$name" --size=64m --verify=crc32c \
        --verify_fatal=1 --do_verify=1 --ioengine=psync --output-format=terse "$@"
    rm -f "$mnt/fio-$name"
}

stress() { # STRESSOR
    try "stress-ng $1" stress-ng --temp-path . "--$1" 2 --timeout "${seconds}s" --verify --no-rand-seed \
        --hdd-bytes 64m --fallocate-bytes 64m --sendfile-size 1m --seek-size 16m --revio-bytes 64m \
        --readahead-bytes 64m --sync-file-bytes 16m
    find "$mnt" -mindepth 1 -delete
}

# The whole life of a repository.
git_life() {
    git init -q repo && (
        cd repo && cp -R "$tests/support" . && git add -A &&
            git -c user.name=T -c user.email=t@example.org commit -q -m one &&
            git gc -q --prune=now && git fsck --strict --full
    ) && git clone -q repo clone && git -C clone fsck --strict --full &&
        rm -rf repo clone
}

for program in fio stress-ng git; do
    command -v "$program" >/dev/null || {
        echo "stress: $program is missing" >&2
        exit 1
    }
done
trap end EXIT
trap 'exit 130' INT TERM
mkdir "$work/lab" "$work/sshd" "$mnt"
sh "$tests/support/sshd.sh" start "$work/sshd" || exit 1
port=$(cat "$work/sshd/port")
mount_at "$port" || exit 1

fio_verify write --rw=write --bs=128k
fio_verify randwrite --rw=randwrite --bs=4k
fio_verify randrw --rw=randrw --bsrange=512-128k --bs_unaligned=1
fio_verify mapped --rw=randwrite --bs=4k --ioengine=mmap
fio_verify direct --rw=randwrite --bs=64k --direct=1
fio_verify fsync --rw=randwrite --bs=16k --fsync=8 --size=16m
fio_verify append --rw=write --bs=77k --file_append=1
fio_verify two --rw=randwrite --bs=16k --numjobs=2 --offset_increment=32m --size=32m
for stressor in $stressors; do
    stress "$stressor"
done

fusermount3 -u "$mnt"
"$proxy" --to "127.0.0.1:$port" --delay-ms 10 >"$work/proxy" &
proxy_pid=$!
until [ -s "$work/proxy" ]; do sleep 0.1; done
mount_at "$(head -n 1 "$work/proxy")" || exit 1
try "git, 20 ms away" git_life

echo "$passed clean, $skipped cannot run, $failed failed"
[ "$failed" -eq 0 ]
