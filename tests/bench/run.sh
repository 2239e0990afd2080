#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds vmxfs with optimization and measures it beside its peers. Options are those of bench.py.
#
# usage: sh tests/bench/run.sh [--build DIR] [OPTION]...
#   sh tests/bench/run.sh                  the whole table (about 20 minutes)
#   sh tests/bench/run.sh --smoke          does everything still run? (about a minute)
#   sh tests/bench/run.sh --rows cat,ls    parts of it
#   sh tests/bench/run.sh --help           all options
# With --build, what is in that build directory is measured, and nothing is built.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
case " $* " in
*" --build "* | *" --build="* | *" --help "* | *" -h "*) ;;
*)
    build=$root/build-bench
    [ -f "$build/build.ninja" ] || meson setup "$build" "$root" --buildtype=release
    ninja --quiet -C "$build" fs/vmxfs tests/support/delay-proxy tests/bench/bench-engine \
        tests/bench/bench-parser tests/bench/bench-floor
    set -- --build "$build" "$@"
    ;;
esac
case " $* " in
*" --help "* | *" -h "*) set -- --build . "$@" ;;
esac
exec python3 -B "$here/bench.py" "$@"
