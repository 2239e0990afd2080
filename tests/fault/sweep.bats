#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The link fails at random bytes of every operation that changes something, and vmxfs is killed among
# writers: what was acknowledged is on the server. This is a sample; "sh tests/run.sh sweep" goes on
# for as long as one likes. sweep/sweep.py lists what is known not to hold (KNOWN).
#
# SWEEP_SEED, SWEEP_CASES, SWEEP_KILLS, SWEEP_MINUTES: of the sample.

load helper

BATS_TEST_TIMEOUT=800

run_sweep() { # PROGRAM [OPTION...]
    local program=$1
    shift
    python3 -B "$BATS_TEST_DIRNAME/sweep/$program" --relay "$VMXFS_BUILD/tests/support/sftp-relay" \
        --seed "${SWEEP_SEED:-1}" "$@"
}

@test "what was acknowledged is on the server wherever the link failed" {
    run_sweep sweep.py --vmxfs "$VMXFS" --count "${SWEEP_CASES:-210}" --workers 4
}

@test "what was acknowledged is on the server whenever vmxfs was killed among six writers" {
    run_sweep kills.py --vmxfs "$VMXFS" --count "${SWEEP_KILLS:-12}" --workers 2
}

@test "a mixed use over a link that fails leaks nothing and leaves nothing" {
    run_sweep mixed.py --vmxfs "$VMXFS_UNSANITIZED" --minutes "${SWEEP_MINUTES:-0.25}"
}
