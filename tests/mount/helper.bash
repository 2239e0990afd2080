# SPDX-License-Identifier: MIT
# For the tests of a real mount. A bats file begins with
#
#   load helper
#   setup_file() { server_start; }       # only if it mounts over ssh
#   teardown_file() { server_stop; }
#   setup() { lab_new; }
#   teardown() { lab_end; }
#
# lab_new sets LAB (an empty folder, to be filled and mounted) and MNT (its mount point), both of
# this test alone, below $BATS_FILE_TMPDIR. The program is $VMXFS; a test that measures memory takes
# $VMXFS_UNSANITIZED, because a sanitizer keeps what was freed.

support=$BATS_TEST_DIRNAME/../support
SFTP_SERVER=${SFTP_SERVER:-/usr/lib/openssh/sftp-server}
VMXFS_UNSANITIZED=${VMXFS_UNSANITIZED:-$VMXFS}

# For Python programs in which calls must fail.
refusals='
import errno, os, sys

def refused(code, what, *args):
    try:
        what(*args)
    except OSError as e:
        assert e.errno == code, e
    else:
        sys.exit(f"not refused: {what}{args}")
'

# A private sshd for the file. Its sftp-server notes every operation in $SERVER_LOG. Further lines
# of configuration may be given.
server_start() { # [SSHD_CONFIG_LINE...]
    export SERVER=$BATS_FILE_TMPDIR/sshd SERVER_LOG=$BATS_FILE_TMPDIR/server.log
    mkdir -p "$SERVER"
    : >"$SERVER_LOG"
    SSHD_HOST_KEYS=ed25519 sh "$support/sshd.sh" start "$SERVER" "$@" \
        "Subsystem sftp $SFTP_SERVER -e -l INFO 2>>$SERVER_LOG" 3>&-
}

server_stop() {
    sh "$support/sshd.sh" stop "$SERVER"
}

lab_new() {
    TEST_DIR=$BATS_FILE_TMPDIR/test-$BATS_TEST_NUMBER
    LAB=$TEST_DIR/lab MNT=$TEST_DIR/mnt
    mkdir -p "$LAB" "$MNT"
}

# Mounts FOLDER (default $LAB) at $MNT with "-o" options, over the server of the file.
mount_lab() { # [-s FOLDER] [OPTION...]
    local source=$LAB
    if [ "$1" = -s ]; then
        source=$2
        shift 2
    fi
    mount_ssh "$SERVER" "127.0.0.1:$source" transport=libssh2 "$@"
}

# Mounts SOURCE with the port, key and known_hosts of a server of sshd.sh, unless options name others.
mount_ssh() { # DIRECTORY SOURCE [OPTION...]
    local directory=$1 source=$2 usual=() option
    shift 2
    for option in "port=$(cat "$directory/port")" "IdentityFile=$directory/id" \
        "UserKnownHostsFile=$directory/known_hosts"; do
        [[ " $*" == *" ${option%%=*}="* ]] || usual+=("$option")
    done
    mount_source "$source" "${usual[@]}" "$@"
}

# A small .vmx, with a name in it.
write_vmx() { # FILE NAME
    mkdir -p "$(dirname "$1")"
    printf '.encoding = "UTF-8"\ndisplayName = "%s"\nmemSize = "4096"\n' "$2" >"$1"
}

# Mounts $LAB at $MNT with a child sftp-server. It notes every operation in $SERVER_LOG.
mount_local() { # [OPTION...]
    SERVER_LOG=$TEST_DIR/server.log
    : >>"$SERVER_LOG"
    printf '#!/bin/sh\nexec %s -e -l INFO 2>>%s\n' "$SFTP_SERVER" "$SERVER_LOG" >"$TEST_DIR/server"
    chmod 755 "$TEST_DIR/server"
    mount_source "$LAB" "sftp_server=$TEST_DIR/server" "$@"
}

