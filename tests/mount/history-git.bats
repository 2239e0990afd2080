#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The history as a git repository: what git(1) says of it, and how it gets on with its owner.

bats_require_minimum_version 1.5.0

load history

setup() {
    history_new
    me=$(id -un) machine=$(uname -n)
}

teardown() {
    lab_end
}

# The secrets of a text, as they are recorded.
hidden() { # FILE
    sed 's/^\(RemoteDisplay.vnc.password\|guestinfo.token\) = "[^"]*"/\1 = "(secret X)"/' "$1"
}

# The file of the work tree is the server's, secrets apart; nothing else is to be told of it.
is_in_work_tree() { # [FILE OF THE HISTORY] [FILE OF THE SERVER]
    sed 's/"(secret [0-9a-f]\{8\})"/"(secret X)"/' "$HISTORY/${1:-$machine/vm/vm.vmx}" >"$TEST_DIR/has"
    hidden "${2:-$FILE}" | cmp - "$TEST_DIR/has" && [ -z "$(in_history status --porcelain)" ]
}

# A field of the newest commit, or of another one.
commit() { # FORMAT [COMMIT]
    in_history log -1 --format="$1" "${2:-$(branch)}"
}

trailer() { # NAME [COMMIT]
    commit "%(trailers:key=$1,valueonly,separator=)" "${2:-}"
}

sound() {
    run -0 git -C "$HISTORY" fsck --full --strict --no-progress
    [[ $output != *error* && $output != *missing* && $output != *corrupt* ]]
}

