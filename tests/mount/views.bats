# SPDX-License-Identifier: MIT
# What is done in one view of the server's tree shows in the others before the next step: the main
# tree, plain, and links that are followed.

load helper

setup() {
    lab_new
    mkdir "$LAB/d" "$LAB/e"
    for name in d/f e/f; do
        echo "${name}_" >"$LAB/$name"
        vmx "${name%/f}" "${name%/f}" >"$LAB/${name%f}a.vmx"
    done
    find "$LAB" -exec touch -d '1 hour ago' {} +
}

teardown() {
    lab_end
}

vmx() { # NAME VALUE
    printf 'displayName = "%s"\nguestinfo.of = "%s"\n' "$1" "$2"
}

# Reads files so that the kernel keeps what they hold: they had been opened two seconds before.
know() { # FILE...
    cat "$@" >/dev/null
    sleep 2.1
    cat "$@" >/dev/null
}

# Puts a file that holds "new", as old as the one that is there, in its place.
replace() { # PROGRAM FILE
    local name=${2##*/} from
    from=$TEST_DIR/new/$name
    mkdir -p "$TEST_DIR/new"
    [ "$1" != mv ] || from=${2%/*}/new
    echo new >"$from"
    touch -d "@$(stat -c %Y "$2")" "$from"
    case $1 in
    mv) mv "$from" "$2" ;;
    rsync) rsync -aI "$from" "$2" ;;
    tar) tar -C "$TEST_DIR/new" -c "$name" | tar -C "${2%/*}" -x ;;
    cp) cp -p --remove-destination "$from" "$2" ;;
    esac
}

@test "a file that is replaced in one view by another of the same size and time is the new one in all" {
    local program view other name
    ln -s d "$LAB/link"
    for name in d/{rsync,tar,cp,mv}-{1,2,3}-{1,2,3}; do
        echo old >"$LAB/$name"
        touch -d '1 hour ago' "$LAB/$name"
    done
    mount_local follow_symlinks cache_timeout=60
    local views=("$MNT/d" "$MNT/.vmxfs/plain/d" "$MNT/link")
    know "$MNT"/{d,link,.vmxfs/plain/d}/*-?-?
    for program in rsync tar cp mv; do
        for view in 1 2 3; do
            for other in 1 2 3; do
                name=$program-$view-$other
                echo "$name"
                replace "$program" "${views[view - 1]}/$name"
                [ "$(cat "$LAB/d/$name")" = new ]
                [ "$(cat "${views[other - 1]}/$name")" = new ]
                sed -i s/w/x/ "${views[other - 1]}/$name"
                [ "$(cat "$LAB/d/$name")" = nex ]
                [ "$(cat "${views[view - 1]}/$name")" = nex ]
            done
        done
    done
}

@test "folders that change their places do so in both views, with what is below them" {
    local view other
    mount_local cache_timeout=60
    local plain=$MNT/.vmxfs/plain
    know {"$MNT","$plain"}/{d,e}/f "$plain"/{d,e}/a.vmx "$MNT"/{d,e}/a.vmx/guestinfo.of
    for view in "$MNT" "$plain"; do
        other=$MNT
        [ "$view" != "$MNT" ] || other=$plain
        mv "$view/d" "$view/z"
        mv "$view/e" "$view/d"
        mv "$view/z" "$view/e"
        for name in {d,e}/f; do
            cmp "$other/$name" "$LAB/$name"
            cmp "$view/$name" "$LAB/$name"
        done
        cmp "$plain/d/a.vmx" "$LAB/d/a.vmx"
        cmp "$plain/e/a.vmx" "$LAB/e/a.vmx"
        grep -qF "\"$(cat "$MNT/d/a.vmx/guestinfo.of")\"" "$LAB/d/a.vmx"
        grep -qF "\"$(cat "$MNT/e/a.vmx/guestinfo.of")\"" "$LAB/e/a.vmx"
    done
}

@test "what is removed or moved in one view is gone in the other" {
    mount_local cache_timeout=60
    local plain=$MNT/.vmxfs/plain
    mkdir "$MNT/x"
    stat "$plain/x" >/dev/null
    rmdir "$MNT/x"
    [ ! -e "$plain/x" ]
    cp -r "$MNT/d" "$plain/x"
    stat "$MNT/x/f" "$MNT/x/a.vmx/displayName" >/dev/null
    rm -r "$plain/x"
    [ ! -e "$MNT/x" ]
    mkdir -p "$MNT/x/y"
    stat "$plain/d/f" >/dev/null
    mv "$MNT/d/f" "$MNT/x/f"
    [ ! -e "$plain/d/f" ]
    [ "$(cat "$plain/x/f")" = d/f_ ]
    ln -s f "$MNT/x/l"
    readlink "$plain/x/l"
    rm "$MNT/x/l"
    ln -s other "$plain/x/l"
    [ "$(readlink "$MNT/x/l")" = other ]
    rm "$plain/x/l"
    echo file >"$plain/x/l"
    [ "$(stat -c %F "$MNT/x/l")" = "regular file" ]
    [ "$(cat "$MNT/x/l")" = file ]
    rm "$MNT/x/l"
    mkdir "$MNT/x/l"
    [ "$(stat -c %F "$plain/x/l")" = directory ]
    rmdir "$plain/x/l"
    ln -s f "$plain/x/l"
    [ "$(stat -c %F "$MNT/x/l")" = "symbolic link" ]
    [ "$(readlink "$MNT/x/l")" = f ]
}

@test "what is truncated by a name is what has it, whoever has the old file open in that view" {
    local plain=$MNT/.vmxfs/plain
    printf 'displayName = "d"\nscsi0:0.fileName = "disk.vmdk"\n' >"$LAB/d/a.vmx"
    for flags in O_RDWR O_RDONLY; do
        echo old >"$LAB/d/disk.vmdk"
        mount_local cache_timeout=60
        python3 -c "import os, sys
os.chdir('$MNT')
held = os.open('.vmxfs/plain/d/disk.vmdk', os.$flags)
os.rename('d/disk.vmdk', 'd/disk.bak')
open('d/disk.vmdk', 'w').write('new')
os.truncate('.vmxfs/plain/d/disk.vmdk', 1)
assert os.stat('.vmxfs/plain/d/disk.vmdk').st_size == 1
os.ftruncate(held, 2) if '$flags' == 'O_RDWR' else None
"
        [ "$(cat "$LAB/d/disk.vmdk")" = n ]
        [ "$flags" != O_RDWR ] || [ "$(cat "$LAB/d/disk.bak")" = ol ]
        unmount_lab
        rm "$LAB"/d/disk.*
    done
}

@test "a disk that got its name while another file of that name is open is one of a VM in use" {
    printf 'displayName = "d"\nscsi0:0.fileName = "disk.vmdk"\n' >"$LAB/d/a.vmx"
    echo old >"$LAB/d/disk.vmdk"
    mount_local cache_timeout=60
    python3 -c "import errno, os, time
os.chdir('$MNT')
held = os.open('.vmxfs/plain/d/disk.vmdk', os.O_RDONLY)
os.rename('d/disk.vmdk', 'd/moved')
open('d/disk.vmdk', 'w').write('disk')
open('$LAB/d/a.vmx.lck', 'w')
time.sleep(5.1) # for so long it is known not to be in use
try:
    os.truncate('.vmxfs/plain/d/disk.vmdk', 0)
    raise SystemExit('it was truncated')
except OSError as e:
    assert e.errno == errno.EBUSY, e"
    [ "$(cat "$LAB/d/disk.vmdk")" = disk ]
}

@test "nothing that comes to be at the old path of a file has its number" {
    mount_local
    cd "$MNT"
    for new in 'ln -s l.1 l' 'mkdir l' 'mv d l'; do
        echo "$new"
        echo 1 >l
        mv l l.1
        $new
        [ "$(stat -c %i l)" != "$(stat -c %i l.1)" ]
        mv -T l l.2
        rm -rf l.1 l.2
    done
    mkdir x
    echo 1 >x/f
    stat x/f >/dev/null
    mv x y
    mkdir -p x/f
    [ "$(stat -c %i x/f)" != "$(stat -c %i y/f)" ]
    cd /
}
