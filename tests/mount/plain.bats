# SPDX-License-Identifier: MIT
# Plain files of the server, and .vmxfs/plain, where every .vmx is one too. Over a real sshd.

load helper

data=$BATS_TEST_DIRNAME/../data

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    PLAIN=$MNT/.vmxfs/plain
}

teardown() {
    lab_end
}

# All kinds of .vmx, with what stands beside them.
fill_lab() {
    mkdir -p "$LAB/one/sub" "$LAB/two"
    cp "$data"/*.vmx "$LAB/one/"
    cp "$data/lf.vmx" "$LAB/two/two.vmx"
    cp "$data/crlf.vmx" "$LAB/two/template.vmtx"
    head -c 100000 /dev/urandom >"$LAB/one/one.vmdk"
    echo log >"$LAB/one/sub/vmware.log"
    ln -s one "$LAB/link"
    chmod 644 "$LAB/one/"*.vmx
    chmod 755 "$LAB/two/two.vmx"
    chmod 600 "$LAB/one/lf.vmx"
    find "$LAB" -type f -exec touch -d '2022-03-04 05:06:07 UTC' {} +
}

# Names, types, modes, times and contents of all files below a folder.
tell() { # FOLDER
    (cd "$1" && find . -name .vmxfs -prune -o -type f -printf '%p %m %T@ ' -exec sh -c 'cksum <"$1"' - {} \; \
        -o -type l -printf '%p -> %l\n' | sed 's/\.0* / /' | sort)
}

# ---- plain files

@test "8 MiB are read as they are, in one go and in pieces" {
    head -c 8388608 /dev/urandom >"$LAB/disk.vmdk"
    : >"$LAB/empty"
    mount_lab
    cmp "$LAB/disk.vmdk" "$MNT/disk.vmdk"
    [ "$(stat -c %s "$MNT/disk.vmdk")" -eq 8388608 ]
    [ "$(wc -c <"$MNT/empty")" -eq 0 ]
    local offset
    for offset in 0 1 4095 131071 5000001 8388607; do
        cmp <(tail -c +$((offset + 1)) "$LAB/disk.vmdk" | head -c 70000) \
            <(dd if="$MNT/disk.vmdk" iflag=skip_bytes,count_bytes,fullblock skip=$offset count=70000 status=none)
        cmp <(tail -c +$((offset + 1)) "$LAB/disk.vmdk" | head -c 4096) \
            <(dd if="$MNT/disk.vmdk" iflag=skip_bytes,count_bytes,direct bs=4096 skip=$offset count=4096 status=none)
    done
}

@test "8 MiB are written as they are" {
    head -c 8388608 /dev/urandom >"$TEST_DIR/data"
    mount_lab
    cp "$TEST_DIR/data" "$MNT/copy"
    cmp "$TEST_DIR/data" "$LAB/copy"
    cmp "$TEST_DIR/data" "$MNT/copy"
    dd if="$TEST_DIR/data" of="$MNT/pieces" bs=77777 conv=fsync status=none
    cmp "$TEST_DIR/data" "$LAB/pieces"
}

@test "large files are copied both ways, in pieces of any size" {
    head -c 50000001 /dev/urandom >"$TEST_DIR/data"
    mount_lab
    cp "$TEST_DIR/data" "$MNT/copy"
    cmp "$TEST_DIR/data" "$LAB/copy"
    cmp "$TEST_DIR/data" "$MNT/copy"
    cp --sparse=always "$MNT/copy" "$TEST_DIR/back"
    cmp "$TEST_DIR/data" "$TEST_DIR/back"
    dd if="$TEST_DIR/data" of="$MNT/pieces" bs=99991 status=none
    dd if="$MNT/pieces" of="$MNT/copy" bs=77777 conv=notrunc status=none
    cmp "$TEST_DIR/data" "$LAB/copy"
    truncate -s 100M "$MNT/pieces"
    printf end | dd of="$MNT/pieces" bs=1 seek=100000000 conv=notrunc status=none
    cmp -n 50000001 "$TEST_DIR/data" "$LAB/pieces"
    cmp "$LAB/pieces" "$MNT/pieces"
    [ "$(counter bulk-connections-made)" -ge 1 ]
}

@test "files are overwritten, appended to and truncated" {
    echo hello >"$LAB/file"
    mount_lab
    echo world >>"$MNT/file"
    [ "$(cat "$LAB/file")" = "hello
world" ]
    printf J | dd of="$MNT/file" conv=notrunc status=none
    printf '!' | dd of="$MNT/file" bs=1 seek=20 conv=notrunc status=none
    [ "$(stat -c %s "$MNT/file")" -eq 21 ]
    printf 'Jello\nworld\n\0\0\0\0\0\0\0\0!' | cmp - "$LAB/file"
    truncate -s 5 "$MNT/file"
    [ "$(cat "$LAB/file")" = Jello ]
    [ "$(cat "$MNT/file")" = Jello ]
    truncate -s 8 "$MNT/file"
    printf 'Jello\0\0\0' | cmp - "$MNT/file"
    echo new >"$MNT/file"
    [ "$(cat "$LAB/file")" = new ]
    # The kernel may not know where the end is.
    exec 7>>"$MNT/file"
    echo theirs >>"$LAB/file"
    echo ours >&7
    exec 7>&-
    [ "$(cat "$LAB/file")" = "new
theirs
ours" ]
}

@test "files are made, renamed onto each other, and removed" {
    mount_lab
    echo one >"$MNT/one"
    (umask 077 && echo two >"$MNT/two")
    [ "$(stat -c %a "$LAB/two")" = 600 ]
    mv "$MNT/one" "$MNT/two"
    [ "$(cat "$LAB/two")" = one ]
    [ ! -e "$MNT/one" ]
    run bash -c 'set -C; echo x >"$1"' - "$MNT/two"
    [ "$status" -ne 0 ]
    chmod 640 "$MNT/two"
    [ "$(stat -c %a "$LAB/two")" = 640 ]
    touch -d '2001-02-03 04:05:06 UTC' "$MNT/two"
    [ "$(stat -c %Y "$LAB/two")" -eq 981173106 ]
    cp -p "$MNT/two" "$MNT/three"
    [ "$(stat -c '%a %Y' "$LAB/three")" = "640 981173106" ]
    rm "$MNT/two" "$MNT/three"
    holds_only "$LAB"
}

@test "an open file is read on after it was renamed and removed" {
    head -c 300000 /dev/urandom >"$LAB/file"
    cp "$LAB/file" "$TEST_DIR/file"
    mount_lab
    exec 7<"$MNT/file"
    mv "$MNT/file" "$MNT/renamed"
    cmp "$TEST_DIR/file" - <&7
    exec 7<&-
    exec 7<"$MNT/renamed"
    rm "$MNT/renamed"
    cmp "$TEST_DIR/file" - <&7
    exec 7<&-
}

@test "programs that map files read them" {
    head -c 300000 /dev/urandom >"$LAB/file"
    mount_lab
    python3 -c '
import mmap, sys
with open(sys.argv[1], "rb") as f, open(sys.argv[2], "rb") as g:
    assert mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:] == g.read()' "$MNT/file" "$LAB/file"
}

@test "what is written to a mapped file goes where it is mapped, though it is open to append" {
    echo 0123456789 >"$LAB/file"
    mount_lab
    python3 -c '
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
with mmap.mmap(fd, 0) as mapped:
    mapped[0:1] = b"X"
    mapped.flush()
os.write(fd, b"more\n")
os.close(fd)' "$MNT/file"
    [ "$(cat "$LAB/file")" = $'X123456789\nmore' ]
}

@test "many files at once" {
    local i
    mkdir "$LAB/in" "$LAB/out"
    for i in $(seq 300); do echo "file $i" >"$LAB/in/$i"; done
    mount_lab
    diff -r "$LAB/in" "$MNT/in"
    seq 300 | xargs -P 8 -n 1 sh -c 'cp "$0/in/$1" "$0/out/$1"' "$MNT"
    diff -r "$LAB/in" "$LAB/out"
}

# ---- every .vmx as a file

@test "plain shows every .vmx as a file, and the rest as it is" {
    fill_lab
    mount_lab
    diff <(tell "$LAB") <(tell "$PLAIN")
    [ "$(ls "$PLAIN")" = "$(ls "$MNT")" ]
    [ ! -e "$PLAIN/.vmxfs" ]
    [ ! -e "$PLAIN/one/lf.vmx/memSize" ]
    [ "$(cat "$PLAIN/link/sub/vmware.log")" = log ]
}

@test "tar of plain, and back" {
    fill_lab
    mkdir "$TEST_DIR/copy"
    mount_lab
    tar -C "$PLAIN" -cf "$TEST_DIR/lab.tar" .
    tar -C "$TEST_DIR/copy" -xf "$TEST_DIR/lab.tar"
    diff <(tell "$LAB") <(tell "$TEST_DIR/copy")
    tell "$LAB" >"$TEST_DIR/before"
    sed -i 's/nested-01/nested-99/' "$LAB/one/lf.vmx" "$LAB/one/crlf.vmx"
    rm -r "$LAB/two"
    unmount_lab
    mount_lab
    tar -C "$PLAIN" -xf "$TEST_DIR/lab.tar"
    diff "$TEST_DIR/before" <(tell "$LAB")
    holds_only "$LAB/two" template.vmtx two.vmx
}

@test "rsync -a of plain, and back" {
    fill_lab
    mount_lab
    rsync -a "$PLAIN/" "$TEST_DIR/copy/"
    diff <(tell "$LAB") <(tell "$TEST_DIR/copy")
    tell "$LAB" >"$TEST_DIR/before"
    echo 'displayName = "changed"' >"$LAB/one/utf8.vmx"
    chmod 600 "$LAB/two/two.vmx"
    rm "$LAB/two/template.vmtx"
    unmount_lab
    mount_lab
    rsync -a "$TEST_DIR/copy/" "$PLAIN/"
    diff "$TEST_DIR/before" <(tell "$LAB")
    # What is the same already is not written once more.
    local before
    before=$(counter commits)
    rsync -a "$TEST_DIR/copy/" "$PLAIN/"
    [ "$(counter commits)" -eq "$before" ]
}

@test "cp -p, sed -i, perl -i and vim edit a .vmx as a file, and its settings show it" {
    fill_lab
    mount_lab cache_timeout=1
    local vmx=$PLAIN/two/two.vmx file=$LAB/two/two.vmx
    [ "$(cat "$MNT/two/two.vmx/memSize")" = 4096 ]
    sed -i 's/"4096"/"5120"/' "$vmx"
    [ "$(cat "$MNT/two/two.vmx/memSize")" = 5120 ]
    perl -pi -e 's/"5120"/"6144"/' "$vmx"
    [ "$(cat "$MNT/two/two.vmx/memSize")" = 6144 ]
    vim -u NONE -es -c '%s/"6144"/"7168"/' -c wq "$vmx"
    [ "$(cat "$MNT/two/two.vmx/memSize")" = 7168 ]
    vim -u NONE -es --cmd 'set nocompatible writebackup backupcopy=no' -c '%s/"7168"/"4096"/' -c wq "$vmx"
    [ "$(cat "$MNT/two/two.vmx/memSize")" = 4096 ]
    cmp "$data/lf.vmx" "$file"
    [ "$(stat -c %a "$file")" = 755 ]
    cp -p "$PLAIN/two/two.vmx" "$TEST_DIR/copy.vmx"
    echo 8192 >"$MNT/two/two.vmx/memSize"
    grep -q '"8192"' "$vmx"
    touch -d '2022-01-01 UTC' "$TEST_DIR/copy.vmx"
    cp -p "$TEST_DIR/copy.vmx" "$PLAIN/two/two.vmx"
    cmp "$data/lf.vmx" "$file"
    [ "$(stat -c '%a %Y' "$file")" = "755 1640995200" ]
    holds_only "$LAB/two" template.vmtx two.vmx
}

@test "a worse text is refused, however it comes" {
    fill_lab
    mount_lab
    local vmx=$PLAIN/two/two.vmx file=$LAB/two/two.vmx
    cp "$file" "$TEST_DIR/before"
    { cat "$file" && echo 'MEMSIZE = "1"'; } >"$TEST_DIR/duplicate"
    { cat "$file" && echo 'no line'; } >"$TEST_DIR/malformed"
    head -c -1 "$file" >"$TEST_DIR/cut"
    local name
    for name in duplicate malformed cut; do
        run cp "$TEST_DIR/$name" "$vmx"
        [ "$status" -ne 0 ]
        cmp "$TEST_DIR/before" "$file"
        run rsync --inplace --ignore-times "$TEST_DIR/$name" "$vmx"
        [ "$status" -ne 0 ]
        cmp "$TEST_DIR/before" "$file"
        run rsync --ignore-times "$TEST_DIR/$name" "$vmx"
        [ "$status" -ne 0 ]
        cmp "$TEST_DIR/before" "$file"
    done
    run sed -i '$s/$/\nno line/' "$vmx"
    [ "$status" -ne 0 ]
    run vim -u NONE -es --cmd 'set nocompatible writebackup backupcopy=no' -c '$s/$/\rno line/' -c wq "$vmx"
    [ "$status" -ne 0 ]
    run vim -u NONE -es --cmd 'set nocompatible writebackup backupcopy=yes' -c '$s/$/\rno line/' -c wq "$vmx"
    [ "$status" -ne 0 ]
    cmp "$TEST_DIR/before" "$file"
    grep -q 'EINVAL.*two/two.vmx' "$MNT/.vmxfs/errors"
    holds_only "$LAB/two" template.vmtx two.vmx
}

# The next two try again what may have taken longer than vmxfs remembers.

written_anew() { # COMMAND THAT TAKES IT AWAY...
    "$@" && cp "$TEST_DIR/text" "$vmx" && return
    cp "$TEST_DIR/text" "$LAB/two/two.vmx"
    return 1
}

@test "what was wrong with a .vmx may be in the one that is written after it was moved away or removed" {
    fill_lab
    echo 'no line' >>"$LAB/two/two.vmx"
    mount_lab cache_timeout=0
    local vmx=$PLAIN/two/two.vmx
    cp "$LAB/two/two.vmx" "$TEST_DIR/text"
    run cp "$TEST_DIR/text" "$PLAIN/two/new.vmx"
    [ "$status" -ne 0 ]
    eventually 60 written_anew mv "$vmx" "$vmx~"
    cmp "$TEST_DIR/text" "$LAB/two/two.vmx"
    eventually 60 written_anew rm "$vmx"
    cmp "$TEST_DIR/text" "$LAB/two/two.vmx"
}

moved_in_vain() {
    cat "$vmx" >"$PLAIN/two/copy"
    cp "$data/crlf.vmx" "$LAB/two/two.vmx"
    mv "$PLAIN/two/copy" "$vmx" || return 0
    cp "$data/lf.vmx" "$LAB/two/two.vmx"
    return 1
}

@test "what somebody else wrote to a .vmx after it was read is not replaced by what is moved onto it" {
    fill_lab
    mount_lab cache_timeout=0
    local vmx=$PLAIN/two/two.vmx
    eventually 60 moved_in_vain
    cmp "$data/crlf.vmx" "$LAB/two/two.vmx"
    grep -q 'ECANCELED	two/two.vmx	' "$MNT/.vmxfs/errors"
}

@test "a .vmx is made, renamed and removed as a file, and is a directory elsewhere" {
    mkdir "$LAB/vm"
    mount_lab cache_timeout=1
    cp "$data/lf.vmx" "$PLAIN/vm/vm.vmx"
    cmp "$data/lf.vmx" "$LAB/vm/vm.vmx"
    [ -f "$PLAIN/vm/vm.vmx" ]
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
    mv "$PLAIN/vm/vm.vmx" "$PLAIN/vm/new.vmx"
    [ -f "$PLAIN/vm/new.vmx" ]
    eventually 30 test ! -e "$MNT/vm/vm.vmx"
    [ "$(cat "$MNT/vm/new.vmx/memSize")" = 4096 ]
    mv "$PLAIN/vm/new.vmx" "$PLAIN/vm/text"
    [ "$(cat "$MNT/vm/text")" = "$(cat "$data/lf.vmx")" ]
    mv "$PLAIN/vm/text" "$PLAIN/vm/new.vmx"
    rm "$PLAIN/vm/new.vmx"
    holds_only "$LAB/vm"
    eventually 30 test ! -e "$MNT/vm/new.vmx"
    # mkdir makes a folder here, whatever its name is.
    mkdir "$PLAIN/vm/folder.vmx"
    [ -d "$LAB/vm/folder.vmx" ]
}

# mv of coreutils 9.5 and later asks for it first, and so does mv -n.
@test "renaming without replacing is refused only where there is something to replace" {
    fill_lab
    mount_lab
    local place
    for place in "$MNT" "$PLAIN"; do
        rename_noreplace "$place/two/two.vmx" "$place/two/free.vmx"
        [ -f "$LAB/two/free.vmx" ] && [ ! -e "$LAB/two/two.vmx" ]
        rename_noreplace "$place/two/free.vmx" "$place/two/two.vmx"
        cp "$LAB/two/two.vmx" "$LAB/two/taken.vmx"
        eventually 60 test -e "$place/two/taken.vmx"
        run rename_noreplace "$place/two/two.vmx" "$place/two/taken.vmx"
        [[ $output == *"File exists"* ]]
        rm "$LAB/two/taken.vmx"
        eventually 60 test ! -e "$place/two/taken.vmx"
    done
    : >"$MNT/two/file"
    rename_noreplace "$MNT/two/file" "$MNT/two/other"
    [ -e "$LAB/two/other" ]
}

@test "renaming without replacing replaces nothing that somebody else has just made" {
    fill_lab
    mount_lab cache_timeout=3600
    echo ours >"$MNT/two/file"
    ls "$MNT/two" "$MNT/two/two.vmx" >/dev/null
    echo theirs >"$LAB/two/taken"
    run rename_noreplace "$MNT/two/file" "$MNT/two/taken"
    [[ $output == *"File exists"* ]]
    [ "$(cat "$LAB/two/taken")" = theirs ]
    [ "$(cat "$LAB/two/file")" = ours ]
    local text='memSize = "1"\nguestinfo.new = "theirs"\n'
    printf "$text" >"$LAB/two/two.vmx"
    run rename_noreplace "$MNT/two/two.vmx/memSize" "$MNT/two/two.vmx/guestinfo.new"
    [[ $output == *"File exists"* ]]
    diff <(printf "$text") "$LAB/two/two.vmx"
}

rename_noreplace() { # OLD NEW
    python3 - "$@" <<'END'
import ctypes, os, sys
AT_FDCWD, RENAME_NOREPLACE = -100, 1
libc = ctypes.CDLL(None, use_errno=True)
old, new = map(os.fsencode, sys.argv[1:])
if libc.renameat2(AT_FDCWD, old, AT_FDCWD, new, RENAME_NOREPLACE) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
END
}

@test "a .vmx in use is not replaced, renamed or removed" {
    fill_lab
    mount_lab cache_timeout=0
    : >"$LAB/two/two.vmx.lck"
    tell "$LAB" >"$TEST_DIR/before"
    run cp "$data/utf8.vmx" "$PLAIN/two/two.vmx"
    [[ $output == *busy* ]]
    run mv "$PLAIN/two/two.vmx" "$PLAIN/two/other.vmx"
    [[ $output == *busy* ]]
    run rm "$PLAIN/two/two.vmx"
    [[ $output == *busy* ]]
    run mv "$MNT/two/two.vmx" "$MNT/two/other.vmx"
    [[ $output == *busy* ]]
    run rm -r "$MNT/two/two.vmx"
    [[ $output == *busy* ]]
    diff "$TEST_DIR/before" <(tell "$LAB")
}

@test "a .vmx in use is not replaced by what is moved onto it" {
    fill_lab
    cp "$data/utf8.vmx" "$LAB/two/notes"
    cp "$data/crlf.vmx" "$LAB/two/other.vmx"
    : >"$LAB/two/two.vmx.lck"
    mount_lab cache_timeout=0
    tell "$LAB" >"$TEST_DIR/before"
    local name
    for name in other.vmx notes; do
        run mv "$PLAIN/two/$name" "$PLAIN/two/two.vmx"
        [[ $output == *busy* ]]
        tail -n 1 "$MNT/.vmxfs/errors" | grep "EBUSY	two/two.vmx	.*two.vmx.lck"
    done
    diff "$TEST_DIR/before" <(tell "$LAB")
    # One that is not there, and is in use all the same.
    rm "$LAB/two/two.vmx"
    run mv "$PLAIN/two/notes" "$PLAIN/two/two.vmx"
    [[ $output == *busy* ]]
    [ ! -e "$LAB/two/two.vmx" ]
    rm "$LAB/two/two.vmx.lck"
    mv "$PLAIN/two/notes" "$PLAIN/two/two.vmx"
    cmp "$data/utf8.vmx" "$LAB/two/two.vmx"
    mv "$PLAIN/two/other.vmx" "$PLAIN/two/two.vmx"
    cmp "$data/crlf.vmx" "$LAB/two/two.vmx"
    holds_only "$LAB/two" template.vmtx two.vmx
}

# A server that carries out a command before each posix-rename that it is asked for, but for locks.
server_with_hook() { # COMMAND
    cat >"$TEST_DIR/hooked" <<END
#!/usr/bin/env python3
import os, subprocess, sys
server = subprocess.Popen(["$SFTP_SERVER"], stdin=subprocess.PIPE)
while head := sys.stdin.buffer.read(4):
    body = sys.stdin.buffer.read(int.from_bytes(head, "big"))
    if b"posix-rename@openssh.com" in body and not body.endswith(b".vmxfs-lock"):
        subprocess.run(["sh", "-c", """$1"""])
    server.stdin.write(head + body)
    server.stdin.flush()
server.stdin.close()
sys.exit(server.wait())
END
    chmod 755 "$TEST_DIR/hooked"
}

@test "a file that grows while it is moved onto a .vmx is not lost" {
    fill_lab
    cp "$data/utf8.vmx" "$LAB/two/notes"
    server_with_hook "printf 'late = \"1\"\\n' >>'$LAB/two/notes'"
    mount_source "$LAB" "sftp_server=$TEST_DIR/hooked"
    run mv "$PLAIN/two/notes" "$PLAIN/two/two.vmx"
    [ "$status" -ne 0 ]
    cmp "$data/utf8.vmx" "$LAB/two/two.vmx"
    diff "$LAB/two/notes" <(cat "$data/utf8.vmx" && echo 'late = "1"')
    grep "ECANCELED.*two/notes.*two.vmx holds its text from before" "$MNT/.vmxfs/errors"
}

memory() {
    sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(mount_processes | head -n 1)/status"
}

@test "reading every .vmx as a file keeps no more of them than cache_size says" {
    local i before
    for i in $(seq 300); do
        mkdir "$LAB/v$i"
        { cat "$data/lf.vmx" && seq -f "guestinfo.k%g = \"$(printf '%0200d' "$i")\"" 300; } >"$LAB/v$i/v$i.vmx"
    done
    VMXFS=$VMXFS_UNSANITIZED
    # A history keeps what it has not recorded yet, up to a bound of its own.
    mount_lab cache_size=1 prefetch=off history=off
    cat "$PLAIN"/v?/v?.vmx "$PLAIN"/v?/v?.vmx >/dev/null
    before=$(memory)
    cat "$PLAIN"/*/*.vmx | cmp - <(cat "$LAB"/*/*.vmx)
    cat "$MNT"/*/*.vmx/.vmxfs/raw | cmp - <(cat "$LAB"/*/*.vmx)
    echo "before: $before kB, after: $(memory) kB"
    [ "$(memory)" -lt $((before + 16384)) ]
}

# Mounts by a server that can write 4 KiB of a file.
serve_small_files() {
    printf '#!/bin/sh\ntrap "" XFSZ\nulimit -f 8\nexec %s\n' "$SFTP_SERVER" >"$TEST_DIR/limited"
    chmod 755 "$TEST_DIR/limited"
    mount_source "$LAB" "sftp_server=$TEST_DIR/limited"
}

@test "data that the server cannot take is an error, with a line in errors" {
    serve_small_files
    run dd if=/dev/zero of="$MNT/large" bs=64k count=1 status=none
    [ "$status" -ne 0 ]
    grep -q $'\tEIO\tlarge\t-\t' "$MNT/.vmxfs/errors"
    run dd if=/dev/zero of="$MNT/larger" bs=64k count=1 conv=fsync status=none
    [ "$status" -ne 0 ]
    grep -q $'\tEIO\tlarger\t-\t' "$MNT/.vmxfs/errors"
    run truncate -s 1T "$MNT/large"
    [ "$status" -ne 0 ]
    echo small >"$MNT/small"
    [ "$(cat "$LAB/small")" = small ]
}

# A child that only got the descriptor with the fork closes it, too.
@test "data that the server cannot take is an error for who wrote it, whoever closes first" {
    serve_small_files
    python3 -c '
import os, subprocess, sys
def fails(f, fd):
    try:
        f(fd)
    except OSError:
        return
    sys.exit(f"{f} tells nothing")
def child():
    if os.fork() == 0:
        os._exit(0)
    os.wait()
for n, tell in enumerate((os.fsync, os.close)):
    fd = os.open(f"{sys.argv[1]}/large{n}", os.O_WRONLY | os.O_CREAT)
    os.write(fd, bytes(65536))
    child()
    subprocess.run(["true"])
    fails(tell, fd)
' "$MNT"
}
