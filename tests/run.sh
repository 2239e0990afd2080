#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs all tests and prints, at the end, "N passed, N failed"; status 1 if any failed.
#
# usage: sh tests/run.sh [STAGE]... [--budget MINUTES]
#   lint   formatting, clang-tidy, cppcheck, layers and sizes
#   unit   unit and fuzz tests: gcc with optimization, clang with ASan and UBSan
#   mount  a real mount over a real sshd, with ASan and UBSan
#   fault  broken connections and servers, with ASan and UBSan
#   tsan   the unit and mount tests with the thread sanitizer
# and, only when asked for:
#   tsan-fault   the fault tests with the thread sanitizer, fewer rounds
#   sweep        faults at random bytes of every operation, kills, and a mixed load under faults, for
#                MINUTES (default 30) in all; prints the tables of docs/reliability.md. The counts add
#                up in SWEEP_RECORD, default BUILD_ROOT/sweep.jsonl
#   worst-day    everything fails at once; prints what was acknowledged and what was kept
#
# Missing Debian packages are installed first (as root, or with sudo). A test that cannot run here
# is a failure if CI is set in the environment. BUILD_ROOT: where to build, default build-tests.
# JOBS: how many bats files at a time, default one more than there are processors; twice as many unit
# programs. They mostly wait.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
builds=${BUILD_ROOT:-$root/build-tests}
jobs=${JOBS:-$(($(nproc) + 1))}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-tests.XXXXXX") || exit 1
chmod 755 "$work"
counts=$work/counts
: >"$counts"
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
export CMOCKA_MESSAGE_OUTPUT=TAP
# The programs that the packages bring, and none that the caller has put before them: many tests start
# python3, and one that is chosen by a script takes ten times as long to start.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"

asan_options="halt_on_error=1:print_stacktrace=1"
tsan_options="halt_on_error=1:second_deadlock_stack=1"

heading() {
    printf '\n== %s\n' "$*"
}

report() {
    python3 -B tests/support/report.py "$counts" "$@"
}

# Runs a command as one step of the count.
step() { # LABEL COMMAND...
    label=$1
    shift
    status=0
    "$@" >"$work/step" 2>&1 </dev/null || status=$?
    report step "$label" "$work/step" "$status"
    return "$status"
}

configure() { # NAME COMPILER MESON-OPTION...
    name=$1 compiler=$2
    shift 2
    [ -f "$builds/$name/build.ninja" ] ||
        step "configure/$name" env CC="$compiler" meson setup -Dwerror=true "$builds/$name" "$root" "$@"
}

configure_asan() {
    configure asan clang -Db_sanitize=address,undefined -Db_lundef=false
}

# Builds once in a run, however many stages ask for it.
build() { # gcc|asan|tsan
    [ ! -e "$work/built-$1" ] || return "$(cat "$work/built-$1")"
    status=0
    case $1 in
    gcc) configure gcc gcc ;;
    asan) configure_asan ;;
    tsan) configure tsan clang -Db_sanitize=thread -Db_lundef=false ;;
    esac || status=1
    [ "$status" -ne 0 ] || step "build/$1" ninja --quiet -k 0 -C "$builds/$1" || status=1
    echo "$status" >"$work/built-$1"
    return "$status"
}

# Some kernels spread addresses wider than clang's sanitizers can bear.
narrow() {
    if setarch -R true 2>/dev/null; then
        setarch -R "$@"
    else
        "$@"
    fi
}

unit_tests() { # BUILD OPTIONS
    build "$1" || return
    log=$builds/$1/meson-logs/testlog.json
    rm -f "$log"
    export ASAN_OPTIONS="$2" UBSAN_OPTIONS="$2" TSAN_OPTIONS="$2"
    narrow meson test -C "$builds/$1" --no-rebuild --suite unit --suite fuzz \
        --num-processes $((2 * jobs)) --timeout-multiplier 8 >"$work/step" 2>&1 </dev/null
    if [ -f "$log" ]; then
        report meson "$1" "$log"
    else
        report step "$1: meson test" "$work/step" 1
    fi
}