# Mounts SOURCE at $MNT, started by ${MOUNT_BY[@]} if that is set. Bats would wait for the mount's end
# if it had its descriptor 3.
mount_source() { # SOURCE [OPTION...]
    local source=$1
    shift
    "${MOUNT_BY[@]}" "$VMXFS" "${@/#/-o}" "$source" "$MNT" 3>&-
}

# The processes of the mount at $MNT, with all that they started.
mount_processes() {
    local pid words word
    for pid in /proc/[0-9]*; do
        [ "$pid/exe" -ef "$VMXFS" ] || continue
        { mapfile -d '' words <"$pid/cmdline"; } 2>/dev/null || continue
        for word in "${words[@]}"; do
            [ "$word" = "$MNT" ] || continue
            echo "${pid#/proc/}"
            pgrep -P "${pid#/proc/}" || :
            break
        done
    done
}

# Waits until a command succeeds; prints what it said last. SECONDS are an idle machine's: a busy
# one gets more.
eventually() { # SECONDS COMMAND...
    local end=$((SECONDS + 5 * $1)) said
    shift
    until said=$("$@" 2>&1); do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "$said"
            return 1
        fi
        sleep 0.05
    done
}

# A zombie has.
ended() { # PID...
    local pid stat
    for pid in "$@"; do
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
        [[ ${stat##*) } == Z* ]] || return 1
    done
}

# A program that syncs all filesystems, as others on the machine may do, holds each for a moment.
unmount() { # MOUNTPOINT
    eventually 30 fusermount3 -u "$1"
}

# Unmounts $MNT; all processes must end.
unmount_lab() {
    local processes
    processes=$(mount_processes)
    unmount "$MNT" || return 1
    # shellcheck disable=SC2086 # a list
    eventually 60 ended $processes || {
        echo "still there after unmounting: $processes"
        return 1
    }
}

# At the end of every test, whether it went well or not.
lab_end() {
    if grep -q " $MNT " /proc/mounts; then
        if [ -z "$BATS_TEST_COMPLETED" ]; then
            timeout 5 cat "$MNT/.vmxfs/errors" || :
            fusermount3 -u -z "$MNT"
        else
            unmount_lab
        fi
    fi
}

# How often .vmxfs/errors tells of something: once in each line that matches, or as often as one
# that sums up says.
times() { # PATTERN
    grep -- "$1" "$MNT/.vmxfs/errors" | awk '
        match($0, / \([0-9]+ times? more\)$/) { n += substr($0, RSTART + 2) - 1 }
        END { print n + NR }'
}

# A counter of .vmxfs/status.
counter() { # NAME
    sed -n "s/^$1: //p" "$MNT/.vmxfs/status"
}

# How often a file was replaced, as the server tells it.
renames_onto() { # FILE BELOW $LAB
    grep -cE "^posix-rename old \".*\" new \"$LAB/$1\"" "$SERVER_LOG" || :
}

# Waits until a folder holds these names and no others: a commit's lock goes a moment after the
# commit.
holds_only() { # FOLDER [NAME...]
    local folder=$1
    shift
    eventually 60 same_names "$folder" "$(printf '%s\n' "$@")" || {
        ls -A "$folder"
        return 1
    }
}

same_names() {
    [ "$(ls -A "$1")" = "$2" ]
}

# Compares a whole file with standard input.
holds() { # FILE
    diff -u - "$1"
}

# Nothing but lines of text, of this number of TAB-separated fields if there is one; no character that
# turns the direction of text around.
must_be_tame() { # FILE [FIELDS]
    [ -s "$1" ]
    if tr -d '\n\t' <"$1" | LC_ALL=C grep -qP \
        '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|[\x20-\x7f][\x80-\x9f]|\xe2(\x80[\xa8-\xae]|\x81[\xa6-\xa9])'; then
        od -c "$1"
        return 1
    fi
    if [ $# -gt 1 ]; then
        ! awk -F '\t' -v n="$2" '!/^#/ && NF != n' "$1" | grep .
    fi
}
