# SPDX-License-Identifier: MIT
# Symbolic links, and the names of datastores, which are links on the server.

load helper

setup() {
    lab_new
}

teardown() {
    lab_end
}

# Links in a lab.
links() {
    mkdir -p "$LAB/a/b" "$LAB/c" "$LAB-2"
    echo inside >"$LAB/c/file"
    echo beside >"$LAB-2/file"
    ln -s ../../c/file "$LAB/a/b/relative"
    ln -s ./.././../c "$LAB/a/b/dotted"
    ln -s c/file "$LAB/down"
    ln -s loop "$LAB/loop"
    ln -s .. "$LAB/a/up"
    ln -s "$LAB/c/file" "$LAB/a/b/absolute"
    ln -s "$LAB//a/b/" "$LAB/a/b/here"
    ln -s "$LAB" "$LAB/a/root"
    ln -s "$LAB/c/../../etc" "$LAB/a/winding"
    ln -s c/../a "$LAB/behind"
    ln -s .. "$LAB/above"
    ln -s a/../../x "$LAB/sly"
    ln -s ../../x "$LAB/a/too-far"
    ln -s ../lab-2/file "$LAB/beside"
    ln -s "$LAB-2/file" "$LAB/longer-name"
    ln -s /etc/passwd "$LAB/passwd"
}

# A link's text is not shown, and why is said.
withheld() { # LINK...
    local link
    for link in "$@"; do
        [ -L "$MNT/$link" ]
        run readlink -v "$MNT/$link"
        [ "$status" -eq 1 ]
        [[ $output == *"Operation not permitted"* ]]
        run cat "$MNT/$link"
        [ "$status" -eq 1 ]
        grep -qP "\tEPERM\t$link\t-\tthe link may lead out" "$MNT/.vmxfs/errors"
    done
}

# It is shown as it is on the server.
shown() { # LINK...
    local link
    for link in "$@"; do
        [ "$(readlink "$MNT/$link")" = "$(readlink "$LAB/$link")" ]
    done
}

@test "a link is shown with its true text, or not at all" {
    links
    mount_local
    shown a/b/relative a/b/dotted down loop a/up
    [ "$(cat "$MNT/a/b/relative")" = inside ]
    [ "$(cat "$MNT/a/b/dotted/file")" = inside ]
    [ "$(cat "$MNT/.vmxfs/plain/a/b/relative")" = inside ]
    withheld a/b/absolute a/b/here a/root a/winding behind above sly a/too-far beside longer-name passwd
    run bash -c "echo x >'$MNT/beside'"
    [ "$status" -ne 0 ]
    [ "$(cat "$LAB-2/file")" = beside ]
}

@test "a copy of a tree with links that may lead out fails loudly, and makes no other links" {
    mkdir "$LAB/tree"
    ln -s /etc "$LAB/tree/out"
    ln -s file "$LAB/tree/in"
    echo text >"$LAB/tree/file"
    mount_local
    run cp -a "$MNT/tree" "$TEST_DIR/copy"
    [ "$status" -ne 0 ]
    [[ $output == *"/tree/out"*"not permitted"* ]]
    [ "$(ls "$TEST_DIR/copy")" = "$(printf 'file\nin')" ]
    run cp -a "$MNT/tree" "$MNT/copy"
    [ "$status" -ne 0 ]
    [ "$(ls "$LAB/copy")" = "$(printf 'file\nin')" ]
    unmount_lab
    mount_local no_contain_symlinks
    cp -a "$MNT/tree" "$MNT/whole"
    [ "$(readlink "$LAB/whole/out") $(readlink "$LAB/whole/in")" = "/etc file" ]
}

@test "transform_symlinks: absolute links into the mount are relative ones" {
    links
    mount_local transform_symlinks
    shown a/b/relative a/b/dotted down loop a/up
    [ "$(readlink "$MNT/a/b/absolute")" = ../../c/file ]
    [ "$(readlink "$MNT/a/b/here")" = . ]
    [ "$(readlink "$MNT/a/root")" = .. ]
    [ "$(cat "$MNT/a/b/absolute")" = inside ]
    withheld a/winding behind above sly a/too-far beside longer-name passwd
}

@test "no_contain_symlinks: all links are shown as they are" {
    links
    mount_local no_contain_symlinks
    shown a/b/relative a/b/absolute a/b/here a/root a/winding behind above sly a/too-far beside longer-name passwd
    [ "$(cat "$MNT/passwd")" = "$(cat /etc/passwd)" ]
    unmount_lab
    mount_local no_contain_symlinks,transform_symlinks
    shown behind above passwd
    [ "$(readlink "$MNT/a/b/absolute")" = ../../c/file ]
    unmount_lab
    mount_local no_contain_symlinks,contain_symlinks
    withheld passwd above
}

