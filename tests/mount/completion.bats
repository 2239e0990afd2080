# SPDX-License-Identifier: MIT
# The completions of bash and zsh, as somebody at a terminal gets them.

load host
bats_require_minimum_version 1.5.0

completions=$BATS_TEST_DIRNAME/../../docs/completion

setup() {
    lab_new
    mkdir "$TEST_DIR/home"
    cat >"$TEST_DIR/home/bashrc" <<END
PS1='ready> '
bind '"\C-xa": insert-completions'
bind -x '"\C-xd": printf "[%s]\n" "\$READLINE_LINE" >&9'
. $completions/vmxfs.bash
complete -o default -F _vmxfs_echo echo
END
    # That zsh reads the terminal it says itself: what was typed before that is lost.
    cat >"$TEST_DIR/home/.zshrc" <<END
PS1=
unset zle_bracketed_paste
fpath=($completions \$fpath)
autoload -U compinit && compinit -u -D
zstyle ':completion:all::::' completer _all_matches _complete
zstyle ':completion:all:*' insert true
zle -C all complete-word _generic
dump() { print -r -- "[\$BUFFER]" >&9 }
zle-line-init() { print -n 'ready> ' }
zle -N dump
zle -N zle-line-init
bindkey -e
bindkey '^Xa' all '^Xd' dump
compdef _vmxfs echo
END
}

teardown() {
    host_end
}

# The words of a line: readline puts in what stands behind a "=" alone, zsh the whole word, and the
# "/" of a folder.
words() {
    tr -s ' ,=' '\n' | sed -e '/^$/d' -e 's,/$,,' | sort -u
}

# These words, and no others, are there for what is typed, in both shells; FOLDER: where they run.
offers() { # FOLDER LINE AFTER WORD...
    local folder=$1 line=$2 after=$3 shell got wanted
    shift 3
    wanted=$(printf '%s\n' "$@" | words)
    for shell in "bash --noprofile --rcfile $TEST_DIR/home/bashrc -i" "zsh -i"; do
        # shellcheck disable=SC2086 # a command
        got=$(cd "$folder" && env -u BASH_ENV HOME="$TEST_DIR/home" ZDOTDIR="$TEST_DIR/home" TERM=vt100 \
            python3 -B "$support/all_completions.py" "$line" "$after" $shell 3>&-)
        got=$(comm -23 <(words <<<"$got") <(words <<<"${line% *} $after"))
        echo "${shell%% *}: $line: $got"
        [ "$got" = "$wanted" ]
    done
}

@test "options are completed behind commas, and so are their values, and keywords in any case" {
    offers / "vmxfs --" "" --debug --help --version
    offers / "vmxfs -o trans" "" transform_symlinks transport
    offers / "vmxfs -o trans" " ro host: /mnt" transform_symlinks transport
    offers / "vmxfs -o ro,running=" "" ro running allow refuse
    offers / "vmxfs -o ro,running=allow,show=v" "" ro running allow show vmx
    offers / "vmxfs -o serveralive" "" ServerAliveCountMax ServerAliveInterval
    offers / "vmxfs -o ro,serveralive" "" ro ServerAliveCountMax ServerAliveInterval
    offers / "vmxfs -oro,runn" "" -oro running
    offers / "vmxfs -orunning=" "" -orunning allow refuse
    offers / "vmxfs -orek" "" -oRekeyLimit
    mkdir "$TEST_DIR/folders"
    mkdir "$TEST_DIR/folders/profiles"
    : >"$TEST_DIR/folders/private-key"
    offers "$TEST_DIR/folders" "vmxfs -o profile_dir=p" "" profile_dir profiles/
    offers "$TEST_DIR/folders" "vmxfs -o history=" "" history off profiles/
    offers "$TEST_DIR/folders" "vmxfs -o IdentityFile=pri" "" IdentityFile private-key
    offers "$TEST_DIR/folders" "vmxfs -F pri" "" private-key
    mkdir "$TEST_DIR/folders/my"
    : >"$TEST_DIR/folders/my/a key"
    offers "$TEST_DIR/folders" "vmxfs -F my/a\\ k" "" key
    offers "$TEST_DIR/folders" "vmxfs -o ro,IdentityFile=my/a\\ k" "" key
}

