# SPDX-License-Identifier: MIT
# For tests of a mount that keeps a history: a local one, whose repository is $HISTORY.

load host

history_new() {
    lab_new
    HISTORY=$TEST_DIR/history FILE=$LAB/vm/vm.vmx VMX=$MNT/vm/vm.vmx C=$MNT/vm/vm.vmx/.vmxfs
    mkdir "$LAB/vm"
    cat >"$FILE" <<'END'
.encoding = "UTF-8"
# made by hand
displayName = "one"
uuid.bios = "56 4d 00 11 22 33 44 55-66 77 88 99 aa bb cc dd"

memSize = "4096"   # MB
RemoteDisplay.vnc.password = "opensesame"
guestinfo.token = "s3cr3t"
numvcpus = "2"
END
}

mount_history() { # [OPTION...]
    mount_local "history=$HISTORY" "$@"
}

in_history() { # WORDS OF GIT...
    git -C "$HISTORY" "$@"
}

# What has been recorded: the subjects, the oldest one first.
recorded() {
    in_history log --format=%s --reverse "$(branch)"
}

branch() {
    in_history symbolic-ref HEAD
}

# Waits until a subject is recorded, and until whoever recorded it has let the lock go: the branch moves
# before the files of the work tree do.
until_recorded() { # PATTERN
    eventually 30 is_recorded "$1" && flock "$HISTORY/.git/vmxfs/lock" true
}

is_recorded() {
    recorded | grep -q -- "$1" || {
        recorded
        return 1
    }
}

# Changes the file on the server, as another program would, and has the mount see it.
edit_by_others() { # SED-SCRIPT [FILE]
    local file=${2:-$FILE} before
    before=$(stat -c %Y "$file")
    sed -i "$1" "$file"
    touch -d "@$((before + 2))" "$file"
    eventually 30 sees_file "$file"
}

sees_file() {
    cmp "$1" "$MNT/${1#"$LAB/"}/.vmxfs/raw"
}

# Fields of the lines of a log, from the setting on.
changes_in() { # LOG
    cut -f 5- "$1"
}
