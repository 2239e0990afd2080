# SPDX-License-Identifier: MIT
# The control files: raw, merge and check of a VM; status, errors and check of the mount.

load helper

data=$BATS_TEST_DIRNAME/../data

setup() {
    lab_new
    mkdir "$LAB/vm"
    VMX=$MNT/vm/vm.vmx RAW=$MNT/vm/vm.vmx/.vmxfs/raw FILE=$LAB/vm/vm.vmx
    cp "$data/lf.vmx" "$FILE"
    cp "$FILE" "$TEST_DIR/before"
}

teardown() {
    lab_end
}

last_error() {
    tail -n 1 "$MNT/.vmxfs/errors"
}

# ---- raw

@test "raw is the file, byte for byte, whatever it holds" {
    cp "$data"/*.vmx "$LAB/vm/"
    chmod 644 "$LAB/vm/"*
    mount_local
    local file
    for file in "$LAB/vm/"*.vmx; do
        cmp "$file" "$MNT/vm/${file##*/}/.vmxfs/raw"
        [ "$(stat -c %s "$file")" = "$(stat -c %s "$MNT/vm/${file##*/}/.vmxfs/raw")" ]
    done
}

@test "cp onto raw replaces the file in one rewrite" {
    mount_local
    sed 's/4096/8192/' "$FILE" >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$RAW"
    cmp "$TEST_DIR/new" "$FILE"
    [ "$(cat "$VMX/memSize")" = 8192 ]
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    cp "$TEST_DIR/new" "$RAW"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    cp "$TEST_DIR/before" "$RAW"
    cmp "$TEST_DIR/before" "$FILE"
}

@test "lines written one by one replace the file at the end only" {
    mount_local
    while IFS= read -r line; do printf '%s\n' "$line"; done <"$data/utf8.vmx" >"$RAW"
    eventually 30 cmp "$data/utf8.vmx" "$FILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    echo '# the end' >>"$RAW"
    eventually 30 grep -q '^# the end$' "$FILE"
    [ "$(wc -l <"$FILE")" -eq "$(($(wc -l <"$data/utf8.vmx") + 1))" ]
}

@test "sed -i, perl -i, vim and ed work on raw" {
    mount_local
    sed -i 's/4096/5120/' "$RAW"
    grep -q '5120' "$FILE"
    perl -pi -e 's/5120/6144/' "$RAW"
    grep -q '6144' "$FILE"
    vim -u NONE -es -c '%s/6144/7168/' -c wq "$RAW"
    grep -q '7168' "$FILE"
    vim -u NONE -es --cmd 'set nocompatible backup writebackup backupcopy=no' -c '%s/7168/8192/' -c wq "$RAW"
    grep -q '8192' "$FILE"
    printf '%s\n' ',s/8192/4096/' w q | ed -s "$RAW"
    cmp "$TEST_DIR/before" "$FILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 5 ]
    holds_only "$LAB/vm" vm.vmx
}

@test "a worse text is refused, with line and column" {
    mount_local
    local text reason
    while IFS='|' read -r text reason; do
        printf "$text" >"$TEST_DIR/new"
        run cp "$TEST_DIR/new" "$RAW"
        [ "$status" -ne 0 ]
        [[ $output == *"Invalid argument"* ]]
        [[ $(last_error) == *EINVAL*vm/vm.vmx*"$reason"* ]]
        cmp "$TEST_DIR/before" "$FILE"
    done <<'END'
a = "1"\nno line\n|line 2, column
a = "1"\nb = "open\n|line 2, column
a = "1"\nB = ""\nA = "2"\n|line 1, column
a = "1"\nb = "2"|line 2: the text ends without a newline
END
    [ "$(renames_onto vm/vm.vmx)" -eq 0 ]
}

@test "an emptied raw is refused" {
    mount_local
    : >"$RAW"
    truncate -s 0 "$RAW" || :
    cmp "$TEST_DIR/before" "$FILE"
    [[ $(last_error) == *EINVAL*vm/vm.vmx* ]]
}

@test "what was wrong before may stay wrong" {
    printf 'a = "1"\nno line\nA = "2"\nlast = "x"' >"$FILE"
    mount_local
    printf 'a = "3"\nno line\nA = "2"\nlast = "y"' >"$TEST_DIR/new"
    cp "$TEST_DIR/new" "$RAW"
    cmp "$TEST_DIR/new" "$FILE"
    printf 'A = "2"\nlast = "y"\n' >"$TEST_DIR/better"
    cp "$TEST_DIR/better" "$RAW"
    cmp "$TEST_DIR/better" "$FILE"
}

@test "a writer that is killed half way leaves the file alone" {
    mount_local
    bash -c 'exec 7>"$1"; printf "a = \"1\"\nb = \"2" >&7; kill -9 $$' - "$RAW" || :
    sleep 0.2
    cmp "$TEST_DIR/before" "$FILE"
}

@test "raw is not replaced over somebody else's change" {
    mount_local cache_timeout=0
    exec 7<>"$RAW"
    sed -i 's/4096/512/' "$FILE"
    cp "$FILE" "$TEST_DIR/theirs"
    sed 's/4096/8192/' "$TEST_DIR/before" >&7 || :
    exec 7>&- || :
    cmp "$TEST_DIR/theirs" "$FILE"
    [[ $(last_error) == *ECANCELED*vm/vm.vmx* ]]
}

@test "raw is refused while the VM is in use, and where it is encrypted" {
    cp "$data/encrypted.vmx" "$LAB/vm/encrypted.vmx"
    mount_local cache_timeout=0
    : >"$FILE.lck"
    sed 's/4096/8192/' "$FILE" >"$TEST_DIR/new"
    run cp "$TEST_DIR/new" "$RAW"
    [[ $output == *"Device or resource busy"* ]]
    run cp "$TEST_DIR/new" "$MNT/vm/encrypted.vmx/.vmxfs/raw"
    [[ $output == *"Operation not permitted"* ]]
    [[ $(last_error) == *EPERM*"the VM is encrypted"* ]]
    : >"$LAB/vm/encrypted.vmx.lck"
    echo 'memSize = lots' >"$TEST_DIR/lots"
    run cp "$TEST_DIR/lots" "$MNT/vm/encrypted.vmx/.vmxfs/merge"
    [[ $output == *"Operation not permitted"* ]]
    [[ $(last_error) == *EPERM*"the VM is encrypted"* ]]
    run rm "$MNT/vm/encrypted.vmx/encryption.keySafe"
    [[ $output == *"Operation not permitted"* ]]
    [[ $(last_error) == *EPERM*"the VM is encrypted"* ]]
    cmp "$TEST_DIR/before" "$FILE"
    cmp "$data/encrypted.vmx" "$LAB/vm/encrypted.vmx"
}

# ---- merge

@test "merge sets and removes keys in one rewrite, comments and all else stay" {
    mount_local
    cat >"$VMX/.vmxfs/merge" <<'END'
# a comment
memsize = "8192"

numvcpus = 4
new.key = "a |22b|22"
-tools.syncTime
END
    diff <(sed -e 's/memSize = "4096"/memsize = "8192"/' -e 's/numvcpus="2"/numvcpus="4"/' \
        -e '/tools.syncTime/d' "$TEST_DIR/before" && echo 'new.key = "a |22b|22"') "$FILE"
    [ "$(cat "$VMX/new.key")" = 'a "b"' ]
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
}

@test "merge is all or nothing" {
    mount_local
    local text reason
    while IFS='|' read -r text reason; do
        printf -- "$text" >"$TEST_DIR/new"
        run cp "$TEST_DIR/new" "$VMX/.vmxfs/merge"
        [ "$status" -ne 0 ]
        [[ $output == *"Invalid argument"* ]]
        [[ $(last_error) == *EINVAL*vm/vm.vmx*merge*"$reason"* ]]
        cmp "$TEST_DIR/before" "$FILE"
    done <<'END'
numvcpus = "4"\nmemSize = "lots"\n|memSize
numvcpus = "4"\nno line\n|line 2, column
numvcpus = "4"\nNumVCPUs = "2"\n|line 2, column
-numvcpus\n-NumVCPUs\n|line 2, column
-numvcpus\nnumvcpus = "4"\n|line 2, column
numvcpus = "4"\n-no key\n|line 2, column
END
}

@test "merge spells keys as its lines do, and leaves their lines where they are" {
    mount_local
    [ "$(cat "$VMX/memSize")" = 4096 ] # the kernel knows it by its old name now
    printf '%s\n' 'MEMSIZE = "4096"' '-numvcpus' 'numVCPUs = "4"' 'TOOLS.syncTime = TRUE' \
        '-TOOLS.SYNCTIME' >"$VMX/.vmxfs/merge"
    sed -e 's/^memSize/MEMSIZE/' -e 's/numvcpus="2"/numVCPUs="4"/' -e 's/^tools\(.*\) TRUE/TOOLS\1 "TRUE"/' \
        "$TEST_DIR/before" >"$TEST_DIR/want"
    diff "$TEST_DIR/want" "$FILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    [ "$(ls "$VMX" | grep -iE '^(memsize|numvcpus|tools.synctime)$' | LC_ALL=C sort | xargs)" = \
        "MEMSIZE TOOLS.syncTime numVCPUs" ]
    [ "$(cat "$VMX/memSize" "$VMX/MEMSIZE" "$VMX/numvcpus" | xargs)" = "4096 4096 4" ]

    # Once more, and nothing is left to do; a file's name spells nothing.
    printf '%s\n' 'MEMSIZE = "4096"' 'numVCPUs = "4"' '-numvcpus' >"$VMX/.vmxfs/merge"
    [ "$(renames_onto vm/vm.vmx)" -eq 1 ]
    echo 8192 >"$VMX/memSize"
    diff <(sed 's/4096/8192/' "$TEST_DIR/want") "$FILE"
}

@test "merge of nothing, or of what is there already, rewrites nothing" {
    mount_local
    : >"$VMX/.vmxfs/merge"
    echo 'memSize = "4096"' >"$VMX/.vmxfs/merge"
    echo '-not.there' >"$VMX/.vmxfs/merge"
    cmp "$TEST_DIR/before" "$FILE"
    [ "$(renames_onto vm/vm.vmx)" -eq 0 ]
    run cat "$VMX/.vmxfs/merge"
    [ "$status" -ne 0 ]
}

# ---- check

@test "check has four columns a line and a last line that sums up" {
    mount_local
    cat "$VMX/.vmxfs/check" >"$TEST_DIR/check"
    awk -F'\t' '
        /^#/ { if (summary++) exit 1; last = NR; text = $0; next }
        NF != 4 || $1 !~ /^(PASS|WARN|FAIL|UNKNOWN|NOTE)$/ || $2 !~ /^[a-z0-9-]+$/ || $3 == "" || $4 == "" { print; bad = 1 }
        { count[$1]++ }
        END {
            want = sprintf("# %d PASS, %d WARN, %d FAIL, %d UNKNOWN, %d NOTE", \
                count["PASS"], count["WARN"], count["FAIL"], count["UNKNOWN"], count["NOTE"])
            if (bad || last != NR || text != want) { print text; print want; exit 1 }
        }' "$TEST_DIR/check"
}

@test "the commands that check gives mend what they are given for" {
    write_broken
    mount_local cache_timeout=0
    local round rule
    for round in {1..20}; do
        awk -F'\t' '($1 == "FAIL" || $1 == "WARN") && $4 != "-"' "$VMX/.vmxfs/check" >"$TEST_DIR/todo"
        [ -s "$TEST_DIR/todo" ] || break
        IFS=$'\t' read -r _ rule _ command <"$TEST_DIR/todo"
        echo "$rule: $command"
        bash -c "$command"
        ! awk -F'\t' -v rule="$rule" -v command="$command" \
            '$2 == rule && $4 == command && $1 != "PASS" { print; found = 1 } END { exit !found }' "$VMX/.vmxfs/check" || false
    done
    cat "$VMX/.vmxfs/check"
    [ ! -s "$TEST_DIR/todo" ]
}

# A VM with a device, duplicates, and what the guide warns of.
write_broken() {
    printf '%s\n' 'memSize = "16384"' 'memsize = "8192"' 'numvcpus = "1"' 'mem.hotadd = "TRUE"' \
        'vhv.enable = "TRUE"' 'sched.mem.min = "512"' 'virtualHW.version = "19"' \
        'pciPassthru0.present = "TRUE"' 'pciPassthru0.id = "0000:0d:00.0"' >"$FILE"
}

@test "a drifted profile fails the check, and the command mends it" {
    mount_local cache_timeout=0
    echo "nested-esxi mmio=64" >"$VMX/passthrough-profile"
    sed -i /vhv.enable/d "$FILE"
    grep -q '^FAIL	.*vhv.enable' "$VMX/.vmxfs/check"
    grep -q '^FAIL	vm/vm.vmx	' "$MNT/.vmxfs/check"
    local command
    command=$(awk -F'\t' '$1 == "FAIL" && /vhv.enable/ { print $4; exit }' "$VMX/.vmxfs/check")
    bash -c "$command"
    ! grep '^FAIL	.*vhv.enable' "$VMX/.vmxfs/check" || false
    [ "$(cat "$VMX/vhv.enable")" = TRUE ]
    [ "$(cat "$VMX/pciPassthru.64bitMMIOSizeGB")" = 64 ]
}

@test "duplicates and malformed lines are told with their line numbers" {
    printf 'a = "1"\nno line\nA = "2"\nb = ""\nb = ""\n' >"$FILE"
    mount_local
    grep -q '^FAIL	duplicate-keys	.*lines 1, 3	' "$VMX/.vmxfs/check"
    grep -q '^FAIL	duplicate-keys	.*lines 4, 5	' "$VMX/.vmxfs/check"
    grep -q '^FAIL	malformed-lines	.*line 2	' "$VMX/.vmxfs/check"
    [ "$(cat "$VMX/A")" = 2 ]
}

# ---- the mount's own files

@test "the mount's check has one line a VM that leads on" {
    mkdir "$LAB/o'brien and sons"
    cp "$FILE" "$LAB/o'brien and sons/b.vmx"
    cp "$FILE" "$LAB/top.vmx"
    mkdir "$LAB/two
lines"
    cp "$FILE" "$LAB/two
lines/c.vmx"
    mount_local
    cat "$MNT/.vmxfs/check" >"$TEST_DIR/check"
    [ "$(wc -l <"$TEST_DIR/check")" -eq 5 ]
    [ "$(head -n 4 "$TEST_DIR/check" | cut -f 2 | sort)" = "o'brien and sons/b.vmx
top.vmx
two?lines/c.vmx
vm/vm.vmx" ]
    head -n 4 "$TEST_DIR/check" | while IFS=$'\t' read -r severity _ counts command; do
        [[ $severity =~ ^(PASS|WARN|FAIL|UNKNOWN)$ ]]
        [ "$(bash -c "$command" | tail -n 1)" = "# $counts" ]
    done
    [[ $(tail -n 1 "$TEST_DIR/check") =~ ^"# "[0-9]+" VMs PASS, "[0-9]+" WARN, "[0-9]+" FAIL, "[0-9]+" UNKNOWN"$ ]]
}

@test "the mount's check reads a log only of a VM with a graphics card" {
    local before
    printf '%s\n' 'pciPassthru0.present = "TRUE"' 'pciPassthru0.id = "00000:025:00.0"' \
        'pciPassthru0.vendorId = "0x8086"' 'pciPassthru0.deviceId = "0x1563"' >>"$FILE"
    echo "2026-03-01T10:00:01.123Z| vmx| | I005: Log for VMware ESX" >"$LAB/vm/vmware.log"
    mount_local cache_timeout=600
    cat "$MNT/.vmxfs/check"
    before=$(counter requests)
    cat "$MNT/.vmxfs/check"
    [ "$(counter requests)" -eq "$before" ]
    echo 0x0300 >"$VMX/pciPassthru0.class"
    cat "$MNT/.vmxfs/check"
    before=$(counter requests)
    cat "$MNT/.vmxfs/check"
    [ "$(counter requests)" -gt "$before" ]
}

@test "status has key: value lines" {
    mount_local
    ! grep -vE '^[a-z0-9-]+: .*$' "$MNT/.vmxfs/status" || false
    [ "$(counter transport)" = "local sftp-server" ]
    [ "$(counter link)" = up ]
    [ "$(counter mounted)" = read-write ]
    local before
    before=$(counter commits)
    echo 8192 >"$VMX/memSize"
    [ "$(counter commits)" -eq $((before + 1)) ]
    grep -q '^extensions: .*posix-rename' "$MNT/.vmxfs/status"
}

@test "control files are not to be written, removed or made where they cannot be" {
    mount_local
    local file
    for file in "$MNT/.vmxfs/status" "$MNT/.vmxfs/errors" "$MNT/.vmxfs/check" \
        "$VMX/.vmxfs/check" "$VMX/.vmxfs/plan/nested-esxi" "$MNT/.vmxfs/profiles/nested-esxi"; do
        run bash -c 'echo x >"$1"' - "$file"
        [ "$status" -ne 0 ]
        run rm -f "$file"
        [ "$status" -ne 0 ]
        [ -s "$file" ] || [ -r "$file" ]
    done
    for file in "$MNT/.vmxfs/new" "$VMX/.vmxfs/new" "$VMX/.vmxfs/plan/new" "$MNT/.vmxfs/profiles/new"; do
        run bash -c 'echo x >"$1"' - "$file"
        [ "$status" -ne 0 ]
        run mkdir "$file"
        [ "$status" -ne 0 ]
    done
    run rmdir "$VMX/.vmxfs"
    [ "$status" -ne 0 ]
    run rm -r "$MNT/.vmxfs/plain"
    [ "$status" -ne 0 ]
    run mv "$VMX/.vmxfs" "$VMX/other"
    [ "$status" -ne 0 ]
    run mv "$MNT/.vmxfs" "$MNT/other"
    [ "$status" -ne 0 ]
    run mv "$VMX/passthrough-profile" "$VMX/other"
    [ "$status" -ne 0 ]
}

# ---- without a host

# Fails, and FILE's last line of errors has the error's name.
refused() { # ERRNO COMMAND...
    local errno=$1
    shift
    run "$@"
    echo "status $status: $output"
    [ "$status" -ne 0 ] && [ "$(last_error | cut -f 2)" = "$errno" ]
}

@test "without a host there is no host/, and power and reload say so" {
    mount_local
    [ ! -e "$MNT/.vmxfs/host" ]
    ! ls "$MNT/.vmxfs" | grep -qx host || false
    refused EOPNOTSUPP cat "$VMX/.vmxfs/power"
    refused EOPNOTSUPP bash -c "echo on >'$VMX/.vmxfs/power'"
    refused EINVAL bash -c "echo boot >'$VMX/.vmxfs/power'"
    refused EOPNOTSUPP bash -c "echo 1 >'$VMX/.vmxfs/reload'"
    [ "$(last_error | cut -f 3,4)" = "vm/vm.vmx"$'\t'"reload" ]
    cmp "$TEST_DIR/before" "$FILE"
}

@test "without a host vms tells what the files say" {
    mkdir "$LAB/a"
    cp "$FILE" "$LAB/a/z.vmx"
    echo 'checkpoint.vmState = "z.vmss"' >>"$LAB/a/z.vmx"
    mkdir "$LAB/b"$'\t'"c"
    cp "$FILE" "$LAB/b"$'\t'"c/y.vmx"
    mount_local
    echo nested-esxi >"$VMX/passthrough-profile"
    diff -u - "$MNT/.vmxfs/vms" <<END
# power	id	registered	profile	path	memory-mb	cpus	gpus	pending
suspended	-	-	none	a/z.vmx	4096	2	-	-
unknown	-	-	none	b?c/y.vmx	4096	2	-	-
unknown	-	-	nested-esxi	vm/vm.vmx	4096	2	-	-
END
    echo FALSE >"$VMX/vhv.enable"
    grep -q "^unknown	-	-	nested-esxi!	vm/vm.vmx	" "$MNT/.vmxfs/vms"
}
