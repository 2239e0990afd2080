#!/bin/sh
# SPDX-License-Identifier: MIT
# What keeping many requests in flight is worth: reads all .vmx of a generated datastore over a
# private sshd that looks far away, one request at a time and then all together, with the same
# engine. Prints both times and their ratio.
#
# usage: sh tests/bench/engine.sh [OPTION]...
#   --build DIR    a build directory, default build
#   --vms N        default 500
#   --rtt-ms N     round-trip time, default 20
#   --sample N     how many VMs are read one request at a time, the rest is extrapolated; default 50
#   --full         no extrapolation: read them all one request at a time

set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build vms=500 rtt=20 sample=50

usage() {
    sed -n '/^# usage/,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --full)
        sample=all
        shift
        continue
        ;;
    esac
    [ $# -ge 2 ] || usage
    case $1 in
    --build) build=$2 ;;
    --vms) vms=$2 ;;
    --rtt-ms) rtt=$2 ;;
    --sample) sample=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ "$sample" != all ] || sample=$vms

engine=$build/tests/bench/bench-engine proxy=$build/tests/support/delay-proxy
for program in "$engine" "$proxy"; do
    [ -x "$program" ] || {
        echo "engine.sh: $program is not there; run: ninja -C $build" >&2
        exit 1
    }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/vmxfs-bench.XXXXXX")
proxy_pid=
finish() {
    [ -z "$proxy_pid" ] || kill "$proxy_pid" 2>/dev/null || :
    sh "$root/tests/support/sshd.sh" stop "$work/sshd" || :
    rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

export HOME="$work" SSHD_HOST_KEYS=ed25519
unset SSH_AUTH_SOCK
sh "$root/tests/support/sshd.sh" start "$work/sshd"
python3 -B "$root/tests/bench/datastore.py" --vms "$vms" "$work/datastore"

delay=$(echo "$rtt" | awk '{ print $1 / 2 }')
"$proxy" --to "127.0.0.1:$(cat "$work/sshd/port")" --delay-ms "$delay" >"$work/proxy" &
proxy_pid=$!
while [ ! -s "$work/proxy" ]; do
    kill -0 "$proxy_pid"
    sleep 0.05
done
port=$(cat "$work/proxy")
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$work/sshd/host_ed25519.pub")" >"$work/known_hosts"

echo "$vms VMs, round trip $rtt ms"
"$engine" --port "$port" --identity "$work/sshd/id" --known-hosts "$work/known_hosts" \
    --sample "$sample" "$work/datastore"
