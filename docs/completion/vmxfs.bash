# bash completion for vmxfs(1), fusermount3(1) and control files                -*- shell-script -*-
# SPDX-License-Identifier: MIT
#
# Installed as bash-completion/completions/vmxfs, where the package bash-completion finds it; without
# that package, ~/.bashrc may read it. For the words of control files, as in
#
#   echo nested-esxi device=0000:86:00.0 > passthrough-profile
#
# which are completed only where a vmxfs is mounted, ~/.bashrc has these two lines (with the folder
# that it is installed in):
#
#   . ~/.local/share/bash-completion/completions/vmxfs
#   complete -o default -F _vmxfs_echo echo

_vmxfs_letters=(-o -p -F -C -f -d --debug -r -h --help -V --version)
# What follows -o: a value is one of those with "|" between them, or of that kind.
_vmxfs_options=(
    'StrictHostKeyChecking=yes|true|ask|accept-new|no|false|off' IdentityFile=FILE
    UserKnownHostsFile=FILE port= password_stdin 'transport=auto|libssh2|openssh' ssh_command=COMMAND
    sftp_server=FILE 'compression=auto|yes|no' delay_connect timeout= power_timeout= cache_timeout=
    cache_size= 'prefetch=on|off' max_conns=
    'show=all|vmx' transform_symlinks follow_symlinks contain_symlinks no_contain_symlinks
    vmx_max= profile_dir=DIRECTORY 'history=DIRECTORY|off'
    'idmap=mounter|none|user|file' uidfile=FILE gidfile=FILE 'nomap=ignore|error' uid= gid= umask=
    'running=refuse|allow' 'reload=auto|off' 'rename=unsafe' disable_hardlink ro rw
    allow_other allow_root default_permissions auto_unmount fsname= subtype=
    dev nodev suid nosuid exec noexec atime noatime sync async dirsync debug
)
# The keywords of ssh_config(5) that people give; in any case.
_vmxfs_keywords=(
    AddressFamily BatchMode BindAddress BindInterface CASignatureAlgorithms CertificateFile Ciphers
    Compression ConnectTimeout ConnectionAttempts ControlMaster ControlPath GSSAPIAuthentication
    GlobalKnownHostsFile HashKnownHosts HostKeyAlgorithms HostKeyAlias HostName IPQoS IdentitiesOnly
    IdentityAgent KexAlgorithms LogLevel MACs NumberOfPasswordPrompts PasswordAuthentication
    PreferredAuthentications ProxyCommand ProxyJump PubkeyAcceptedAlgorithms PubkeyAuthentication
    RekeyLimit ServerAliveCountMax ServerAliveInterval TCPKeepAlive UpdateHostKeys User
    VerifyHostKeyDNS
)

