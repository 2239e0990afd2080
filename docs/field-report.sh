#!/bin/sh
# SPDX-License-Identifier: MIT
# Asks an ESXi host what nobody has recorded yet, and prints a report to send in.
#
#   sh docs/field-report.sh [-F CONFIG] [-o OPTION]... [-r FOLDER]... [USER@]HOST > report.txt
#
# -F and -o are for ssh. The script changes nothing on the host: it reads, and gives a few commands
# an id, a path or an address that cannot exist, for the text of the refusal.
#
# With -r it also tries how folders are renamed there. FOLDER is a folder of a datastore, such as
# /vmfs/volumes/datastore1 (on vSAN: a folder in the datastore). The script makes one folder of its
# own in it, and removes it again; nothing else is written.
#
# Names, serial numbers, UUIDs, MAC and IP addresses are replaced here, before they are printed, each
# always by the same word. Read the report before you send it all the same.
#
# The same file runs on the host: "ssh HOST sh -s -- --on-host", with this file as its input. The
# shell there is busybox's, without "tr" and "command -v".

set -u

fail() {
    echo "field-report: $*" >&2
    exit 1
}

# --- On the host ---

NOBODY=2000000000 # no VM has this id: the host counts from 1
SECONDS_EACH=30   # for a command that hangs or waits for an answer

# Runs a command without input, and ends it when its time is over.
limited() { # COMMAND [WORD...]
    "$@" </dev/null &
    command_pid=$!
    {
        sleep "$SECONDS_EACH" &
        sleep_pid=$!
        trap 'kill "$sleep_pid"; exit' TERM
        wait "$sleep_pid"
        kill "$command_pid"
    } >/dev/null 2>&1 &
    watch_pid=$!
    wait "$command_pid"
    ended=$?
    kill "$watch_pid" 2>/dev/null
    return "$ended"
}

lines_of() { # STREAM
    awk -v stream="$1" 'NR <= 400 { print stream ":  " $0 }'
}

# The streams of a command and its exit number, each line with its name; standard output through a
# filter. Descriptor 3 leads standard error past standard output, and 4 is where the lines go.
streams() { # FILTER COMMAND [WORD...]
    filter=$1
    shift
    {
        {
            {
                limited "$@" 3>&- 4>&-
                echo "exit: $?" >&4
            } 2>&3 | "$filter" | lines_of out >&4
        } 3>&1 | lines_of err >&4
    } 4>&1
}

run() { # COMMAND [WORD...]
    run_through cat "$@"
}

run_through() { # FILTER COMMAND [WORD...]
    said=$(streams "$@")
    shift
    echo "\$ $*"
    for stream in exit out err; do
        printf '%s\n' "$said" | grep "^$stream: "
    done
    echo
}

section() { # TITLE
    echo "## $1"
    echo
}

# What is replaced in the report, before the report.

name() { # KIND, with a name a line on standard input
    sed -n "s/^ *//; s/ *\$//; s/..*/name	$1	&/p"
}

running_vms() { # FIELD of esxcli vm process list
    limited esxcli vm process list 2>/dev/null | sed -n "s/^   $1: //p"
}

# At most two VMs that run, one with a device that was passed to it if there is any.
chosen_vms() {
    running_vms "Config File" | while IFS= read -r vmx; do
        if grep -qi '^pciPassthru[0-9]*\.id' "$vmx" 2>/dev/null; then
            printf '1 %s\n' "$vmx"
        else
            printf '2 %s\n' "$vmx"
        fi
    done | sort | sed -n '1,2s/^. //p'
}

vm_id() { # VMX
    limited vim-cmd vmsvc/getallvms 2>/dev/null | while IFS= read -r row; do
        case $row in
        [0-9]*"${1##*/}"*) echo "${row%% *}" ;;
        esac
    done | sed -n 1p
}

guest_fields() {
    grep -E \
        '^ *(toolsStatus|toolsRunningStatus|toolsVersion|guestState|hostName|ipAddress|network|macAddress) ='
}

names_of_vm() { # VMX
    folder=${1%/*}
    printf '%s\n' "${folder##*/}" | name vm
    for file in "$folder"/*.vmx "$folder"/*.vmdk "$folder"/*.nvram "$folder"/*.vswp; do
        printf '%s\n' "${file##*/}" | sed 's/\.[a-z]*$//; s/^vmx-//; s/-flat$//; s/-delta$//
            s/-sesparse$//; s/-ctk$//; s/-[0-9][0-9][0-9][0-9][0-9][0-9]$//
            s/-[0-9a-f]\{8\}$//; s/^\*$//' | name vm
    done
    guest=$(limited vim-cmd vmsvc/get.guest "$(vm_id "$1")" 2>/dev/null | guest_fields)
    printf '%s\n' "$guest" | sed -n 's/.*hostName = "\(.*\)".*/\1/p' | name guest
    printf '%s\n' "$guest" | sed -n 's/.*network = "\(.*\)".*/\1/p' | name network
}