@test "a link that is made has any text, and is contained all the same" {
    write_vmx "$LAB/vm/vm.vmx" one
    mount_local
    ln -s vm.vmx "$MNT/vm/again"
    [ "$(readlink "$LAB/vm/again")" = vm.vmx ]
    [ "$(cat "$MNT/vm/again/displayName")" = one ]
    ln -s /etc/passwd "$MNT/vm/out"
    [ "$(readlink "$LAB/vm/out")" = /etc/passwd ]
    withheld vm/out
    rm "$MNT/vm/again" "$MNT/vm/out"
    [ ! -L "$LAB/vm/again" ]
    [ -e "$LAB/vm/vm.vmx" ]
}

# Makes a forest of folders, and of links with random texts, below DIR.
plant() { # DIR SEED
    python3 - "$@" <<'END'
import os, random, sys
top, seed = sys.argv[1], sys.argv[2]
r = random.Random(seed)
names = [f"n{i}" for i in range(6)]
folders = [top]
for _ in range(25):
    folder = os.path.join(r.choice(folders), r.choice(names))
    if not os.path.exists(folder):
        os.mkdir(folder)
        folders.append(folder)
for n in range(150):
    ups = r.choice((0, 0, 1, 1, 2, 3, 6))
    words = [".."] * ups + r.choices(names + [f"l{i}" for i in range(150)] + ["..", ".", ""], k=r.randint(0, 4))
    if r.random() < 0.1:
        words = [r.choice((top, "/etc", "", os.path.dirname(top)))] + words
    os.symlink("/".join(words) or ".", os.path.join(r.choice(folders), f"l{n}"))
END
}

# Has the kernel follow all links of the mount. Prints how many of them led somewhere.
follow_all() {
    python3 - "$MNT" <<'END'
import os, sys
top = sys.argv[1]
led = 0
for folder, dirs, files in os.walk(top):
    for name in dirs + files:
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            continue
        try:
            f = os.open(path, os.O_PATH)
        except OSError:
            continue
        at = os.readlink(f"/proc/self/fd/{f}")
        os.close(f)
        assert at == top or at.startswith(top + "/"), f"{path} leads to {at}"
        led += at != path
print(led)
END
}

@test "follow_symlinks: a link is what it leads to, inside and outside of the mounted folder" {
    mkdir -p "$LAB/a" "$LAB/c/d" "$TEST_DIR/out/sub"
    write_vmx "$LAB/vm/vm.vmx" one
    write_vmx "$TEST_DIR/out/sub/far.vmx" far
    echo inside >"$LAB/c/file"
    echo outside >"$TEST_DIR/out/file"
    ln -s "$LAB/c/file" "$LAB/a/file"
    ln -s ../c "$LAB/a/dir"
    ln -s ../vm/vm.vmx "$LAB/a/settings"
    ln -s a/settings "$LAB/chain.vmx"
    ln -s "$TEST_DIR/out" "$LAB/out"
    ln -s "$TEST_DIR" "$LAB/above"
    ln -s .. "$LAB/c/up"
    ln -s missing "$LAB/dangling"
    ln -s loop "$LAB/loop"
    mkdir "$LAB/ring"
    ln -s . "$LAB/ring/again"
    mount_local follow_symlinks
    local name
    for name in a/file a/dir a/settings chain.vmx out above c/up; do
        [ ! -L "$MNT/$name" ]
        [ -e "$MNT/$name" ]
    done
    [ -L "$MNT/dangling" ]
    [ -L "$MNT/loop" ]
    [ "$(cat "$MNT/a/file" "$MNT/a/dir/file" "$MNT/out/file" "$MNT/c/up/a/file" | tr '\n' ' ')" = "inside inside outside inside " ]
    # One file, whichever link leads to it.
    for name in a/file a/dir/file c/up/c/file above/lab/c/file; do
        [ "$(stat -c %i "$MNT/$name")" = "$(stat -c %i "$MNT/c/file")" ]
    done
    run cp "$MNT/a/file" "$MNT/c/file"
    [[ $status -eq 1 && $output == *"are the same file"* ]]
    # What leads to a .vmx is one, whatever it is called.
    for name in a/settings chain.vmx vm/vm.vmx c/up/vm/vm.vmx; do
        echo "$name" >"$MNT/$name/displayName"
        [ "$(cat "$MNT/chain.vmx/displayName")" = "$name" ]
        [ "$(cat "$MNT/vm/vm.vmx/displayName")" = "$name" ]
    done
    echo farther >"$MNT/out/sub/far.vmx/displayName"
    grep -qx 'displayName = "farther"' "$TEST_DIR/out/sub/far.vmx"
    [ ! -L "$TEST_DIR/out/sub/far.vmx" ]
    echo new >"$MNT/out/made"
    [ "$(cat "$TEST_DIR/out/made")" = new ]
    # Who walks sees that he has been there.
    run find "$MNT/ring"
    [[ $status -eq 1 && $output == *"loop detected"* ]]
    ln -s c/file "$MNT/made"
    [ ! -L "$MNT/made" ]
    [ "$(cat "$MNT/made")" = inside ]
    # A link goes alone, and nothing else does.
    rm "$MNT/a/file"
    [ ! -L "$LAB/a/file" ]
    [ "$(cat "$LAB/c/file")" = inside ]
    run rmdir "$MNT/a/settings"
    [[ $status -eq 1 && $output == *"Operation not permitted"* ]]
    run mv "$MNT/chain.vmx" "$MNT/other.vmx"
    [ "$status" -eq 1 ]
    [ "$(readlink "$LAB/chain.vmx")" = a/settings ]
    grep -qP '\tEPERM\tchain.vmx\t-\tthis is a link on the server' "$MNT/.vmxfs/errors"
}

