#!/bin/sh
# SPDX-License-Identifier: MIT
# How fast a history records, and how much of the disk it takes at any moment: four processes make the
# edits of 500 VMs.
#
# usage: sh tests/bench/history.sh --build BUILD [--edits N] [--folder FOLDER]

set -eu

build='' edits=100000 folder=${TMPDIR:-/tmp}
while [ $# -gt 1 ]; do
    case $1 in
    --build) build=$2 ;;
    --edits) edits=$2 ;;
    --folder) folder=$2 ;;
    esac
    shift 2
done
top=$(mktemp -d "$folder/vmxfs-history.XXXXXX")
trap 'rm -rf "$top"' EXIT
now() { date +%s%3N; }

writers=
begun=$(now)
for name in a b c d; do
    "$build/tests/unit/history/history-writer" "$top/history" "$name" 0 $((edits / 4)) 125 &
    writers="$writers $!"
done
any_runs() {
    for writer in $writers; do
        kill -0 "$writer" 2>/dev/null && return 0
    done
    return 1
}
most=0
while any_runs; do
    size=$(du -sk "$top/history" 2>/dev/null | cut -f 1)
    [ "${size:-0}" -gt "$most" ] && most=$size
    sleep 0.1
done
ended=$(now)
size=$(du -sk "$top/history" | cut -f 1)
branch=$(git -C "$top/history" symbolic-ref HEAD)
echo "edits: $edits"
echo "commits: $(git -C "$top/history" rev-list --count "$branch")"
echo "seconds: $(((ended - begun) / 1000))"
echo "KiB at most: $most, at the end: $size"
echo "packs: $(find "$top/history/.git/objects/pack" -name '*.pack' | wc -l)"
git -C "$top/history" fsck --strict --no-dangling
