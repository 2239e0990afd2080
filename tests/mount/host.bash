# SPDX-License-Identifier: MIT
# For tests on a pretended ESXi host (tests/support/esxi.sh). A test calls host_start; HOST is then
# its folder, VOLUMES the datastores' and DS1 that of datastore1.

load helper

host_start() { # [OPTION...]
    HOST=$TEST_DIR/host VOLUMES=$TEST_DIR/host/vmfs/volumes
    DS1=$VOLUMES/5f1e2d3c-4b5a6978-1234-001122334455
    # Keys are slow to make: all hosts of a file have the same.
    local keys=$BATS_FILE_TMPDIR/host-keys
    mkdir -p "$HOST/sshd"
    [ ! -d "$keys" ] || cp "$keys"/* "$HOST/sshd/"
    sh "$support/esxi.sh" start "$HOST" "$@" 3>&-
    [ -d "$keys" ] || {
        mkdir "$keys"
        cp "$HOST/sshd"/id* "$HOST/sshd"/host_* "$keys/"
    }
}

host_end() {
    lab_end
    [ ! -d "$TEST_DIR/host" ] || sh "$support/esxi.sh" stop "$TEST_DIR/host"
}

# Another host instead.
host_again() { # [OPTION...]
    esxi stop
    rm -r "$HOST"
    host_start "$@"
}

# What happens to the host other than by a command over ssh.
esxi() { # VERB WORD...
    local verb=$1
    shift
    sh "$support/esxi.sh" "$verb" "$HOST" "$@"
}

# A command on the host, over plain ssh, with the PATH that a host has.
on_host() { # COMMAND-LINE
    ssh -n -F "$HOST/sshd/ssh_config" host "PATH=/bin:/sbin:\$PATH; $1"
}

# Mounts the host's datastores.
mount_host() { # [OPTION...]
    SERVER=$HOST/sshd
    mount_lab -s "$VOLUMES" cache_timeout=1 "$@"
}

# How often a command ran on the host.
ran() { # COMMAND-LINE
    grep -cxF -- "$1" "$HOST/commands" || :
}

# A setting of a .vmx on the server's disk.
setting() { # FILE KEY
    sed -n "s/^$2 = \"\(.*\)\"\$/\1/p" "$1"
}

# An edit of the file as a person makes it, over ssh.
edit() { # FILE KEY VALUE
    on_host "sed -i 's/^$2 = .*/$2 = \"$3\"/' '$1'"
}

# A write through the mount that fails with an error's text.
refused() { # TEXT VALUE FILE
    run bash -c 'printf "%s\n" "$1" >"$2"' bash "$2" "$3"
    echo "status $status: $output"
    [ "$status" -eq 1 ]
    [[ $output == *"$1"* ]]
}

# A line of .vmxfs/errors has this errno, this file and key, and a reason that matches.
explained() { # ERRNO FILE KEY REASON-PATTERN
    awk -F '\t' -v errno="$1" -v file="$2" -v key="$3" -v reason="$4" '
        NF == 5 && $2 == errno && $3 == file && $4 == key && $5 ~ reason { found = 1 }
        END { exit !found }' "$MNT/.vmxfs/errors" || {
        cat "$MNT/.vmxfs/errors"
        return 1
    }
}

# The host is told to reload so often, and no more.
reloaded() { # TIMES
    so_often() { [ "$(counter reloads-due)" = 0 ] && [ "$(reloads)" -ge "$1" ]; }
    eventually 60 so_often "$1" && [ "$(reloads)" = "$1" ] || {
        cat "$HOST/commands" "$MNT/.vmxfs/errors"
        return 1
    }
}

reloads() {
    grep -c '^vim-cmd vmsvc/reload ' "$HOST/commands" || :
}
