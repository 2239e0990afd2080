#!/bin/sh
# SPDX-License-Identifier: MIT
# Searches for inputs that break a fuzz target, from its corpus on, with libFuzzer, ASan and UBSan,
# and prints a table. Status 1 if an input broke one; it is kept, and its name is printed.
#
# usage: sh tests/fuzz/run.sh MINUTES [TARGET]...
#        sh tests/fuzz/run.sh merge [TARGET]...
#
# The minutes are divided among the targets, all of them where none is named. What is found goes on
# being used the next time; merge takes what adds to the coverage over into the corpus, up to 40
# files a target, the smallest first.
#
# BUILD_ROOT: where to build, default build-tests. JOBS: how many targets at a time, default the
# number of processors.

set -eu

cd "$(dirname "$0")/../.."
what=${1:?how many minutes, or merge}
shift
root=$PWD
build=$(realpath -m "${BUILD_ROOT:-build-tests}")/fuzz
found=$build/found
jobs=${JOBS:-$(nproc)}
corpus=$root/tests/fuzz/corpus
input_max=4096 # bytes
files_max=40
if [ $# -eq 0 ]; then
    cd "$corpus"
    set -- *
    cd "$root"
fi

make_targets() {
    [ -f "$build/build.ninja" ] ||
        CC=clang meson setup -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
            -Dc_args=-fsanitize=fuzzer-no-link "$build"
    for target in "$@"; do
        echo "tests/fuzz/fuzz-$target"
        mkdir -p "$found/$target/inputs"
    done | xargs ninja --quiet -C "$build"
}

# The log, the processor time and the failing inputs are left beside the inputs.
fuzz() { # TARGET...
    seconds=$((what * 60 * jobs / $#))
    printf '%s\n' "$@" | xargs -P "$jobs" -I TARGET sh -c '
        cd "$1/TARGET"
        rm -f crash-* leak-* oom-* timeout-*
        "$2/fuzz-TARGET" -max_total_time="$3" -max_len="$4" -print_final_stats=1 \
            inputs "$5/TARGET" >log 2>&1
        status=$?
        times >cpu
        exit $status' sh "$found" "$build/tests/fuzz" "$seconds" "$input_max" "$corpus"
}

print_table() { # TARGET...
    echo "| target | processor time, s | executions | edges | features | inputs |"
    echo "| --- | --- | --- | --- | --- | --- |"
    for target in "$@"; do
        awk -v target="$target" '
            function seconds(time) { split(time, part, /[ms]/); return part[1] * 60 + part[2] }
            FILENAME ~ /cpu$/ && FNR == 2 { cpu = seconds($1) + seconds($2) }
            / cov: / { for (i = 2; i < NF; i++) value[$i] = $(i + 1) }
            $1 == "stat::number_of_executed_units:" { runs = $2 }
            END {
                sub("/.*", "", value["corp:"])
                printf "| %s | %.0f | %s | %s | %s | %s |\n", target, cpu, runs, value["cov:"],
                    value["ft:"], value["corp:"]
            }' "$found/$target/cpu" "$found/$target/log"
    done
}

merge() { # TARGET...
    for target in "$@"; do
        rm -rf "$found/$target/new"
        mkdir "$found/$target/new"
        "$build/tests/fuzz/fuzz-$target" -merge=1 -max_len="$input_max" "$found/$target/new" \
            "$corpus/$target" "$found/$target/inputs" >"$found/$target/log" 2>&1
        # The seeds, whose names are words, stay; what has a hash for a name is chosen anew.
        find "$corpus/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
        for seed in "$corpus/$target"/*; do
            rm -f "$found/$target/new/$(sha1sum <"$seed" | cut -d ' ' -f 1)"
        done
        find "$found/$target/new" -type f -printf '%s %p\n' | sort -n | head -n "$files_max" |
            cut -d ' ' -f 2 | xargs -r cp -t "$corpus/$target"
    done
}

make_targets "$@"
if [ "$what" = merge ]; then
    merge "$@"
    exit
fi
status=0
fuzz "$@" || status=1
print_table "$@"
find "$found" -name 'crash-*' -o -name 'leak-*' -o -name 'oom-*' -o -name 'timeout-*'
exit "$status"
