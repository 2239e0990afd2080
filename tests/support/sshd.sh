#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A private OpenSSH server for tests: own keys, own configuration, a free port of 127.0.0.1, run by
# and for the current user. Can be run, or sourced for its functions.
#
#   sshd.sh start DIR [SSHD_CONFIG_LINE...]    sshd_start DIR ...
#   sshd.sh stop DIR                           sshd_stop DIR            ends it and its connections
#   sshd.sh signal DIR NAME                    sshd_signal DIR NAME     to it and its connections
#                                              (KILL: sudden death; STOP, CONT: a silent server)
#   sshd.sh close DIR                          sshd_close DIR           takes no more connections; those
#                                              that there are stay
#   sshd.sh open DIR [LINE...]                 sshd_open DIR ...        takes connections (again), as it
#                                              was configured, after these lines
#
# The lines are put before the defaults, and sshd takes the first value of a keyword. What follows
# from the environment:
#
#   SSHD_HOST_KEYS   types of the host keys, default "ed25519 ecdsa" (rsa is slow to make)
#   SSHD_OWNER       a process id; the server is stopped when that process has gone
#   SSHD_PASSWORD    also log in with this password, by password and keyboard-interactive
#                    authentication (through PAM, so only root can start such a server). PAM ends a
#                    keyboard-interactive login with a round of zero prompts, as ESXi does.
#   SSHD_FAILURES    after so many wrong passwords in a row none is right, until DIR/failures is removed
#
# Where sshd knows penalties for an address (OpenSSH since 9.8) they are off, because all clients of
# all tests come from one address; a line "PerSourcePenalties yes" brings sshd's own defaults.
#
# start leaves in DIR: port, pid, log, known_hosts, id (the user's key, with id.pub), ssh_config (for
# "ssh -F"; any host name leads to the server), host_TYPE and authorized_keys. A second start in
# the same DIR takes the same keys and, if it is still free, the same port.

sshd_program=${SSHD:-/usr/sbin/sshd}

sshd_keygen() { # TYPE FILE
    bits=
    [ "$1" != rsa ] || bits='-b 2048' # a longer one takes a second to be found
    # shellcheck disable=SC2086 # no word, or two
    [ -f "$2" ] || ssh-keygen -q -t "$1" $bits -N '' -C "vmxfs test" -f "$2" </dev/null
}

# Is this line of configuration understood?
sshd_knows() { # DIR LINE
    types=${SSHD_HOST_KEYS:-ed25519 ecdsa}
    "$sshd_program" -t -f /dev/null -h "$1/host_${types%% *}" -o "$2" 2>/dev/null
}

# A PAM service of our own. OpenSSH since 9.8 is told its name (PAMServiceName); an older one takes
# the name under which the program was started: a symbolic link's.
sshd_pam_service() { # DIR
    echo "vmxfs-sshd-$(cksum <"$1/id.pub" | cut -d' ' -f1)"
}

sshd_pam_setup() { # DIR PASSWORD
    service=$(sshd_pam_service "$1")
    (umask 077 && printf '%s' "$2" >"$1/password")
    cat >"$1/check-password" <<END
#!/bin/sh
# The password comes with a final NUL.
[ ! -f '$1/failures' ] || [ "\$(wc -l <'$1/failures')" -lt ${SSHD_FAILURES:-1000000} ] || exit 1
if [ "\$(tr -d '\\000')" = "\$(cat '$1/password')" ]; then
    rm -f '$1/failures'
else
    echo wrong >>'$1/failures'
    exit 1
fi
END
    chmod 700 "$1/check-password"
    printf '%s\n' "auth required pam_exec.so expose_authtok quiet $1/check-password" \
        "auth required pam_permit.so" "account required pam_permit.so" \
        "session required pam_permit.so" >"/etc/pam.d/$service"
    sshd_knows "$1" "PAMServiceName=$service" || ln -sf "$sshd_program" "$1/$service"
}