@test "each edit is a commit by who asked for it, with its program and mount" {
    mount_history
    local raw=$C/raw plain=$MNT/.vmxfs/plain/vm/vm.vmx
    echo 8192 >"$VMX/memSize"
    sed -i 's/^numvcpus = .*/numvcpus = "4"/' "$plain"
    printf 'numvcpus = "8"\nannotation = "new"\n' >"$C/merge"
    sed 's/"new"/"copied"/' "$FILE" >"$TEST_DIR/text"
    cp "$TEST_DIR/text" "$raw"
    python3 -c 'import sys; open(sys.argv[1], "w").write("by python\n")' "$VMX/annotation"
    rm "$VMX/annotation"
    until_recorded 'annotation by python -> (unset)'
    [ "$(in_history log --reverse --format='%an <%ae> %cn|%s|%(trailers:key=Program,valueonly,separator=)' "$(branch)" --)" = \
        "unknown <$machine> $me|vm: first seen|
$me <$me@$machine> $me|vm: memSize 4096 -> 8192|bash
$me <$me@$machine> $me|vm: numvcpus 2 -> 4|sed
$me <$me@$machine> $me|vm: numvcpus 4 -> 8 and 1 more|bash
$me <$me@$machine> $me|vm: annotation new -> copied|cp
$me <$me@$machine> $me|vm: annotation copied -> by python|python3
$me <$me@$machine> $me|vm: annotation by python -> (unset)|rm" ]
    [ "$(trailer Mount)" = "$MNT" ]
    [ "$(trailer By)" = vmxfs ]
    [ "$(trailer By "$(branch)~6")" = others ]
    is_in_work_tree
    sound
}

@test "vim, and whoever else puts a new file in the place of the old one, changes what he changed" {
    mount_history
    local plain=$MNT/.vmxfs/plain/vm
    cat "$VMX/memSize"
    until_recorded 'first seen'
    vim -u NONE -es --cmd 'set nocompatible backup writebackup backupcopy=no' -c '%s/4096/8192/' -c wq "$plain/vm.vmx"
    mv "$plain/vm.vmx" "$plain/vm.vmx.old"
    sed 's/8192/6144/' "$plain/vm.vmx.old" >"$plain/vm.vmx"
    until_recorded 'memSize 8192 -> 6144'
    [ "$(recorded)" = 'vm: first seen
vm: memSize 4096 -> 8192
vm: memSize 8192 -> 6144' ]
    [ "$(in_history blame -s "$(branch)" -- "$machine/vm/vm.vmx" | grep -cv "^^")" -eq 1 ]
}

@test "log -p, blame and diff show who changed which line" {
    mount_history
    echo 8192 >"$VMX/memSize"
    echo 4 >"$VMX/numvcpus"
    until_recorded 'numvcpus 2 -> 4'
    cd "$HISTORY"
    git log -p -1 | grep -qx '+numvcpus = "4"'
    git log -p -1 | grep -qx -- '-numvcpus = "2"'
    git blame --porcelain "$machine/vm/vm.vmx" >"$TEST_DIR/blame"
    [ "$(grep -c '^author ' "$TEST_DIR/blame")" -eq 3 ]
    git blame -e "$machine/vm/vm.vmx" | grep 'memSize = "8192"' | grep -q "<$me@$machine>"
    git blame -e "$machine/vm/vm.vmx" | grep 'displayName' | grep -q "<$machine>"
    git diff HEAD~1 | grep -qx '+numvcpus = "4"'
    git diff HEAD~2 | grep -qx '+memSize = "8192"   # MB'
    echo 2 >"$VMX/numvcpus"
    until_recorded 'numvcpus 4 -> 2'
    git diff '@{1}' | grep -qx -- '-numvcpus = "4"'
    git show "@{1}:$machine/vm/vm.vmx" | grep -qx 'numvcpus = "4"'
    # Of a time before the first entry git has the oldest one.
    git diff '@{yesterday}' --quiet || git diff '@{yesterday}' | grep -q '^diff '
    git diff '@{now}' --quiet
}

@test "another user of this machine is the author of what he changed" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$TEST_DIR" "$MNT" 2>/dev/null || :
    mount_history allow_other uid=65534
    setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c "echo 8192 >$VMX/memSize" || skip "bats lets nobody else look below its folder"
    until_recorded 'memSize 4096 -> 8192'
    [ "$(commit '%an <%ae> %cn <%ce>')" = "nobody <nobody@$machine> $me <$me@$machine>" ]
    grep -qP '\tnobody\tsh\tvm/vm.vmx\tmemSize\t4096\t8192$' "$C/log"
}

# How many seconds after it was seen the newest commit was recorded, as its author's time and the reflog
# have it.
recorded_after() {
    local moved
    moved=$(in_history reflog show -1 --date=unix --format=%gd "$(branch)" --)
    moved=${moved##*@\{}
    echo $((${moved%\}} - $(commit %at)))
}

@test "what others change is recorded five seconds after it was seen, and what a host writes apart from it" {
    mount_history
    cat "$VMX/memSize"
    until_recorded 'first seen'
    edit_by_others 's/4096/2048/'
    until_recorded 'memSize 4096 -> 2048'
    [ "$(recorded_after)" -ge 5 ]
    [ "$(commit '%an <%ae>')" = "unknown <$machine>" ]
    [ "$(trailer By)" = others ]
    [ -z "$(trailer Program)" ]
    edit_by_others '$a cleanShutdown = "TRUE"'
    until_recorded cleanShutdown
    [ "$(trailer By)" = host ]
    is_in_work_tree
}

@test "renames, moves, new and removed VMs are one commit each" {
    mount_history
    cat "$VMX/memSize"
    until_recorded 'first seen'
    mv "$MNT/vm/vm.vmx" "$MNT/vm/new.vmx"
    until_recorded 'renamed from vm/vm.vmx'
    mv "$MNT/vm" "$MNT/folder"
    until_recorded 'renamed from vm/new.vmx'
    [ "$(commit '%an')" = "$me" ]
    [ "$(trailer Program)" = mv ]
    [ "$(in_history diff-tree -r --name-status -M --no-commit-id "$(branch)")" = \
        "R100"$'\t'"$machine/vm/new.vmx"$'\t'"$machine/folder/new.vmx" ]
    is_in_work_tree "$machine/folder/new.vmx" "$LAB/folder/new.vmx"
    mkdir "$MNT/made.vmx"
    until_recorded 'made: created'
    cp "$LAB/folder/new.vmx" "$MNT/.vmxfs/plain/copied.vmx"
    until_recorded 'copied: created'
    rm "$MNT/.vmxfs/plain/folder/new.vmx"
    until_recorded 'new: removed'
    [ ! -e "$HISTORY/$machine/folder/new.vmx" ]
    [ "$(in_history log --follow --format=%s "$(branch)" -- "$machine/folder/new.vmx" | wc -l)" -ge 2 ]
    [ -z "$(in_history status --porcelain)" ]
    sound
}

@test "a VM that others rename is renamed, and one that they remove is removed" {
    mount_history cache_timeout=1
    cat "$VMX/memSize"
    until_recorded 'first seen'
    mv "$LAB/vm" "$LAB/other"
    eventually 30 cat "$MNT/other/vm.vmx/memSize"
    eventually 30 ls_lacks "$MNT" vm
    until_recorded 'renamed from vm/vm.vmx'
    [ "$(trailer By)" = others ]
    rm -r "$LAB/other"
    eventually 30 ls_lacks "$MNT" other
    until_recorded 'vm: removed'
    [ "$(commit '%an <%ae>')" = "unknown <$machine>" ]
}

ls_lacks() { # FOLDER NAME
    ! ls "$1" | grep -qxF "$2"
}

@test "history=off records nothing" {
    XDG_STATE_HOME=$TEST_DIR/state mount_local history=off
    echo 8192 >"$VMX/memSize"
    [ ! -e "$C/log" ] && [ ! -e "$C/undo" ] && [ ! -e "$MNT/.vmxfs/log" ]
    unmount_lab
    [ ! -e "$TEST_DIR/state" ]
}

@test "the mount that makes the history says so, in one line; the next one does not" {
    export XDG_STATE_HOME=$TEST_DIR/state
    HISTORY=$TEST_DIR/state/vmxfs/history
    run -0 mount_local
    [ "${#lines[@]}" -eq 1 ]
    [[ ${lines[0]} == "vmxfs: "*" $HISTORY "*"history=off"* ]]
    [ "$(stat -c %a "$HISTORY")" = 700 ]
    [ "$(stat -c %a "$HISTORY.key")" = 600 ]
    echo 8192 >"$VMX/memSize"
    unmount_lab
    recorded | grep -q 'memSize 4096 -> 8192'
    run -0 mount_local
    [ -z "$output" ]
}

@test "a home, or none, decides where the history is" {
    mkdir "$TEST_DIR/home"
    HOME=$TEST_DIR/home XDG_STATE_HOME='' run -0 mount_local
    [ -d "$TEST_DIR/home/.local/state/vmxfs/history/.git" ]
    unmount_lab
    cd "$TEST_DIR"
    run -0 mount_local history=here/below/
    [[ ${lines[0]} == "vmxfs: "*" $TEST_DIR/here/below/ "*"history=off"* ]]
    [ -d "$TEST_DIR/here/below/.git" ]
    echo 8192 >"$VMX/memSize"
    unmount_lab
    git -C "$TEST_DIR/here/below" log --format=%s | grep -q 'memSize 4096 -> 8192'
}

@test "root without a home, as at boot, has the history in /var/lib" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    unshare -m true 2>/dev/null || skip "no namespace can be made"
    mkdir "$TEST_DIR/kept"
    run -0 unshare -m --propagation private env -u HOME -u XDG_STATE_HOME sh -euc '
        mount --bind "$1/kept" /var/lib
        "$2" "$3" "$4" 3>&-
        echo 8192 >"$4/vm/vm.vmx/memSize"
        umount "$4"
    ' - "$TEST_DIR" "$VMXFS" "$LAB" "$MNT"
    [[ $output == "vmxfs: "*" /var/lib/vmxfs/history"* ]]
    HISTORY=$TEST_DIR/kept/vmxfs/history
    until_recorded 'memSize 4096 -> 8192'
}

