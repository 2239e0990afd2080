#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Ordinary programs in a mount, over a real sshd: what they make is what they make elsewhere.

load ../fault/helper

setup_file() { server_start; }
teardown_file() { server_stop; }
setup() {
    lab_new
    export GIT_CONFIG_GLOBAL=$TEST_DIR/gitconfig GIT_CONFIG_NOSYSTEM=1
    git config --global user.name Tester
    git config --global user.email tester@example.org
    git config --global init.defaultBranch main
    git config --global init.templateDir "" # a dozen samples of hooks
}
teardown() {
    lab_end
    proxy_stop
}

# A repository with so many commits, of three files and a link each.
repository() { # FOLDER COMMITS
    local i
    git init -q "$1"
    for i in $(seq "$2"); do
        mkdir -p "$1/dir$i/below"
        head -c 20000 /dev/urandom >"$1/dir$i/data"
        for name in a b; do echo "$name $i" >"$1/dir$i/below/$name"; done
        ln -s "dir$i/data" "$1/link$i"
        git -C "$1" add -A
        git -C "$1" commit -q -m "commit $i"
    done
}

# Names, types, modes, owners, times, link counts and contents of all below a folder. Which names
# are one file is told by the first of them.
tell_tree() { # FOLDER
    python3 - "$1" <<'END'
import hashlib, os, stat, sys

first = {}
os.chdir(sys.argv[1])
for folder, below, names in os.walk(b"."):
    below.sort()
    for name in sorted(below + names):
        path = os.path.join(folder, name)
        st = os.lstat(path)
        told = [stat.filemode(st.st_mode), st.st_uid, st.st_gid]
        if stat.S_ISLNK(st.st_mode):
            told += [os.readlink(path)]
        elif stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                told += [st.st_nlink, first.setdefault(st.st_ino, path), int(st.st_mtime), st.st_size,
                         hashlib.sha256(f.read()).hexdigest()]
        else:
            told += [int(st.st_mtime)]
        print(path, *told)
END
}

# A tree of files, links of all kinds and, where they are offered, hard links.
fill_tree() { # FOLDER
    mkdir -p "$1/sub/deep" "$1/empty"
    head -c 200000 /dev/urandom >"$1/data"
    echo text >"$1/sub/text"
    : >"$1/sub/nothing"
    printf '#!/bin/sh\necho ran\n' >"$1/sub/deep/run"
    chmod 755 "$1/sub/deep/run"
    chmod 600 "$1/sub/text"
    chmod 750 "$1/empty"
    ln -s ../data "$1/sub/inside"
    ln -s sub/text "$1/here"
    ln -s nowhere "$1/dangling"
    if [ -n "$HARD_LINKS" ]; then
        ln "$1/data" "$1/sub/deep/same"
        ln "$1/sub/text" "$1/sub/deep/text"
    fi
    find "$1" -exec touch -h -d '2022-03-04 05:06:07 UTC' {} +
}

# Whether the mount makes hard links.
find_hard_links() {
    HARD_LINKS=
    echo x >"$MNT/probe"
    if ln "$MNT/probe" "$MNT/probe2" 2>/dev/null; then HARD_LINKS=yes; fi
    rm -f "$MNT/probe" "$MNT/probe2"
}

copy_tree() { # PROGRAM FROM TO
    mkdir "$3"
    case $1 in
    cp) cp -a "$2/." "$3/" ;;
    tar) tar -C "$2" -cf - . | tar -C "$3" -xpf - ;;
    rsync) rsync -aHAX "$2/" "$3/" ;;
    esac
}

# ---- git

# tests/stress.sh has a larger one, with gc.
@test "git clones into the mount, commits, checks and pushes, 20 ms away" {
    repository "$TEST_DIR/repo" 1
    proxy_start 10
    mount_proxied
    git clone -q "$TEST_DIR/repo" "$MNT/clone"
    [ -z "$(git -C "$MNT/clone" status --porcelain)" ]
    echo more >>"$MNT/clone/dir1/below/a"
    git -C "$MNT/clone" mv dir1/data dir1/moved
    git -C "$MNT/clone" commit -qam "in the mount"
    git -C "$MNT/clone" fsck --strict --full
    git -C "$MNT/clone" push -q origin HEAD:pushed
    [ "$(git -C "$TEST_DIR/repo" rev-parse pushed)" = "$(git -C "$MNT/clone" rev-parse HEAD)" ]
    [ "$(git -C "$MNT/clone" log --format=%s | wc -l)" -eq 2 ]
    diff -r --no-dereference "$LAB/clone" "$MNT/clone"
}

