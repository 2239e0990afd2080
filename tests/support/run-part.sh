#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one part of what tests/run.sh was asked for, and reports it when it has ended.
#
# usage: run-part.sh lint CHECK | unit BUILD | bats BUILD FILE       from the root of the tree
# environment: BUILDS, where the builds are: gcc, asan, tsan, arm64; WORK, a directory for what is
# passing, with the counts; UNIT_PROGRAMS, how many at a time, default 4

set -u

out=$(mktemp "$WORK/part.XXXXXX") || exit 1

report() {
    python3 -B tests/support/report.py "$WORK/counts" "$@"
}

sanitizer_options() { # BUILD
    case $1 in
    asan) echo "halt_on_error=1:print_stacktrace=1" ;;
    tsan) echo "halt_on_error=1:second_deadlock_stack=1" ;;
    esac
}

lint() { # CHECK
    status=0
    sh tests/lint.sh "$1" "$BUILDS/asan" >"$out" 2>&1 </dev/null || status=$?
    report step "lint/$1" "$out" "$status"
}

unit() { # BUILD
    build=$1 log=$BUILDS/$1/meson-logs/testlog.json
    rm -f "$log"
    ASAN_OPTIONS=$(sanitizer_options "$build")
    export CMOCKA_MESSAGE_OUTPUT=TAP ASAN_OPTIONS
    export UBSAN_OPTIONS="$ASAN_OPTIONS" TSAN_OPTIONS="$ASAN_OPTIONS"
    set -- --num-processes "${UNIT_PROGRAMS:-4}" --timeout-multiplier 8
    # The parser has no threads, and a fuzz target uses one.
    suites="--suite unit --suite fuzz"
    [ "$build" != tsan ] || suites="--suite unit --no-suite parser"
    if [ "$build" = arm64 ]; then
        sh tests/support/with-arm64.sh "$BUILDS/arm64-sysroot" \
            python3 -B tests/support/emulated.py "$BUILDS/arm64" "$@"
    else
        # shellcheck disable=SC2086 # words
        meson test -C "$BUILDS/$build" --no-rebuild $suites "$@"
    fi >"$out" 2>&1 </dev/null
    if [ -f "$log" ]; then
        report meson "$build" "$log"
    else
        report step "$build: meson test" "$out" 1
    fi
}

bats_file() { # BUILD FILE
    folder=$(basename "$(dirname "$2")")
    export VMXFS="$BUILDS/$1/fs/vmxfs" VMXFS_BUILD="$BUILDS/$1"
    export VMXFS_UNSANITIZED="$BUILDS/gcc/fs/vmxfs"
    SANITIZER_OPTIONS=$(sanitizer_options "$1")
    export SANITIZER_OPTIONS
    # Races show in fewer rounds; the full numbers run with the other sanitizers.
    [ "$1" != tsan ] || export KILL_ROUNDS=60 SOAK_SECONDS=20 HISTORY_EDITS=200
    sh tests/support/run-bats.sh "$2" "$1-$folder" "$WORK/$1-$folder-$(basename "$2" .bats)" \
        "$WORK/counts"
}

case $1 in
lint) lint "$2" ;;
unit) unit "$2" ;;
bats) bats_file "$2" "$3" ;;
esac >"$out.report" 2>&1
cat "$out.report"
