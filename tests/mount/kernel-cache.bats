#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the kernel keeps of key files, and how it is told of changes: whoever reads gets one of the
# values that were set, whole, with its size, and the newest one at once after a change of ours.

load keys

setup() {
    lab_new
    VM=$LAB/vm/vm.vmx K=$MNT/vm/vm.vmx
    mkdir "$LAB/vm"
    sample >"$VM"
    touch -d "1 hour ago" "$VM"
}

# The n-th value: no two are of one length, or begin alike. Some fill a page, and some do not fit.
prelude='
import os, random, sys, time
sizes = [1, 2, 9, 40, 300, 3000, 4095, 4096, 5000]
letters = "abcdefghi"
values = [letter * size for letter, size in zip(letters, sizes)]
texts = {value.encode() + b"\n" for value in values}
'

# Sets guestinfo.a to all values in turn. Ways: echo, mv (of a scratch file), merge.
setter="$prelude"'
key, way, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
vmx = os.path.dirname(key)
for i in range(times):
    value = random.choice(values)
    text = value.encode() + b"\n"
    if way == "echo":
        fd = os.open(key, os.O_WRONLY | os.O_TRUNC)
        os.write(fd, text)
        os.close(fd)
    elif way == "mv":
        name = os.path.join(vmx, f"tmp{os.getpid()}")
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, text)
        os.close(fd)
        os.rename(name, key)
    else:
        with open(vmx + "/.vmxfs/merge", "w") as merge:
            merge.write(f"guestinfo.a = \"{value}\"\n")
    if len(sys.argv) > 4:
        continue
    with open(key, "rb") as f:
        got = f.read()
    assert got == text, f"{way} of {len(text)} bytes, read {len(got)}: {got[:20]}"
    if way != "merge":
        size = os.stat(key).st_size
        assert size == len(text), f"{way} of {len(text)} bytes, size {size}"
'

# Reads keys over and over until there is a file. A text of nothing is a truncation.
reader="$prelude"'
end, cut, keys = sys.argv[1], sys.argv[2] == "cut", sys.argv[3:]
if cut:
    texts.add(b"")
times = 0
def check(what, got):
    assert got in texts, f"{what}: {len(got)} bytes, {got[:20]} ... {got[-20:]}"
    return got
while not os.path.exists(end):
    key = random.choice(keys)
    fd = os.open(key, os.O_RDONLY)
    if times % 2 == 0:
        time.sleep(random.random() / 500) # something may happen now
    got = b""
    while part := os.read(fd, 1 << 16):
        got += part
    check("read", got)
    if times % 3 == 0:
        again = check("the same handle", os.pread(fd, 1 << 16, 0))
        assert again == got, f"one handle: {len(got)} bytes, then {len(again)}"
    if times % 5 == 0:
        size = os.stat(key).st_size
        assert size in map(len, texts), f"size {size}"
    os.close(fd)
    times += 1
print(times)
'

