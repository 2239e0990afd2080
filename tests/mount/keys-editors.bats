#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Editors and their like: exactly one set of the key, and none of their helpers reaches the .vmx.

load keys

# vim as users have it, but for the terminal.
run_vim() { # FILE COMMAND...
    local file=$1
    shift
    timeout 60 vim -Nu NONE -i NONE -n -es --cmd 'set backupskip=' "${@/#/+}" "$file" </dev/null
}

# The same, with a swap file beside the file.
run_vim_swap() { # FILE COMMAND...
    local file=$1
    shift
    timeout 60 vim -Nu NONE -i NONE -es --cmd 'set directory=. backupskip=' "${@/#/+}" "$file" </dev/null
}

only_keys() {
    [ "$(ls -A "$K" | sort | tr '\n' ' ')" = \
        ".encoding displayName guestinfo.a guestinfo.b guestinfo.c memSize numvcpus passthrough-profile " ]
}

@test "sed -i sets once" {
    start
    sed -i 's/4096/8192/' "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    [ "$(cat "$K/memSize")" = 8192 ]
    only_keys
}

@test "sed -i over several keys sets each once" {
    start
    sed -i 's/a$/A/' "$K"/guestinfo.*
    becomes 3 's/alpha/alphA/; s/beta/betA/; s/gamma/gammA/'
    only_keys
}

