#!/bin/sh
# SPDX-License-Identifier: MIT
# Searches for inputs that break a fuzz target, from its corpus on, with libFuzzer, ASan and UBSan.
#
# usage: sh tests/fuzz/run.sh host|known_hosts|lexer|profile|wire [SECONDS]
#
# What it finds that is new goes to a temporary directory; a failing input is left there, and its
# name is printed.

set -eu

cd "$(dirname "$0")/../.."
target=${1:?which target}
seconds=${2:-60}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-fuzz.XXXXXX")

clang -g -O1 -std=c17 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
    -DVMXFS_VERSION='"fuzz"' -I. -Ifs "tests/fuzz/$target.c" \
    parser/*.c fs/base/*.c fs/transport/*.c fs/sftp/*.c \
    fs/host/facts.c fs/host/lines.c fs/host/parse*.c -lssh2 -lpthread -o "$work/fuzz"
mkdir "$work/found"
"$work/fuzz" -max_total_time="$seconds" -artifact_prefix="$work/" "$work/found" \
    "tests/fuzz/corpus/$target"
rm -rf "$work"