# Runs a command while four processes read.
while_read() { # cut|whole COMMAND...
    local cut=$1 pids="" pid i failed=0
    shift
    rm -f "$TEST_DIR/end"
    for i in 1 2 3 4; do
        python3 -c "$reader" "$TEST_DIR/end" "$cut" "$MNT"/*/*.vmx/guestinfo.a 3>&- &
        pids="$pids $!"
    done
    "$@" || failed=1
    : >"$TEST_DIR/end"
    for pid in $pids; do wait "$pid" || failed=1; done
    return $failed
}

# The server's file, edited by somebody else.
foreign() { # VALUE
    sed -i "s/^guestinfo.a = \"[^\"]*\"/guestinfo.a = \"$1\"/" "$VM"
}

# How much the mount has answered, with what it sent to the server. A history would write, too: it is
# off where this is counted.
answers() {
    awk '$1 == "syscw:" { print $2 }' "/proc/$(mount_processes | head -1)/io"
}

# Each cat opens and closes the key and, if that is not kept, reads it twice; an older kernel looks the
# .vmx up, too.
kept() { # FILE
    local before i
    before=$(answers)
    for i in {1..50}; do cat "$1"; done >/dev/null
    [ $(($(answers) - before)) -lt 200 ]
}

@test "a warm key is read without asking" {
    mount_local cache_timeout=60 history=off
    cat "$K/guestinfo.a" "$K/guestinfo.a"
    kept "$K/guestinfo.a"
    ! kept "$K/passthrough-profile" || false
    [ "$(cat "$K/guestinfo.a")" = alpha ]
}

@test "a change of another key is no reason to ask again for long" {
    mount_local cache_timeout=60 history=off
    cat "$K/guestinfo.a" "$K/guestinfo.a"
    echo delta >"$K/guestinfo.b"
    kept "$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a" "$K/guestinfo.b")" = "alpha
delta" ]
}

@test "all settings, and the profile among them, bear the time of a change of one of them" {
    mount_lab cache_timeout=3600
    same_time() {
        [ "$(stat -c %Y "$K"/{memSize,guestinfo.a,passthrough-profile} | sort -u)" = "$(stat -c %Y "$VM")" ]
    }
    same_time
    echo x >"$K/displayName" # an hour after the time that the file had
    eventually 30 same_time
    sleep 1.1
    echo none >"$K/passthrough-profile"
    rm "$K/displayName"
    eventually 30 same_time
}

@test "a key that was written is kept again when the writing is over" {
    mount_local cache_timeout=1
    cat "$K/guestinfo.a"
    echo delta >"$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a")" = delta ]
    eventually 60 kept "$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a")" = delta ]
}

@test "a value that another client makes longer or shorter is read whole, and soon" {
    mount_local cache_timeout=1
    local length value
    for length in 1 3000 12 4095 4096 300 5000 2; do
        value=$(printf "%${length}s" "" | tr ' ' x)
        foreign "$value"
        # Every read on the way is of the old value or the new one.
        sees() {
            local got
            got=$(cat "$K/guestinfo.a")
            case $got in
            "$value") return 0 ;;
            "$old") return 1 ;;
            *) echo "${#got} bytes" >>"$TEST_DIR/wrong" ;;
            esac
        }
        eventually 60 sees
        [ "$(stat -c %s "$K/guestinfo.a")" -eq $((length + 1)) ]
        [ "$(wc -c <"$K/guestinfo.a")" -eq $((length + 1)) ]
        old=$value
        alpha=
    done
    [ "$(sort -u "$TEST_DIR/wrong" 2>/dev/null)" = "" ] ||
        [ "$(sort -u "$TEST_DIR/wrong")" = "5 bytes" ] # the first one, "alpha"
}

@test "another client's edits, with four processes reading" {
    foreign a
    mount_local cache_timeout=1
    edits() {
        local size letter i
        for i in 1 2 3; do
            for size in a:1 c:9 f:3000 h:4096 b:2; do
                letter=${size%%:*}
                foreign "$(printf "%${size#*:}s" "" | tr ' ' "$letter")"
                sleep 0.6
            done
        done
    }
    while_read whole edits
}

@test "a foreign edit of the same size in the same second shows" {
    mount_local cache_timeout=1
    local i=0 value
    for value in bravo delta gamma alpha; do
        foreign "$value"
        eventually 60 grep -qx "$value" "$K/guestinfo.a"
        foreign omega
        eventually 60 grep -qx omega "$K/guestinfo.a"
    done
}

@test "what one mount sets the other one reads whole" {
    local other=$TEST_DIR/other
    mkdir "$other"
    mount_local cache_timeout=1
    "$VMXFS" -ocache_timeout=1 "$LAB" "$other" 3>&-
    foreign a
    eventually 60 grep -qx a "$K/guestinfo.a"
    set_there() {
        python3 -c "$setter" "$other/vm/vm.vmx/guestinfo.a" echo 60
        sleep 2.2 # the timeout, and a bit
        [ "$(cat "$K/guestinfo.a")" = "$(cat "$other/vm/vm.vmx/guestinfo.a")" ]
    }
    local failed=0
    while_read whole set_there || failed=1
    unmount "$other"
    return $failed
}

@test "values of all lengths are read back at once, whoever reads: echo" {
    foreign a
    mount_local cache_timeout=60
    while_read cut python3 -c "$setter" "$K/guestinfo.a" echo 150
}

@test "values of all lengths are read back at once, whoever reads: mv" {
    foreign a
    mount_local cache_timeout=60
    while_read whole python3 -c "$setter" "$K/guestinfo.a" mv 150
}

@test "values of all lengths are read back at once, whoever reads: merge" {
    foreign a
    mount_local cache_timeout=60
    while_read whole python3 -c "$setter" "$K/guestinfo.a" merge 100
}

@test "the three ways at once, with the timeout passing all the time" {
    foreign a
    mount_local cache_timeout=1
    all() {
        local way pids="" pid failed=0
        for way in echo mv merge; do
            # ECANCELED is what one of two who set a key at once may be told.
            (python3 -c "$setter" "$K/guestinfo.a" "$way" 60 at-once 2>&1 3>&- |
                grep -v -e Traceback -e '^  ' -e Canceled -e 'canceled' && exit 1
            exit 0) 3>&- &
            pids="$pids $!"
        done
        for pid in $pids; do wait "$pid" || failed=1; done
        return $failed
    }
    while_read cut all
}

@test "keys that everybody reads and has read, changed once each: they are whole all the time" {
    local i
    foreign "$(printf '%300s' '' | tr ' ' e)"
    for i in {1..60}; do
        mkdir "$LAB/$i"
        cp -p "$VM" "$LAB/$i/$i.vmx"
    done
    mount_local cache_timeout=60
    cat "$MNT"/*/*.vmx/guestinfo.a "$MNT"/*/*.vmx/guestinfo.a >/dev/null
    change_each() {
        local i ways=(echo mv merge)
        sleep 1
        for i in {1..60}; do
            python3 -c "$setter" "$MNT/$i/$i.vmx/guestinfo.a" "${ways[i % 3]}" 1 || return 1
        done
    }
    while_read cut change_each
}

@test "who has a key open keeps its text, and whoever opens it then sees the new one" {
    mount_local cache_timeout=60
    cat "$K/guestinfo.a" >/dev/null
    exec 8<"$K/guestinfo.a"
    echo "a longer value than before" >"$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a")" = "a longer value than before" ]
    [ "$(stat -c %s "$K/guestinfo.a")" = 27 ]
    exec 9<"$K/guestinfo.a"
    [ "$(cat <&8)" = alpha ]
    echo b >"$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a")" = b ]
    [ "$(stat -c %s "$K/guestinfo.a")" = 2 ]
    [ "$(cat <&9)" = "a longer value than before" ]
    exec 8<&- 9<&-
    [ "$(cat "$K/guestinfo.a")" = b ]
}

@test "a mapped key keeps its text" {
    mount_local cache_timeout=1
    python3 - "$K/guestinfo.a" <<'END'
import mmap, os, sys
key = sys.argv[1]
for text in b"alpha\n", b"a longer text\n", b"b\n":
    if text != b"alpha\n":
        with open(key, "wb") as f:
            f.write(text)
    with open(key, "rb") as f:
        assert f.read() == text
with open(key, "wb") as f:
    f.write(b"alpha\n")
END
    eventually 60 kept "$K/guestinfo.a"
    python3 - "$K/guestinfo.a" <<'END'
import mmap, sys
key = sys.argv[1]
with open(key, "rb") as f:
    mapped = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
    assert mapped[:] == b"alpha\n"
    for text in b"a longer text\n", b"b\n":
        with open(key, "wb") as g:
            g.write(text)
        assert mapped[:] == b"alpha\n"
        with open(key, "rb") as g:
            assert g.read() == text
END
}

@test "who has a key open keeps its text when it gets longer or shorter, however that comes" {
    local way before after
    for way in echo mv merge foreign; do
        for before in alpha "a longer value than the other one"; do
            after=b
            [ "$before" != alpha ] || after="much longer than before"
            sample >"$VM"
            foreign "$before"
            mount_local cache_timeout=$([ $way = foreign ] && echo 1 || echo 60)
            cat "$K/guestinfo.a" "$K/guestinfo.a" >/dev/null
            exec 8<"$K/guestinfo.a" 9<"$K/guestinfo.a"
            [ "$(cat <&9)" = "$before" ]
            case $way in
            echo) echo "$after" >"$K/guestinfo.a" ;;
            mv) echo "$after" >"$K/.a.swp" && mv "$K/.a.swp" "$K/guestinfo.a" ;;
            merge) echo "guestinfo.a = \"$after\"" >"$K/.vmxfs/merge" ;;
            foreign) foreign "$after" && eventually 60 grep -qx "$after" "$K/guestinfo.a" ;;
            esac
            [ "$(cat "$K/guestinfo.a")" = "$after" ]
            [ "$(stat -c %s "$K/guestinfo.a")" -eq $((${#after} + 1)) ]
            [ "$(cat <&8)" = "$before" ]
            [ "$(stat -L -c %s /dev/fd/8)" -eq $((${#before} + 1)) ]
            [ "$(cat "$K/guestinfo.a")" = "$after" ]
            exec 8<&- 9<&-
            unmount_lab
        done
    done
    mount_local # there is something to unmount at the end
}

@test "many keys that are changed at once show at once, read or not, open or not" {
    mount_local cache_timeout=60
    cat "$K"/guestinfo.* >/dev/null
    exec 8<"$K/guestinfo.b"
    printf '%s\n' 'guestinfo.a = "first"' 'guestinfo.b = "the second one"' 'guestinfo.c = "3"' >"$K/.vmxfs/merge"
    [ "$(cat "$K"/guestinfo.*)" = "first
the second one
3" ]
    eventually 30 [ "$(stat -c %s "$K/guestinfo.a" "$K/guestinfo.c" | tr '\n' ' ')" = "6 2 " ]
    [ "$(stat -c %s "$K/guestinfo.b")" = 15 ]
    [ "$(cat <&8)" = beta ]
    exec 8<&-
}

@test "a write that is refused leaves the value that all read" {
    mount_local cache_timeout=60
    [ "$(cat "$K/memSize" "$K/memSize")" = "4096
4096" ]
    run bash -c "echo nonsense >'$K/memSize'"
    [ "$status" -ne 0 ]
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(stat -c %s "$K/memSize")" = 5 ]
    exec 8<"$K/memSize"
    run bash -c "echo much-longer-nonsense >'$K/memSize'"
    [ "$status" -ne 0 ]
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(cat <&8)" = 4096 ]
    exec 8<&-
}

@test "another spelling reads and writes the same" {
    mount_local cache_timeout=60
    local i
    for i in 8192 12 100000 4; do
        cat "$K/memSize" "$K/MEMSIZE" >/dev/null
        echo $((i * 4)) >"$K/MEMSIZE"
        [ "$(cat "$K/memSize")" = $((i * 4)) ]
        echo $((i * 8)) >"$K/memSize"
        [ "$(cat "$K/MEMSIZE")" = $((i * 8)) ]
    done
}

@test "a key that was renamed, removed and created again shows what it is" {
    mount_local cache_timeout=60
    cat "$K"/guestinfo.* >/dev/null
    exec 8<"$K/guestinfo.a"
    mv "$K/guestinfo.a" "$K/guestinfo.d"
    [ "$(cat "$K/guestinfo.d")" = alpha ]
    echo anew >"$K/guestinfo.a"
    [ "$(cat "$K/guestinfo.a" "$K/guestinfo.d")" = "anew
alpha" ]
    mv "$K/guestinfo.a" "$K/guestinfo.d"
    [ "$(cat "$K/guestinfo.d")" = anew ]
    [ ! -e "$K/guestinfo.a" ]
    rm "$K/guestinfo.d"
    echo again and again >"$K/guestinfo.d"
    [ "$(cat "$K/guestinfo.d")" = "again and again" ]
    [ "$(cat <&8)" = alpha ]
    exec 8<&-
}

# How many bytes of a plain file were read from the server, by who has closed it.
bytes_read() { # FILE
    sed -n "s|^close \"$1\" bytes read \([0-9]*\) .*|\1|p" "$SERVER_LOG" | awk '{ sum += $1 } END { print sum + 0 }'
}

# A cat that asks the server for nothing of it.
cat_kept() { # FILE
    local before
    before=$(bytes_read "$LAB/$1")
    sleep 0.2
    cmp "$LAB/$1" "$MNT/$1" || return 1
    sleep 0.3
    [ "$(bytes_read "$LAB/$1")" -eq "$before" ]
}

@test "a plain file is kept as long as it stays the same" {
    head -c 300000 /dev/urandom >"$LAB/file"
    touch -d "1 hour ago" "$LAB/file"
    mount_local cache_timeout=1
    cmp "$LAB/file" "$MNT/file"
    eventually 60 cat_kept file
    eventually 60 cat_kept file
    # Another one of the same size
    head -c 300000 /dev/urandom >"$LAB/file"
    eventually 60 cmp "$LAB/file" "$MNT/file"
    eventually 60 cat_kept file
    # Ours, whole and in part
    head -c 300000 /dev/urandom >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$MNT/file"
    cmp "$TEST_DIR/new" "$MNT/file"
    eventually 60 cat_kept file
    printf changed | dd of="$MNT/file" conv=notrunc bs=1 seek=1000 status=none
    [ "$(dd if="$MNT/file" bs=1 skip=1000 count=7 status=none)" = changed ]
    cmp "$LAB/file" "$MNT/file"
}

# At the time that it had before, and later than the second, a change cannot be told: a round that takes
# longer is not judged.
@test "a plain file that was changed within the second of another change shows it" {
    mount_local cache_timeout=1
    local round i text began judged=0
    for round in $(seq 60); do
        echo 0 >"$LAB/file$round"
        touch "$TEST_DIR/time"
        began=${EPOCHREALTIME/./}
        for i in 1 2 3 4 5 6 7 8 9; do
            echo $i >"$LAB/file$round"
            touch -r "$TEST_DIR/time" "$LAB/file$round"
            [ $i != 1 ] || sleep 0.5
            text=$(cat "$MNT/file$round")
            [ $((${EPOCHREALTIME/./} - began)) -lt 1000000 ] || break
            [ "$text" = $i ]
            judged=$((judged + 1))
        done
        [ "$judged" -lt 9 ] || break
    done
    [ "$judged" -ge 9 ]
}

@test "who has a plain file open does not bring back what it was" {
    head -c 1000000 /dev/zero >"$LAB/file"
    touch -d "1 hour ago" "$LAB/file"
    mount_local cache_timeout=1
    exec 8<"$MNT/file"
    head -c 4096 <&8 | cmp - <(head -c 4096 /dev/zero)
    head -c 1000000 /dev/urandom >"$LAB/new"
    mv "$LAB/new" "$LAB/file"
    eventually 60 cmp "$LAB/file" "$MNT/file"
    cat <&8 >/dev/null
    eventually 60 cmp "$LAB/file" "$MNT/file"
    exec 8<&-
    sleep 2.5
    cmp "$LAB/file" "$MNT/file"
    cmp "$LAB/file" "$MNT/file"
}

@test "what is written to a plain file is read at once by whoever has it open" {
    head -c 20000 /dev/zero >"$LAB/file"
    touch -d "1 hour ago" "$LAB/file"
    mount_local
    cat >"$TEST_DIR/see.py" <<'END'
import mmap, os, sys

path, server = sys.argv[1:3]
data = bytearray(open(server, "rb").read())
step = 0


def put(writer):
    global step
    step += 1
    at, text = step * 4099 % 15000, bytes([step]) * 5000
    assert os.pwrite(writer, text, at) == len(text)
    data[at:at + len(text)] = text


def see(readers):
    for r in readers:
        got = os.pread(r, 1 << 20, 0)
        assert got == data, f"step {step}, reader {readers.index(r)}: an old text"


# Writers before and after the readers, of both kinds, and one after the other
for first in ([], [os.O_RDONLY], [os.O_RDWR]):
    open_first = [os.open(path, flags) for flags in first]
    see(open_first)
    for flags in (os.O_WRONLY, os.O_RDWR):
        writer = os.open(path, flags)
        put(writer)
        see(open_first)
        readers = open_first + [os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR)]
        see(readers)
        put(writer)
        see(readers)
        put(readers[-1])
        see(readers)
        mapped = mmap.mmap(readers[-2], len(data), mmap.MAP_PRIVATE, mmap.PROT_READ)
        assert mapped[:] == data
        os.close(writer)
        see(readers)
        later = os.open(path, os.O_WRONLY)
        put(later)
        os.close(later)
        see(readers)
        mapped.close()
        for r in readers[len(first):]:
            os.close(r)
        again = os.open(path, os.O_RDONLY)
        see(open_first + [again])
        os.close(again)
    for r in open_first:
        os.close(r)
assert open(server, "rb").read() == data
END
    python3 "$TEST_DIR/see.py" "$MNT/file" "$LAB/file"
}