@test "a history that cannot be had: one that was asked for fails the mount, the other one is a note" {
    echo text >"$TEST_DIR/file"
    run ! mount_local history="$TEST_DIR/file"
    [[ $output == "vmxfs: history=$TEST_DIR/file: "* ]]
    mkdir "$TEST_DIR/mine"
    echo text >"$TEST_DIR/mine/file"
    run ! mount_local history="$TEST_DIR/mine"
    [[ $output == "vmxfs: history=$TEST_DIR/mine: "* ]]
    [ "$(ls -A "$TEST_DIR/mine")" = file ]
    run ! mount_local history=
    [[ $output == "vmxfs: history=: "*" or off" ]]
    XDG_STATE_HOME=$TEST_DIR/file run -0 mount_local
    [ -z "$output" ]
    grep -qP '\tNOTE\t-\t-\tno history is kept: .' "$MNT/.vmxfs/errors"
    echo 8192 >"$VMX/memSize"
    grep -q 'memSize = "8192"' "$FILE"
}

@test "a mount that is read-only records what it sees" {
    mount_history ro
    cat "$VMX/memSize"
    until_recorded 'vm: first seen'
    edit_by_others 's/4096/2048/'
    until_recorded 'memSize 4096 -> 2048'
}

@test "mount -o remount cannot change where the history is" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mount_history
    ln -s "$VMXFS" "$TEST_DIR/mount.vmxfs"
    run ! "$TEST_DIR/mount.vmxfs" "$LAB" "$MNT" -o remount,history="$TEST_DIR/other"
    [[ $output == *"history=$TEST_DIR/other: cannot be changed while it is mounted"* ]]
    [ ! -e "$TEST_DIR/other" ]
}

