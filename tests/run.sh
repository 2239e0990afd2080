#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs all tests and prints, at the end, what failed once more and "N passed, N failed"; status 1 if
# any failed.
#
# usage: sh tests/run.sh [STAGE]... [--budget MINUTES]
#   lint   formatting, clang-tidy, cppcheck, layers and sizes
#   unit   unit and fuzz tests: gcc with optimization, clang with ASan and UBSan
#   mount  a real mount over a real sshd, with ASan and UBSan
#   fault  broken connections and servers, with ASan and UBSan
#   tsan   the unit tests but the parser's, and the mount tests, with the thread sanitizer
# and, only when asked for:
#   quick        before a commit, in less than 3 minutes on 2 processors if little has to be built:
#                the lint, where clang-tidy reads only .c files that differ from the upstream branch,
#                the ten newest; the unit and fuzz tests, and tests/mount/keys.bats, with ASan and UBSan
#   tsan-fault   the fault tests with the thread sanitizer, fewer rounds
#   sweep        faults at random bytes of every operation, kills, and a mixed load under faults, for
#                MINUTES (default 30) in all; prints the tables of docs/reliability.md. The counts add
#                up in SWEEP_RECORD, default BUILD_ROOT/sweep.jsonl
#   conformance  100,000 random operations each on files and on settings, on a mount, in a local
#                directory and in memory (tests/conformance)
#   arm64        the unit and fuzz tests for arm64, made with Debian's cross compiler and run by
#                qemu-user; as root, on Linux 6.7 or later
#   worst-day    everything fails at once; prints what was acknowledged and what was kept
#
# Missing Debian packages are installed first (as root, or with sudo). A test that cannot run here
# is a failure if CI is set in the environment. BUILD_ROOT: where to build, default build-tests.
# The parts of all stages (a check of the lint, the unit programs of a build, a bats file) run beside
# each other. JOBS: how many at a time, default three for each processor. They mostly wait.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
builds=${BUILD_ROOT:-$root/build-tests}
jobs=${JOBS:-$((3 * $(nproc)))}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-tests.XXXXXX") || exit 1
chmod 755 "$work"
counts=$work/counts parts=$work/parts
: >"$counts"
: >"$parts"
export BUILDS="$builds" WORK="$work"
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
# The programs that the packages bring, and none that the caller has put before them: many tests start
# python3, and one that is chosen by a script takes ten times as long to start.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"

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

# Runs a command for which arm64 programs start like those of this machine.
with_arm64() {
    sh tests/support/with-arm64.sh "$builds/arm64-sysroot" "$@"
}

configure_arm64() {
    step packages/arm64 sh tests/packages.sh arm64 &&
        step sysroot/arm64 sh tests/support/arm64-sysroot.sh "$builds/arm64-sysroot" || return
    [ -f "$builds/arm64/build.ninja" ] ||
        step configure/arm64 with_arm64 meson setup -Dwerror=true \
            --cross-file "$builds/arm64-sysroot/cross.ini" "$builds/arm64" "$root"
}

# Builds once in a run, however many stages ask for it.
build() { # gcc|asan|tsan|arm64
    [ ! -e "$work/built-$1" ] || return "$(cat "$work/built-$1")"
    status=0 ninja=ninja
    case $1 in
    arm64)
        ninja="with_arm64 ninja"
        configure_arm64
        ;;
    gcc) configure gcc gcc ;;
    asan) configure_asan ;;
    tsan) configure tsan clang -Db_sanitize=thread -Db_lundef=false ;;
    esac || status=1
    # shellcheck disable=SC2086 # one word, or two
    [ "$status" -ne 0 ] || step "build/$1" $ninja --quiet -k 0 -C "$builds/$1" || status=1
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

have_fuse() {
    [ "$(id -u)" -ne 0 ] || [ -e /dev/fuse ] || modprobe fuse 2>/dev/null || mknod /dev/fuse c 10 229
    (: <>/dev/fuse) 2>/dev/null
}

# ---- the parts of a stage, as run-part.sh takes them, a line each

lint_parts() { # --list|--quick
    configure_asan
    ninja -C "$builds/asan" build.ninja >/dev/null 2>&1 # clang-tidy must know new files too
    for check in $(sh tests/lint.sh "$1"); do
        echo "lint $check" >>"$parts"
    done
}

unit_parts() { # BUILD
    build "$1" && echo "unit $1" >>"$parts"
}

# The program of the first build mounts; that of the others is there for single tests.
mount_parts() { # FOLDER|FILE BUILD...
    where=$1 first=$2
    shift
    if have_fuse; then
        for needed in "$@"; do
            build "$needed" || [ -x "$builds/$needed/fs/vmxfs" ] || return
        done
        find "tests/$where" -name '*.bats' | sort | sed "s/^/bats $first /" >>"$parts"
    elif [ -n "${CI:-}" ]; then
        echo "cannot open /dev/fuse" >"$work/step"
        report step "$first-$where" "$work/step" 1
    else
        echo "tests/$where did not run: cannot open /dev/fuse"
    fi
}

# What takes longest begins first, so that no part is waited for alone at the end.
long="fault/sweep unit fault/two clang-tidy fault/soak fault/stall fault/penalties fault/parallel
    fault/signals fault/late fault/hostile mount/next mount/installed mount/control
    mount/kernel-cache mount/keys-editors"

run_parts() {
    heading tests
    awk -v long="$long" 'BEGIN { n = split(long, first) }
        { for (i = 1; i <= n && index($0, first[i]) == 0; i++); print i "\t" $0 }' "$parts" |
        sort -s -n -k 1,1 | cut -f 2- |
        narrow xargs -P "$jobs" -L 1 sh tests/support/run-part.sh
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

conformance_stage() {
    build gcc || return
    for suite in files settings; do
        step "conformance/$suite" python3 -B tests/conformance/conformance.py "$suite" \
            --vmxfs "$builds/gcc/fs/vmxfs" --operations 100000 && cat "$work/step"
    done
}

part() { # SHARE
    awk -v budget="$budget" -v share="$1" 'BEGIN { print budget * share }'
}

plan_stage() {
    case $1 in
    quick)
        export UNIT_PROGRAMS=8 # they mostly wait, and little runs beside them
        lint_parts --quick
        unit_parts asan
        mount_parts mount/keys.bats asan
        ;;
    lint) lint_parts --list ;;
    unit)
        unit_parts gcc
        unit_parts asan
        ;;
    mount) mount_parts mount asan gcc ;;
    fault) mount_parts fault asan gcc ;;
    tsan)
        unit_parts tsan
        mount_parts mount tsan gcc
        # What mounts nothing, or another build: once is enough. And system.bats: the sanitizer does
        # not know a FUSE device that another process has opened, and what comes in order over it.
        sed -i -E '/^bats tsan .*\/(esxi-[a-z]+|field-report|installed|completion|system)\.bats$/d' "$parts"
        ;;
    arm64) unit_parts arm64 ;;
    tsan-fault) mount_parts fault tsan gcc ;;
    sweep) sweep_stage ;;
    conformance) conformance_stage ;;
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
heading builds
for stage in ${stages:-lint unit mount fault tsan}; do
    plan_stage "$stage"
done
[ ! -s "$parts" ] || run_parts
if [ -s "$counts.failed" ]; then
    heading failed
    cat "$counts.failed"
fi
echo
awk '{ passed += $1; failed += $2 }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$counts"
