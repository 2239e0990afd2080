#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Writers of every kind that meet at one key. KEYS_SEED and KEYS_ROUNDS: another run, or a long one.

load keys

mixed() { # [MOUNTED_VMX...]
    python3 "$BATS_TEST_DIRNAME/keys-mixed.py" "$VM" "${KEYS_SEED:-1}" "${KEYS_ROUNDS:-12}" "$K" "$@"
}

@test "a key's value is what one writer wrote, whoever else writes it at once" {
    seq -f 'k%g = "0"' 0 3 >>"$VM"
    start
    mixed
}
