#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Names: spellings, odd bytes, charsets.

bats_require_minimum_version 1.5.0

load keys

@test "a key is found in any case and listed as it is stored" {
    start
    [ "$(cat "$K/MEMSIZE" "$K/memsize" "$K/memSize")" = "4096
4096
4096" ]
    [ "$(stat -c %i "$K/MEMSIZE")" = "$(stat -c %i "$K/memSize")" ]
    [ "$(ls "$K" | grep -i memsize)" = memSize ]
    becomes 0
}

@test "writing through another spelling sets the stored one" {
    start
    cat "$K/memSize" "$K/MEMSIZE"
    echo 8192 >"$K/MEMSIZE"
    becomes 1 's/"4096"/"8192"/'
    [ "$(cat "$K/memSize" "$K/MEMSIZE" "$K/Memsize")" = "8192
8192
8192" ]
    echo 131072 >"$K/memSize"
    [ "$(cat "$K/MEMSIZE")" = 131072 ]
    eventually 60 test "$(stat -c %s "$K/MEMSIZE")" = 7
    sed -i s/131072/1024/ "$K/MemSize"
    becomes 3 's/"4096"/"1024"/'
    [ "$(cat "$K/memSize")" = 1024 ]
    ls "$K" | grep -qx memSize
}

# A write of "on" to a new key fails, and no key is made.
is_no_setting() { # NAME
    run bash -c 'echo on >"$1"' bash "$K/$1"
    [ "$status" -ne 0 ]
    [[ $output == *"Invalid argument"* ]]
    [ ! -e "$K/$1" ]
}

@test "what is meant for a control file makes no setting of its name" {
    start
    for name in power task check raw merge reload plan errors why question registered guest history \
        log undo next POWER; do
        is_no_setting "$name"
    done
    run -1 touch "$K/power"
    run -1 mv "$K/numvcpus" "$K/power"
    echo on >"$K/.x.swp"
    run -1 mv "$K/.x.swp" "$K/power"
    run -1 tee "$K/.vmxfs/merge" <<<'power = "on"'
    becomes 0
    explained EINVAL power "^no new setting can be called power: the control file is .vmxfs/power$"
    # One that is there can be set, and a program that removes it first makes it again.
    echo 'power = "on"' >>"$VM"
    eventually 60 test -e "$K/power"
    echo off >"$K/power"
    rm "$K/power"
    echo on >"$K/power"
    [ "$(cat "$K/power")" = on ]
}

# errors has one line on the setting, which says which one was probably meant.
doubted() { # KEY KNOWN
    explained NOTE "$1" "^no setting of VMware's is known by this name; was $2 meant\\\\?\$"
    [ "$(grep -c "	$1	" "$MNT/.vmxfs/errors")" -eq 1 ]
}

@test "a new setting whose name looks like a slip is made, and told of" {
    printf 'numvcpsu = "4"\n' >>"$VM"
    start
    echo 4096 >"$K/memSzie"
    [ "$(cat "$K/memSzie")" = 4096 ]
    doubted memSzie memSize
    # Once, not whenever it is set, and not for what was there before.
    echo 8192 >"$K/memSzie"
    echo 8 >"$K/numvcpsu"
    doubted memSzie memSize
    run ! grep numvcpsu "$MNT/.vmxfs/errors"
    # Whatever adds it.
    printf '%s\n' 'ethernet0.adressType = "generated"' 'my.own = "x"' >"$K/.vmxfs/merge"
    mv "$K/guestinfo.a" "$K/guestinof.a"
    printf 'firmwre = "efi"\n' >>"$K/.vmxfs/raw"
    doubted ethernet0.adressType ethernet0.addressType
    doubted guestinof.a guestinfo.a
    doubted firmwre firmware
    printf 'scsi0.present = "TRUE"\nscsi0.virtaulDev = "pvscsi"\n' >>"$MNT/.vmxfs/plain/vm/vm.vmx"
    doubted scsi0.virtaulDev scsi0.virtualDev
    run ! grep -F -e my.own -e scsi0.present "$MNT/.vmxfs/errors"
    grep ^NOTE "$K/.vmxfs/check" | cut -f 2,3 | cut -d : -f 1 >"$TEST_DIR/notes"
    [ "$(cut -f 1 "$TEST_DIR/notes" | sort -u)" = unknown-setting ]
    [ "$(cut -f 2 "$TEST_DIR/notes" | sort | tr '\n' ' ')" = "ethernet0.adressType firmwre guestinof.a memSzie numvcpsu scsi0.virtaulDev " ]
}

@test "two settings that are set at once are each told of once" {
    start
    local writers=()
    for key in memSzie numvcpsu guestinfo.new; do
        echo 1 >"$K/$key" &
        writers+=($!)
    done
    wait "${writers[@]}"
    doubted memSzie memSize
    doubted numvcpsu numvcpus
}

@test "removing through another spelling removes the stored one" {
    start
    cat "$K/memSize" "$K/MEMSIZE" "$K/memsize"
    stat "$K/memSize"
    rm "$K/MEMSIZE"
    becomes 1 /memSize/d
    for name in memSize MEMSIZE memsize; do
        run cat "$K/$name"
        [ "$status" -eq 1 ]
        eventually 60 test ! -e "$K/$name"
    done
    [ "$(ls "$K" | grep -ic memsize)" = 0 ]
}

@test "a key that was removed in another spelling can be created at once" {
    start
    cat "$K/memSize"
    rm "$K/MEMSIZE"
    echo 8192 >"$K/memSize"
    becomes 2 's/"4096"/"8192"/'
    rm "$K/MemSize"
    echo 1024 >>"$K/memSize"
    becomes 4 's/"4096"/"1024"/'
}

@test "no negative entry outlives a key's creation in another spelling" {
    start
    for name in Foo FOO foo; do
        [ ! -e "$K/$name" ]
    done
    echo x >"$K/FOO"
    [ "$(cat "$K/Foo" "$K/FOO" "$K/foo")" = "x
x
x" ]
    ls "$K" | grep -qx FOO
    becomes 1 '$a FOO = "x"'
    rm "$K/foo"
    for name in Foo FOO foo; do
        run cat "$K/$name"
        [ "$status" -eq 1 ]
    done
    becomes 2
}

@test "a file that is open under two spellings has one text" {
    start
    python3 - "$K" <<'END_OF_PYTHON'
import os, sys
os.chdir(sys.argv[1])
a = os.open("guestinfo.a", os.O_WRONLY | os.O_TRUNC)
b = os.open("GUESTINFO.A", os.O_RDWR | os.O_APPEND)
os.write(a, b"x")
assert os.pread(b, 10, 0) == b"x"
os.write(b, b"y\n")
os.close(a)
os.close(b)
END_OF_PYTHON
    becomes 1 's/alpha/xy/'
}

@test "odd bytes in keys: percent, slash, dot, quotes, colon, pipe, star" {
    cat >>"$VM" <<'EOF'
a%b = "percent"
a/b = "slash"
. = "dot"
.. = "dots"
"a" = "quoted"
scsi0:0.fileName = "colon.vmdk"
a|b\c = "pipe"
a*[b]? = "star"
-a = "dash"
a%2Fb = "looks escaped"
EOF
    start
    while read -r name value; do
        [ "$(cat "$K/$name")" = "$value" ] || { echo "$name: $(cat "$K/$name")"; return 1; }
        ls -A "$K" | grep -qxF -e "$name"
        echo "new $value" >"$K/$name"
    done <<'EOF'
a%25b percent
a%2Fb slash
%2E dot
%2E. dots
"a" quoted
scsi0:0.fileName colon.vmdk
a|b\c pipe
a*[b]? star
-a dash
a%252Fb looks escaped
EOF
    becomes 10 '/^a%b/,$s/= "/= "new /'
    rm "$K/a%2Fb"
    becomes 11 '/^a%b/,$s/= "/= "new /; /^a\/b/d'
    echo new >"$K/x%2Fy"
    grep -qxF 'x/y = "new"' "$VM"
}

@test "keys that are called as our own files are percent-encoded" {
    cat >>"$VM" <<'EOF'
passthrough-profile = "mine"
.vmxfs = "too"
EOF
    start
    [ "$(cat "$K/%70assthrough-profile")" = mine ]
    [ "$(cat "$K/%2Evmxfs")" = too ]
    [[ "$(cat "$K/passthrough-profile")" == *"none"* ]]
    [ -d "$K/.vmxfs" ]
    [ "$(ls -A "$K" | grep -c -e assthrough-profile -e vmxfs)" = 3 ]
    echo yours >"$K/%70assthrough-profile"
    becomes 1 's/mine/yours/'
    rm "$K/%70assthrough-profile" "$K/%2Evmxfs"
    becomes 3 '/^passthrough/d; /^.vmxfs/d'
    [ -f "$K/passthrough-profile" ]
}

@test "a name too long for a file is not listed; check reports it" {
    long=$(printf 'k%.0s' $(seq 300))
    echo "$long = \"x\"" >>"$VM"
    start
    [ "$(ls "$K" | grep -c kkkk)" = 0 ]
    ls "$K" | grep -qx memSize
    grep -q '^WARN.*long.*line 13' "$K/.vmxfs/check"
    grep -q "$long" "$K/.vmxfs/raw"
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
}

@test "unicode in names and values" {
    echo 'guestinfo.名前 = "ナノ"' >>"$VM"
    start
    [ "$(cat "$K/guestinfo.名前")" = ナノ ]
    ls "$K" | grep -qx 'guestinfo.名前'
    echo 'ポ|"x' >"$K/guestinfo.名前"
    echo 'ünïcödé' >"$K/guestinfo.ключ"
    becomes 2 's/"ナノ"/"ポ|7C|22x"/; $a guestinfo.ключ = "ünïcödé"'
    [ "$(cat "$K/guestinfo.名前")" = 'ポ|"x' ]
}

@test "values and names are transcoded: GBK, Shift_JIS, windows-1252" {
    for charset in GBK Shift_JIS; do
        printf '.encoding = "%s"\nguestinfo.%s = "%s" # c\n' $charset ソ ポ表 |
            iconv -f UTF-8 -t $charset >"$VM"
        start
        [ "$(cat "$K/guestinfo.ソ")" = ポ表 ]
        echo 表ポ | tee "$K/guestinfo.ソ" >"$K/guestinfo.ポ"
        iconv -f $charset -t UTF-8 "$VM" | sed 's/|7C/|/g; s/|5C/\\/g' >"$TEST_DIR/now" || :
        [ "$(cat "$K/guestinfo.ソ" "$K/guestinfo.ポ")" = "表ポ
表ポ" ]
        # The bytes of the second character may be a vertical bar, which is escaped.
        python3 - "$VM" $charset <<'END_OF_PYTHON'
import re, sys
text = open(sys.argv[1], "rb").read()
value = re.search(rb'= "([^"]*)" # c', text).group(1)
plain = re.sub(rb"\|([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), value)
assert plain.decode(sys.argv[2]) == "表ポ", plain
END_OF_PYTHON
        unmount_lab
    done
    printf '.encoding = "windows-1252"\r\ndisplayName = "caf\351"\r\n' >"$VM"
    start
    [ "$(cat "$K/displayName")" = café ]
    echo "€uro" >"$K/displayName"
    printf '.encoding = "windows-1252"\r\ndisplayName = "\200uro"\r\n' | cmp - "$VM"
}

@test "bytes that do not decode: names are percent-encoded, values read raw, all stays" {
    printf 'guestinfo.\377 = "a\376b"\n' >>"$VM"
    start
    [ "$(cat "$K/guestinfo.%FF" | od -An -tx1 | tr -d ' \n')" = 61fe620a ]
    [ "$(ls "$K" | grep -c 'guestinfo.%FF')" = 1 ]
    echo 8192 >"$K/memSize"
    becomes 1 's/"4096"/"8192"/'
    echo c >"$K/guestinfo.%FF"
    LC_ALL=C becomes 2 's/"4096"/"8192"/; s/a\xfeb/c/'
}

@test "setting .encoding transcodes everything" {
    sed -i 's/"alpha"/"café"/; s/guestinfo.b/guestinfo.é/' "$VM"
    start
    echo windows-1252 >"$K/.encoding"
    sed 's/"UTF-8"/"windows-1252"/' "$TEST_DIR/before" | iconv -f UTF-8 -t windows-1252 | cmp - "$VM"
    rewritten 1
    [ "$(cat "$K/guestinfo.a")" = café ]
    [ "$(cat "$K/guestinfo.é")" = beta ]
    ls "$K" | grep -qx guestinfo.é
    echo UTF-8 >"$K/.encoding"
    becomes 2
    [ "$(cat "$K/guestinfo.é")" = beta ]
}

@test "an .encoding that cannot hold a value is refused: EILSEQ" {
    sed -i 's/"alpha"/"仮想"/' "$VM"
    start
    run bash -c 'echo windows-1252 > "$1"' sh "$K/.encoding"
    [ "$status" -eq 1 ]
    explained EILSEQ .encoding
    becomes 0
    run bash -c 'echo no-such-charset > "$1"' sh "$K/.encoding"
    [ "$status" -eq 1 ]
    becomes 0
}

@test "removing .encoding transcodes to UTF-8" {
    printf '.encoding = "windows-1252"\ndisplayName = "caf\351"\n' >"$VM"
    start
    rm "$K/.encoding"
    printf 'displayName = "café"\n' | cmp - "$VM"
    [ "$(cat "$K/displayName")" = café ]
}

@test "a change of case alone loses nothing" {
    start
    python3 -c 'import os, sys; os.chdir(sys.argv[1]); os.rename("memSize", "MEMSIZE")' "$K" || :
    sed 's/MEMSIZE/memSize/' "$VM" | cmp - "$TEST_DIR/before"
    [ "$(cat "$K/memSize")" = 4096 ]
    [ "$(ls "$K" | grep -ic memsize)" = 1 ]
}

@test "a name with a newline does not break the lines of errors" {
    start
    run bash -c 'echo x >"$1"' sh "$K/a"$'\n'"b"
    [ "$status" -eq 1 ]
    [ "$(awk -F '\t' 'NF != 5' "$MNT/.vmxfs/errors")" = "" ]
    becomes 0
}