# ---- what is called how

# A server whose datastores are in /vmfs/volumes.
volumes_server() { # UUID
    local root=$TEST_DIR/root dir
    mkdir -p "$root/vmfs/volumes/$1" "$root/usr" "$root/dev" "$root/etc"
    echo 'root:x:0:0::/:/bin/sh' >"$root/etc/passwd"
    mv "$LAB/vm" "$root/vmfs/volumes/$1/"
    ln -s "$1" "$root/vmfs/volumes/datastore1"
    for dir in bin lib lib64; do
        if [ -L "/$dir" ]; then ln -s "$(readlink "/$dir")" "$root/$dir"; else mkdir "$root/$dir"; fi
    done
    cat >"$TEST_DIR/server" <<END
#!/bin/sh
exec unshare -m sh -c '
    mount --bind /usr $root/usr && mount --bind /dev $root/dev &&
    { [ -L /lib64 ] || mount --bind /lib64 $root/lib64; } && { [ -L /lib ] || mount --bind /lib $root/lib; } &&
    exec chroot $root $SFTP_SERVER'
END
    chmod 755 "$TEST_DIR/server"
}

@test "a VM of a datastore has one name, whatever directory is mounted" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    local uuid=6554a2f0-3c1d9a20-7b14-a4bf01512e30
    volumes_server "$uuid"
    SERVER=$TEST_DIR/sshd
    mkdir "$SERVER"
    SSHD_HOST_KEYS=ed25519 sh "$support/sshd.sh" start "$SERVER" "Subsystem sftp $TEST_DIR/server" 3>&-
    local source at value=1
    ln -s "$uuid" "$TEST_DIR/root/vmfs/volumes/other"
    for source in /vmfs/volumes /vmfs/volumes/datastore1 //vmfs/./volumes/datastore1/vm / /vmfs \
        /vmfs/volumes/other/../datastore1/vm; do
        mount_ssh "$SERVER" "127.0.0.1:$source" transport=libssh2 history="$HISTORY"
        case $source in
        */vm) at=$MNT ;;
        */datastore1) at=$MNT/vm ;;
        */volumes) at=$MNT/datastore1/vm ;;
        /vmfs) at=$MNT/volumes/datastore1/vm ;;
        *) at=$MNT/vmfs/volumes/datastore1/vm ;;
        esac
        echo $((value * 1024)) >"$at/vm.vmx/memSize"
        unmount_lab
        recorded | tail -n 1 | grep -q -- "-> $((value * 1024))\$"
        run -0 in_history ls-tree -r --name-only "$(branch)"
        [ "$output" = 127.0.0.1/datastore1/vm/vm.vmx ]
        value=$((value + 1))
    done
    server_stop
}