have_fuse() {
    [ "$(id -u)" -ne 0 ] || [ -e /dev/fuse ] || modprobe fuse 2>/dev/null || mknod /dev/fuse c 10 229
    (: <>/dev/fuse) 2>/dev/null
}

mount_tests() { # BUILD FOLDER OPTIONS JOBS
    find "tests/$2" -name '*.bats' 2>/dev/null | sort >"$work/files"
    [ -s "$work/files" ] || return
    if ! have_fuse; then
        echo "cannot open /dev/fuse" >"$work/step"
        if [ -n "${CI:-}" ]; then
            report step "$1/$2" "$work/step" 1
        else
            echo "tests/$2 did not run: cannot open /dev/fuse"
        fi
        return
    fi
    build "$1" || [ -x "$builds/$1/fs/vmxfs" ] || return
    build gcc || [ -x "$builds/gcc/fs/vmxfs" ] || return
    export VMXFS="$builds/$1/fs/vmxfs" VMXFS_BUILD="$builds/$1" SANITIZER_OPTIONS="$3"
    export VMXFS_UNSANITIZED="$builds/gcc/fs/vmxfs"
    # shellcheck disable=SC2016 # for the inner shell
    narrow xargs -P "$4" -I FILE sh -c '
        sh tests/support/run-bats.sh "$1" "$2" "$3/$2-$(basename "$1" .bats)" "$4" >"$3/$$.out" 2>&1
        cat "$3/$$.out"' sh FILE "$1-$2" "$work" "$counts" <"$work/files"
}

lint_stage() {
    configure_asan
    ninja -C "$builds/asan" build.ninja >/dev/null 2>&1 # clang-tidy must know new files too
    for check in $(sh tests/lint.sh --list); do
        step "lint/$check" sh tests/lint.sh "$check" "$builds/asan"
    done
}

# The unsanitized program: it is as fast as a user's, and keeps nothing that was freed.
long_test() { # PROGRAM OPTION...
    program=$1
    shift
    step "$program" python3 -B "tests/fault/sweep/$program" --vmxfs "$builds/gcc/fs/vmxfs" \
        --relay "$builds/gcc/tests/support/sftp-relay" "$@" && cat "$work/step"
}

# Half of the time for faults, a fifth for kills, the rest for the mixed load.
sweep_stage() {
    build gcc || return
    record=${SWEEP_RECORD:-$builds/sweep.jsonl}
    long_test sweep.py --minutes "$(part 0.5)" --record "$record" --workers 10
    long_test kills.py --minutes "$(part 0.2)" --record "$record"
    long_test mixed.py --minutes "$(part 0.3)" --record "$record"
    printf '\nall runs in %s:\n\n' "$record"
    python3 -B tests/fault/sweep/tally.py "$record"
}

part() { # SHARE
    awk -v budget="$budget" -v share="$1" 'BEGIN { print budget * share }'
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
    fault) mount_tests asan fault "$asan_options" "$jobs" ;;
    tsan)
        unit_tests tsan "$tsan_options"
        mount_tests tsan mount "$tsan_options" "$jobs"
        ;;
    tsan-fault)
        # Races show in fewer rounds; the full numbers run with the other sanitizers.
        (
            export KILL_ROUNDS=60 SOAK_SECONDS=20
            mount_tests tsan fault "$tsan_options" 1
        )
        ;;
    sweep) sweep_stage ;;
    worst-day) build gcc && long_test worst_day.py ;;
    *)
        echo "run.sh: no such stage: $1" >&2
        exit 2
        ;;
    esac
}

budget=30
stages=
while [ $# -gt 0 ]; do
    case $1 in
    --budget)
        budget=${2:?minutes}
        shift
        ;;
    *) stages="$stages $1" ;;
    esac
    shift
done

heading packages
if ! sh tests/packages.sh build run test; then
    echo "0 passed, 1 failed"
    exit 1
fi
for stage in ${stages:-lint unit mount fault tsan}; do
    run_stage "$stage"
done
echo
awk '{ passed += $1; failed += $2 }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$counts"
