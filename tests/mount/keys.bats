#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What users do to a key's file, with the real programs: what the .vmx holds afterwards, byte for
# byte, and how often it was rewritten.

load keys

@test "a key reads as its value and one newline" {
    start
    [ "$(cat "$K/memSize"; echo .)" = "4096
." ]
    [ "$(cat "$K/numvcpus")" = 2 ]
    [ "$(stat -c '%s %A %h' "$K/memSize")" = "5 -rw-r--r-- 1" ]
    [ "$(stat -c %Y "$K/memSize")" = "$(stat -c %Y "$VM")" ]
    [ "$(stat -c %Z "$K/memSize")" = "$(stat -c %Y "$VM")" ]
    [ "$(ls -A "$K" | sort | tr '\n' ' ')" = \
        ".encoding displayName guestinfo.a guestinfo.b guestinfo.c memSize numvcpus passthrough-profile " ]
    becomes 0
}

@test "echo sets a value in its place, with its spacing and comment" {
    start
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    [ "$(cat "$K/memSize")" = 8192 ]
    [ "$(stat -c %s "$K/memSize")" = 5 ]
}

@test "an unquoted value that is edited becomes quoted" {
    start
    echo 4 >"$K/numvcpus"
    becomes 1 's/= 2$/= "4"/'
}

@test "setting an unquoted value to itself puts it in quotes, once" {
    start
    echo 2 >"$K/numvcpus"
    becomes 1 's/= 2$/= "2"/'
    echo 2 >"$K/numvcpus"
    becomes 1 's/= 2$/= "2"/'
}

@test "merge of an unquoted value puts it in quotes" {
    start
    echo numvcpus = 2 >"$K/.vmxfs/merge"
    becomes 1 's/= 2$/= "2"/'
}

@test "echo to a new name adds a line at the end" {
    start
    echo TRUE >"$K/vhv.enable"
    becomes 1 '$a vhv.enable = "TRUE"'
    [ "$(cat "$K/vhv.enable")" = TRUE ]
    ls "$K" | grep -qx vhv.enable
}

@test "tee and cat set once" {
    start
    echo 8192 | tee "$K/memSize" >"$TEST_DIR/tee"
    [ "$(cat "$TEST_DIR/tee")" = 8192 ]
    becomes 1 's/"4096"/"8192"/'
    echo delta | cat >"$K/guestinfo.a"
    becomes 2 's/"4096"/"8192"/; s/alpha/delta/'
}

@test "the value that is there rewrites nothing" {
    start
    echo 4096 >"$K/memSize"
    printf %s 4096 >"$K/memSize"
    echo 4096 | tee "$K/memSize"
    echo 4096 >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$K/memSize"
    sed -i s/x/y/ "$K/memSize"
    becomes 0
}

@test ">> appends to the value" {
    start
    echo more >>"$K/guestinfo.a"
    becomes 1 's/"alpha"/"alpha|0Amore"/'
    [ "$(cat "$K/guestinfo.a")" = "alpha
more" ]
    [ "$(stat -c %s "$K/guestinfo.a")" = 11 ]
}

@test ">> to a new name creates it" {
    start
    echo first >>"$K/guestinfo.new"
    becomes 1 '$a guestinfo.new = "first"'
}

@test "writes at an offset edit the bytes of the value" {
    start
    printf LP | dd of="$K/guestinfo.a" bs=2 seek=1 conv=notrunc status=none
    becomes 1 's/"alpha"/"alLPa"/'
    python3 - "$K/guestinfo.b" <<'EOF'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
assert os.pread(fd, 100, 0) == b"beta\n"
os.pwrite(fd, b"BE", 0)
assert os.pread(fd, 100, 0) == b"BEta\n"
os.close(fd)
EOF
    grep -qxF 'guestinfo.b = "BEta"#second' "$VM"
}

@test ": > k makes an empty value, when the last writer closes" {
    start
    : >"$K/guestinfo.a"
    eventually 60 grep -qxF 'guestinfo.a = ""  # first' "$VM"
    eventually 60 becomes 1 's/"alpha"/""/'
    [ "$(stat -c %s "$K/guestinfo.a")" = 1 ]
    [ "$(cat "$K/guestinfo.a"; echo .)" = "
." ]
}

@test "truncate to nothing makes an empty value" {
    start
    truncate -s 0 "$K/guestinfo.a"
    eventually 60 becomes 1 's/"alpha"/""/'
}

@test "truncate to a size cuts the value" {
    start
    truncate -s 3 "$K/guestinfo.a"
    becomes 1 's/"alpha"/"alp"/'
    python3 -c 'import os, sys; os.truncate(sys.argv[1], 2)' "$K/guestinfo.b"
    becomes 2 's/"alpha"/"alp"/; s/"beta"/"be"/'
}

@test "touch creates an empty value, and leaves one that is there" {
    start
    touch "$K/guestinfo.new"
    becomes 1 '$a guestinfo.new = ""'
    ls "$K" | grep -qx guestinfo.new
    [ -f "$K/guestinfo.new" ]
    touch "$K/memSize" "$K/guestinfo.new"
    touch -d '2001-01-01' "$K/memSize"
    sleep 0.3
    becomes 1 '$a guestinfo.new = ""'
}

@test "chmod, chown and times are accepted and ignored" {
    start
    chmod 600 "$K/memSize"
    chmod a+x "$K/memSize"
    chown "$(id -u):$(id -g)" "$K/memSize"
    touch -d '2001-01-01' "$K/memSize"
    becomes 0
    eventually 60 test "$(stat -c '%A %Y' "$K/memSize")" = "-rw-r--r-- $(stat -c %Y "$VM")"
}

@test "rm takes the key's line away" {
    start
    rm "$K/memSize"
    becomes 1 /memSize/d
    [ ! -e "$K/memSize" ]
    run cat "$K/memSize"
    [ "$status" -eq 1 ]
    [[ "$output" == *"No such file"* ]]
    run rm "$K/memSize"
    [ "$status" -eq 1 ]
    rewritten 1
}

@test "rm of several keys leaves the rest as it is" {
    start
    rm "$K/guestinfo.a" "$K/guestinfo.c" "$K/displayName"
    becomes 3 '/^guestinfo.[ac]/d; /displayName/d'
    [ "$(ls "$K" | grep -c -e displayName -e 'guestinfo.[ac]')" = 0 ]
}

@test "mv renames a key in place" {
    start
    mv "$K/guestinfo.a" "$K/guestinfo.z"
    becomes 1 's/guestinfo\.a/guestinfo.z/'
    [ ! -e "$K/guestinfo.a" ]
    [ "$(cat "$K/guestinfo.z")" = alpha ]
}

@test "mv onto a key replaces it" {
    start
    mv "$K/guestinfo.a" "$K/guestinfo.b"
    becomes 1 '/guestinfo\.b/d; s/guestinfo\.a/guestinfo.b/'
    [ "$(cat "$K/guestinfo.b")" = alpha ]
    [ ! -e "$K/guestinfo.a" ]
}

@test "mv -n does not replace a key" {
    start
    mv -n "$K/guestinfo.a" "$K/guestinfo.b" || :
    becomes 0
}

@test "cp over a key sets it once" {
    start
    echo 8192 >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    printf 16384 >"$TEST_DIR/new"
    cp -p "$TEST_DIR/new" "$K/memSize"
    becomes 2 's/"4096"/"16384"/'
}

@test "cp and cp -p create a key" {
    start
    echo one >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$K/guestinfo.one"
    cp -p "$TEST_DIR/new" "$K/guestinfo.two"
    becomes 2 '$a guestinfo.one = "one"\nguestinfo.two = "one"'
}

@test "cp copies keys out of and between VMs" {
    mkdir "$LAB/other"
    printf 'memSize = "1024"\n' >"$LAB/other/other.vmx"
    start
    cp "$K/memSize" "$TEST_DIR/out"
    [ "$(cat "$TEST_DIR/out")" = 4096 ]
    cp "$MNT/other/other.vmx/memSize" "$K/memSize"
    becomes 1 's/"4096"/"1024"/'
    cp "$K/guestinfo.a" "$MNT/other/other.vmx/"
    printf 'memSize = "1024"\nguestinfo.a = "alpha"\n' | holds "$LAB/other/other.vmx"
}

@test "diff -r tells two VMs apart" {
    mkdir "$LAB/other"
    sed s/4096/8192/ "$VM" >"$LAB/other/other.vmx"
    start
    run diff -r "$K" "$MNT/other/other.vmx"
    [ "$status" -eq 1 ]
    [ "$(grep -c '^[<>]' <<<"$output")" = 2 ]
    echo 4096 >"$MNT/other/other.vmx/memSize"
    diff -r "$K" "$MNT/other/other.vmx"
}

@test "install replaces with two rewrites, in the old place, with the comment" {
    start
    echo 8192 >"$TEST_DIR/new"
    install "$TEST_DIR/new" "$K/memSize"
    becomes 2 's/"4096"/"8192"/'
    install -m 600 "$TEST_DIR/new" "$K/guestinfo.new"
    becomes 3 's/"4096"/"8192"/; $a guestinfo.new = "8192"'
}

@test "mv from elsewhere replaces with two rewrites, in the old place, with the comment" {
    start
    echo 8192 >"$TEST_DIR/new"
    mv "$TEST_DIR/new" "$K/memSize"
    becomes 2 's/"4096"/"8192"/'
    [ ! -e "$TEST_DIR/new" ]
}

@test "rm, then echo takes the line up again in its place" {
    start
    rm "$K/guestinfo.a"
    echo omega >"$K/guestinfo.a"
    becomes 2 's/"alpha"/"omega"/'
}

@test "mv to elsewhere takes the line away" {
    start
    mv "$K/guestinfo.a" "$TEST_DIR/out"
    [ "$(cat "$TEST_DIR/out")" = alpha ]
    becomes 1 /guestinfo.a/d
}

@test "mv between VMs moves the setting" {
    mkdir "$LAB/other"
    printf 'memSize = "1024"\n' >"$LAB/other/other.vmx"
    start
    mv "$K/guestinfo.a" "$MNT/other/other.vmx/"
    sed /guestinfo.a/d "$TEST_DIR/before" | holds "$VM"
    [ "$(counter commits)" = 2 ]
    printf 'memSize = "1024"\nguestinfo.a = "alpha"\n' | holds "$LAB/other/other.vmx"
}

@test "CRLF, a missing final newline and mixed endings stay" {
    sample | sed 's/$/\r/' | head -c -2 >"$VM"
    start
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    echo 8 >"$K/numvcpus"
    rm "$K/guestinfo.a"
    becomes 3 's/"4096"/"8192"/; s/= 2\r/= "8"\r/; /guestinfo.a/d'
}

@test "a new key takes the file's line ending" {
    sample | sed 's/$/\r/' >"$VM"
    start
    echo x >"$K/guestinfo.new"
    becomes 1 '$a guestinfo.new = "x"\r'
}

@test "the file's mode stays" {
    chmod 755 "$VM"
    start
    echo 8192 >"$K/memSize"
    [ "$(stat -c %a "$VM")" = 755 ]
}

@test "nothing of ours is left beside the file" {
    start
    echo 8192 >"$K/memSize"
    rm "$K/guestinfo.a"
    mv "$K/guestinfo.b" "$K/guestinfo.z"
    unmount_lab
    [ "$(ls -A "$LAB/vm")" = vm.vmx ]
}