@test "the host is called as ssh_config has it" {
    SERVER=$BATS_FILE_TMPDIR/sshd SERVER_LOG=$BATS_FILE_TMPDIR/server.log
    server_start
    printf '%s\n' 'Host lab' '    HostName localhost' >"$TEST_DIR/config"
    "$VMXFS" -F "$TEST_DIR/config" -p "$(cat "$SERVER/port")" -o IdentityFile="$SERVER/id" \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile="$TEST_DIR/known" \
        -o history="$HISTORY" "lab:$LAB" "$MNT" 3>&-
    echo 8192 >"$VMX/memSize"
    until_recorded 'memSize 4096 -> 8192'
    [ "$(in_history ls-tree -r --name-only "$(branch)")" = localhost/vm/vm.vmx ]
    server_stop
}

@test "names that git does not take are recorded" {
    mkdir -p "$LAB/.git" "$LAB/100%"
    cp "$FILE" "$LAB/.git/a.vmx"
    cp "$FILE" "$LAB/100%/git~1.vmx"
    cp "$FILE" "$LAB/vm/two"$'\n'"lines.vmx"
    mount_history
    echo 1024 >"$MNT/.git/a.vmx/memSize"
    echo 1028 >"$MNT/100%/git~1.vmx/memSize"
    echo 1032 >"$MNT/vm/two"$'\n'"lines.vmx/memSize"
    until_recorded 'memSize 4096 -> 1032'
    [ "$(in_history ls-tree -r --name-only "$(branch)" | wc -l)" -ge 3 ]
    grep -qP '\t.git/a.vmx\tmemSize\t4096\t1024$' "$MNT/.vmxfs/log"
    sound
}

# ---- the owner

@test "the repository is pushed, and goes on" {
    git init -q --bare "$TEST_DIR/remote"
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded '4096 -> 8192'
    in_history remote add origin "$TEST_DIR/remote"
    in_history push -q -u origin HEAD
    echo 4096 >"$VMX/memSize"
    until_recorded '8192 -> 4096'
    in_history push -q
    [ "$(git -C "$TEST_DIR/remote" rev-parse "$(branch)")" = "$(in_history rev-parse HEAD)" ]
    run ! grep -rqa opensesame "$TEST_DIR/remote" "$HISTORY"
    git clone -q -b "$me@$machine" "$TEST_DIR/remote" "$TEST_DIR/clone"
    cmp "$TEST_DIR/clone/$machine/vm/vm.vmx" "$HISTORY/$machine/vm/vm.vmx"
    sound
}

@test "the owner's commit is gone on from, and so is a branch that he has set back" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded '4096 -> 8192'
    in_history config user.name owner
    in_history config user.email owner@home
    echo notes >"$HISTORY/notes"
    in_history add notes
    in_history commit -q -m 'My notes'
    echo 4096 >"$VMX/memSize"
    until_recorded '8192 -> 4096'
    [ "$(commit %s "$(branch)~1")" = 'My notes' ]
    [ "$(cat "$HISTORY/notes")" = notes ]
    is_in_work_tree
    in_history commit -q --amend -m 'Another subject'
    echo 6144 >"$VMX/memSize"
    until_recorded '4096 -> 6144'
    [ "$(commit %s "$(branch)~1")" = 'Another subject' ]
    in_history reset -q --hard HEAD~2
    echo 7168 >"$VMX/memSize"
    until_recorded '6144 -> 7168'
    is_in_work_tree
    sound
}

@test "on a branch of the owner's nothing moves but vmxfs's own branch" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded '4096 -> 8192'
    local own
    own=$(in_history symbolic-ref --short HEAD)
    in_history checkout -q -b mine
    echo 4096 >"$VMX/memSize"
    eventually 30 has_subject "$own" '8192 -> 4096'
    grep -q '^memSize = "8192"' "$HISTORY/$machine/vm/vm.vmx"
    [ "$(in_history symbolic-ref --short HEAD)" = mine ]
    [ -z "$(in_history status --porcelain)" ]
    in_history checkout -q "$own"
    is_in_work_tree
    in_history checkout -q --detach
    echo 8192 >"$VMX/memSize"
    eventually 30 has_subject "$own" '4096 -> 8192'
    grep -q '^memSize = "4096"' "$HISTORY/$machine/vm/vm.vmx"
    in_history checkout -q "$own"
    is_in_work_tree
}

