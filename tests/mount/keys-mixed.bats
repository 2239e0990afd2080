#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Writers of every kind that meet at one key. KEYS_SEED and KEYS_ROUNDS: another run, or a long one.

load keys

@test "a key's value is what one writer wrote, whoever else writes it at once" {
    seq -f 'k%g = "0"' 0 3 >>"$VM"
    start
    python3 "$BATS_TEST_DIRNAME/keys-mixed.py" "$VM" "$K" "${KEYS_SEED:-1}" "${KEYS_ROUNDS:-12}"
    cmp "$VM" "$K/.vmxfs/raw"
    sed '/^k[0-3]/d' "$VM" | cmp - <(sed '/^k[0-3]/d' "$TEST_DIR/before")
}