# Without UUIDs, and without the names that ESXi itself gives.
own_names() {
    grep -vE '^(BOOTBANK|OSDATA-|LOCKER-|(vsan:)?[0-9a-f]{8}-?[0-9a-f]{8})'
}

# Of a table whose titles are underlined.
second_column() {
    awk '/^-+  -+  / { from = index($0, "  ") + 2; match(substr($0, from), /^-+/); size = RLENGTH; next }
        from { print substr($0, from, size) }'
}

all_names() {
    limited hostname | name host
    limited hostname | sed 's/\..*//' | name host
    limited hostname | sed -n 's/^[^.]*\.//p' | name domain
    limited esxcli hardware platform get 2>/dev/null |
        sed -n 's/^ *\(Serial Number\|Enclosure Serial Number\|BIOS Asset Tag\): //p' |
        grep -vi -e '^none *$' -e '^no asset tag' -e '^not specified' | name serial
    limited esxcli network nic list 2>/dev/null |
        grep -o '[0-9a-fA-F]\{2\}\(:[0-9a-fA-F]\{2\}\)\{5\}' | name mac
    limited ls -1 /vmfs/volumes 2>/dev/null | own_names | name datastore
    limited esxcli storage filesystem list 2>/dev/null | second_column | own_names | name datastore
    running_vms "Display Name" | name vm
    chosen_vms | while IFS= read -r vmx; do
        printf '%s\n' "$vmx" | sed 's|.*/vmfs/volumes/||; s|/.*||' | own_names | name datastore
        names_of_vm "$vmx"
    done
}

# The report

about_host() {
    section "The host"
    run vmware -vl
    run esxcli system version get
    run esxcli system maintenanceMode get
    run vim-cmd vimsvc/auth/lockdown_is_enabled
    run esxcli system settings advanced list -o /UserVars/ESXiShellTimeOut
    run esxcli system time get
    for program in awk dd flock mktemp od python3 sed sha1sum stat timeout tr which; do
        run which "$program"
    done
    run grep -iE '^(MaxSessions|MaxStartups|Subsystem|ClientAlive|PerSource|HostKeyAlg|Ciphers|MACs)' \
        /etc/ssh/sshd_config
}

about_datastores() {
    section "Datastores"
    run ls -l /vmfs/volumes
    run esxcli storage filesystem list
    run esxcli --formatter=csv storage filesystem list
}

about_refusals() {
    section "Refusals that change nothing"
    for verb in power.getstate power.on power.off power.shutdown power.reset power.suspend reload \
        unregister message get.guest get.tasklist get.config snapshot.get; do
        run vim-cmd "vmsvc/$verb" "$NOBODY"
    done
    run vim-cmd vmsvc/power.getstate /vmfs/volumes/no-such-datastore/x/x.vmx
    run vim-cmd solo/registervm /vmfs/volumes/no-such-datastore/x/x.vmx
    run vim-cmd vimsvc/task_info haTask-0-no.such.task-0
    run vim-cmd no/such.command
    run esxcli no such command
}

display_blocks() {
    awk '/^[0-9a-f]/ { block = "" }
        { block = block $0 "\n" }
        /^   Device Class: 0x03/ { display = 1 }
        /^ *$/ || /^   Extended Device ID/ { if (display) printf "%s", block; display = 0 }'
}

display_devices() {
    limited esxcli hardware pci list 2>/dev/null | display_blocks | sed -n 's/^   Address: //p' | sed 4q
}