@test "follow_symlinks: what is renamed onto a link to a file takes the place of the link" {
    mkdir "$LAB/a" "$LAB/b"
    printf 'one\n' >"$LAB/b/file"
    ln -s ../b/file "$LAB/a/sed"
    ln -s ../b/file "$LAB/a/mv"
    ln -s ../b/file "$LAB/a/open"
    ln -s ../b "$LAB/a/dir"
    mount_local follow_symlinks
    exec 7<"$MNT/a/open"
    sed -i s/one/two/ "$MNT/a/sed"
    echo three >"$MNT/new"
    mv "$MNT/new" "$MNT/a/mv"
    mv "$MNT/b/file" "$MNT/b/moved"
    mv "$MNT/b/moved" "$MNT/b/file"
    echo four >"$MNT/new"
    mv "$MNT/new" "$MNT/a/open"
    # Who has it open reads on in what the link led to.
    [ "$(cat <&7)" = one ]
    exec 7<&-
    local name
    for name in sed mv open; do
        [ ! -L "$LAB/a/$name" ]
        [ "$(stat -c %i "$MNT/a/$name")" != "$(stat -c %i "$MNT/b/file")" ]
    done
    [ "$(cat "$LAB/b/file" "$LAB/a/sed" "$LAB/a/mv" "$LAB/a/open" | tr '\n' ' ')" = "one two three four " ]
    [ "$(cat "$MNT/b/file" "$MNT/a/sed" "$MNT/a/mv" "$MNT/a/open" | tr '\n' ' ')" = "one two three four " ]
    # Neither does a folder, nor a link to one.
    run mv -T "$MNT/b" "$MNT/a/dir"
    [ "$status" -eq 1 ]
    [ "$(readlink "$LAB/a/dir")" = ../b ]
}

@test "in no forest of links the kernel is led out of the mount" {
    local seed option
    for seed in 1 2 3 4 5 6; do
        rm -r "$LAB"
        mkdir "$LAB"
        plant "$LAB" "$seed"
        for option in contain_symlinks transform_symlinks; do
            mount_local cache_timeout=60 $option
            [ "$(follow_all)" -ge 10 ]
            unmount_lab
        done
    done
    # The forests do lead out where nobody keeps them in.
    mount_local no_contain_symlinks
    run follow_all
    [[ $output == *" leads to /"* ]]
}

# ---- datastores: links that stand for directories