@test "git clones a repository of the mount inside the mount, with hard links where they are offered" {
    repository "$LAB/repo" 4
    mount_lab
    find_hard_links
    git clone -q "$MNT/repo" "$MNT/copy"
    git -C "$MNT/copy" fsck --strict --full
    diff -r --no-dereference -x .git "$MNT/repo" "$MNT/copy"
    object=$(cd "$MNT/copy/.git/objects" && find . -type f -path './??/*' | head -n 1)
    links=1
    [ -z "$HARD_LINKS" ] || links=2
    [ "$(stat -c %h "$LAB/copy/.git/objects/$object")" -eq $links ]
    git -C "$MNT/copy" checkout -q -b other
    echo new >"$MNT/copy/new"
    git -C "$MNT/copy" add new
    git -C "$MNT/copy" commit -qm new
    git -C "$MNT/copy" worktree add -q "$MNT/tree" main
    git -C "$MNT/copy" rebase -q main
    git -C "$MNT/repo" gc -q --prune=now
    git -C "$MNT/repo" fsck --strict --full
    [ -z "$(git -C "$MNT/repo" status --porcelain)" ]
}

# ---- copies of trees

@test "cp -a, tar and rsync copy a tree into the mount, within it and out of it, link for link" {
    mount_lab
    find_hard_links
    fill_tree "$TEST_DIR/tree"
    tell_tree "$TEST_DIR/tree" >"$TEST_DIR/expected"
    for program in cp tar rsync; do
        copy_tree $program "$TEST_DIR/tree" "$MNT/$program-in"
        copy_tree $program "$MNT/$program-in" "$MNT/$program-within"
        copy_tree $program "$MNT/$program-within" "$TEST_DIR/$program-out"
        for copy in "$MNT/$program-in" "$LAB/$program-in" "$MNT/$program-within" \
            "$LAB/$program-within" "$TEST_DIR/$program-out"; do
            tell_tree "$copy" | diff -u "$TEST_DIR/expected" - || {
                echo "$copy"
                return 1
            }
        done
    done
}

@test "owners are copied both ways with idmap=none, and refused loudly without" {
    [ "$(id -u)" -eq 0 ] || skip "only root gives files away"
    HARD_LINKS=
    fill_tree "$TEST_DIR/tree"
    chown 1234:2345 "$TEST_DIR/tree/data" "$TEST_DIR/tree/sub"
    chown 0:2345 "$TEST_DIR/tree/sub/text"
    mount_lab
    for program in cp rsync; do
        run copy_tree $program "$TEST_DIR/tree" "$MNT/$program-part"
        echo "$program: $output"
        [ "$status" -ne 0 ]
        [[ $output == *"Operation not permitted"* ]]
    done
    unmount_lab
    mount_lab idmap=none
    for program in cp tar rsync; do
        copy_tree $program "$TEST_DIR/tree" "$MNT/$program-in"
        diff -u <(tell_tree "$TEST_DIR/tree") <(tell_tree "$LAB/$program-in")
        copy_tree $program "$MNT/$program-in" "$TEST_DIR/$program-out"
        diff -u <(tell_tree "$TEST_DIR/tree") <(tell_tree "$TEST_DIR/$program-out")
    done
}

@test "a link that leads out is copied with no_contain_symlinks, and fails loudly without" {
    fill_tree "$LAB/tree"
    ln -s /etc/passwd "$LAB/tree/out"
    ln -s ../../../etc "$LAB/tree/sub/up"
    find "$LAB/tree" -exec touch -h -d '2022-03-04 05:06:07 UTC' {} +
    mount_lab
    for program in cp tar rsync; do
        run copy_tree $program "$MNT/tree" "$TEST_DIR/$program-part"
        echo "$program: $output"
        [[ $output == *tree/out* || $output == *./out* ]]
        [ ! -L "$TEST_DIR/$program-part/out" ]
    done
    for program in cp rsync; do
        run copy_tree $program "$MNT/tree" "$TEST_DIR/$program-again"
        [ "$status" -ne 0 ]
    done
    unmount_lab
    mount_lab no_contain_symlinks
    for program in cp tar rsync; do
        copy_tree $program "$MNT/tree" "$TEST_DIR/$program-whole"
        diff -u <(tell_tree "$LAB/tree") <(tell_tree "$TEST_DIR/$program-whole")
        copy_tree $program "$TEST_DIR/$program-whole" "$MNT/$program-back"
        diff -u <(tell_tree "$LAB/tree") <(tell_tree "$LAB/$program-back")
    done
}