@test "ssh knows all keywords that are offered" {
    local keyword keywords said
    mapfile -t keywords < <(. "$completions/vmxfs.bash"; printf '%s\n' "${_vmxfs_keywords[@]}")
    [ "${#keywords[@]}" -gt 30 ]
    for keyword in "${keywords[@]}"; do
        said=$(ssh -F none -G -o "$keyword=1" host 2>&1 || :)
        [[ $said != *"Bad configuration option"* ]]
    done
    said=$(ssh -F none -G -o "NoKeyword=1" host 2>&1 || :)
    [[ $said == *"Bad configuration option"* ]]
}

@test "sources are hosts that ssh knows, and folders; behind them stand folders" {
    mkdir -p "$TEST_DIR/home/.ssh" "$TEST_DIR/lab/esxi-backup"
    printf 'Host esxi-01 esxi-02\nHost *.lab !esxi-09\n  User root\n' >"$TEST_DIR/home/.ssh/config"
    printf 'Host other-01\n' >"$TEST_DIR/other"
    offers "$TEST_DIR/lab" "vmxfs esxi-" "" esxi-01: esxi-02:
    offers "$TEST_DIR/lab" "vmxfs doc" "" doctor
    offers "$TEST_DIR/lab" "vmxfs doctor esxi-" "" esxi-01: esxi-02:
    printf '%s ssh-ed25519 AAAA\n' known-01,192.0.2.7 '[known-02]:2222' '*.known-03' '|1|known-04|x' \
        >"$TEST_DIR/home/.ssh/known_hosts"
    offers "$TEST_DIR/lab" "vmxfs known-" "" known-01: known-02:
    offers "$TEST_DIR/lab" "vmxfs -o ro root@esxi-01" "" root@esxi-01:
    offers "$TEST_DIR/lab" "vmxfs -F $TEST_DIR/other oth" "" other-01:
    offers "$TEST_DIR/lab" "vmxfs root@esxi-01:" "" root@esxi-01:/vmfs/volumes/
    offers "$TEST_DIR/lab" "vmxfs ./" "" ./esxi-backup/
    offers "$TEST_DIR/lab" "vmxfs esxi-01: esxi" "" esxi-backup/
}

@test "what is mounted can be unmounted" {
    mount_local
    mkdir "$TEST_DIR/mnt-other"
    offers / "fusermount3 -u $TEST_DIR/m" "" "$MNT"
    offers / "fusermount3 -" "" -u -z -q -o -h -V
}

@test "the words of control files are completed where a vmxfs is" {
    host_start
    mount_host
    local vmx=$MNT/datastore1/nested-esxi/nested-esxi.vmx
    offers "$vmx" "echo " " > passthrough-profile" none nested-esxi inner-guest
    offers "$vmx" "echo nested-esxi " " > passthrough-profile" mmio cpu device
    offers "$vmx" "echo nested-esxi cpu=" " > passthrough-profile" cpu auto intel amd
    offers / "echo nested-esxi device=0000:8" " > $vmx/passthrough-profile" device 0000:86:00.0
    offers "$vmx" "echo nes" "" nested-esxi
    offers "$vmx" "echo nested-esxi mm" "" mmio
    offers / "echo s" " > $vmx/.vmxfs/power" shutdown suspend
    offers "$vmx" "echo on " ">.vmxfs/power" nowait
    offers / "echo 1 " " > '$MNT/.vmxfs/host/pci/0000:86:00.0/passthrough'" alone force
    offers / "echo us" "" usr
    offers / "echo us" " > /tmp/\$(touch $TEST_DIR/ran)" usr
    [ ! -e "$TEST_DIR/ran" ]
}
