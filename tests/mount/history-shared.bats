#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Four processes, one repository. HISTORY_EDITS: how many edits.

bats_require_minimum_version 1.5.0

load history

EDITS=${HISTORY_EDITS:-1000}

setup() {
    history_new
}

teardown() {
    local n
    for n in 2 3 4; do
        ! mountpoint -q "$TEST_DIR/mnt-$n" || unmount "$TEST_DIR/mnt-$n"
    done
    lab_end
}

mount_number() { # N
    mkdir -p "$TEST_DIR/mnt-$1"
    "$VMXFS" -o "history=$HISTORY,allow_other,uid=$(id -u nobody)" "$LAB" "$TEST_DIR/mnt-$1" 3>&-
}

# Nine of ten edits are of a VM of its own, one of a VM that all of them edit.
edit_many() { # MOUNT N
    local i
    for ((i = 1; i <= EDITS / 4; i++)); do
        if ((i % 10)); then
            echo "$i" >"$1/vm-$2/vm-$2.vmx/annotation"
        else
            echo "$i" >"$1/all/all.vmx/by.$2"
        fi
    done
}
export -f edit_many
export EDITS

@test "each of many edits by four mounts is there once, with its author" {
    [ "$(id -u)" -eq 0 ] || skip "needs root, for another author"
    local n editors=()
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$TEST_DIR"
    for n in 1 2 3 4 all; do
        write_vmx "$LAB/$([ "$n" = all ] && echo all/all || echo "vm-$n/vm-$n").vmx" "$n"
    done
    mount_history allow_other
    for n in 2 3 4; do
        mount_number "$n"
    done
    for n in 1 2; do
        bash -c "edit_many $([ "$n" = 1 ] && echo "$MNT" || echo "$TEST_DIR/mnt-$n") $n" 3>&- &
        editors+=($!)
    done
    for n in 3 4; do
        setpriv --reuid=nobody --clear-groups bash -c "edit_many $TEST_DIR/mnt-$n $n" 3>&- &
        editors+=($!)
    done
    wait "${editors[@]}"
    for n in 2 3 4; do
        unmount "$TEST_DIR/mnt-$n"
    done
    unmount_lab
    in_history log --format='%an %s' "$(branch)" | grep -v 'first seen' | grep -v '^unknown ' |
        sed 's/\(annotation\|by\.[1-4]\) .* -> /\1 -> /' | sort >"$TEST_DIR/has"
    local i
    for n in 1 2 3 4; do
        for ((i = 1; i <= EDITS / 4; i++)); do
            local who=root
            ((n < 3)) || who=nobody
            if ((i % 10)); then
                echo "$who vm-$n: annotation -> $i"
            else
                echo "$who all: by.$n -> $i"
            fi
        done
    done | sort >"$TEST_DIR/wanted"
    diff "$TEST_DIR/wanted" "$TEST_DIR/has"
    run -0 git -C "$HISTORY" fsck --full --strict --no-progress
    [ -z "$(in_history status --porcelain)" ]
}