# ---- programs with files of their own

@test "a Python environment is made in the mount and runs there" {
    mount_lab no_contain_symlinks
    unset PYTHONDONTWRITEBYTECODE
    /usr/bin/python3 -m venv --without-pip "$MNT/linked"
    [ "$("$MNT/linked/bin/python" -c 'import sys; print(sys.prefix)')" = "$MNT/linked" ]
    unmount_lab
    mount_lab
    /usr/bin/python3 -m venv --without-pip --copies "$MNT/copied"
    echo 'answer = 42' >"$(echo "$MNT"/copied/lib/python3*/site-packages)/module.py"
    [ "$("$MNT/copied/bin/python" -c 'import module; print(module.answer)')" = 42 ]
    ls "$LAB"/copied/lib/python3*/site-packages/__pycache__/module.*.pyc
}

@test "a database of SQLite is written by two processes at once, in both journal modes" {
    mount_lab
    for mode in delete wal; do
        python3 - "$MNT/$mode.db" "$mode" <<'END'
import os, sqlite3, sys

path, mode = sys.argv[1:]

def connect():
    db = sqlite3.connect(path, timeout=120)
    assert db.execute(f"pragma journal_mode={mode}").fetchone() == (mode,)
    return db

with connect() as db:
    db.execute("create table t (who integer, n integer, text blob)")

pids = []
for who in range(2):
    pid = os.fork()
    if pid == 0:
        db = connect()
        for n in range(20):
            with db:
                db.execute("insert into t values (?, ?, ?)", (who, n, bytes([n]) * 3000))
        os._exit(0)
    pids.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
db = connect()
assert db.execute("pragma integrity_check").fetchone() == ("ok",)
assert db.execute("select count(*), count(distinct who * 100 + n) from t").fetchone() == (40, 40)
db.close()
END
        [ "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("pragma integrity_check").fetchone()[0])' "$LAB/$mode.db")" = ok ]
    done
}

@test "qemu-img makes, fills, converts, snapshots and checks disks" {
    head -c 5000000 /dev/urandom >"$TEST_DIR/data"
    mount_lab
    qemu-img create -q -f qcow2 "$MNT/disk.qcow2" 64M
    qemu-io -f qcow2 -c 'write -P 0x5a 1M 3M' -c 'write -z 2M 64k' -c 'flush' "$MNT/disk.qcow2"
    qemu-img check -q "$MNT/disk.qcow2"
    qemu-img convert -q -f raw -O qcow2 "$TEST_DIR/data" "$MNT/data.qcow2"
    qemu-img check -q "$MNT/data.qcow2"
    qemu-img compare -q -f raw -F qcow2 "$TEST_DIR/data" "$MNT/data.qcow2"
    qemu-img convert -q -O vmdk -o subformat=streamOptimized "$MNT/data.qcow2" "$MNT/data.vmdk"
    qemu-img compare -q -f raw -F vmdk "$TEST_DIR/data" "$MNT/data.vmdk"
    qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 "$MNT/child.qcow2"
    qemu-io -f qcow2 -c 'write -P 0x11 4M 64k' "$MNT/child.qcow2"
    qemu-img commit -q "$MNT/child.qcow2"
    qemu-io -f qcow2 -c 'read -P 0x11 4M 64k' -c 'read -P 0x5a 1M 1M' "$LAB/disk.qcow2"
    qemu-img snapshot -c one "$MNT/disk.qcow2"
    qemu-img snapshot -a one "$MNT/disk.qcow2"
    qemu-img resize -q "$MNT/disk.qcow2" 80M
    qemu-img check -q "$LAB/disk.qcow2"
}

@test "temporary files, also without a name" {
    mount_lab
    TMPDIR=$MNT python3 - <<'END'
import os, shutil, tempfile

assert tempfile.gettempdir() == os.environ["TMPDIR"]
with tempfile.TemporaryFile() as f:
    f.write(b"x" * 100000)
    f.seek(0)
    assert f.read() == b"x" * 100000
with tempfile.NamedTemporaryFile(suffix=".txt") as f:
    f.write(b"named")
    f.flush()
    assert open(f.name, "rb").read() == b"named"
with tempfile.TemporaryDirectory() as folder:
    with tempfile.SpooledTemporaryFile(max_size=10, dir=folder) as f:
        f.write(b"more than ten bytes")
        f.seek(0)
        assert f.read() == b"more than ten bytes"
    fd, path = tempfile.mkstemp(dir=folder)
    assert os.fstat(fd).st_mode & 0o777 == 0o600
    os.close(fd)
    shutil.copy(path, path + ".copy")
assert os.listdir(os.environ["TMPDIR"]) == []
END
    file=$(mktemp -p "$MNT")
    echo text >"$file"
    sort -S 16k -T "$MNT" -o "$MNT/sorted" <(seq 20000 | sort -R)
    [ "$(head -n 1 "$MNT/sorted")" = 1 ]
    [ "$(ls "$LAB" | wc -l)" -eq 2 ]
}

