#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A pretended ESXi host for tests and for trying things out: datastores and VMs below DIR/vmfs/volumes,
# ESXi's commands with memory of what they did (tests/support/esxi), and a private sshd with ESXi's
# settings. Can be run, or sourced for its functions; needs python3.
#
#   esxi.sh start DIR [OPTION...] [-- SSHD_CONFIG_LINE...]     esxi_start DIR ...
#   esxi.sh stop DIR                                           esxi_stop DIR
#
#   --kind intel|amd       the processor, default intel
#   --nested               the host is a VM itself, with a GPU that was passed to it
#   --version VERSION      9.0.1, 9.0.0, 8.0.1, 7.0.3, 6.5.0 or 6.0.0; default 7.0.3, of a nested host 8.0.1
#   --build NUMBER         of that version
#   --password WORD        log in by keyboard-interactive authentication alone (only as root); five
#                          wrong passwords lock the account
#   --empty                without VMs
#   --hard                 as hard as a real one: commands that fail print faults instead of one
#                          line, files of running VMs are locked for SFTP as by VMFS (esxi/gate.py),
#                          and there are volumes as after the verb volumes
#
# start leaves in DIR: vmfs/volumes, sshd (as sshd.sh does), commands (a line for each command that
# ran), state.json. It keeps what is there from before. The VMs are listed in esxi/lab.py.
#
# What happens there without a command of the host (VM: an id or a name):
#
#   esxi.sh reboot DIR                       VMs off; passthrough as configured; all .vmx read anew
#   esxi.sh register DIR FILE [ID]           prints the id
#   esxi.sh unregister DIR VM
#   esxi.sh client-edit DIR VM KEY VALUE     an edit in the host client, which drops vhv.enable
#   esxi.sh guest-memory DIR VM              prints the memory that a running VM was started with
#   esxi.sh lock|unlock DIR FILE [MODE]      another host runs the VM of this .vmx, no longer does;
#                                            or has another file (exclusive, read-only, multi-writer)
#   esxi.sh slow DIR ON OFF                  a power-on takes ON seconds, a guest's shutdown OFF (at
#                                            first 0 and 1; real ones 25 and 40)
#   esxi.sh question DIR VM [KIND]           the VM asks at its next power-on, a running one now: a
#                                            KIND of esxi/questions.py, or a file with the text
#   esxi.sh tools DIR VM yes|no [HOST-NAME [ADDRESS...]]    VMware Tools, and what the guest says
#   esxi.sh volumes DIR                      BOOTBANK1, BOOTBANK2, OSDATA-UUID and LOCKER-UUID, a vSAN
#                                            and an NFS datastore (vsanDatastore, nfs-iso)
#   esxi.sh hang|unhang DIR DATASTORE        the host's list calls it not mounted, and whoever wants
#                                            something of it over SFTP waits (on a hard host)
#   esxi.sh hostd DIR down|up                vim-cmd and esxcli fail meanwhile
#   esxi.sh maintenance DIR on|off           no VM is powered on meanwhile
#   esxi.sh snapshot DIR VM NAME             of a VM without devices, also while it runs
#   esxi.sh slow-command DIR NAME SECONDS    each esxcli, or vim-cmd, takes so long
#   esxi.sh fails DIR VM KIND                the next power-on fails, or the running VM does: a KIND of
#                                            esxi/failures.py
#   esxi.sh ssh DIR stop|start               the SSH service; sessions stay
#   esxi.sh lockdown DIR on|off              no login is accepted; sessions stay
#   esxi.sh crowd DIR on|off                 others fill MaxStartups: each new connection is dropped
#   esxi.sh account DIR                      the account that five wrong passwords locked is free again
#   esxi.sh forget DIR                       the tasks that are over (else after a minute)

esxi_support=${ESXI_SUPPORT:-$(cd "$(dirname "$0")" && pwd)}
# shellcheck source-path=SCRIPTDIR source=sshd.sh
. "$esxi_support/sshd.sh"
esxi_sftp=${SFTP_SERVER:-/usr/lib/openssh/sftp-server}

esxi_admin() { # VERB DIR WORD...
    python3 -S "$esxi_support/esxi/admin.py" "$@"
}