@test "perl -i sets once" {
    start
    perl -pi -e 's/4096/8192/' "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "ed sets once" {
    start
    printf '%s\n' s/4096/8192/ w q | ed -s "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "vim sets once, in place" {
    start
    run_vim "$K/memSize" s/4096/8192/ wq
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "vim sets once with a swap file" {
    start
    run_vim_swap "$K/memSize" 's/4096/8192/' wq
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "vim's swap file is there while vim runs, and only in memory" {
    start
    run_vim_swap "$K/memSize" "call writefile(readdir('$K'), '$TEST_DIR/seen')" 's/4096/8192/' wq
    grep -qx '\.memSize\.swp' "$TEST_DIR/seen"
    becomes 1 's/"4096"/"8192"/'
}

@test "vim that renames to a backup sets once" {
    start
    run_vim_swap "$K/memSize" 'set writebackup nobackup backupcopy=no' 's/4096/8192/' wq
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "vim that copies to a backup sets once" {
    start
    run_vim_swap "$K/memSize" 'set writebackup nobackup backupcopy=yes' 's/4096/8192/' wq
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "vim's backups that are kept stay in memory" {
    start
    run_vim_swap "$K/memSize" 'set backup backupdir=. backupcopy=no' 's/4096/8192/' wq
    run_vim_swap "$K/guestinfo.a" 'set backup backupdir=. backupcopy=yes' 's/alpha/omega/' wq
    becomes 2 's/"4096"/"8192"/; s/alpha/omega/'
    [ "$(cat "$K/memSize~" "$K/guestinfo.a~")" = "4096
alpha" ]
    unmount_lab
    mount_lab
    only_keys
}

@test "vim that writes several times sets each time" {
    start
    run_vim_swap "$K/memSize" 'set writebackup backupcopy=no' 's/4096/8192/' w 's/8192/1024/' w \
        'set backupcopy=yes' 's/1024/2048/' wq
    becomes 3 's/"4096"/"2048"/'
    only_keys
}

@test "vim writes what is there already without a rewrite" {
    start
    run_vim_swap "$K/memSize" 'set writebackup backupcopy=no' w! wq!
    becomes 0
    [ "$(cat "$K/memSize")" = 4096 ]
    only_keys
}

@test "vim creates a key" {
    start
    run_vim_swap "$K/vhv.enable" 'call setline(1, "TRUE")' wq
    becomes 1 '$a vhv.enable = "TRUE"'
}

@test "vim edits a value of several lines" {
    start
    run_vim_swap "$K/guestinfo.a" 'set writebackup backupcopy=no' \
        'call append(1, ["beta", "", "gamma"])' wq
    becomes 1 's/"alpha"/"alpha|0Abeta|0A|0Agamma"/'
}

@test "emacs' lock, auto-save and backup stay in memory" {
    start
    ln -s 'user@host.123:456' "$K/.#memSize"
    [ "$(readlink "$K/.#memSize")" = 'user@host.123:456' ]
    echo 81 >"$K/#memSize#"
    cp "$K/memSize" "$K/memSize~"
    echo 8192 >"$K/memSize"
    rm "$K/#memSize#" "$K/.#memSize"
    becomes 1 's/"4096"/"8192"/'
    [ "$(cat "$K/memSize~")" = 4096 ]
    rm "$K/memSize~"
    only_keys
}

@test "emacs that renames to its backup sets once" {
    start
    mv "$K/memSize" "$K/memSize~"
    [ ! -e "$K/memSize" ]
    grep -q 4096 "$VM"
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    [ "$(cat "$K/memSize~")" = 4096 ]
}

@test "python's mkstemp and os.replace set once" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import os, sys, tempfile
fd, name = tempfile.mkstemp(dir=sys.argv[1])
os.write(fd, b"8192\n")
assert os.pread(fd, 100, 0) == b"8192\n"
os.fsync(fd)
os.close(fd)
os.chmod(name, 0o644)
os.replace(name, os.path.join(sys.argv[1], "memSize"))
END_OF_PYTHON
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "python edits in place through one descriptor" {
    start
    python3 - "$K/memSize" <<'END_OF_PYTHON'
import sys
with open(sys.argv[1], "r+") as f:
    text = f.read()
    f.seek(0)
    f.write(text.replace("4096", "65536"))
    f.truncate()
END_OF_PYTHON
    becomes 1 's/"4096"/"65536"/'
}

@test "rsync sets once, by its temporary file and in place" {
    start
    mkdir "$TEST_DIR/new"
    echo 8192 >"$TEST_DIR/new/memSize"
    rsync -I "$TEST_DIR/new/memSize" "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    echo 16384 >"$TEST_DIR/new/memSize"
    rsync -I --inplace "$TEST_DIR/new/memSize" "$K/memSize"
    becomes 2 's/"4096"/"16384"/'
    only_keys
}

@test "a mktemp file takes part in nothing until it is renamed" {
    start
    name=$(mktemp "$K/tmp.XXXXXX")
    echo 8192 >"$name"
    [ "$(stat -c '%s %a' "$name")" = "5 600" ]
    [ "$(cat "$name")" = 8192 ]
    echo more >>"$name"
    printf X | dd of="$name" bs=1 seek=1 conv=notrunc status=none
    [ "$(cat "$name")" = "8X92
more" ]
    becomes 0
    echo 1024 >"$name"
    mv "$name" "$K/memSize"
    becomes 1 's/"4096"/"1024"/'
    only_keys
}

@test "a mktemp file can become a new key" {
    start
    name=$(mktemp "$K/tmp.XXXXXX")
    echo TRUE >"$name"
    mv "$name" "$K/vhv.enable"
    becomes 1 '$a vhv.enable = "TRUE"'
}

@test "a helper's rename that is refused says so and leaves the helper" {
    start
    name=$(mktemp "$K/tmp.XXXXXX")
    echo plenty >"$name"
    run mv "$name" "$K/memSize"
    [ "$status" -eq 1 ]
    becomes 0
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(cat "$name")" = plenty ]
    explained EINVAL memSize
}

@test "a key that an editor renamed away comes back by itself" {
    start
    mv "$K/memSize" "$K/memSize~"
    [ ! -e "$K/memSize" ]
    [ "$(ls "$K" | grep -c '^memSize$')" = 0 ]
    [ "$(cat "$K/memSize~")" = 4096 ]
    eventually 60 test -e "$K/memSize"
    [ "$(cat "$K/memSize")" = 4096 ]
    becomes 0
}

@test "a name that is a key is that key, whatever an editor would call its helpers" {
    printf '4913 = "x"\nmemSize~ = "y"\n.a.swp = "z"\n' >>"$VM"
    start
    echo 1 >"$K/4913"
    echo 2 >"$K/memSize~"
    echo 3 >"$K/.a.swp"
    becomes 3 's/"x"/"1"/; s/"y"/"2"/; s/"z"/"3"/'
}

@test "vim that is refused leaves the key as it was" {
    start
    : >"$VM.lck"
    for how in no yes; do
        ! run_vim_swap "$K/memSize" "set writebackup backupcopy=$how" s/4096/8192/ w q! || :
        [ "$(cat "$K/memSize")" = 4096 ]
        becomes 0
    done
    explained EBUSY memSize 'in use'
    rm "$VM.lck"
    run_vim_swap "$K/memSize" 'set writebackup backupcopy=no' s/4096/plenty/ w q! || :
    [ "$(cat "$K/memSize")" = 4096 ]
    becomes 0
    explained EINVAL memSize
}

@test "a temporary file in a directory of settings goes on without its name" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import os, sys, tempfile

def use(f):
    f.write(b"temporary")
    f.flush()
    st = os.fstat(f.fileno())
    assert (st.st_size, st.st_nlink) == (9, 0), st
    assert os.pread(f.fileno(), 100, 0) == b"temporary"
    os.ftruncate(f.fileno(), 4)
    os.fchmod(f.fileno(), 0o640)
    st = os.fstat(f.fileno())
    assert (st.st_size, st.st_mode & 0o777) == (4, 0o640), st
    assert os.pread(f.fileno(), 100, 0) == b"temp"

names = os.listdir(sys.argv[1])
with tempfile.TemporaryFile(dir=sys.argv[1]) as f:
    use(f)
fd, name = tempfile.mkstemp(dir=sys.argv[1])
other, other_name = tempfile.mkstemp(dir=sys.argv[1])
os.write(other, b"other")
os.rename(other_name, name)
with open(fd, "w+b") as f:
    use(f)
    assert os.pread(other, 100, 0) == b"other"
os.close(other)
os.unlink(name)
assert os.listdir(sys.argv[1]) == names
END_OF_PYTHON
    becomes 0
}

@test "what was unlinked takes no more memory once it is closed" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import os, sys, tempfile
for _ in range(200):
    with tempfile.TemporaryFile(dir=sys.argv[1]) as f:
        f.write(b"x" * (1 << 20))
END_OF_PYTHON
    becomes 0
}

@test "scratch files are bounded" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import errno, os, sys, tempfile
names = []
try:
    for i in range(5000):
        fd, name = tempfile.mkstemp(dir=sys.argv[1])
        os.close(fd)
        names.append(name)
    sys.exit("no limit of their number")
except OSError as e:
    assert e.errno == errno.ENOSPC, e
for name in names:
    os.unlink(name)
fd, name = tempfile.mkstemp(dir=sys.argv[1])
try:
    for i in range(200):
        os.write(fd, b"x" * (1 << 20))
    sys.exit("no limit of their bytes")
except OSError as e:
    assert e.errno == errno.ENOSPC, e
os.close(fd)
os.unlink(name)
END_OF_PYTHON
    awk -F '\t' '$2 == "ENOSPC" && $3 == "vm/vm.vmx" && $5 ~ /64 MiB/ { n++ } END { exit n < 2 }' \
        "$MNT/.vmxfs/errors"
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    only_keys
}

@test "renameat2's exchange is refused" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = (os.fsencode(os.path.join(sys.argv[1], k)) for k in ("guestinfo.a", "guestinfo.b"))
assert libc.renameat2(-100, a, -100, b, 2) == -1
assert ctypes.get_errno() == errno.EINVAL, ctypes.get_errno()
assert libc.renameat2(-100, a, -100, b, 1) == -1
assert ctypes.get_errno() == errno.EEXIST, ctypes.get_errno()
END_OF_PYTHON
    becomes 0
}