@test "editors save a plain file whole, by every way that they have" {
    mount_lab
    local how
    for how in no yes auto; do
        echo "first $how" >"$MNT/notes"
        chmod 640 "$MNT/notes"
        vim -u NONE -i NONE -n -es -c "set backup backupskip= backupcopy=$how backupdir=." -c '%s/first/second/' -c wq "$MNT/notes"
        [ "$(cat "$LAB/notes")" = "second $how" ]
        [ "$(cat "$LAB/notes~")" = "first $how" ]
        [ "$(stat -c %a "$LAB/notes")" = 640 ]
    done
    rm "$MNT/notes~"
    vim -u NONE -i NONE -es -c 'set swapfile directory=.' -c '$put =1' -c 'preserve' -c wq "$MNT/notes"
    # As Emacs does it: a lock that is a link without a target, a backup by a rename, a new file.
    python3 - "$MNT" <<'END'
import os, sys

os.chdir(sys.argv[1])
os.symlink("user@host.1234:1700000000", ".#notes")
assert os.readlink(".#notes") == "user@host.1234:1700000000"
os.rename("notes", "notes~")
with open("notes", "x") as f:
    f.write("third\n")
    f.flush()
    os.fsync(f.fileno())
os.chmod("notes", os.stat("notes~").st_mode & 0o777)
os.unlink(".#notes")
END
    sed -i s/third/fourth/ "$MNT/notes"
    perl -pi.bak -e s/fourth/fifth/ "$MNT/notes"
    printf '1s/fifth/sixth/\nw\nq\n' | ed -s "$MNT/notes"
    [ "$(cat "$LAB/notes" "$LAB/notes.bak")" = "sixth
fourth" ]
    holds_only "$LAB" notes notes.bak notes~
}

@test "make builds a program there, and only what has changed" {
    mount_lab
    mkdir "$MNT/project"
    cat >"$MNT/project/Makefile" <<'END'
program: main.o libpart.a
	gcc -g -o $@ main.o -L. -lpart
libpart.a: part.o
	ar rcs $@ part.o
%.o: %.c part.h
	gcc -g -c -o $@ $<
	echo $@ >>built
END
    echo 'int part(void);' >"$MNT/project/part.h"
    printf '#include "part.h"\nint part(void) { return 42; }\n' >"$MNT/project/part.c"
    printf '#include <stdio.h>\n#include "part.h"\nint main(void) { printf("%%d\\n", part()); }\n' \
        >"$MNT/project/main.c"
    make -s -j2 -C "$MNT/project"
    [ "$("$MNT/project/program")" = 42 ]
    make -q -C "$MNT/project"
    touch -d '2 seconds' "$MNT/project/part.c"
    make -s -C "$MNT/project"
    [ "$(tr '\n' ' ' <"$LAB/project/built")" = "main.o part.o part.o " ] ||
        [ "$(tr '\n' ' ' <"$LAB/project/built")" = "part.o main.o part.o " ]
    strip "$MNT/project/program"
    [ "$("$MNT/project/program")" = 42 ]
}

@test "flock keeps other processes of this machine out" {
    mount_lab
    echo 0 >"$MNT/counter"
    seq 40 | xargs -P 4 -n 1 flock "$MNT/lock" sh -c 'n=$(cat "$0"); echo $((n + 1)) >"$0"' "$MNT/counter"
    [ "$(cat "$LAB/counter")" = 40 ]
    flock "$MNT/lock" flock -n -E 9 "$MNT/lock" true || [ $? -eq 9 ]
}

@test "a tree of many folders, many deep, is moved, 20 ms away" {
    local deep
    deep=$(printf 'deep/%.0s' $(seq 20))
    mkdir -p "$LAB/tree/$deep"
    seq -f "$LAB/tree/%g/below" 300 | xargs mkdir -p
    proxy_start 10
    mount_proxied
    mv "$MNT/tree" "$MNT/moved"
    [ "$(find "$LAB/moved" | wc -l)" -eq 621 ]
    run rmdir "$MNT/moved/deep"
    [ "$status" -eq 1 ]
    [[ $output == *"Directory not empty"* ]]
}
