# SPDX-License-Identifier: MIT
# For the tests of key files: one VM, what its .vmx must hold afterwards, and how often it was
# rewritten.

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    VM=$LAB/vm/vm.vmx K=$MNT/vm/vm.vmx
    mkdir "$LAB/vm"
    sample >"$VM"
}

teardown() {
    lab_end
}

# Comments, blank lines, odd spacing, an unquoted value, no two lines alike.
sample() {
    cat <<'END_OF_SAMPLE'
#!/usr/bin/vmware
.encoding = "UTF-8"
# the main settings
displayName = "one"
  memSize	="4096"   # megabytes
numvcpus = 2

guestinfo.a = "alpha"  # first
guestinfo.b = "beta"#second

# the end
guestinfo.c = "gamma"
END_OF_SAMPLE
}

# Mounts, with the VM's file as it is now as the one that changes are counted from.
start() { # [OPTION...]
    cp "$VM" "$TEST_DIR/before"
    mount_lab cache_timeout=1 "$@"
    replaced=$(renames_onto vm/vm.vmx)
}

# The .vmx is what it was before but for a sed script, after exactly so many rewrites.
becomes() { # REWRITES [SED-SCRIPT]
    sed -e "${2:-}" "$TEST_DIR/before" | cmp - "$VM" || {
        sed -e "${2:-}" "$TEST_DIR/before" | diff -u - "$VM" || :
        return 1
    }
    rewritten "$1"
}

# Both the server and the mount count.
rewritten() { # TIMES
    local server=$(($(renames_onto vm/vm.vmx) - replaced)) mount
    mount=$(counter commits)
    if [ "$server" -ne "$1" ] || [ "$mount" -ne "$1" ]; then
        echo "rewritten $server times on the server, $mount by the mount; expected $1"
        return 1
    fi
}

# A line of .vmxfs/errors names the errno, the file, the key and a reason.
explained() { # ERRNO KEY [REASON-PATTERN]
    awk -F '\t' -v errno="$1" -v key="$2" -v reason="${3:-.}" '
        NF == 5 && $2 == errno && $3 == "vm/vm.vmx" && $4 == key && $5 ~ reason { found = 1 }
        END { exit !found }' "$MNT/.vmxfs/errors" || {
        cat "$MNT/.vmxfs/errors"
        return 1
    }
}