about_devices() {
    section "Passthrough"
    run esxcli hardware pci pcipassthru list
    run esxcli hardware pci pcipassthru set --help
    run esxcli hardware pci pcipassthru set -d ffff:ff:1f.7 -e true
    run cat /etc/vmware/passthru.map
    run esxcli graphics device list
    run esxcli system settings kernel list -o enablePCIEHotplug
    run esxcli system settings kernel list -o disableACSCheck
    run_through display_blocks esxcli hardware pci list
    for address in $(display_devices); do
        segment=${address%%:*} slot=${address#*:*:}
        bus=${address#*:}
        run vsish -e get "/hardware/pci/seg/0x$segment/bus/0x${bus%%:*}/slot/0x${slot%.*}/func/0x${slot#*.}/pciConfigHeader"
    done
    run lspci -p
    run lspci -d
}

# Reading a byte opens the file as vmxfs does. vmkfstools may write what it prints to the host's
# vmkernel.log, too.
about_locks() { # VMX
    for file in "$1" "$1~" "$1.lck" "${1%/*}"/*.vmdk "${1%/*}"/*.vswp "${1%.vmx}.nvram" "${1%/*}/vmware.log"; do
        [ -e "$file" ] || continue
        run dd if="$file" of=/dev/null bs=1 count=1
        run vmkfstools -D "$file"
        run vmfsfilelockinfo -p "$file"
    done
}

about_running_vm() { # VMX
    section "A VM that runs"
    id=$(vm_id "$1")
    for verb in power.getstate message get.tasklist; do
        run vim-cmd "vmsvc/$verb" "$id"
    done
    run_through guest_fields vim-cmd vmsvc/get.guest "$id"
    run grep -E 'Log for VMware|Transitioned vmx/execState|barIndex|total number of pages|IOMMU mappings' \
        "${1%/*}/vmware.log"
    about_locks "$1"
}

on_host() {
    PATH=$PATH:/bin:/sbin
    export PATH
    all_names
    echo "# A field report for vmxfs"
    echo
    about_host
    about_datastores
    about_refusals
    about_devices
    chosen_vms | while IFS= read -r vmx; do
        about_running_vm "$vmx"
    done
    echo "# The end of the host's part"
    echo
}

# --- Here ---

# Renames over SFTP, as vmxfs does it: onto a free name, an empty folder, a folder with a file in it
# (to be refused), a file out of a folder over another file.
rename_batch() { # FOLDER OWN-FOLDER FILE
    cat <<END
mkdir "$1/$2"
-mkdir "$1/$2/one"
-put "$3" "$1/$2/one/file"
-rename "$1/$2/one" "$1/$2/two"
-mkdir "$1/$2/empty"
-rename "$1/$2/two" "$1/$2/empty"
-mkdir "$1/$2/three"
-put "$3" "$1/$2/three/file"
-rename "$1/$2/three" "$1/$2/empty"
-put "$3" "$1/$2/target"
-rename "$1/$2/empty/file" "$1/$2/target"
-ls -l "$1/$2"
-rm "$1/$2/one/file"
-rm "$1/$2/two/file"
-rm "$1/$2/empty/file"
-rm "$1/$2/three/file"
-rm "$1/$2/target"
-rmdir "$1/$2/one"
-rmdir "$1/$2/two"
-rmdir "$1/$2/empty"
-rmdir "$1/$2/three"
rmdir "$1/$2"
END
}

try_renames() { # FOLDER SSH-WORD...
    folder=$1 own=vmxfs-field-report-$$
    shift
    echo "field-report: makes $folder/$own, renames in it, and removes it" >&2
    section "Renaming over SFTP"
    rename_batch "$folder" "$own" "$0" | sftp -q -b - "$@" 2>&1 | sed 's/^/out:  /'
    echo
}

# Names, which the lines "name KIND TEXT" before the report tell, and what looks like a UUID, a disk
# id, a MAC or an IP address, become KIND-NUMBER; titles are the script's own. Long names come first, those of one or two letters last. mawk knows
# no {8}.
replace_names() {
    LC_ALL=C awk '
    function remember(kind, text) {
        if (text == "" || (tolower(text) in word)) return
        word[tolower(text)] = kind "-" (++count[kind])
        if (kind == "mac") return
        names[++named] = tolower(text)
    }
    function pattern(kind, regex) { is_pattern[++steps] = 1; step_kind[steps] = kind; step[steps] = regex }
    function sort_names(i, j, text) {
        for (i = 2; i <= named; i++) {
            text = names[i]
            for (j = i - 1; j > 0 && length(names[j]) < length(text); j--) names[j + 1] = names[j]
            names[j + 1] = text
        }
    }
    function plan(i) {
        sort_names()
        for (i = 1; i <= named && length(names[i]) > 2; i++) step[++steps] = names[i]
        pattern("uuid", h8 "-" h4 "-" h4 "-" h4 "-" h8 h4)
        pattern("uuid", h8 "-" h8 "-" h4 "-" h8 h4)
        pattern("uuid", byte "( " byte ")( " byte ")( " byte ")( " byte ")( " byte ")( " byte ")( " \
            byte ")[ -]" byte "( " byte ")( " byte ")( " byte ")( " byte ")( " byte ")( " byte ")( " \
            byte ")")
        pattern("uuid", "0x" h "+ 0x" h "+ 0x" h "+ 0x" h "+ 0x" h "+ 0x" h "+( 0x" h "+)+")
        pattern("disk", "(naa|eui|t10|vml|mpx)\\.[^ \",:/]+")
        pattern("uuid", h8 h8 "[0-9a-fA-F-]*")
        pattern("uuid", h8 "-" h8)
        pattern("mac", byte "[:-]" byte "[:-]" byte "[:-]" byte "[:-]" byte "[:-]" byte)
        pattern("address", "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+")
        pattern("address", "(" h "+:)+:(" h "+(:" h "+)*)?")
        pattern("address", h "+:" h "+:" h "+:" h "+:" h "+:" h "+:" h "+:" h "+")
        for (; i <= named; i++) step[++steps] = names[i]
    }
    # Finds what step n is about; a name stands by itself, not within a word.
    function find(text, n,    low, at, from) {
        if (n in is_pattern) {
            at = match(text, step[n])
            found_length = RLENGTH
            return at
        }
        low = tolower(text)
        found_length = length(step[n])
        for (from = 1; (at = index(substr(low, from), step[n])) > 0; from = at + 1) {
            at += from - 1
            if (!alone(substr(low, at - 1, at > 1), substr(step[n], 1, 1)) ||
                !alone(substr(low, at + found_length, 1), substr(step[n], found_length)))
                continue
            return at
        }
        return 0
    }
    function alone(neighbour, edge) { return neighbour !~ /[a-z0-9]/ || edge !~ /[a-z0-9]/ }
    function token(text, n,    low, mac) {
        low = tolower(text)
        if (!(low in word)) word[low] = step_kind[n] "-" (++count[step_kind[n]])
        mac = substr(low, length(low) - 11)
        gsub(/../, ":&", mac)
        mac = substr(mac, 2)
        return word[low] (step_kind[n] == "uuid" && (mac in word) ? " (" word[mac] ")" : "")
    }
    function scrub(text, n,    at, size) {
        for (; n <= steps; n++)
            if ((at = find(text, n)) > 0) {
                size = found_length
                return scrub(substr(text, 1, at - 1), n + 1) token(substr(text, at, size), n) \
                    scrub(substr(text, at + size), n)
            }
        return text
    }
    BEGIN {
        h = "[0-9a-fA-F]"; byte = h h; h4 = byte byte; h8 = h4 h4
        FS = "\t"
    }
    /^# A field report for vmxfs$/ && !reporting { reporting = 1; plan() }
    !reporting {
        if ($1 == "name") remember($2, substr($0, length($1 $2) + 3))
        next
    }
    /^# The end of the host.s part$/ { complete = 1 }
    /^#/ { print; next }
    { sub(/\r$/, ""); gsub(/[\001-\010\013-\037\177]/, "?"); print scrub($0, 1) }
    END { if (!complete) exit 1 }'
}

names_here() { # [USER@]HOST
    printf '%s\n' "${1#*@}" | name host
    case $1 in
    root@*) ;;
    *@*) printf '%s\n' "${1%%@*}" | name user ;;
    esac
}

report() { # FOLDERS HOST SSH-WORD...
    folders=$1 host=$2
    shift 2
    names_here "$host"
    ssh "$@" sh -s -- --on-host <"$0" || return
    printf '%s' "$folders" | while IFS= read -r folder; do
        try_renames "$folder" "$@"
    done
}

usage() {
    sed -n '/^#   /s/^#   /usage: /p' "$0" >&2
    exit 2
}

# The words of ssh go round once, so that those of this script fall out.
main() { # WORD...
    folders='' host='' left=$#
    while [ "$left" -gt 0 ]; do
        case $1 in
        -F | -o | -r)
            [ "$left" -ge 2 ] || usage
            if [ "$1" = -r ]; then
                folders="$folders$2
"
            else
                set -- "$@" "$1" "$2"
            fi
            shift 2
            left=$((left - 2))
            ;;
        -*) usage ;;
        *)
            [ -z "$host" ] || usage
            host=$1
            set -- "$@" "$1"
            shift
            left=$((left - 1))
            ;;
        esac
    done
    [ -n "$host" ] || usage
    case $folders in
    *\"* | *\\*) fail "a folder with a quote or a backslash in its name is not for sftp" ;;
    esac
    report "$folders" "$host" "$@" | replace_names ||
        fail "the host's part did not come to its end: see what ssh says above"
}

case ${1:-} in
--on-host) on_host ;;
*) main "$@" ;;
esac
