#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one bats file with a home, a temporary directory and sanitizer reports of its own, cleans up
# behind it and reports. A sanitizer's report of any process is a failure: vmxfs in the background
# has nobody who would read its standard error.
#
# usage: run-bats.sh FILE LABEL DIR COUNTS      DIR is created
# environment: VMXFS, VMXFS_BUILD, SANITIZER_OPTIONS, BATS_FILE_TIMEOUT, BATS_TEST_TIMEOUT (s)

set -u

file=$1 label=$2/$(basename "$1" .bats) dir=$3 counts=$4
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$dir/home" "$dir/tmp"
# The folder of the history is there, as on any but the first mount of a user: one that makes it says so.
mkdir -p "$dir/home/.local/state/vmxfs/history"
# Others must be able to look below it: tests of allow_other.
chmod 755 "$dir" "$dir/tmp"

unmount_all() {
    awk -v below="$dir/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mountpoint; do
            mountpoint=$(printf '%b' "$mountpoint")
            fusermount3 -u -z "$mountpoint" 2>/dev/null || umount -l "$mountpoint" 2>/dev/null
        done
}

# What a test that was ended from outside left: processes that name its directory.
end_processes() {
    for process in /proc/[0-9]*; do
        [ "${process#/proc/}" != $$ ] || continue
        tr '\0' '\n' <"$process/cmdline" | grep -qF "$dir/tmp/" && kill "${process#/proc/}"
    done 2>/dev/null
}

options="${SANITIZER_OPTIONS:-}:log_path=$dir/sanitizer"
export BATS_TEST_TIMEOUT="${BATS_TEST_TIMEOUT:-600}"
export HOME="$dir/home" TMPDIR="$dir/tmp" LC_ALL=C.UTF-8
export ASAN_OPTIONS="$options" UBSAN_OPTIONS="$options" TSAN_OPTIONS="$options"
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR SSH_AUTH_SOCK

timeout -k 10 "${BATS_FILE_TIMEOUT:-1800}" bats --tap --print-output-on-failure "$file" \
    >"$dir/log" 2>&1 </dev/null
status=$?
unmount_all
end_processes
sleep 0.2

python3 -B "$here/report.py" "$counts" tap "$label" "$dir/log" "$status"
reports=$(find "$dir" -maxdepth 1 -name 'sanitizer.*' -size +0)
if [ -n "$reports" ]; then
    # shellcheck disable=SC2086 # no white space in these names
    cat $reports >"$dir/reports"
    python3 -B "$here/report.py" "$counts" step "$label: sanitizer report" "$dir/reports" 1
fi
exit 0
