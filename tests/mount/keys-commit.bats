#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# When a write to a key is committed, and what becomes of writers that meet.

load keys

@test "a write that ends in a newline is on the server before it is answered" {
    start
    exec 5>"$K/memSize"
    becomes 0
    echo 8192 >&5
    becomes 1 's/"4096"/"8192"/'
    exec 5>&-
    sleep 0.3
    becomes 1 's/"4096"/"8192"/'
}

@test "parts without a newline are committed as one at the close" {
    start
    python3 - "$K/memSize" "$VM" <<'END_OF_PYTHON'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"81")
os.write(fd, b"92")
assert "4096" in open(sys.argv[2]).read()
os.close(fd)
assert "8192" in open(sys.argv[2]).read()
END_OF_PYTHON
    becomes 1 's/"4096"/"8192"/'
}

@test "what follows a part that was refused is not mixed with the old value" {
    start
    exec 5>"$K/memSize"
    printf 81 >&5
    run bash -c 'echo 92 >&5'
    [ "$status" -eq 1 ]
    exec 5>&-
    becomes 0
}

@test "a part without a newline is committed at fsync" {
    start
    python3 - "$K/memSize" "$VM" <<'END_OF_PYTHON'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"8192")
assert "8192" not in open(sys.argv[2]).read()
os.fsync(fd)
assert "8192" in open(sys.argv[2]).read()
os.write(fd, b"0")
os.close(fd)
END_OF_PYTHON
    becomes 2 's/"4096"/"81920"/'
}

