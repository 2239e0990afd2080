#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs all tests and prints, at the end, "N passed, N failed"; status 1 if any failed.
#
# usage: sh tests/run.sh [STAGE]...
#   lint   formatting, clang-tidy, cppcheck, layers and sizes
#   unit   unit and fuzz tests: gcc with optimization, clang with ASan and UBSan
#   mount  a real mount over a real sshd, with ASan and UBSan
#   fault  broken connections and servers, with ASan and UBSan
#   tsan   the unit, mount and fault tests with the thread sanitizer
#
# Missing Debian packages are installed first (as root, or with sudo). A test that cannot run here
# is a failure if CI is set in the environment. BUILD_ROOT: where to build, default build-tests.
# JOBS: how many bats files at a time, default the number of processors.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
builds=${BUILD_ROOT:-$root/build-tests}
jobs=${JOBS:-$(nproc)}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-tests.        if [ -n "${CI:-}" ]; then
            report step "$1/$2" "$work/step" 1
        else
            echo "tests/$2 did not run: cannot open /dev/fuse"
        fi
        return
    fi
    build "$1" || return
    export VMXFS="$builds/$1/fs/vmxfs" VMXFS_BUILD="$builds/$1" SANITIZER_OPTIONS="$3"
    # shellcheck disable=SC2016 # for the inner shell
    narrow xargs -P "$4" -I FILE sh -c '
        sh tests/support/run-bats.sh "$1" "$2" "$3/$2-$(basename "$1" .bats)" "$4" >"$3/$$.out" 2>&1
        cat "$3/$$.out"' sh FILE "$1-$2" "$work" "$counts" <"$work/files"
}

lint_stage() {
    configure asan clang -Db_sanitize=address,undefined -Db_lundef=false
    for check in $(sh tests/lint.sh --list); do
        step "lint/$check" sh tests/lint.sh "$check" "$builds/asan"
    done
}

run_stage() {
    heading "$1"
    case $1 in
    lint) lint_stage ;;
    unit)
        unit_tests gcc ""
        unit_tests asan "$asan_options"
        ;;
    mount) mount_tests asan mount "$asan_options" "$jobs" ;;
    fault) mount_tests asan fault "$asan_options" 1 ;;
    tsan)
        unit_tests tsan "$tsan_options"
        mount_tests tsan mount "$tsan_options" "$jobs"
        mount_tests tsan fault "$tsan_options" 1
        ;;
    *)
        echo "run.sh: no such stage: $1" >&2
        exit 2
        ;;
    esac
}

heading packages
if ! sh tests/packages.sh build run test; then
    echo "0 passed, 1 failed"
    exit 1
fi
[ $# -gt 0 ] || set -- lint unit mount fault tsan
for stage in "$@"; do
    run_stage "$stage"
done
echo
awk '{ passed += $1; failed += $2 }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$counts"