has_subject() { # BRANCH PATTERN
    in_history log -1 --format=%s "$1" | grep -q -- "$2"
}

@test "a file that the owner has changed or staged stays his, and the others go on" {
    mkdir "$LAB/two"
    cp "$FILE" "$LAB/two/two.vmx"
    mount_history
    echo 8192 >"$VMX/memSize"
    echo 8192 >"$MNT/two/two.vmx/memSize"
    until_recorded 'two: memSize 4096 -> 8192'
    echo '# mine' >>"$HISTORY/$machine/vm/vm.vmx"
    echo 4096 >"$VMX/memSize"
    echo 4096 >"$MNT/two/two.vmx/memSize"
    until_recorded 'two: memSize 8192 -> 4096'
    tail -n 1 "$HISTORY/$machine/vm/vm.vmx" | grep -qx '# mine'
    grep -q '^memSize = "8192"' "$HISTORY/$machine/vm/vm.vmx"
    grep -q '^memSize = "4096"' "$HISTORY/$machine/two/two.vmx"
    in_history show "$(branch):$machine/vm/vm.vmx" | grep -q '^memSize = "4096"'
    in_history status --porcelain | grep -q "^.M $machine/vm/vm.vmx"
    in_history checkout -q -- . || in_history checkout -q HEAD -- .
    echo '# staged' >>"$HISTORY/$machine/two/two.vmx"
    in_history add "$machine/two/two.vmx"
    echo 6144 >"$MNT/two/two.vmx/memSize"
    until_recorded 'two: memSize 4096 -> 6144'
    in_history show ":$machine/two/two.vmx" | tail -n 1 | grep -qx '# staged'
    tail -n 1 "$HISTORY/$machine/two/two.vmx" | grep -qx '# staged'
    sound
}

@test "while the owner's git holds the index nothing is lost, and it is brought up to date later" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded '4096 -> 8192'
    : >"$HISTORY/.git/index.lock"
    echo 4096 >"$VMX/memSize"
    until_recorded '8192 -> 4096'
    rm "$HISTORY/.git/index.lock"
    echo 6144 >"$VMX/memSize"
    until_recorded '4096 -> 6144'
    eventually 30 is_in_work_tree
}

@test "whatever index the owner's git likes to write, the work tree follows; one that cannot be read is a note" {
    mount_history
    echo 8192 >"$VMX/memSize"
    until_recorded '4096 -> 8192'
    printf '[core]\n\tsplitIndex = true\n[index]\n\tskipHash = true\n' >"$TEST_DIR/gitconfig"
    echo mine >"$HISTORY/mine"
    GIT_CONFIG_GLOBAL=$TEST_DIR/gitconfig in_history add mine
    GIT_CONFIG_GLOBAL=$TEST_DIR/gitconfig in_history reset -q
    rm "$HISTORY/mine"
    echo 4096 >"$VMX/memSize"
    until_recorded '8192 -> 4096'
    is_in_work_tree
    in_history update-index --split-index
    echo 6144 >"$VMX/memSize"
    until_recorded '4096 -> 6144'
    eventually 30 explained NOTE - - 'work tree is not brought up to date: git.s index cannot be read'
    in_history update-index --no-split-index
    echo 2048 >"$VMX/memSize"
    until_recorded '6144 -> 2048'
    is_in_work_tree
}

@test "a history that lies in the mount is not recorded in itself" {
    HISTORY=$LAB/.state/history
    mount_history
    echo 8192 >"$VMX/memSize"
    unmount_lab
    mount_history
    cmp "$HISTORY/$machine/vm/vm.vmx" "$MNT/.vmxfs/plain/.state/history/$machine/vm/vm.vmx"
    sed -i s/8192/4096/ "$MNT/.vmxfs/plain/.state/history/$machine/vm/vm.vmx"
    unmount_lab
    [ "$(in_history ls-files -- '*.vmx')" = "$machine/vm/vm.vmx" ]
    ! recorded | grep -v -e '^vm: memSize 4096 -> 8192$' -e 'first seen$' || false
}