@test "printf without a newline sets once" {
    start
    printf %s 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "a shell that writes line after line sets the first at once, the others as one" {
    start
    printf '%s\n' one two three >"$K/guestinfo.a"
    becomes 2 's/"alpha"/"one|0Atwo|0Athree"/'
    (echo x; echo y) >"$K/guestinfo.b"
    becomes 4 's/"alpha"/"one|0Atwo|0Athree"/; s/"beta"/"x|0Ay"/'
}

@test "a truncation shows at once and is committed only when nothing follows" {
    start
    exec 5>"$K/guestinfo.a"
    [ "$(stat -c %s "$K/guestinfo.a")" = 0 ]
    [ -z "$(cat "$K/guestinfo.a")" ]
    sleep 0.3
    becomes 0
    exec 5>&-
    eventually 60 becomes 1 's/"alpha"/""/'
}

@test "a later set cancels a truncation" {
    start
    exec 5>"$K/guestinfo.a"
    name=$(mktemp "$K/tmp.XXXXXX")
    echo omega >"$name"
    mv "$name" "$K/guestinfo.a"
    exec 5>&-
    sleep 0.3
    becomes 1 's/alpha/omega/'
}

@test "a removal cancels a truncation" {
    start
    exec 5>"$K/guestinfo.a"
    rm "$K/guestinfo.a"
    exec 5>&-
    sleep 0.3
    becomes 1 /guestinfo.a/d
}

@test "a failed write cancels a truncation" {
    start
    exec 5>"$K/memSize"
    run bash -c 'echo plenty >&5'
    [ "$status" -eq 1 ]
    [ "$(cat "$K/memSize")" = 4096 ]
    exec 5>&-
    sleep 0.3
    becomes 0
}

@test "after a failed write the next one starts anew" {
    start
    exec 5>"$K/displayName"
    printf 'a\0b\n' >&5 2>/dev/null || :
    echo x >&5
    exec 5>&-
    becomes 1 's/"one"/"x"/'
}

@test "a created key that nothing is written to is an empty value" {
    start
    : >"$K/guestinfo.new"
    eventually 60 becomes 1 '$a guestinfo.new = ""'
}

@test "the dirty text belongs to the key, not to the handle" {
    start
    python3 - "$K/guestinfo.a" "$VM" <<'END_OF_PYTHON'
import os, sys
key = sys.argv[1]
first = os.open(key, os.O_WRONLY | os.O_TRUNC)
os.write(first, b"al")
assert open(key).read() == "al"
assert os.stat(key).st_size == 2
second = os.open(key, os.O_WRONLY | os.O_APPEND)
os.write(second, b"so")
assert "alpha" in open(sys.argv[2]).read()
os.close(second)
assert '"also"' in open(sys.argv[2]).read()
os.close(first)
END_OF_PYTHON
    becomes 1 's/"alpha"/"also"/'
}

@test "appending ignores where the kernel believes the end to be" {
    start
    exec 5>>"$K/guestinfo.a"
    echo b >&5
    sed -i "s/a|0Ab/a|0Ab|0Ac/" "$VM"
    exec 6>>"$K/guestinfo.a"
    echo d >&6
    exec 5>&- 6>&-
    grep -qxF 'guestinfo.a = "alpha|0Ab|0Ac|0Ad"  # first' "$VM"
}

@test "two shells that append at once lose nothing" {
    start
    for shell in one two; do
        (for i in 1 2 3 4 5 6 7 8 9 10; do echo "$shell$i" >>"$K/guestinfo.a" || exit 1; done) 3>&- &
        eval "$shell=$!"
    done
    wait "$one"
    wait "$two"
    [ "$(wc -l <"$K/guestinfo.a")" = 21 ]
    for shell in one two; do
        [ "$(grep "^$shell" "$K/guestinfo.a" | tr '\n' ' ')" = \
            "$(printf "$shell%s " 1 2 3 4 5 6 7 8 9 10)" ]
    done
    value=$(tr '\n' '|' <"$K/guestinfo.a" | sed 's/|$//; s/|/|0A/g')
    sed "s/\"alpha\"/\"$value\"/" "$TEST_DIR/before" | holds "$VM"
}

@test "writers of different keys at once are joined and all get through" {
    start
    pids=
    for i in 1 2 3 4 5 6 7 8; do
        (for j in 1 2 3; do echo "v$i$j" >"$K/guestinfo.k$i" || exit 1; done) 3>&- &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
    for i in 1 2 3 4 5 6 7 8; do
        [ "$(cat "$K/guestinfo.k$i")" = "v${i}3" ]
    done
    sed '/guestinfo.k/d' "$VM" | cmp - "$TEST_DIR/before"
    [ "$(grep -c guestinfo.k "$VM")" = 8 ]
    [ "$(renames_onto vm/vm.vmx)" -le 24 ]
}

@test "two shells that set one key at once leave one of the two values" {
    start
    pids=
    for v in short much-longer-than-the-other; do
        (for i in 1 2 3 4 5 6 7 8; do echo "$v" >"$K/guestinfo.a" || exit 1; done) 3>&- &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
    value=$(cat "$K/guestinfo.a")
    [ "$value" = short ] || [ "$value" = much-longer-than-the-other ]
    sed "s/alpha/$value/" "$TEST_DIR/before" | holds "$VM"
}

@test "a writer that is killed half-way leaves what was there" {
    start
    (printf half; exec sleep 100) >"$K/guestinfo.a" 3>&- &
    writer=$!
    eventually 60 grep -qx half "$K/guestinfo.a"
    becomes 0
    kill -9 "$writer"
    wait "$writer" || :
    [ "$(cat "$K/guestinfo.a")" = alpha ]
    becomes 0
}

@test "a writer that is killed after a newline has set what it had written" {
    start
    (echo whole; exec sleep 100) >"$K/guestinfo.b" 3>&- &
    writer=$!
    eventually 60 becomes 1 's/beta/whole/'
    kill -9 "$writer"
    wait "$writer" || :
    becomes 1 's/beta/whole/'
}

@test "what another client changes in other keys stays" {
    start
    exec 5>"$K/memSize"
    sed -i 's/gamma/foreign/' "$VM"
    echo 8192 >&5
    exec 5>&-
    sed 's/"4096"/"8192"/; s/gamma/foreign/' "$TEST_DIR/before" | holds "$VM"
    [ "$(cat "$K/guestinfo.c")" = foreign ]
}

@test "a handle opened after another client's change sees it, and writes" {
    start
    cat "$K/memSize"
    exec 5>>"$K/memSize"
    sed -i 's/4096/1024/' "$VM"
    echo 8192 >"$K/memSize"
    exec 5>&-
    sed 's/"4096"/"8192"/' "$TEST_DIR/before" | holds "$VM"
}

@test "another client's change shows after the cache timeout" {
    start
    [ "$(cat "$K/memSize")" = 4096 ]
    sed -i 's/"4096"/"262144"/; s/guestinfo.a/guestinfo.z/' "$VM"
    eventually 60 grep -qx 262144 "$K/memSize"
    [ "$(stat -c %s "$K/memSize")" = 7 ]
    [ ! -e "$K/guestinfo.a" ]
    [ "$(cat "$K/guestinfo.z")" = alpha ]
}

@test "a key that another client removed can be created at once" {
    start cache_timeout=100
    cat "$K/guestinfo.a"
    sed -i /guestinfo.a/d "$VM"
    echo new >"$K/guestinfo.a"
    becomes 1 '/guestinfo.a/d; $a guestinfo.a = "new"'
    sed -i /guestinfo.b/d "$VM"
    run cat "$K/guestinfo.b"
    [ "$status" -eq 0 ] || [[ "$output" == *"No such file"* ]]
}

@test "who has opened a key to set it may close a copy of the descriptor, while others write and remove" {
    start
    python3 - "$K/guestinfo.a" <<'EOF'
import os
import sys

mine = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
other = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(other, b"a long value")
os.close(os.dup(mine))
os.unlink(sys.argv[1])
os.write(mine, b"set\n")
os.close(mine)
EOF
    sed 's/alpha/set/' "$TEST_DIR/before" | holds "$VM"
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
    python3 - "$K/guestinfo.a" <<'EOF'
import os
import sys

mine = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
other = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(other, b"a long value")
os.close(os.dup(mine))
os.write(mine, b"again\n")
os.close(mine)
EOF
    sed 's/alpha/again/' "$TEST_DIR/before" | holds "$VM"
}

@test "removals, replacements and sets of one key at once are all carried out" {
    start
    pids=
    for i in 1 2 3; do
        (for j in 1 2 3 4 5; do
            name=$(mktemp "$K/tmp.XXXXXX") && echo "r$i$j" >"$name" && mv "$name" "$K/guestinfo.a" || exit 1
        done) 3>&- &
        pids="$pids $!"
        (for j in 1 2 3 4 5; do echo "s$i$j" >"$K/guestinfo.a" || exit 1; done) 3>&- &
        pids="$pids $!"
        (for j in 1 2 3; do rm -f "$K/guestinfo.a" || exit 1; done) 3>&- &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
    echo last >"$K/guestinfo.a"
    sed 's/alpha/last/' "$TEST_DIR/before" | holds "$VM"
    [ -z "$(cat "$MNT/.vmxfs/errors")" ]
}

# Two writers who have both opened $1 to set it, for a program that goes on with them.
two_setters() { # PROGRAM
    python3 - "$K/guestinfo.a" "$VM" <<END_OF_PYTHON
$refusals
import subprocess
key, vm = sys.argv[1:]
def value():
    return [line for line in open(vm) if line.startswith("guestinfo.a")][0].split('"')[1]
first = os.open(key, os.O_WRONLY | os.O_TRUNC)
second = os.open(key, os.O_WRONLY | os.O_TRUNC)
$1
END_OF_PYTHON
}

@test "who begins to set a key puts nothing into what another has written and not completed" {
    start
    two_setters '
os.write(first, b"a long value")
os.write(second, b"set\n")
assert value() == "set", value()
os.close(first)
os.close(second)'
    becomes 1 's/alpha/set/'
}

@test "who goes on in a value that another has begun anew meanwhile is refused" {
    start
    two_setters '
os.write(first, b"line\n")
os.write(second, b"a long value\n")
refused(errno.ECANCELED, os.write, first, b"next\n")
os.close(first)
os.close(second)'
    becomes 2 's/alpha/a long value/'
    explained ECANCELED guestinfo.a
}

@test "who goes on in a value that a rename has replaced meanwhile is refused" {
    start
    two_setters '
os.write(first, b"line\n")
scratch = os.path.dirname(key) + "/.a.swp"
open(scratch, "w").write("a long value\n")
os.rename(scratch, key)
refused(errno.ECANCELED, os.write, first, b"next\n")
os.close(first)
os.close(second)'
    becomes 2 's/alpha/a long value/'
}

@test "a close commits what its own file has written, and no half of another's" {
    start
    two_setters '
os.write(first, b"who")
os.close(os.dup(second))
os.fsync(second)
os.close(second)
assert value() == "alpha", value()
os.write(first, b"le")
os.close(first)'
    becomes 1 's/alpha/whole/'
}

@test "who has written to a text that another's refusal threw away is told when he closes" {
    start
    python3 -c "$refusals"'
first = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
second = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
os.write(first, b"x")
os.write(second, b"1")
refused(errno.EINVAL, os.close, first)
refused(errno.ECANCELED, os.close, second)' "$K/memSize"
    becomes 0
}

@test "who has written to a text that went with another who was killed is told when he closes" {
    start
    two_setters '
append = "input(); import os, sys; f = os.open(sys.argv[1], 1 | os.O_APPEND); os.write(f, b\"1\"); os.abort()"
other = subprocess.Popen([sys.executable, "-c", append, key], stdin=subprocess.PIPE)
os.write(second, b"x")
other.communicate(b"\n")
refused(errno.ECANCELED, os.close, second)
os.close(first)'
    becomes 0
}
