#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the kernel keeps of names: the path of a setting is walked without asking vmxfs, and whatever
# may change what a name means shows in the next step. Kernels before 6.16 cannot forget all names at
# once, and ask for those of a .vmx each time: all is tried with such a kernel, too.

load helper

setup() {
    lab_new
    PLAIN=$MNT/.vmxfs/plain
}

teardown() {
    lab_end
}

# Whether the kernel of the mount forgets all names at once.
forgets_names() {
    [ "${#MOUNT_BY[@]}" -eq 0 ] && [ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n 1)" = 6.16 ]
}

# Runs a function with this kernel, and with one that is older.
with_both() { # FUNCTION
    local MOUNT_BY=() kernel
    for kernel in this older; do
        echo "$1 with $kernel kernel"
        [ $kernel = this ] || MOUNT_BY=(env "LD_PRELOAD=$VMXFS_BUILD/tests/support/kernel-old.so")
        rm -rf "${LAB:?}"/*
        write_vmx "$LAB/vm/x.vmx" one
        mkdir "$LAB/other"
        find "$LAB" -exec touch -d '2 hours ago' {} +
        mount_local cache_timeout=60 vmx_max=2 history=off
        # What is named so is looked up each time by an older kernel, too.
        forgets_names && BACKUP=x.bak || BACKUP=x.vmx.bak
        "$1"
        unmount_lab
    done
    mount_local # there is something to unmount at the end
}

# The kernel knows these names, and believes them for a minute.
know() { # NAME...
    stat "$@" "$@" >/dev/null
}

# How many requests the kernel makes for 20 times a command.
requests_of() { # COMMAND...
    local before i
    before=$(answers)
    for i in {1..20}; do "$@" >/dev/null; done
    echo $(($(answers) - before))
}

# A history would write, too: it is off where they are counted.
answers() {
    awk '$1 == "syscw:" { print $2 }' "/proc/$(mount_processes | head -1)/io"
}

# No more of them than these; another program may have looked at the mount meanwhile.
asks() { # TIMES COMMAND...
    local times=$1 got
    shift
    got=$(requests_of "$@")
    [ "$got" -le "$times" ] || {
        echo "$got requests for 20 times $*"
        return 1
    }
}

@test "a known path of a setting is walked without asking, and read with OPEN and RELEASE" {
    paths() {
        local key=$MNT/vm/x.vmx/memSize whole=$PLAIN/vm/x.vmx
        cat "$key" "$key" >/dev/null
        know "$key" "$whole"
        # The mount may still be busy with what it does at first.
        if forgets_names; then
            eventually 30 asks 0 stat "$key"
            asks 40 cat "$key"
            asks 40 stat "$whole" # for .vmxfs and plain
        else
            eventually 30 asks 20 stat "$key"
            asks 60 cat "$key"
            ! asks 19 stat "$key" || false
        fi
    }
    with_both paths
}

@test "neither a set nor a rename or a removal of plain files has names looked up again" {
    forgets_names || skip "the kernel is older than 6.16"
    write_vmx "$LAB/vm/x.vmx" one
    write_vmx "$LAB/vm2/y.vmx" two
    mount_local cache_timeout=60 history=off
    local key=$MNT/vm2/y.vmx/displayName
    know "$key" "$MNT/vm/x.vmx/memSize"
    echo 8192 >"$MNT/vm/x.vmx/memSize"
    echo value >"$MNT/vm/x.vmx/guestinfo.new"
    rm "$MNT/vm/x.vmx/guestinfo.new"
    echo nested-esxi >"$MNT/vm/x.vmx/passthrough-profile"
    echo 'memSize = "512"' >"$MNT/vm/x.vmx/.vmxfs/merge"
    sed -i s/512/1024/ "$MNT/vm/x.vmx/memSize"
    echo file >"$MNT/vm/file"
    mv "$MNT/vm/file" "$MNT/vm/file.new"
    mkdir "$MNT/folder"
    mv "$MNT/folder" "$MNT/vm/folder"
    rmdir "$MNT/vm/folder"
    rm "$MNT/vm/file.new"
    asks 0 stat "$key"
    mv "$MNT/vm/x.vmx" "$MNT/vm/z.vmx"
    ! asks 0 stat "$key" || false
}

@test "names are kept for what is left of cache_timeout" {
    write_vmx "$LAB/vm/x.vmx" one
    touch -d '2 hours ago' "$LAB/vm/x.vmx"
    mount_local cache_timeout=2
    know "$MNT/vm/x.vmx/memSize"
    rm "$LAB/vm/x.vmx"
    mkdir "$LAB/vm/x.vmx"
    : >"$LAB/vm/x.vmx/file"
    sleep 2.2
    [ ! -e "$MNT/vm/x.vmx/memSize" ]
    [ -e "$MNT/vm/x.vmx/file" ]
}

@test "a .vmx that is renamed away from its suffix and back is what it is then, in each step" {
    renames() {
        local i
        for i in {1..20}; do
            know "$MNT/vm/x.vmx/memSize"
            mv "$MNT/vm/x.vmx" "$MNT/vm/$BACKUP"
            [ -f "$MNT/vm/$BACKUP" ]
            [ ! -e "$MNT/vm/x.vmx/memSize" ]
            know "$MNT/vm/$BACKUP"
            mv "$MNT/vm/$BACKUP" "$MNT/other/x.vmx"
            [ "$(cat "$MNT/other/x.vmx/memSize")" = 4096 ]
            [ ! -e "$MNT/vm/$BACKUP" ]
            mv "$MNT/other/x.vmx" "$MNT/vm/"
        done
    }
    with_both renames
}

@test "a .vmx that is moved or removed as a file is not there as a directory" {
    as_a_file() {
        local i
        for i in {1..10}; do
            know "$MNT/vm/x.vmx/memSize" "$PLAIN/vm/x.vmx"
            mv "$PLAIN/vm/x.vmx" "$PLAIN/vm/y.vmx"
            [ ! -e "$MNT/vm/x.vmx/memSize" ]
            know "$MNT/vm/y.vmx/memSize"
            mv "$PLAIN/vm/y.vmx" "$PLAIN/vm/text"
            [ ! -e "$MNT/vm/y.vmx/memSize" ]
            [ -f "$MNT/vm/text" ]
            mv "$PLAIN/vm/text" "$PLAIN/vm/x.vmx"
            know "$MNT/vm/x.vmx/memSize"
        done
        rm "$PLAIN/vm/x.vmx"
        [ ! -e "$MNT/vm/x.vmx/memSize" ]
        mkdir "$PLAIN/vm/x.vmx"
        echo inside >"$PLAIN/vm/x.vmx/file"
        [ "$(cat "$MNT/vm/x.vmx/file")" = inside ]
        know "$MNT/vm/x.vmx/file"
        rm -r "$PLAIN/vm/x.vmx"
        cp "$BATS_TEST_DIRNAME/../data/lf.vmx" "$PLAIN/vm/x.vmx"
        [ -d "$MNT/vm/x.vmx" ]
        [ ! -e "$MNT/vm/x.vmx/file" ]
        know "$MNT/vm/x.vmx/memSize"
    }
    with_both as_a_file
}

@test "a .vmx that is moved or removed as a directory is not there as a file" {
    as_a_directory() {
        local i
        for i in {1..10}; do
            know "$PLAIN/vm/x.vmx" "$MNT/vm/x.vmx/memSize"
            mv "$MNT/vm/x.vmx" "$MNT/vm/x.vmx.bak"
            [ ! -e "$PLAIN/vm/x.vmx" ]
            know "$PLAIN/vm/x.vmx.bak"
            mv "$MNT/vm/x.vmx.bak" "$MNT/vm/x.vmx"
            [ ! -e "$PLAIN/vm/x.vmx.bak" ]
            grep -q one "$PLAIN/vm/x.vmx"
        done
        rm -r "$MNT/vm/x.vmx"
        [ ! -e "$PLAIN/vm/x.vmx" ]
    }
    with_both as_a_directory
}

@test "what is below a folder that is moved or removed in one view is not there in the other" {
    folders() {
        know "$MNT/vm/x.vmx/memSize" "$PLAIN/vm/x.vmx"
        mv "$PLAIN/vm" "$PLAIN/moved"
        [ ! -e "$MNT/vm/x.vmx/memSize" ]
        know "$MNT/moved/x.vmx/memSize" "$PLAIN/moved/x.vmx"
        mv "$MNT/moved" "$MNT/vm"
        [ ! -e "$PLAIN/moved/x.vmx" ]
        [ ! -e "$PLAIN/moved" ]
        know "$MNT/vm/x.vmx/memSize" "$PLAIN/vm/x.vmx"
        rm -r "$PLAIN/vm"
        [ ! -e "$MNT/vm/x.vmx/memSize" ]
        [ ! -e "$MNT/vm" ]
        # An older kernel goes on to take it for a folder.
        forgets_names || return 0
        mkdir "$PLAIN/name"
        know "$MNT/name"
        rmdir "$PLAIN/name"
        echo text >"$PLAIN/name"
        [ "$(cat "$MNT/name")" = text ]
    }
    with_both folders
}

@test "editors that move a .vmx out of their way leave a directory, whatever they keep beside it" {
    editors() {
        local text=$TEST_DIR/text
        cp "$LAB/vm/x.vmx" "$text"
        know "$MNT/vm/x.vmx/memSize"
        mv "$MNT/vm/x.vmx" "$MNT/vm/x.vmx~"
        cp "$text" "$MNT/vm/x.vmx"
        [ "$(cat "$MNT/vm/x.vmx/memSize")" = 4096 ]
        cmp "$text" "$MNT/vm/x.vmx~"
        know "$MNT/vm/x.vmx/memSize" "$PLAIN/vm/x.vmx"
        sed -i s/4096/8192/ "$PLAIN/vm/x.vmx"
        [ "$(cat "$MNT/vm/x.vmx/memSize")" = 8192 ]
        grep -q 8192 "$PLAIN/vm/x.vmx"
        know "$MNT/vm/x.vmx/.vmxfs/raw"
        mv "$MNT/vm/x.vmx/.vmxfs/raw" "$MNT/vm/x.vmx/.vmxfs/raw~"
        [ "$(stat -c %a "$MNT/vm/x.vmx/.vmxfs/raw~")" = 600 ]
        cmp "$MNT/vm/x.vmx/.vmxfs/raw" "$MNT/vm/x.vmx/.vmxfs/raw~"
        rm "$MNT/vm/x.vmx/.vmxfs/raw~"
        know "$MNT/vm/x.vmx/memSize"
        mv "$MNT/vm/x.vmx/memSize" "$MNT/vm/x.vmx/memSize~"
        echo 512 >"$MNT/vm/x.vmx/memSize"
        [ "$(cat "$MNT/vm/x.vmx/memSize" "$MNT/vm/x.vmx/memSize~")" = $'512\n8192' ]
    }
    with_both editors
}

@test "what is too large for a .vmx is one when it has been cut" {
    too_large() {
        { cat "$LAB/vm/x.vmx" && yes '# filler' | head -c 3000; } >"$LAB/vm/large.vmx"
        know "$MNT/vm/large.vmx"
        [ -f "$MNT/vm/large.vmx" ]
        cp "$LAB/vm/x.vmx" "$MNT/vm/large.vmx"
        [ "$(cat "$MNT/vm/large.vmx/memSize")" = 4096 ]
    }
    with_both too_large
}

@test "who finds that others have removed a .vmx, or made it something else, is not alone to see it" {
    found_out() {
        local what finder name
        for what in nothing folder large; do
            for finder in "$MNT" "$PLAIN"; do
                name=vm/$what-${finder##*/}.vmx
                write_vmx "$LAB/$name" one
                touch -d '2 hours ago' "$LAB/$name"
                know "$MNT/$name/memSize" "$PLAIN/$name"
                rm "$LAB/$name"
                case $what in
                folder) mkdir "$LAB/$name" && : >"$LAB/$name/inside" ;;
                large) head -c 3000 /dev/zero >"$LAB/$name" ;;
                esac
                # Who writes asks the server.
                case $finder in
                "$MNT") dd if=/dev/null of="$MNT/$name/memSize" conv=nocreat,notrunc || : ;;
                "$PLAIN") dd if=/dev/null of="$PLAIN/$name" conv=nocreat,notrunc || : ;;
                esac
                [ ! -e "$MNT/$name/memSize" ]
                case $what in
                nothing) [ ! -e "$MNT/$name" ] && [ ! -e "$PLAIN/$name" ] ;;
                folder) [ -e "$MNT/$name/inside" ] && [ -e "$PLAIN/$name/inside" ] ;;
                large) [ -f "$MNT/$name" ] && [ -f "$PLAIN/$name" ] ;;
                esac
            done
        done
    }
    with_both found_out
}

