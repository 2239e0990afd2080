#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs pjdfstest, a suite of what POSIX says of files, on vmxfs and on sshfs: the same server, the same
# options (idmap=none, allow_other, default_permissions), at the same time. Prints why tests failed on
# either, how many in each part of the suite, and those that failed on vmxfs alone. Status 1 if more
# failed on vmxfs than on sshfs. docs/posix.md has the causes. For root, with sshfs and a C compiler.
#
# usage: sh tests/posix.sh PJDFSTEST_TREE [PART...]
#   PJDFSTEST_TREE   its source, https://github.com/pjd/pjdfstest; it is copied and not changed
#   PART             a folder of its tests, or one: "chmod", "rename/00.t"; default: all
# VMXFS: the program, default build/fs/vmxfs. POSIX_KEEP: a folder for what the tests printed.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
vmxfs=${VMXFS:-$root/build/fs/vmxfs}

say() {
    echo "posix.sh: $*" >&2
    exit 2
}

[ $# -ge 1 ] || say "usage: sh tests/posix.sh PJDFSTEST_TREE [PART...]"
tree=$1
shift
[ -f "$tree/pjdfstest.c" ] || say "$tree is not the source of pjdfstest"
[ "$(id -u)" = 0 ] || say "the suite changes owners, which only root may"
for program in "$vmxfs" sshfs cc prove; do
    command -v "$program" >/dev/null || say "$program is not there"
done

# Other users must be able to come to the mounts.
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-posix.XXXXXX")
export XDG_STATE_HOME="$work/state"
chmod 755 "$work"
results=${POSIX_KEEP:-$work/results}

finish() {
    for side in sshfs vmxfs; do
        ! grep -q " $work/mnt-$side " /proc/mounts || fusermount3 -u -z "$work/mnt-$side"
    done
    sh "$root/tests/support/sshd.sh" stop "$work/sshd" || :
    rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Its configure needs autoconf, only to find what every Linux has.
build() {
    cp -R "$tree" "$work/suite"
    # shellcheck disable=SC2016 # for C
    for word in SYS_SYSMACROS_H FACCESSAT FCHMODAT FCHOWNAT FSTATAT LINKAT MKDIRAT MKFIFOAT MKNODAT \
        OPENAT POSIX_FALLOCATE READLINKAT RENAMEAT SYMLINKAT UNLINKAT UTIMENSAT STRUCT_STAT_ST_ATIM \
        STRUCT_STAT_ST_CTIM STRUCT_STAT_ST_MTIM; do
        echo "#define HAVE_$word 1"
    done >"$work/suite/config.h"
    cc -w -D_GNU_SOURCE -I "$work/suite" -o "$work/suite/pjdfstest" "$work/suite/pjdfstest.c"
}

options() {
    printf '%s' "port=$(cat "$work/sshd/port"),IdentityFile=$work/sshd/id,"
    printf '%s' "UserKnownHostsFile=$work/sshd/known_hosts,idmap=none,allow_other,default_permissions"
}

run() { # SIDE PROGRAM PART...
    side=$1 program=$2
    shift 2
    mkdir -p "$work/lab-$side" "$work/mnt-$side"
    "$program" -o "$(options)" "127.0.0.1:$work/lab-$side" "$work/mnt-$side" ||
        say "$side does not mount"
    for part; do
        echo "# $part"
        (cd "$work/mnt-$side" && prove --verbose --recurse --merge "$work/suite/tests/$part" 2>&1) || :
    done >"$results/$side"
    fusermount3 -u "$work/mnt-$side"
}

# A line for each test: part, file, number, "ok" or "failed". A file that ends early has failed in all
# that it had planned.
flatten() { # SIDE
    awk -v suite="$work/suite/tests/" '
        function close_file() {
            for (i = 1; i <= planned; i++) {
                state = (i in seen) ? seen[i] : "failed"
                print file "\t" i "\t" state "\t" what[i]
            }
            planned = 0
            split("", seen)
            split("", what)
        }
        index($0, suite) == 1 && / \.+ ?$/ { close_file(); file = $1; sub(suite, "", file) }
        /^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }
        /^ok [0-9]+/ { seen[$2] = "ok" }
        /^not ok [0-9]+/ {
            seen[$3] = / # TODO/ ? "ok" : "failed"
            what[$3] = $0
        }
        END { close_file() }' "$results/$1" >"$results/$1.tests"
}

compare() {
    awk -F '\t' '
        { part = $1; sub(/\/.*/, "", part) }
        FNR == NR { other[$1, $2] = $3; theirs[part] += $3 == "failed"; their += $3 == "failed" }
        FNR == NR { next }
        { tests[part]++; all++; ours[part] += $3 == "failed"; our += $3 == "failed" }
        $3 == "failed" && other[$1, $2] != "failed" { alone[++n] = $1 ": " $4 }
        END {
            printf "%-16s %6s %14s %14s\n", "part", "tests", "vmxfs failed", "sshfs failed"
            for (part in tests)
                printf "%-16s %6d %14d %14d\n", part, tests[part], ours[part], theirs[part] | "sort"
            close("sort")
            printf "%-16s %6d %14d %14d\n", "all", all, our, their
            for (i = 1; i <= n; i++)
                print "vmxfs alone: " alone[i]
            exit our > their || all == 0
        }' "$results/sshfs.tests" "$results/vmxfs.tests"
}

mkdir -p "$results"
[ $# -gt 0 ] || {
    # shellcheck disable=SC2046 # a list of words
    set -- $(cd "$tree/tests" && find . -mindepth 1 -maxdepth 1 -type d | sed 's,^\./,,' | sort)
}
build
SSHD_HOST_KEYS=ed25519 sh "$root/tests/support/sshd.sh" start "$work/sshd"
run sshfs sshfs "$@" &
run vmxfs "$vmxfs" "$@"
wait $!
flatten sshfs
flatten vmxfs
python3 -B "$root/tests/support/posix_causes.py" "vmxfs=$results/vmxfs.tests" "sshfs=$results/sshfs.tests"
compare