# Starts DIR's sshd as ESXi configures its own, with lines that overrule.
esxi_sshd() { # DIR PASSWORD LINE...
    esxi_dir=$1 esxi_password=$2
    shift 2
    if [ -n "$esxi_password" ]; then
        set -- "$@" "PasswordAuthentication no" "PubkeyAuthentication no"
    fi
    # In FIPS mode there is no Ed25519, neither as a host key nor as a user's. libssh2 1.10 leaks a
    # number at each login with an ECDSA key in OpenSSH's own format.
    mkdir -p "$esxi_dir/sshd" || return 1
    [ -f "$esxi_dir/sshd/id" ] ||
        ssh-keygen -q -t ecdsa -m PEM -N '' -C "vmxfs test" -f "$esxi_dir/sshd/id" || return 1
    case "$*" in
    *MaxStartups*) ;;
    *) set -- "$@" "MaxStartups 10:30:100" ;;
    esac
    SSHD_HOST_KEYS="rsa ecdsa" SSHD_PASSWORD=$esxi_password SSHD_FAILURES=5 sshd_start "$esxi_dir/sshd" "$@" \
        "SetEnv SHLVL=1 \"PATH=$esxi_dir/bin:/usr/local/bin:/usr/bin:/bin\"" \
        "HostKeyAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256" \
        "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256" \
        "MaxSessions 1" "AllowTcpForwarding no" "AllowStreamLocalForwarding no" \
        "AllowAgentForwarding no" "X11Forwarding no" "PermitTunnel no" \
        "RekeyLimit 1G 1H"
}

esxi_start() { # DIR OPTION...
    mkdir -p "$1" || return 1
    esxi_dir=$(cd "$1" && pwd)
    shift
    kind=intel nested=no version='' build=0 password='' empty=no hard=no
    while [ $# -gt 0 ]; do
        case $1 in
        --kind) kind=$2 && shift ;;
        --version) version=$2 && shift ;;
        --build) build=$2 && shift ;;
        --password) password=$2 && shift ;;
        --nested) nested=yes ;;
        --empty) empty=yes ;;
        --hard) hard=yes ;;
        --) shift && break ;;
        *) echo "esxi.sh: unknown option: $1" >&2 && return 2 ;;
        esac
        shift
    done
    if [ -z "$version" ]; then
        [ "$nested" = yes ] && version=8.0.1 || version=7.0.3
    fi
    case $kind:$version in
    intel:9.0.1 | intel:9.0.0 | intel:8.0.1 | intel:7.0.3 | intel:6.5.0 | intel:6.0.0) ;;
    amd:9.0.1 | amd:9.0.0 | amd:8.0.1 | amd:7.0.3 | amd:6.5.0 | amd:6.0.0) ;;
    *) echo "esxi.sh: no such host: $kind, $version" >&2 && return 2 ;;
    esac
    esxi_way=$(esxi_admin install "$esxi_dir" "$kind" "$nested" "$version" "$build" "$empty" "$hard") ||
        return 1
    [ "$esxi_way" != gate ] ||
        set -- "$@" "Subsystem sftp python3 -S '$esxi_support/esxi/gate.py' '$esxi_dir' $esxi_sftp"
    esxi_sshd "$esxi_dir" "$password" "$@"
}

# The SSH service. Sessions stay when it stops, as on ESXi when a time-out stops it.
esxi_ssh() { # DIR stop|start
    case $2 in
    stop) sshd_close "$1/sshd" ;;
    start) sshd_open "$1/sshd" ;;
    *) echo "esxi.sh: ssh DIR stop|start" >&2 && return 2 ;;
    esac
}

# Lockdown mode refuses all logins by SSH; sessions stay.
esxi_lockdown() { # DIR on|off
    case $2 in
    on) sshd_open "$1/sshd" "DenyUsers *" ;;
    off) sshd_open "$1/sshd" ;;
    *) echo "esxi.sh: lockdown DIR on|off" >&2 && return 2 ;;
    esac
}

# As many connections that never log in as the server takes, so that it drops each one that comes.
esxi_crowd() { # DIR on|off
    case $2 in
    on)
        sshd_open "$1/sshd" "MaxStartups 3:100:3" &&
            python3 -S "$esxi_support/esxi/crowd.py" "$1" 3
        ;;
    off) rm -f "$1/crowd" && sshd_open "$1/sshd" ;;
    *) echo "esxi.sh: crowd DIR on|off" >&2 && return 2 ;;
    esac
}

esxi_stop() { # DIR
    rm -f "$1/crowd"
    [ ! -f "$1/state.json" ] || esxi_admin halt "$1"
    sshd_stop "$1/sshd"
}

case ${0##*/} in
esxi.sh)
    [ $# -ge 2 ] || {
        sed -n '/^#   /s/^#   //p' "$0" >&2
        exit 2
    }
    case $1 in
    start | stop | ssh | lockdown | crowd)
        verb=$1
        shift
        "esxi_$verb" "$@"
        ;;
    *) esxi_admin "$@" ;;
    esac
    ;;
esac