sshd_config() { # DIR PORT LINE...
    dir=$1 port=$2
    shift 2
    printf '%s\n' "$@"
    echo "Port $port"
    for type in ${SSHD_HOST_KEYS:-ed25519 ecdsa}; do
        echo "HostKey $dir/host_$type"
    done
    case "$*" in
    *[Ss]ubsystem*) ;;
    *) [ -x /usr/lib/openssh/sftp-server ] && echo "Subsystem sftp /usr/lib/openssh/sftp-server" ||
        echo "Subsystem sftp internal-sftp" ;;
    esac
    if [ -n "$SSHD_PASSWORD" ]; then
        printf '%s\n' "UsePAM yes" "PasswordAuthentication yes" "KbdInteractiveAuthentication yes"
        [ -L "$dir/$(sshd_pam_service "$dir")" ] || echo "PAMServiceName $(sshd_pam_service "$dir")"
    else
        printf '%s\n' "UsePAM no" "PasswordAuthentication no" "KbdInteractiveAuthentication no"
    fi
    printf '%s\n' "ListenAddress 127.0.0.1" "PidFile $dir/pid" "StrictModes no" \
        "AuthorizedKeysFile $dir/authorized_keys" "PermitRootLogin yes" "PrintMotd no" \
        "UseDNS no" "MaxAuthTries 20" "LogLevel VERBOSE"
    # Of this keyword sshd takes the last value.
    case "$*" in
    *MaxStartups*) ;;
    *) echo "MaxStartups 1000" ;;
    esac
    # bash reads the user's own .bashrc for what sshd starts, unless it is below another shell: that
    # may be slow, print, or wait for a lock that a killed login has left.
    case "$*" in
    *SetEnv*) ;;
    *) echo "SetEnv SHLVL=1" ;;
    esac
    ! sshd_knows "$dir" "PerSourcePenalties=no" || echo "PerSourcePenalties no"
}

sshd_client_files() { # DIR PORT
    for type in ${SSHD_HOST_KEYS:-ed25519 ecdsa}; do
        printf '[127.0.0.1]:%s,[localhost]:%s ' "$2" "$2"
        cut -d' ' -f1,2 "$1/host_$type.pub"
    done >"$1/known_hosts"
    cat >"$1/ssh_config" <<END
Host *
    HostName 127.0.0.1
    Port $2
    User $(id -un)
    IdentityFile $1/id
    IdentitiesOnly yes
    UserKnownHostsFile $1/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
END
    echo "$2" >"$1/port"
}

# One attempt on one port: 0 when the server listens (it writes its pid file after that).
sshd_try() { # DIR CONFIGURATION
    program=$1/$(sshd_pam_service "$1")
    [ -L "$program" ] || program=$sshd_program
    rm -f "$1/pid"
    : >"$1/log"
    setsid "$program" -D -E "$1/log" -f "$2" </dev/null >/dev/null 2>&1 &
    started=$!
    tries=0
    while [ ! -s "$1/pid" ]; do
        kill -0 "$started" 2>/dev/null || return 1
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || return 1
        sleep 0.05
    done
}

# Stops the server of a test that crashed.
sshd_watch() { # DIR OWNER
    watched=$(cat "$1/pid")
    while [ "$(cat "$1/pid" 2>/dev/null)" = "$watched" ]; do
        kill -0 "$2" 2>/dev/null || sshd_stop "$1"
        sleep 1
    done
}

sshd_start() { # DIR LINE...
    mkdir -p "$1" || return 1
    dir=$(cd "$1" && pwd)
    shift
    if [ "$(id -u)" = 0 ]; then
        mkdir -p /run/sshd && chmod 755 /run/sshd
    fi
    for type in ${SSHD_HOST_KEYS:-ed25519 ecdsa}; do
        sshd_keygen "$type" "$dir/host_$type" || return 1
    done
    sshd_keygen ed25519 "$dir/id" || return 1
    [ -f "$dir/authorized_keys" ] || cp "$dir/id.pub" "$dir/authorized_keys"
    if [ -n "$SSHD_PASSWORD" ]; then
        sshd_pam_setup "$dir" "$SSHD_PASSWORD" || return 1
    fi

    # Below the range that the kernel takes for outgoing connections.
    attempt=0
    while [ "$attempt" -lt 20 ]; do
        attempt=$((attempt + 1))
        if [ "$attempt" = 1 ] && [ -s "$dir/port" ]; then
            port=$(cat "$dir/port")
        else
            port=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 22000))
        fi
        sshd_config "$dir" "$port" "$@" >"$dir/sshd_config"
        if sshd_try "$dir" "$dir/sshd_config"; then
            sshd_client_files "$dir" "$port"
            [ -z "$SSHD_OWNER" ] || sshd_watch "$dir" "$SSHD_OWNER" </dev/null >/dev/null 2>&1 &
            return 0
        fi
        grep -q 'Address already in use' "$dir/log" || break
    done
    echo "sshd.sh: the server did not start:" >&2
    cat "$dir/log" >&2
    return 1
}