# As a host has it: datastores on VMFS and vSAN, one with two names, and the host's own volumes.
volumes() {
    local name
    DS=6554a2f0-3c1d9a20-7b14-a4bf01512e30 VSAN=vsan:52a7c1e23b4d5f60-718293a4b5c6d7e8
    OSDATA=6554a311-0f9be1c4-22aa-a4bf01512e30 NAMELESS=6554a312-0f9be1c4-22aa-a4bf01512e30
    mkdir "$LAB/$DS" "$LAB/$VSAN" "$LAB/$OSDATA" "$LAB/$NAMELESS"
    for name in "$DS/vm" "$DS/vm2" "$VSAN/vm3"; do
        write_vmx "$LAB/$name/${name#*/}.vmx" "${name#*/}"
    done
    ln -s "$DS" "$LAB/datastore1"
    ln -s "$DS" "$LAB/datastore0x"
    ln -s "$VSAN" "$LAB/vsanDatastore"
    ln -s "$OSDATA" "$LAB/OSDATA-$OSDATA"
    ln -s "$LAB/$DS" "$LAB/absolute"
    ln -s "./$DS" "$LAB/dotted"
    ln -s missing-0123456789abcdef "$LAB/dangling"
}

@test "a datastore is a directory with two names, one of which is listed" {
    volumes
    mount_local
    [ "$(ls -m -w 0 "$MNT")" = "$NAMELESS, OSDATA-$OSDATA, absolute, dangling, datastore0x, datastore1, dotted, vsanDatastore" ]
    local name
    for name in datastore0x "$DS" vsanDatastore "$VSAN" "$NAMELESS" "$OSDATA"; do
        [ -d "$MNT/$name" ]
        [ ! -L "$MNT/$name" ]
    done
    for name in datastore1 "OSDATA-$OSDATA" dotted absolute dangling; do
        [ -L "$MNT/$name" ]
    done
    [ "$(readlink "$MNT/datastore1")" = "$DS" ]
    [ "$(find "$MNT" -name displayName | wc -l)" -eq 3 ]
    [ "$(find "$MNT/.vmxfs/plain" -name '*.vmx' | wc -l)" -eq 3 ]
    [ "$(grep -r vm "$MNT" --include=displayName | wc -l)" -eq 3 ]
    # A number for each, whoever tells it.
    [ "$(stat -c %i "$MNT/datastore0x")" = "$(stat -c %i "$MNT/$DS")" ]
    [ "$(ls -id "$MNT/datastore0x" | cut -d' ' -f1)" = "$(ls -i "$MNT" | sed -n 's/^ *\([0-9]*\) datastore0x$/\1/p')" ]
}

# What one mount knows by one name it must know by the other.
same_file() { # DIR DIR
    local file=vm/notes
    echo first >"$MNT/$1/$file"
    [ "$(cat "$MNT/$2/$file")" = first ]
    run cp "$MNT/$1/$file" "$MNT/$2/$file"
    [ "$status" -eq 1 ]
    [[ $output == *"are the same file"* ]]
    [ "$(cat "$MNT/$1/$file")" = first ]
    [ "$(stat -c %i "$MNT/$1/$file")" = "$(stat -c %i "$MNT/$2/$file")" ]
    exec 9<"$MNT/$1/$file"
    echo second >"$MNT/$2/$file"
    [ "$(cat <&9)" = second ]
    exec 9<&-
    rm "$MNT/$2/$file"
    [ ! -e "$MNT/$1/$file" ]
    echo "$1" >"$MNT/$1/vm/vm.vmx/displayName"
    [ "$(cat "$MNT/$2/vm/vm.vmx/displayName")" = "$1" ]
    mv "$MNT/$1/vm/vm.vmx/displayName" "$MNT/$2/vm/vm.vmx/annotation"
    [ "$(cat "$MNT/$1/vm/vm.vmx/annotation")" = "$1" ]
    mv "$MNT/$2/vm/vm.vmx/annotation" "$MNT/$1/vm/vm.vmx/displayName"
}

@test "a file has one node, one text and one queue, whichever name of its datastore leads to it" {
    volumes
    for order in "datastore0x $DS" "$DS datastore0x" "datastore1 datastore0x"; do
        mount_local
        # shellcheck disable=SC2086
        same_file $order
        unmount_lab
    done
    mount_local
    (
        cd "$MNT/datastore0x/vm"
        ls "$MNT/$DS" >/dev/null
        [ "$(cat vm.vmx/displayName)" = "$(cat "$MNT/$DS/vm/vm.vmx/displayName")" ]
    )
    # Sets by both names at once: each is there in the end.
    local n setters=
    for n in 1 2 3 4 5 6 7 8; do
        echo "$n" >"$MNT/datastore0x/vm2/vm2.vmx/guestinfo.a$n" 3>&- &
        setters="$setters $!"
        echo "$n" >"$MNT/$DS/vm2/vm2.vmx/guestinfo.b$n" 3>&- &
        setters="$setters $!"
    done
    for n in $setters; do
        wait "$n"
    done
    [ "$(grep -c guestinfo "$LAB/$DS/vm2/vm2.vmx")" -eq 16 ]
    [ "$(cat "$MNT/$DS/vm2/vm2.vmx"/guestinfo.* | sort -u | tr -d '\n')" = 12345678 ]
}

