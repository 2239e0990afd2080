#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Refusals: the errno, that shells show it, that the .vmx is untouched, and that .vmxfs/errors says
# why.

load keys

# The shells that people have on machines like these, each with its own echo.
shells() {
    printf '%s\n' bash dash zsh "busybox ash"
}

# "echo VALUE > KEY" is refused in every shell, with the message, and leaves everything as it was.
# dash says "I/O error" whatever the error of a write.
echo_is_refused() { # VALUE KEY MESSAGE-PATTERN
    local shell message
    while read -r shell; do
        message=$3
        [ "$shell" != dash ] || message="$3|I/O error"
        # shellcheck disable=SC2086 # a command and its argument
        run $shell -c 'echo "$1" > "$2"' sh "$1" "$K/$2"
        if [ "$status" -eq 0 ] || ! grep -qiE "$message" <<<"$output"; then
            echo "$shell: status $status: $output"
            return 1
        fi
    done < <(shells)
    becomes 0
}

# Programs that look at what write() and close() say tell both.
programs_are_refused() { # VALUE KEY MESSAGE-PATTERN
    local command
    printf %s "$1" >"$TEST_DIR/unfinished"
    printf '%s\n' "$1" >"$TEST_DIR/finished"
    for form in finished unfinished; do
        for command in 'cp "$1" "$2"' 'cat "$1" >"$2"' 'tee "$2" <"$1"' \
            'dd if="$1" of="$2" status=none' 'python3 -c "import sys
with open(sys.argv[2], \"w\") as f:
    f.write(open(sys.argv[1]).read())" "$1" "$2"'; do
            run bash -c "$command" sh "$TEST_DIR/$form" "$K/$2"
            if [ "$status" -eq 0 ] || ! grep -qiE "$3" <<<"$output"; then
                echo "$command, $form: status $status: $output"
                return 1
            fi
        done
    done
    becomes 0
}

# What no shell can show: the error comes with close(). It is noted all the same.
shells_cannot_tell() { # VALUE KEY ERRNO
    local shell before after
    while read -r shell; do
        before=$(grep -c "	$3	" "$MNT/.vmxfs/errors" || :)
        # shellcheck disable=SC2086
        $shell -c 'printf %s "$1" > "$2"' sh "$1" "$K/$2" || [ "$shell" = zsh ]
        after=$(grep -c "	$3	" "$MNT/.vmxfs/errors" || :)
        [ "$after" -gt "$before" ]
    done < <(shells)
    becomes 0
}

@test "a VM in use: EBUSY" {
    mkdir "$VM.lck"
    : >"$VM.lck/M12345.lck"
    start
    echo_is_refused 8192 memSize 'resource busy'
    explained EBUSY memSize 'in use'
    programs_are_refused 8192 memSize 'Device or resource busy'
    shells_cannot_tell 8192 memSize EBUSY
}

@test "a VM in use: removing, renaming, creating and truncating are refused, too" {
    : >"$VM.lck"
    start
    run rm "$K/guestinfo.a"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Device or resource busy"* ]]
    explained EBUSY guestinfo.a 'in use'
    run mv "$K/guestinfo.a" "$K/guestinfo.b"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Device or resource busy"* ]]
    run sed -i s/4096/8192/ "$K/memSize"
    [ "$status" -ne 0 ]
    [[ "$output" == *"Device or resource busy"* ]]
    explained EBUSY memSize 'in use'
    run bash -c 'echo TRUE > "$1"' sh "$K/vhv.enable"
    [ "$status" -eq 1 ]
    [[ "$output" == *"write error"*"busy"* ]]
    run touch "$K/guestinfo.new"
    [ "$status" -eq 1 ]
    run truncate -s 2 "$K/guestinfo.a"
    [ "$status" -eq 1 ]
    : >"$K/guestinfo.c"
    eventually 60 explained EBUSY guestinfo.c
    run install "$TEST_DIR/before" "$K/memSize"
    [ "$status" -eq 1 ]
    becomes 0
    # Nothing that was refused is shown.
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(cat "$K/guestinfo.c")" = gamma ]
    [ ! -e "$K/vhv.enable" ]
    [ ! -e "$K/guestinfo.new" ]
    ls "$K" | cmp - <(sed -n 's/^ *\([A-Za-z][A-Za-z.]*\)[ \t]*=.*/\1/p' "$VM" |
        { cat; echo passthrough-profile; } | LC_ALL=C.UTF-8 sort)
}

@test "a suspended VM: EBUSY" {
    echo 'checkpoint.vmState = "vm.vmss"' >>"$VM"
    : >"$LAB/vm/vm.vmss"
    start
    echo_is_refused 8192 memSize 'resource busy'
    explained EBUSY memSize suspended
    echo_is_refused '' checkpoint.vmState 'resource busy'
}

@test "a VM whose suspend image is gone is not suspended: the setting can be cleared" {
    echo 'checkpoint.vmState = "vm.vmss"' >>"$VM"
    start
    command=$(awk -F '\t' '$2 == "suspend-image" { print $4 }' "$K/.vmxfs/check")
    grep -q "^WARN	suspend-image	" "$K/.vmxfs/check"
    grep -q '^WARN	vm/vm.vmx	.* 2 WARN, ' "$MNT/.vmxfs/check" # its quotes, too
    bash -c "$command"
    becomes 1 's/"vm.vmss"/""/'
}

@test "a VM with its swap file there: EBUSY" {
    echo 'sched.swap.derivedName = "/vmfs/volumes/5e/vm/vm-1234.vswp"' >>"$VM"
    : >"$LAB/vm/vm-1234.vswp"
    start
    echo_is_refused 8192 memSize 'resource busy'
    explained EBUSY memSize 'in use'
    rm "$LAB/vm/vm-1234.vswp"
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "the value that is there can be set while the VM runs" {
    : >"$VM.lck"
    start
    echo 4096 >"$K/memSize"
    printf %s 4096 >"$K/memSize"
    cp "$K/memSize" "$TEST_DIR/copy"
    cp "$TEST_DIR/copy" "$K/memSize"
    sed -i s/x/y/ "$K/memSize"
    # Its quotes can wait until the VM is off; nothing else can.
    echo 2 >"$K/numvcpus"
    echo numvcpus = 2 >"$K/.vmxfs/merge"
    becomes 0
    ! grep . "$MNT/.vmxfs/errors" || false
    printf '%s\n' 'numvcpus = 2' 'guestinfo.a = 1' >"$TEST_DIR/lines"
    run cp "$TEST_DIR/lines" "$K/.vmxfs/merge"
    [ "$status" -eq 1 ]
    [[ $output == *"resource busy"* ]]
    rm "$VM.lck"
    echo 2 >"$K/numvcpus"
    becomes 1 's/= 2$/= "2"/'
}

@test "running=allow writes whether the VM runs or not" {
    : >"$VM.lck"
    start running=allow
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "a value of the wrong type: EINVAL" {
    start
    echo_is_refused plenty memSize 'invalid argument'
    explained EINVAL memSize 'memSize wants .*not "plenty"'
    programs_are_refused plenty memSize 'Invalid argument'
    shells_cannot_tell plenty memSize EINVAL
    run bash -c 'echo maybe > "$1"' sh "$K/vhv.enable"
    [ "$status" -eq 1 ]
    run bash -c 'echo TRUE > "$1"' sh "$K/VHV.ENABLE"
    [ "$status" -eq 0 ]
}

@test "no value of the wrong type by renaming" {
    start
    run mv "$K/guestinfo.a" "$K/memSize"
    [ "$status" -eq 1 ]
    explained EINVAL guestinfo.a 'memSize wants'
    becomes 0
}

@test "NUL: EINVAL" {
    start
    run bash -c 'printf "a\\0b\\n" > "$1"' sh "$K/guestinfo.a"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Invalid argument"* ]]
    explained EINVAL guestinfo.a NUL
    run bash -c 'printf x | dd of="$1" bs=1 seek=20 conv=notrunc' sh "$K/guestinfo.a"
    [ "$status" -ne 0 ]
    becomes 0
}

@test "names that no key can have: EINVAL, or ENAMETOOLONG" {
    start
    for name in 'two words' 'a=b' 'a#b' $'a\tb' 'a%zz'; do
        run bash -c 'echo x > "$1"' sh "$K/$name"
        [ "$status" -eq 1 ]
        [[ "$output" == *"Invalid argument"* ]]
        [ "$name" = $'a\tb' ] || explained EINVAL "$name" 'no key can'
    done
    long=$(printf 'k%.0s' {1..256})
    run bash -c 'echo x > "$1"' sh "$K/$long"
    [ "$status" -eq 1 ]
    [[ "$output" == *"File name too long"* ]]
    grep -q 'ENAMETOOLONG.*255 bytes' "$MNT/.vmxfs/errors"
    run mv "$K/guestinfo.a" "$K/a b"
    [ "$status" -eq 1 ]
    run cat "$K/two words"
    [[ "$output" == *"No such file"* ]]
    run mkdir "$K/sub"
    [ "$status" -eq 1 ]
    run ln -s x "$K/link"
    [ "$status" -eq 1 ]
    run ln "$K/guestinfo.a" "$K/link"
    [ "$status" -eq 1 ]
    run mkfifo "$K/fifo"
    [ "$status" -eq 1 ]
    becomes 0
}

@test "a value that the encoding cannot hold: EILSEQ" {
    sed -i 's/UTF-8/windows-1252/' "$VM"
    start
    echo_is_refused '仮想' displayName 'Invalid or incomplete|invalid.*character'
    explained EILSEQ displayName
    programs_are_refused '仮想' displayName 'Invalid or incomplete|Illegal|invalid.*character'
    shells_cannot_tell '仮想' displayName EILSEQ
    run bash -c 'echo x > "$1"' sh "$K/仮想"
    [ "$status" -eq 1 ]
    becomes 0
}

@test "an encrypted VM: EPERM, at open where everybody can tell" {
    echo 'encryption.data = "AAAA"' >>"$VM"
    : >"$VM.lck"
    start
    echo_is_refused 8192 memSize 'not permitted'
    explained EPERM memSize encrypted
    programs_are_refused 8192 memSize 'not permitted'
    while read -r shell; do
        # shellcheck disable=SC2086
        run $shell -c ': > "$1" || exit 1' sh "$K/memSize"
        [ "$status" -ne 0 ]
        # shellcheck disable=SC2086
        run $shell -c 'printf %s 8192 > "$1"' sh "$K/memSize"
        [ "$status" -ne 0 ]
    done < <(shells)
    run rm "$K/memSize"
    [ "$status" -eq 1 ]
    run mv "$K/guestinfo.a" "$K/guestinfo.z"
    [ "$status" -eq 1 ]
    run sed -i s/4096/8192/ "$K/memSize"
    [ "$status" -ne 0 ]
    run touch "$K/guestinfo.new"
    [ "$status" -eq 1 ]
    becomes 0
    [ "$(cat "$K/memSize")" = 4096 ]
}

@test "a read-only mount: EROFS, at open" {
    start ro
    echo_is_refused 8192 memSize 'read-only'
    programs_are_refused 8192 memSize 'Read-only'
    while read -r shell; do
        # shellcheck disable=SC2086
        run $shell -c ': > "$1" || exit 1' sh "$K/memSize"
        [ "$status" -ne 0 ]
    done < <(shells)
    run rm "$K/memSize"
    [ "$status" -eq 1 ]
    run touch "$K/guestinfo.new"
    [ "$status" -eq 1 ]
    [ "$(stat -c %A "$K/memSize")" = -r--r--r-- ]
    becomes 0
}

@test "another vmxfs' lock that is not let go: ENOLCK" {
    start timeout=5
    local lock=$LAB/vm/.vm.vmx.vmxfs-lock
    mkdir "$lock"
    echo half >"$lock/01234567000123abcdef00000001-root@elsewhere"
    run bash -c 'echo 8192 > "$1"' sh "$K/memSize"
    [ "$status" -eq 1 ]
    [[ "$output" == *"write error"*"No locks available"* ]]
    explained ENOLCK memSize root@elsewhere
    becomes 0
    echo 8192 >"$TEST_DIR/new"
    run cp "$TEST_DIR/new" "$K/memSize"
    [ "$status" -eq 1 ]
    [[ "$output" == *"No locks available"* ]]
    [ "$(cat "$lock"/*)" = half ]
    mv "$lock"/* "$lock/precious"
    run bash -c 'echo 8192 > "$1"' sh "$K/memSize"
    [ "$status" -eq 1 ]
    explained ENOLCK memSize 'precious'
    [ "$(cat "$lock/precious")" = half ]
    rm -rf "$lock" # -f: what the last attempt asks of an empty lock may still be on its way
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "somebody else changed the same key since it was opened: ECANCELED" {
    start
    while read -r shell; do
        # shellcheck disable=SC2086
        run $shell -c 'exec 5> "$1"; sed -i "s/\"[0-9]*\"   #/\"$2\"   #/" "$3"; echo 8192 >&5' \
            sh "$K/memSize" "$((RANDOM * 4))" "$VM"
        [ "$status" -eq 1 ]
        [[ "${output,,}" == *"operation canceled"* ]] || [ "$shell" = dash ]
        sed -i 's/"[0-9]*"   #/"4096"   #/' "$VM"
    done < <(shells)
    explained ECANCELED memSize 'somebody else'
    becomes 0
    [ "$(cat "$K/memSize")" = 4096 ]
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "somebody else removed the key, or created it, since it was opened: ECANCELED" {
    start
    run bash -c 'exec 5>> "$1"; sed -i /guestinfo.a/d "$2"; echo more >&5' sh "$K/guestinfo.a" "$VM"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Operation canceled"* ]]
    becomes 0 /guestinfo.a/d
    run bash -c 'exec 5> "$1"; echo "guestinfo.x = \"theirs\"" >>"$2"; echo ours >&5' \
        sh "$K/guestinfo.x" "$VM"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Operation canceled"* ]]
    becomes 0 '/guestinfo.a/d; $a guestinfo.x = "theirs"'
}

@test "somebody else set the very value: nothing is refused" {
    start
    exec 5>"$K/memSize"
    sed -i 's/"4096"/"8192"/' "$VM"
    echo 8192 >&5
    exec 5>&-
    becomes 0 's/"4096"/"8192"/'
}

# Opens a file of the mount, has its .vmx, or the folder, go, and writes. The error is told, and a line
# says what happened.
written_in_vain() { # FILE ERRNO KEY REASON GONE-COMMAND...
    local file=$MNT/$1 errno=$2 key=$3 reason=$4
    shift 4
    rm -rf "${LAB:?}"/*
    mkdir "$LAB/vm"
    sample >"$VM"
    eventually 60 ls "$file"
    python3 - "$file" "$errno" "$@" <<'END_OF_PYTHON'
import errno, os, subprocess, sys
path, expected, *gone = sys.argv[1:]
fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
subprocess.run(gone, check=True)
try:
    os.write(fd, b"none\n" if path.endswith("-profile") else b'memSize = "8192"\nguestinfo.a = "b"\n'
             if path.endswith(("merge", "raw", ".vmx")) else b"8192\n")
    os.close(fd)
    sys.exit("written")
except OSError as e:
    assert errno.errorcode[e.errno] == expected, e
END_OF_PYTHON
    tail -n 1 "$MNT/.vmxfs/errors" | grep -q "	$errno	vm/vm.vmx	$key	$reason" || {
        echo "$file, $*:"
        cat "$MNT/.vmxfs/errors"
        return 1
    }
}

# Which rename takes a .vmx, or its folder, away from who has it open by which name.
@test "what is written to a .vmx that was moved or removed meanwhile has a line" {
    start
    local plain=$MNT/.vmxfs/plain gone="the .vmx is not there any more"
    local folder='the folder is not there any more'
    written_in_vain vm/vm.vmx/memSize ENOENT memSize "$gone" rm "$VM"
    written_in_vain vm/vm.vmx/memSize ENOENT memSize "$gone" rm "$plain/vm/vm.vmx"
    written_in_vain vm/vm.vmx/memSize ENOENT memSize "$gone" \
        mv "$plain/vm/vm.vmx" "$plain/vm/x.vmx"
    written_in_vain vm/vm.vmx/passthrough-profile ENOENT passthrough-profile "$gone" rm "$VM"
    written_in_vain vm/vm.vmx/.vmxfs/merge ENOENT merge "$gone" mv "$VM" "$LAB/vm/x.txt"
    written_in_vain vm/vm.vmx/.vmxfs/raw ECANCELED - "$gone" mv "$VM" "$LAB/vm/x.txt"
    written_in_vain .vmxfs/plain/vm/vm.vmx ECANCELED - "$gone" rm "$VM"
    for file in vm/vm.vmx/memSize vm/vm.vmx/passthrough-profile vm/vm.vmx/.vmxfs/merge \
        vm/vm.vmx/.vmxfs/raw .vmxfs/plain/vm/vm.vmx; do
        local key=${file##*/}
        [[ $file != *raw && $file != *plain* ]] || key=-
        written_in_vain "$file" ENOENT "$key" "$folder" mv "$LAB/vm" "$LAB/b"
    done
    written_in_vain .vmxfs/plain/vm/vm.vmx ENOENT - "$folder" mv "$MNT/vm" "$MNT/b"
}

@test "a shell shows that the .vmx of a key has gone" {
    local shell
    start
    while read -r shell; do
        sample >"$VM"
        eventually 60 ls "$K/memSize"
        # shellcheck disable=SC2086
        run $shell -c 'exec 5>"$1"; rm "$2"; echo 8192 >&5' sh "$K/memSize" "$VM"
        [ "$status" -ne 0 ]
        [[ ${output,,} == *"no such file"* ]] || [ "$shell" = dash ]
        # shellcheck disable=SC2086
        run $shell -c 'echo 8192 >"$1"' sh "$K/memSize"
        [ "$status" -ne 0 ]
        [[ ${output,,} == *"no such file"* || ${output,,} == *nonexistent* ]]
    done < <(shells)
    explained ENOENT memSize 'not there any more'
}

@test "names that are not there have no line" {
    start
    cd "$K"
    cat memSize guestinfo.a
    rm "$VM"
    # The kernel still knows these names.
    ! echo 8192 >memSize || false
    ! rm guestinfo.a || false
    eventually 60 test ! -e "$K"
    for command in "cat memSize" "rm memSize" "rm new" "mv memSize other" "touch new" "ls $K" \
        "truncate -s 0 memSize" "rm -r $K/memSize" "rmdir $K" "rm $MNT/vm/none" "rmdir $MNT/vm/none" \
        "mv $MNT/vm/none $MNT/vm/other" "chmod 600 $MNT/vm/none" "touch $MNT/none/file"; do
        run $command
        echo "$command: $output"
        [ "$status" -ne 0 ]
    done
    cd /
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

@test "a file that would pass vmx_max: EFBIG" {
    start vmx_max=4
    run bash -c 'head -c 5000 /dev/zero | tr "\\0" x > "$1"' sh "$K/guestinfo.a"
    [ "$status" -ne 0 ]
    [[ "$output" == *"File too large"* ]]
    explained EFBIG guestinfo.a
    run bash -c 'head -c 4000 /dev/zero | tr "\\0" x | cat > "$1"' sh "$K/guestinfo.a"
    [ "$status" -ne 0 ]
    [[ "$output" == *"File too large"* ]]
    becomes 0
    [ "$(cat "$K/guestinfo.a")" = alpha ]
    # Who was told is not told, when he closes, that somebody else changed it.
    head -c 6000 /dev/zero | tr '\0' x >"$TEST_DIR/value"
    python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
text = open(sys.argv[2], "rb").read()
os.write(fd, text[:3000])
try:
    os.write(fd, text[3000:])
    sys.exit("it was taken")
except OSError as e:
    assert e.errno == 27, e
try:
    os.close(fd)
except OSError as e:
    assert e.errno == 27, e' "$K/guestinfo.a" "$TEST_DIR/value"
    ! grep -q ECANCELED "$MNT/.vmxfs/errors" || false
    [ "$(cat "$K/guestinfo.a")" = alpha ]
}

@test "a server that cannot rename atomically: EOPNOTSUPP" {
    cp "$VM" "$TEST_DIR/before"
    SFTP_SERVER="$SFTP_SERVER -P posix-rename" mount_local
    replaced=0
    echo_is_refused 8192 memSize 'not supported'
    explained EOPNOTSUPP memSize 'rename=unsafe'
    echo one >"$LAB/one"
    echo two >"$LAB/two"
    run mv "$MNT/one" "$MNT/two"
    [ "$status" -ne 0 ]
    [[ "$output" == *"not supported"* ]]
    [ "$(cat "$LAB/one" "$LAB/two")" = $'one\ntwo' ]
    grep -q $'\tEOPNOTSUPP\tone\t.*posix-rename' "$MNT/.vmxfs/errors"
    mv "$MNT/one" "$MNT/three"
    [ "$(cat "$LAB/three")" = one ]
}

# has_no_place ERRNO FILE KEY COMMAND...
has_no_place() {
    local errno=$1 file=$2 key=$3
    shift 3
    run "$@"
    [ "$status" -ne 0 ] || {
        echo "done: $*"
        return 1
    }
    tail -n 1 "$MNT/.vmxfs/errors" | awk -F '\t' -v errno="$errno" -v file="$file" -v key="$key" '
        { found = $2 == errno && $3 == file && $4 == key } END { exit !found }' || {
        echo "$*: $output"
        tail -n 1 "$MNT/.vmxfs/errors"
        return 1
    }
}

@test "one line says that a program makes pipes where there are none" {
    start
    python3 - "$MNT/vm" <<'END_OF_PYTHON'
import errno, os, sys
for n in range(50):
    try:
        os.mkfifo(f"{sys.argv[1]}/pipe{n}")
        sys.exit("made")
    except OSError as e:
        assert e.errno == errno.EPERM, e
END_OF_PYTHON
    [ "$(wc -l <"$MNT/.vmxfs/errors")" = 1 ]
    grep -q 'EPERM.*vm/pipe0.*pipes' "$MNT/.vmxfs/errors"
}

@test "what has no place where it was to be made, moved or removed: EPERM" {
    start
    has_no_place EPERM vm/pipe - mkfifo "$MNT/vm/pipe"
    echo text >"$LAB/vm/file"
    has_no_place EPERM vm/other.vmx - ln "$MNT/vm/file" "$MNT/vm/other.vmx"
    has_no_place EPERM vm/vm.vmx folder mkdir "$K/folder"
    has_no_place EPERM vm/vm.vmx pipe mkfifo "$K/pipe"
    has_no_place EPERM vm/vm.vmx symlink ln -s memSize "$K/symlink"
    has_no_place EPERM vm/vm.vmx other ln "$K/memSize" "$K/other"
    has_no_place EPERM vm/vm.vmx passthrough-profile mv "$K/passthrough-profile" "$K/other"
    has_no_place EPERM vm/vm.vmx passthrough-profile mv "$K/memSize" "$K/passthrough-profile"
    has_no_place EPERM vm/vm.vmx .vmxfs mv "$K/.vmxfs" "$K/other"
    has_no_place EPERM vm/vm.vmx .vmxfs rmdir "$K/.vmxfs"
    has_no_place EPERM vm/vm.vmx folder mkdir "$K/.vmxfs/folder"
    has_no_place EPERM vm/vm.vmx symlink ln -s check "$K/.vmxfs/symlink"
    has_no_place EPERM vm/vm.vmx new touch "$K/.vmxfs/new"
    has_no_place EPERM vm/vm.vmx check rm "$K/.vmxfs/check"
    has_no_place EPERM vm/vm.vmx check mv "$K/.vmxfs/check" "$K/.vmxfs/other"
    has_no_place EACCES vm/vm.vmx check dd if="$VM" of="$K/.vmxfs/check"
    has_no_place EPERM folder - mkdir "$MNT/.vmxfs/folder"
    has_no_place EPERM new - touch "$MNT/.vmxfs/new"
    has_no_place EPERM errors - rm "$MNT/.vmxfs/errors"
    has_no_place EPERM status - mv "$MNT/.vmxfs/status" "$MNT/.vmxfs/other"
    has_no_place EACCES status - dd if="$VM" of="$MNT/.vmxfs/status"
    becomes 0
}