# The server's process and all that descend from it.
sshd_processes() { # DIR
    [ -s "$1/pid" ] || return 0
    ps -e -o pid=,ppid= | awk -v root="$(cat "$1/pid")" '
        { parent[$1] = $2 }
        END {
            for (pid in parent)
                for (p = pid; p != "" && p > 1; p = parent[p])
                    if (p == root) { print pid; break }
        }' | sort -n
}

# Stops all of them: a client that sees one end connects again at once, and another could serve it.
sshd_freeze() { # DIR
    frozen=none
    processes=$(sshd_processes "$1")
    while [ -n "$processes" ] && [ "$processes" != "$frozen" ]; do
        frozen=$processes
        # shellcheck disable=SC2086 # a list
        kill -s STOP $processes 2>/dev/null || :
        processes=$(sshd_processes "$1")
    done
}

sshd_signal() { # DIR NAME
    if [ "$2" = KILL ] || [ "$2" = STOP ]; then
        sshd_freeze "$1"
    fi
    processes=$(sshd_processes "$1")
    # shellcheck disable=SC2086 # a list
    [ -z "$processes" ] || kill -s "$2" $processes 2>/dev/null
    return 0
}

sshd_lives() { # PID; a zombie does not
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    case ${stat##*) } in
    Z*) return 1 ;;
    esac
}

# sshd itself ends; what it started for its connections is kept in a list, for sshd_stop.
sshd_close() { # DIR
    [ -s "$1/pid" ] || return 0
    closing=$(cat "$1/pid")
    sshd_processes "$1" | grep -vx "$closing" >>"$1/orphans"
    kill -s TERM "$closing"
    while sshd_lives "$closing"; do
        sleep 0.02
    done
    rm -f "$1/pid"
}

sshd_open() { # DIR LINE...
    sshd_close "$1"
    opening=$1
    shift
    {
        printf '%s\n' "$@"
        cat "$opening/sshd_config"
        printf '%s\n' "$@" | grep '^MaxStartups '
    } >"$opening/sshd_config.open"
    sshd_try "$opening" "$opening/sshd_config.open"
}

# The processes of connections whose sshd was closed.
sshd_orphans() { # DIR
    [ -f "$1/orphans" ] || return 0
    while read -r orphan; do
        { tr '\0' ' ' <"/proc/$orphan/cmdline"; } 2>/dev/null | grep -q '^sshd' && echo "$orphan"
    done <"$1/orphans"
    rm -f "$1/orphans"
}

sshd_stop() { # DIR
    orphans=$(sshd_orphans "$1")
    # shellcheck disable=SC2086 # a list
    [ -z "$orphans" ] || kill -s KILL $orphans 2>/dev/null
    sshd_signal "$1" KILL
    tries=0
    for process in $processes; do
        while sshd_lives "$process" && [ "$tries" -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.02
        done
    done
    rm -f "$1/pid"
    if [ -f "$1/password" ]; then
        rm -f "/etc/pam.d/$(sshd_pam_service "$1")" "$1/password"
    fi
}

case ${0##*/} in
sshd.sh)
    case $1 in
    start | stop | signal | open | close)
        [ $# -ge 2 ] || exit 2
        verb=$1
        shift
        "sshd_$verb" "$@"
        ;;
    *)
        echo "usage: sshd.sh start|open DIR [LINE...] | stop|close DIR | signal DIR NAME" >&2
        exit 2
        ;;
    esac
    ;;
esac