# The words up to the cursor, whatever COMP_WORDBREAKS takes them apart at: sets words and cur, which
# has no quotes and backslashes any more.
_vmxfs_split() {
    local line=${COMP_LINE:0:COMP_POINT} i word
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            words+=('')
        fi
        line=${line#"${line%%[![:space:]]*}"}
        word=${COMP_WORDS[i]:0:${#line}}
        words[${#words[@]} - 1]+=$word
        line=${line#"$word"}
    done
    cur=${words[${#words[@]} - 1]#[\"\']}
    cur=${cur//\\/}
}

# Offers the words that begin with what is typed. Readline replaces only what stands behind the last
# character of COMP_WORDBREAKS, and an "@", too.
_vmxfs_offer() {
    local breaks=${COMP_WORDBREAKS//[[:space:]\"\']/} word
    local typed=${cur##*["$breaks"]}
    local done=${cur%"$typed"}
    done=${done%@}
    for word; do
        [[ ${word,,} == "${cur,,}"* ]] || continue
        COMPREPLY+=("${word:${#done}}")
        [[ $word != *[=:/] ]] || compopt -o nospace 2>/dev/null
    done
}

# Offers files (-f), folders (-d) or programs (-c) for what is typed behind PREFIX.
_vmxfs_offer_files() { # -f|-d|-c PREFIX
    local names name
    compopt -o filenames 2>/dev/null
    mapfile -t names < <(compgen "$1" -- "${cur#"$2"}")
    for name in "${names[@]}"; do
        _vmxfs_offer "$2$name"
    done
}

# Of options with commas between them, also right behind the letter: -oro,running=
_vmxfs_offer_option() {
    local letter='' option value values keywords=("${_vmxfs_keywords[@]/%/=}")
    [[ $cur != -o* ]] || letter=-o
    local last=${cur#"$letter"}
    last=${last##*,}
    local before=${cur%"$last"}
    if [[ $last != *=* ]]; then
        for option in "${_vmxfs_options[@]}"; do
            [[ $option != *=* ]] || option=${option%%=*}=
            _vmxfs_offer "$before$option"
        done
        [[ -z $last ]] || _vmxfs_offer "${keywords[@]/#/"$before"}"
        return
    fi
    before+=${last%%=*}=
    for option in "${_vmxfs_options[@]}"; do
        [[ ${option%%=*} == "${last%%=*}" ]] || continue
        IFS='|' read -r -a values <<<"${option#*=}"
        for value in "${values[@]}"; do
            case $value in
            FILE) _vmxfs_offer_files -f "$before" ;;
            DIRECTORY) _vmxfs_offer_files -d "$before" ;;
            COMMAND) _vmxfs_offer_files -c "$before" ;;
            *) _vmxfs_offer "$before$value" ;;
            esac
        done
    done
}

# The hosts that an ssh_config names, and those of known_hosts; IPv6 addresses in brackets.
_vmxfs_hosts() { # SSH_CONFIG
    local key rest word
    while read -r key rest; do
        for word in $rest; do
            case ${key,,}:$word in
            host:*[*?!]*) ;;
            host:*) echo "$word" ;;
            include:*) (cd ~/.ssh && cat ${word/#\~/"$HOME"}) 2>/dev/null | _vmxfs_hosts /dev/stdin ;;
            esac
        done
    done < <(tr '=' ' ' <"$1") 2>/dev/null
    [[ $1 == /dev/stdin ]] || [[ ! -r ~/.ssh/known_hosts ]] ||
        sed -n -e 's/^\([^|@# ][^ ]*\) .*/\1/p' ~/.ssh/known_hosts | tr ',' '\n' |
        sed -e '/[*?!]/d' -e 's/^\[\(.*\)\]:[0-9]*$/\1/' -e 's/.*:.*/[&]/'
}

_vmxfs_offer_source() { # SSH_CONFIG
    local user='' hosts
    case $cur in
    /* | ./* | ../* | '~'*)
        _vmxfs_offer_files -d ''
        return
        ;;
    *:*)
        _vmxfs_offer "${cur%%:*}:/vmfs/volumes/"
        return
        ;;
    *@*) user=${cur%%@*}@ ;;
    esac
    set -f
    mapfile -t hosts < <(_vmxfs_hosts "$1" | sort -u)
    set +f
    hosts=("${hosts[@]/%/:}")
    _vmxfs_offer "${hosts[@]/#/$user}"
}

_vmxfs() {
    local cur words config=$HOME/.ssh/config i arguments=()
    COMPREPLY=()
    _vmxfs_split
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
        -F) config=${words[++i]/#\~/"$HOME"} ;;
        -[opt]) ((i++)) ;;
        -*) ;;
        *) arguments+=("${words[i]}") ;;
        esac
    done
    case ${words[${#words[@]} - 2]}/$cur in
    -o/*) _vmxfs_offer_option ;;
    -F/*) _vmxfs_offer_files -f '' ;;
    -[pt]/*) ;;
    */-o?*) _vmxfs_offer_option ;;
    */-*) _vmxfs_offer "${_vmxfs_letters[@]}" ;;
    *)
        case ${#arguments[@]}:${arguments[0]-} in
        0:)
            _vmxfs_offer doctor status map
            _vmxfs_offer_source "$config"
            ;;
        1:doctor) _vmxfs_offer_source "$config" ;;
        *:status | *:map) _vmxfs_offer_files -d '' ;;
        1:*) _vmxfs_offer_files -d '' ;;
        esac
        ;;
    esac
}

# Mount points of a type, one a line.
_vmxfs_mounts() { # TYPE
    local at type
    while read -r _ at type _; do
        # shellcheck disable=SC2053 # a pattern
        [[ $type != $1 ]] || printf '%b\n' "$at"
    done </proc/mounts
}

_vmxfs_fusermount() {
    local cur words mounts
    COMPREPLY=()
    _vmxfs_split
    if [[ $cur == -* ]]; then
        _vmxfs_offer -u -z -q -o -h -V
    elif [[ " ${words[*]} " == *" -"*u* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t mounts < <(_vmxfs_mounts 'fuse*')
        _vmxfs_offer "${mounts[@]}"
    else
        _vmxfs_offer_files -d ''
    fi
}

# The words of a profile's line: its parameters, and the values that there are.
_vmxfs_offer_parameter() { # MOUNT PROFILE
    local names addresses
    case $cur in
    device=*)
        mapfile -t addresses < <(cut -f 1 "$1/.vmxfs/gpus" 2>/dev/null | grep -v '^#')
        _vmxfs_offer "${addresses[@]/#/device=}"
        ;;
    cpu=*) _vmxfs_offer cpu=auto cpu=intel cpu=amd ;;
    *)
        mapfile -t names < <(sed -n 's/^profile\.param\.\([^ =]*\).*/\1=/p' \
            "$1/.vmxfs/profiles/$2" 2>/dev/null)
        _vmxfs_offer "${names[@]}"
        ;;
    esac
}

# What may be written into a control file; FILE is empty while it is not typed yet.
_vmxfs_offer_words() { # MOUNT FOLDER FILE [WORD-BEFORE]
    local profiles power=(on shutdown off reset suspend) lines
    mapfile -t profiles < <(ls "$1/.vmxfs/profiles" 2>/dev/null)
    case $3:${4+second} in
    passthrough-profile:) _vmxfs_offer none "${profiles[@]}" ;;
    power:) _vmxfs_offer "${power[@]}" ;;
    power:second) _vmxfs_offer nowait ;;
    registered: | reload:) _vmxfs_offer 1 0 ;;
    passthrough:) _vmxfs_offer 1 0 ;;
    passthrough:second) _vmxfs_offer alone force ;;
    question:)
        mapfile -t lines < <(sed -n 's/^\([0-9]*\)\. .*/\1/p' "$2/question" 2>/dev/null)
        _vmxfs_offer "${lines[@]}"
        ;;
    unregister:)
        mapfile -t lines < <(awk -F '\t' '$3 == "invalid" { print $2 }' "$2/vms" 2>/dev/null)
        _vmxfs_offer "${lines[@]}"
        ;;
    :) _vmxfs_offer none "${profiles[@]}" "${power[@]}" ;;
    passthrough-profile:second | :second) _vmxfs_offer_parameter "$1" "$4" ;;
    esac
}

# For echo, where its output goes into a mount, or where the shell is in one.
_vmxfs_echo() {
    local cur words target='' folder=. at mount=''
    COMPREPLY=()
    _vmxfs_split
    if [[ $COMP_LINE == *'>'* ]]; then
        read target <<<"${COMP_LINE##*>}" # takes backslashes away, and runs nothing
        target=${target//[\"\']/}
        target=${target/#\~/"$HOME"}
    fi
    [[ $target != */* ]] || folder=${target%/*}
    folder=$(cd "$folder" 2>/dev/null && pwd -P) || return
    while read -r at; do
        [[ $folder/ != "$at"/* ]] || mount=$at
    done < <(_vmxfs_mounts fuse.vmxfs)
    [[ -z $mount ]] || _vmxfs_offer_words "$mount" "$folder" "${target##*/}" "${words[@]:1:${#words[@]}-2}"
}

complete -F _vmxfs vmxfs
complete -F _vmxfs_fusermount fusermount3