@test "what is no history is not touched" {
    mkdir "$HISTORY"
    git init -q "$HISTORY"
    git -C "$HISTORY" -c user.name=a -c user.email=a commit -q --allow-empty -m 'A project'
    run ! mount_history
    [[ $output == "vmxfs: history=$HISTORY: "* ]]
    [ "$(in_history log --all --format=%s)" = 'A project' ]
    [ "$(ls -A "$HISTORY")" = .git ]
}

# ---- others

# Mounts for somebody who has a machine of his own.
mount_elsewhere() { # MACHINE HISTORY
    local by=(unshare --uts sh -c 'hostname "$1" && shift && exec "$@"' -- "$1")
    mkdir -p "$TEST_DIR/mnt-$1"
    "${by[@]}" "$VMXFS" -o "history=$2" "$LAB" "$TEST_DIR/mnt-$1" 3>&-
}

@test "two machines push to one remote" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    unshare --uts true 2>/dev/null || skip "no namespace can be made"
    git init -q --bare "$TEST_DIR/remote"
    local name
    for name in desk laptop; do
        mount_elsewhere "$name" "$TEST_DIR/history-$name"
        git -C "$TEST_DIR/history-$name" remote add origin "$TEST_DIR/remote"
    done
    echo 8192 >"$TEST_DIR/mnt-desk/vm/vm.vmx/memSize"
    HISTORY=$TEST_DIR/history-desk until_recorded '4096 -> 8192'
    echo 4 >"$TEST_DIR/mnt-laptop/vm/vm.vmx/numvcpus"
    HISTORY=$TEST_DIR/history-laptop until_recorded 'numvcpus 2 -> 4'
    for name in desk laptop; do
        git -C "$TEST_DIR/history-$name" push -q -u origin HEAD
        unmount "$TEST_DIR/mnt-$name"
    done
    [ "$(git -C "$TEST_DIR/remote" for-each-ref --format='%(refname:short)')" = "$me@desk
$me@laptop" ]
    git -C "$TEST_DIR/history-desk" fetch -q
    git -C "$TEST_DIR/history-desk" log --format=%an "origin/$me@laptop" | grep -qx "$me"
    HISTORY=$TEST_DIR/history-desk sound
}

@test "two mounts share a repository: each edit of both is there once" {
    local i editors more=$TEST_DIR/more
    mkdir -p "$more" "$LAB/two" "$LAB/both"
    cp "$FILE" "$LAB/two/two.vmx"
    cp "$FILE" "$LAB/both/both.vmx"
    mount_history
    "$VMXFS" -o history="$HISTORY" "$LAB" "$more" 3>&-
    for i in $(seq 100 111); do
        echo "$i" >"$VMX/annotation" 3>&- &
        editors=$!
        echo "$i" >"$more/two/two.vmx/annotation" 3>&- &
        editors+=" $!"
        if ((i % 2)); then
            echo "$i" >"$MNT/both/both.vmx/key.$i"
        else
            echo "$i" >"$more/both/both.vmx/key.$i"
        fi
        # shellcheck disable=SC2086 # a list
        wait $editors
    done
    unmount "$more"
    unmount_lab
    eventually 30 is_recorded 'two: .*-> 111'
    recorded >"$TEST_DIR/subjects"
    for i in $(seq 100 111); do
        [ "$(grep -c "^vm: annotation .* -> $i\$" "$TEST_DIR/subjects")" -eq 1 ]
        [ "$(grep -c "^two: annotation .* -> $i\$" "$TEST_DIR/subjects")" -eq 1 ]
        [ "$(grep -c "^both: key.$i (unset) -> $i\$" "$TEST_DIR/subjects")" -eq 1 ]
    done
    is_in_work_tree "$machine/both/both.vmx" "$LAB/both/both.vmx"
    sound
}