@test "a setting that another file's text makes, changes or removes is so in the next step" {
    texts() {
        python3 - "$MNT/vm/x.vmx" "$PLAIN/vm/x.vmx" <<'END'
import os, sys
vmx, plain = sys.argv[1:]
key = f"{vmx}/guestinfo.a"
for i in range(60):
    value = "x" * (1 + i % 7)
    with open(f"{vmx}/.vmxfs/merge", "w") as merge:
        merge.write(f'guestinfo.a = "{value}"\n')
    assert os.stat(key).st_size == len(value) + 1, f"round {i}: {os.stat(key).st_size} bytes"
    if i % 3:
        continue
    whole = f"{vmx}/.vmxfs/raw" if i % 2 else plain
    with open(whole) as f:
        lines = [line for line in f if not line.startswith("guestinfo.a")]
    with open(whole, "w") as f:
        f.writelines(lines)
    assert not os.path.exists(key), f"round {i}: still there"
END
    }
    with_both texts
}

@test "what was moved, and what has several names, stays what it is when names are looked up anew" {
    numbers() {
        mkdir "$MNT/folder"
        for name in a b c; do echo $name >"$MNT/folder/$name"; done
        mv "$MNT/folder/a" "$MNT/folder/moved"
        mv "$MNT/folder" "$MNT/moved"
        ln "$MNT/moved/b" "$MNT/moved/link"
        (cd "$MNT/moved" && stat -c '%n %i %h' . ./*) >"$TEST_DIR/before"
        mv "$MNT/vm/x.vmx" "$MNT/vm/y.vmx"
        (cd "$MNT/moved" && stat -c '%n %i %h' . ./*) | diff "$TEST_DIR/before" -
        [ "$(stat -c %i "$MNT/moved/moved")" != "$(stat -c %i "$MNT/moved/c")" ]
    }
    with_both numbers
}

@test "names that others ask for all the time are no others after the next step, either" {
    races() {
        local pids="" pid i failed=0
        for i in 1 2 3; do
            python3 - "$MNT/vm" "$PLAIN/vm" "$BACKUP" "$TEST_DIR/end" 3>&- <<'END' &
import os, sys
main, plain, backup, end = sys.argv[1:]
while not os.path.exists(end):
    for name in "x.vmx/memSize", "x.vmx", backup:
        for folder in main, plain:
            try:
                os.stat(f"{folder}/{name}")
            except (FileNotFoundError, NotADirectoryError):
                pass
    list(os.scandir(main))
END
            pids="$pids $!"
        done
        python3 - "$MNT/vm" "$PLAIN/vm" "$BACKUP" <<'END' || failed=1
import os, stat, sys
main, plain, backup = sys.argv[1:]
def must(path, *kinds):
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    assert stat.S_IFMT(mode) in kinds, f"round {i}: {path} has mode {mode:o}"
for i in range(150):
    by = main if i % 2 else plain
    os.rename(f"{by}/x.vmx", f"{by}/{backup}")
    must(f"{main}/x.vmx", 0)
    must(f"{main}/x.vmx/memSize", 0)
    must(f"{main}/{backup}", stat.S_IFREG)
    must(f"{plain}/{backup}", stat.S_IFREG)
    must(f"{plain}/x.vmx", 0)
    by = main if i % 3 else plain
    os.rename(f"{by}/{backup}", f"{by}/x.vmx")
    must(f"{main}/{backup}", 0)
    must(f"{main}/x.vmx", stat.S_IFDIR)
    must(f"{main}/x.vmx/memSize", stat.S_IFREG)
    must(f"{plain}/x.vmx", stat.S_IFREG)
END
        : >"$TEST_DIR/end"
        for pid in $pids; do wait "$pid" || failed=1; done
        rm "$TEST_DIR/end"
        return $failed
    }
    with_both races
}
