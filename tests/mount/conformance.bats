#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The same random operations on a mount, in a local directory and in memory have the same results.
# "sh tests/run.sh conformance" does more of them.

load helper

same() { # SUITE OPERATIONS SEED [WORD...]
    local suite=$1 operations=$2 seed=$3
    shift 3
    python3 -B "$BATS_TEST_DIRNAME/../conformance/conformance.py" "$suite" --vmxfs "$VMXFS" \
        --operations "$operations" --seed "$seed" "$@"
}

@test "random operations on files" {
    same files 2500 1
    same files 1000 2 -o cache_timeout=0
}

@test "random operations on files, over sshd and some distance" {
    same files 500 3 --delay-ms 1 --proxy "$VMXFS_BUILD/tests/support/delay-proxy"
}

@test "random operations on settings" {
    same settings 600 4
    same settings 200 5 -o cache_timeout=0
    same settings 200 6 --delay-ms 1 --proxy "$VMXFS_BUILD/tests/support/delay-proxy"
}

# The suite itself: a mount that answers wrongly is found, and the fewest operations are named.
@test "a difference is found, and told with the operations that show it" {
    lab_new
    cat >"$TEST_DIR/wrong.py" <<'END'
import os, sys
sys.path[:0] = [sys.argv.pop(1)]
import conformance, system

def fchmod(self, slot, mode):
    os.fchmod(self.at(slot), mode & ~0o40 if self.root.startswith(os.fsencode(MOUNTED)) else mode)
    return "done"

class Lab(conformance.Lab):
    def __enter__(self):
        global MOUNTED
        MOUNTED = self.mount
        return super().__enter__()

conformance.Lab, system.System.fchmod = Lab, fchmod
sys.exit(conformance.main())
END
    run python3 -B "$TEST_DIR/wrong.py" "$BATS_TEST_DIRNAME/../conformance" files --vmxfs "$VMXFS" \
        --operations 1000 --seed 8
    [ "$status" -eq 1 ]
    [[ $output == *"seed 8: 2 operations fail:"*"'open'"*"'fchmod'"*"again: "*"--seed 8 --only "* ]]
}