@test "reports say the datastore's name, whichever name was used" {
    volumes
    mount_local
    local dir
    for dir in "$DS" datastore0x datastore1; do
        run bash -c "echo lots >'$MNT/$dir/vm/vm.vmx/memSize'"
        [ "$status" -eq 1 ]
    done
    [ "$(cut -f 3 "$MNT/.vmxfs/errors" | sort -u)" = datastore0x/vm/vm.vmx ]
    [ "$(grep -v "^#" "$MNT/.vmxfs/vms" | cut -f 5)" = "datastore0x/vm/vm.vmx
datastore0x/vm2/vm2.vmx
vsanDatastore/vm3/vm3.vmx" ]
    echo nested-esxi >"$MNT/$DS/vm/vm.vmx/passthrough-profile"
    echo FALSE >"$MNT/$DS/vm/vm.vmx/vvtd.enable"
    for file in "$MNT/.vmxfs/check" "$MNT/$DS/vm/vm.vmx/.vmxfs/check" "$MNT/.vmxfs/vms" "$MNT/.vmxfs/errors"; do
        run cat "$file"
        [ "$status" -eq 0 ]
        [[ $output != *"$DS"* && $output != *"$VSAN"* ]]
    done
    grep -q "datastore0x/vm/vm.vmx" "$MNT/$DS/vm/vm.vmx/.vmxfs/check"
}

@test "a datastore is not renamed or removed, by neither name" {
    volumes
    mount_local
    local dir
    for dir in datastore0x "$DS"; do
        run rmdir "$MNT/$dir"
        [[ $status -eq 1 && $output == *"Operation not permitted"* ]]
        run python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$MNT/$dir" "$MNT/other"
        [[ $status -eq 1 && $output == *"PermissionError"* ]]
        run python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$MNT/$NAMELESS" "$MNT/$dir"
        [[ $status -eq 1 && $output == *"PermissionError"* ]]
        run rm "$MNT/$dir"
        [ "$status" -eq 1 ]
    done
    grep -qP '\tEPERM\tdatastore0x\t-\t.*vim-cmd hostsvc/datastore/rename' "$MNT/.vmxfs/errors"
    [ "$(readlink "$LAB/datastore0x")" = "$DS" ]
    # A link that is none of its names can go, and another one come and be the name.
    ln -s "$DS" "$MNT/also"
    [ "$(readlink "$LAB/also")" = "$DS" ]
    [ "$(stat -c %F "$MNT/also")" = directory ]
    [ "$(stat -c %F "$MNT/datastore0x")" = "symbolic link" ]
    rm "$LAB/also"
    eventually 20 test -d "$MNT/datastore0x" -a ! -L "$MNT/datastore0x"
    rm "$MNT/datastore1"
    [ ! -L "$LAB/datastore1" ]
    rm "$LAB/datastore0x"
    ln -s "$DS" "$LAB/renamed"
    renamed() { [ "$(ls -m -w 0 "$MNT")" = "$NAMELESS, OSDATA-$OSDATA, absolute, dangling, dotted, renamed, vsanDatastore" ]; }
    eventually 20 renamed
    [ ! -e "$MNT/datastore0x" ]
    [ "$(cat "$MNT/renamed/vm/vm.vmx/displayName")" = vm ]
    run bash -c "echo lots >'$MNT/$DS/vm2/vm2.vmx/memSize'"
    [ "$(tail -n 1 "$MNT/.vmxfs/errors" | cut -f 3)" = renamed/vm2/vm2.vmx ]
}

@test "a datastore's name is found without a listing, and while the server is away" {
    volumes
    mount_local prefetch=off
    [ "$(stat -c %F "$MNT/datastore0x")" = directory ]
    [ "$(stat -c %F "$MNT/datastore1")" = "symbolic link" ]
    [ "$(stat -c %F "$MNT/dangling")" = "symbolic link" ]
    unmount_lab
    mount_local prefetch=off,cache_timeout=0
    [ "$(cat "$MNT/datastore0x/vm/vm.vmx/displayName")" = vm ]
    [ "$(cat "$MNT/$DS/vm/vm.vmx/displayName")" = vm ]
    echo new >"$MNT/$DS/vm/vm.vmx/displayName"
    [ "$(cat "$MNT/datastore0x/vm/vm.vmx/displayName")" = new ]
}
