#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Values: lengths, newlines, quoting, duplicates.

load keys

@test "values with newlines, quotes, bars, tabs and trailing spaces" {
    start
    i=0
    while IFS= read -r -d '' value; do
        i=$((i + 1))
        printf '%s\n' "$value" >"$TEST_DIR/value"
        cp "$TEST_DIR/value" "$K/guestinfo.a"
        cmp "$TEST_DIR/value" "$K/guestinfo.a"
        [ "$(stat -c %s "$K/guestinfo.a")" = "$(stat -c %s "$TEST_DIR/value")" ]
    done < <(printf '%s\0' $'a\nb' $'a\n\nb\n' $'\n' '"quoted"' 'a|22b' '|' $'a\tb' ' x ' \
        'a#b=c' "it's" 'C:\temp\' $'\r' $'\001\177' '')
    [ "$i" = 14 ]
    becomes 14 's/"alpha"/""/'
}

@test "how odd values are written" {
    start
    printf 'a\n"b"|c\t\001\r\177#=\\ é\n' >"$TEST_DIR/value"
    cp "$TEST_DIR/value" "$K/guestinfo.a"
    # shellcheck disable=SC1003
    printf 'guestinfo.a = "a|0A|22b|22|7Cc\t|01|0D|7F#=\\ é"  # first\n' >"$TEST_DIR/line"
    grep guestinfo.a "$VM" | cmp - "$TEST_DIR/line"
}

@test "only one newline at the end is ours" {
    start
    printf 'x\n\n' >"$TEST_DIR/value"
    cp "$TEST_DIR/value" "$K/guestinfo.a"
    becomes 1 's/"alpha"/"x|0A"/'
    printf 'x' >"$K/guestinfo.a"
    becomes 2 's/"alpha"/"x"/'
    [ "$(stat -c %s "$K/guestinfo.a")" = 2 ]
    echo >"$K/guestinfo.a"
    becomes 3 's/"alpha"/""/'
}

@test "long values: 64 KiB less one, 64 KiB, 64 KiB plus one, 512 KiB" {
    start
    n=0
    for size in 65535 65536 65537 524288; do
        n=$((n + 1))
        head -c "$size" /dev/zero | tr '\0' 'v' >"$TEST_DIR/value"
        echo >>"$TEST_DIR/value"
        cp "$TEST_DIR/value" "$K/guestinfo.a"
        cmp "$TEST_DIR/value" "$K/guestinfo.a"
        rewritten "$n"
        [ "$(stat -c %s "$K/guestinfo.a")" = $((size + 1)) ]
        { sed '/^guestinfo.a/,$d' "$TEST_DIR/before"
            printf 'guestinfo.a = "%s"  # first\n' "$(cat "$TEST_DIR/value")"
            sed '1,/^guestinfo.a/d' "$TEST_DIR/before"; } | cmp - "$VM"
    done
    head -c 524288 "$TEST_DIR/value" | tail -c 1000 | dd of="$K/guestinfo.a" bs=1000 seek=100 \
        conv=notrunc status=none
    cmp "$TEST_DIR/value" "$K/guestinfo.a"
    echo tail >>"$K/guestinfo.a"
    [ "$(tail -n 1 "$K/guestinfo.a")" = tail ]
    echo short >"$K/guestinfo.a"
    becomes $((n + 2)) 's/alpha/short/'
}

@test "duplicates: the last is shown, setting leaves a single line" {
    {
        sample
        echo 'MEMSIZE = "1024" # last'
    } >"$VM"
    start
    [ "$(cat "$K/memSize")" = 1024 ]
    [ "$(ls "$K" | grep -ic memsize)" = 1 ]
    grep -q '^FAIL.*duplicate.*lines 5, 13' "$K/.vmxfs/check"
    echo 8192 >"$K/memSize"
    becomes 1 '/memSize/d; s/1024/8192/'
    grep -q '^PASS.*duplicate' "$K/.vmxfs/check"
}

@test "duplicates: setting the value that is shown leaves a single line" {
    {
        sample
        echo 'MEMSIZE = "1024" # last'
    } >"$VM"
    start
    echo 1024 >"$K/MEMSIZE"
    becomes 1 /memSize/d
    echo 1024 >"$K/memSize"
    rewritten 1
}

@test "duplicates: rm takes all lines, and mv leaves one" {
    {
        sample
        echo 'guestinfo.A = "last"'
    } >"$VM"
    start
    mv "$K/guestinfo.A" "$K/guestinfo.z"
    becomes 1 '/guestinfo.a/d; s/guestinfo.A/guestinfo.z/'
    cp "$TEST_DIR/before" "$VM"
    eventually 60 grep -qx last "$K/guestinfo.a"
    rm "$K/guestinfo.a"
    becomes 2 '/guestinfo.[aA]/d'
}

@test "malformed lines, BOM, blank lines and shebang stay" {
    printf '\357\273\277#!/usr/bin/vmware\n\nx = "open\nmemSize = "4096"\n=\n a b\n' >"$VM"
    start
    echo 8192 >"$K/memSize"
    echo y >"$K/new"
    printf '\357\273\277#!/usr/bin/vmware\n\nx = "open\nmemSize = "8192"\n=\n a b\nnew = "y"\n' |
        cmp - "$VM"
    rm "$K/memSize" "$K/new"
    printf '\357\273\277#!/usr/bin/vmware\n\nx = "open\n=\n a b\n' | cmp - "$VM"
}

@test "an empty file takes keys" {
    : >"$VM"
    start
    [ "$(ls -A "$K")" = passthrough-profile ]
    echo x >"$K/a"
    printf 'a = "x"\n' | cmp - "$VM"
    rm "$K/a"
    [ ! -s "$VM" ]
}

@test "lone CR as the line ending" {
    printf 'a = "1"\rb = "2"\r' >"$VM"
    start
    echo 3 >"$K/a"
    echo 4 >"$K/c"
    printf 'a = "3"\rb = "2"\rc = "4"\r' | cmp - "$VM"
}

@test "typed keys take what VMware takes" {
    start
    for setting in vhv.enable=TRUE vhv.enable=false numvcpus=8 memSize=8192 \
        pciPassthru0.present=true pciPassthru.64bitMMIOSizeGB=64; do
        echo "${setting#*=}" >"$K/${setting%%=*}"
        [ "$(cat "$K/${setting%%=*}")" = "${setting#*=}" ]
    done
    for setting in vhv.enable=perhaps numvcpus=many memSize=-4 memSize=5; do
        run bash -c 'echo "$1" >"$2"' sh "${setting#*=}" "$K/${setting%%=*}"
        [ "$status" -eq 1 ]
    done
    rewritten 6
}
