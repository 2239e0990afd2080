# SPDX-License-Identifier: MIT
# The command line: options that work, and wrong input, which is one line that says what to do.

load helper

setup_file() {
    server_start
}

teardown_file() {
    server_stop
}

setup() {
    lab_new
    mkdir "$LAB/vm"
    printf 'displayName = "one"\nmemSize = "4096"\n' >"$LAB/vm/vm.vmx"
}

teardown() {
    lab_end
}

is_mounted() {
    grep -q " $MNT " /proc/mounts
}

no_processes() {
    [ -z "$(mount_processes)" ]
}

# Runs vmxfs, which must fail with one line that matches, mount nothing and leave no process.
fails() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    run --separate-stderr timeout 60 "$VMXFS" "$@" 3>&- </dev/null
    echo "status $status, stderr: $stderr"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == "vmxfs: "* ]]
    [[ $stderr =~ $pattern ]]
    ! is_mounted || false
    eventually 30 no_processes
}

ssh_options() {
    echo "port=$(cat "$SERVER/port"),IdentityFile=$SERVER/id,UserKnownHostsFile=$SERVER/known_hosts"
}

bats_require_minimum_version 1.5.0

@test "-h and -V print to standard output and exit with 0" {
    run --separate-stderr "$VMXFS" -h
    [ "$status" -eq 0 ]
    [[ $output == "usage: vmxfs "* ]]
    [ -z "$stderr" ]
    local word
    for word in port IdentityFile UserKnownHostsFile StrictHostKeyChecking password_stdin transport ssh_command \
        sftp_server timeout cache_timeout cache_size prefetch running reload show profile_dir vmx_max ro allow_other \
        default_permissions uid gid umask fsname; do
        [[ $output == *"$word"* ]]
    done
    # One screen: where the rest of a login comes from, what cannot be seen in a listing, how to end.
    [[ $output == *"ssh_config"* && $output == *"fusermount3 -u"* && $output == *"man vmxfs"* ]]
    for word in status errors check vms gpus passthrough-profile why raw merge power; do
        [[ ${output#*Control files} == *"$word"* ]]
    done
    [ "$(wc -l <<<"$output")" -le 40 ]
    run --separate-stderr "$VMXFS" -V
    [ "$status" -eq 0 ]
    [[ $output =~ ^"vmxfs "[0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ "$("$VMXFS" --help)" = "$("$VMXFS" -h)" ]
    [ "$("$VMXFS" --version)" = "$("$VMXFS" -V)" ]
}

@test "arguments that are missing or too many" {
    fails 'SOURCE.*missing.*usage'
    fails 'MOUNTPOINT.*missing.*usage' "$LAB"
    fails 'too many.*usage' "$LAB" "$MNT" "$MNT"
    fails 'SOURCE' '' "$MNT"
}

@test "options that are unknown, or whose value is" {
    fails 'nonsense.*unknown option' -o nonsense "$LAB" "$MNT"
    fails 'nonsense=1.*unknown option' -o nonsense=1 "$LAB" "$MNT"
    fails '-x.*unknown option' -x "$LAB" "$MNT"
    fails '--nonsense.*unknown option' --nonsense "$LAB" "$MNT"
    fails 'transport.*auto' -o transport=carrier-pigeon "$LAB" "$MNT"
    fails 'show.*all.*vmx' -o show=some "$LAB" "$MNT"
    fails 'running.*refuse.*allow' -o running=maybe "$LAB" "$MNT"
    fails 'reload.*auto.*off' -o reload=1 "$LAB" "$MNT"
    fails 'prefetch.*on.*off' -o prefetch=yes "$LAB" "$MNT"
    fails 'StrictHostKeyChecking.*yes.*accept-new.*no' -o StrictHostKeyChecking=maybe "$LAB" "$MNT"
    fails 'rename.*unsafe' -o rename=safe "$LAB" "$MNT"
    fails 'ssh_command.*transport' -o ssh_command=ssh,transport=libssh2 127.0.0.1: "$MNT"
}

@test "numbers that are none, or out of bounds" {
    local option
    for option in port cache_timeout timeout cache_size vmx_max uid gid umask; do
        fails "$option" -o "$option=much" "$LAB" "$MNT"
        fails "$option" -o "$option=" "$LAB" "$MNT"
        fails "$option" -o "$option=-1" "$LAB" "$MNT"
        fails "$option" -o "$option=12x" "$LAB" "$MNT"
        fails "$option" -o "$option=99999999999999999999" "$LAB" "$MNT"
    done
    fails 'port' -p 65536 "$LAB" "$MNT"
    fails 'port' -p 0 "$LAB" "$MNT"
    fails 'timeout' -o timeout=0 "$LAB" "$MNT"
    fails 'cache_size' -o cache_size=0 "$LAB" "$MNT"
    fails 'vmx_max' -o vmx_max=0 "$LAB" "$MNT"
    fails 'max_conns' -o max_conns=0 "$LAB" "$MNT"
    fails 'umask' -o umask=1000 "$LAB" "$MNT"
    fails 'umask' -o umask=9 "$LAB" "$MNT"
}

@test "a SOURCE that is missing, a file, or no SOURCE" {
    : >"$TEST_DIR/file"
    fails "$TEST_DIR/nothing.*(No such|not exist)" "$TEST_DIR/nothing" "$MNT"
    fails "$TEST_DIR/file.*directory" "$TEST_DIR/file" "$MNT"
    fails "nothing.*host:" nothing "$MNT"
    fails '[Nn]o such|not exist' -o "$(ssh_options)" "127.0.0.1:$TEST_DIR/nothing" "$MNT"
    fails 'not a directory|no directory' -o "$(ssh_options)" "127.0.0.1:$TEST_DIR/file" "$MNT"
}

@test "hosts that are none, or begin with a dash" {
    fails 'host' ":$LAB" "$MNT"
    fails 'host' "user@:$LAB" "$MNT"
    fails 'host' -- "-oProxyCommand=touch $TEST_DIR/pwned:$LAB" "$MNT"
    fails 'host' "user@-oProxyCommand=touch $TEST_DIR/pwned:$LAB" "$MNT"
    fails 'MOUNTPOINT is missing' "-oProxyCommand=touch@host:$LAB" "$MNT" # an option of ssh
    fails 'host' "[-h]:$LAB" "$MNT"
    fails 'SOURCE|host' "[::1:$LAB" "$MNT"
    [ ! -e "$TEST_DIR/pwned" ]
}

@test "a MOUNTPOINT that is missing, a file, or busy" {
    : >"$TEST_DIR/file"
    fails "$TEST_DIR/nothing.*mkdir" "$LAB" "$TEST_DIR/nothing"
    fails "$TEST_DIR/file.*directory" "$LAB" "$TEST_DIR/file"
    mount_local
    run --separate-stderr "$VMXFS" "$LAB" "$MNT" 3>&-
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: "*"mounted there already"* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ "$(grep -c " $MNT " /proc/mounts)" -eq 1 ]
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

@test "a MOUNTPOINT where a dead mount is" {
    mount_local
    local processes
    processes=$(mount_processes)
    # shellcheck disable=SC2086 # a list
    kill -9 $processes
    # shellcheck disable=SC2086
    eventually 60 ended $processes
    run --separate-stderr "$VMXFS" "$LAB" "$MNT" 3>&-
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: "*"dead mount"*"fusermount3 -u"* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
    unmount "$MNT"
    mount_local
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

@test "no /dev/fuse" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    run --separate-stderr unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' - "$VMXFS" "$LAB" "$MNT" 3>&-
    echo "$stderr"
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: "*/dev/fuse* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
    run --separate-stderr unshare -m sh -c 'mount -t tmpfs none /dev && exec "$@"' - "$VMXFS" "$LAB" "$MNT" 3>&-
    echo "$stderr"
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: /dev/fuse: No such file or directory;"*modprobe* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
    ! is_mounted || false
}

@test "an ordinary user mounts, or is told why not" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    chmod 755 "$TEST_DIR" "$LAB"
    chown -R nobody "$MNT" "$LAB"
    run --separate-stderr setpriv --reuid=nobody --clear-groups "$VMXFS" "$LAB" "$MNT" 3>&-
    echo "$stderr"
    if [ "$status" -eq 0 ]; then
        setpriv --reuid=nobody --clear-groups cat "$MNT/vm/vm.vmx/displayName"
        unmount "$MNT"
        return
    fi
    [ "$status" -eq 1 ]
    [[ $stderr == "vmxfs: "* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "the words of fstab are accepted and ignored" {
    mount_local auto noauto user users nouser owner group defaults nofail _netdev comment=x x-systemd.automount \
        x-systemd.idle-timeout=60 x-gvfs-show nosuid nodev noatime rw
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    echo two >"$MNT/vm/vm.vmx/displayName"
    grep -q " $MNT fuse.vmxfs .*nosuid" /proc/mounts
}

@test "mount -t fuse.vmxfs calls it" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /sbin/mount.fuse ] || skip "no mount.fuse"
    mkdir "$TEST_DIR/bin"
    ln -s "$VMXFS" "$TEST_DIR/bin/vmxfs"
    PATH=$TEST_DIR/bin:$PATH /sbin/mount.fuse "$LAB" "$MNT" -t fuse.vmxfs -o rw,noauto,_netdev,cache_timeout=1 3>&-
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    grep -q " $MNT fuse.vmxfs " /proc/mounts
    eventually 30 umount "$MNT"
    PATH=$TEST_DIR/bin:$PATH /sbin/mount.fuse "vmxfs#$LAB" "$MNT" -o ro 3>&-
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    eventually 30 umount "$MNT"
    unshare -m sh -c 'mount -t tmpfs none /mnt && mount --bind "$1" /usr/local/bin && mount -t fuse.vmxfs -o noauto "$2" "$3" &&
        cat "$3/vm/vm.vmx/displayName" && umount "$3"' - "$TEST_DIR/bin" "$LAB" "$MNT" 3>&-
}

@test "mount.fuse.vmxfs is called by mount itself, also over an automount point" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mkdir "$TEST_DIR/sbin"
    ln -s "$VMXFS" "$TEST_DIR/sbin/mount.fuse.vmxfs"
    unshare -m sh -ec '
        mount --bind "$1" /usr/sbin
        mount -t tmpfs -o size=64k none "$3"
        mount -n -v -t fuse.vmxfs -o noauto,nosuid,x-systemd.automount,_netdev "$2" "$3"
        cat "$3/vm/vm.vmx/displayName"
        fusermount3 -u "$3"' - "$TEST_DIR/sbin" "$LAB" "$MNT" 3>&-
}

@test "options may stand before, between and after the arguments, and a later one wins" {
    "$VMXFS" "$LAB" -o cache_timeout=1 "$MNT" -o show=vmx -o show=all,umask=027 3>&-
    [ "$(stat -c %a "$MNT/vm/vm.vmx/memSize")" = 640 ]
}

@test "an empty option is none, and -r is ro" {
    local none=
    "$VMXFS" -o "$none,umask=027" -o "" "$LAB" "$MNT" -r 3>&-
    [ "$(stat -c %a "$MNT/vm/vm.vmx/memSize")" = 440 ]
    grep -q " $MNT fuse.vmxfs ro," /proc/mounts
}

@test "of ro and rw the last one counts, for the kernel too" {
    "$VMXFS" -o ro,rw "$LAB" "$MNT" 3>&-
    echo 512 >"$MNT/vm/vm.vmx/memSize"
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 512 ]
    eventually 30 fusermount3 -u "$MNT"
    "$VMXFS" -o rw,ro "$LAB" "$MNT" 3>&-
    grep -q " $MNT fuse.vmxfs ro," /proc/mounts
}

@test "ro" {
    cp "$LAB/vm/vm.vmx" "$TEST_DIR/before"
    echo text >"$LAB/file"
    chmod 640 "$LAB/file"
    mount_local ro
    grep -q " $MNT fuse.vmxfs ro," /proc/mounts
    [ "$(stat -c %a "$MNT/file")" = 640 ] # so that a copy of it is no other one
    [ ! -w "$MNT/file" ]
    local command
    while read -r command; do
        run bash -c "cd '$MNT' && $command"
        echo "$command: $output"
        [ "$status" -ne 0 ]
        [[ $output == *"Read-only file system"* ]]
    done <<'END'
echo 8192 >vm/vm.vmx/memSize
echo x >vm/vm.vmx/new.key
rm vm/vm.vmx/memSize
mv vm/vm.vmx/memSize vm/vm.vmx/other
echo nested-esxi >vm/vm.vmx/passthrough-profile
cp /dev/null vm/vm.vmx/.vmxfs/raw
echo 'a = "1"' >vm/vm.vmx/.vmxfs/merge
rm -r vm/vm.vmx
mkdir vm/new.vmx
mkdir new
rm file
echo x >file
echo x >new-file
mv file file2
ln -s file link
cp file vm/x.vmx
cp file .vmxfs/plain/vm/vm.vmx
chmod 600 file
touch file
truncate -s 0 file
END
    [ "$(cat "$MNT/vm/vm.vmx/memSize")" = 4096 ]
    [ "$(stat -c %a "$MNT/vm/vm.vmx/memSize")" = 444 ]
    [ "$(stat -c %a "$MNT/vm/vm.vmx/.vmxfs/raw")" = 444 ]
    [ "$(sed -n 's/^mounted: //p' "$MNT/.vmxfs/status")" = read-only ]
    cmp "$TEST_DIR/before" "$LAB/vm/vm.vmx"
    [ "$(cat "$LAB/file")" = text ]
}

@test "umask, uid and gid" {
    mount_local umask=077,uid=12345,gid=54321
    [ "$(stat -c '%a %u %g' "$MNT/vm/vm.vmx/memSize")" = "600 12345 54321" ]
    [ "$(stat -c '%a %u %g' "$MNT/vm/vm.vmx")" = "700 12345 54321" ]
    [ "$(stat -c '%u %g' "$MNT/vm")" = "12345 54321" ]
}

@test "umask says all permissions of plain files, as with sshfs; without it they are the server's" {
    touch "$LAB/file"
    chmod 600 "$LAB/file"
    chmod 711 "$LAB/vm"
    mount_local
    [ "$(stat -c %a "$MNT/file" "$MNT/vm" | xargs)" = "600 711" ]
    unmount_lab
    mount_local umask=0
    [ "$(stat -c %a "$MNT/file" "$MNT/vm" "$MNT/vm/vm.vmx" "$MNT/vm/vm.vmx/memSize" | xargs)" = "777 777 755 644" ]
    [ "$(stat -c %a "$MNT/vm/vm.vmx/.vmxfs/check")" = 444 ]
    unmount_lab
    mount_local umask=027
    [ "$(stat -c %a "$MNT/file" "$MNT/vm" "$MNT/vm/vm.vmx" "$MNT/vm/vm.vmx/memSize" | xargs)" = "750 750 750 640" ]
    chmod 644 "$MNT/file"
    [ "$(stat -c %a "$LAB/file")" = 644 ]
}

@test "others get nothing without allow_other" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    MNT=$(mktemp -d "${TMPDIR:-/tmp}/others.XXXXXX") # bats lets nobody else look below its own
    chmod 755 "$MNT"
    mount_local
    run setpriv --reuid=nobody --clear-groups ls "$MNT"
    [ "$status" -ne 0 ]
    unmount_lab
    mount_local allow_other default_permissions
    [ "$(setpriv --reuid=nobody --clear-groups cat "$MNT/vm/vm.vmx/displayName")" = one ]
    run setpriv --reuid=nobody --clear-groups sh -c 'echo two >"$1"' - "$MNT/vm/vm.vmx/displayName"
    [[ $output == *"Permission denied"* ]]
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

@test "fsname and subtype show in the table of mounts" {
    mount_local
    grep -q "^$LAB $MNT fuse.vmxfs " /proc/mounts
    unmount_lab
    mount_local fsname=my-datastore
    grep -q "^my-datastore $MNT fuse.vmxfs " /proc/mounts
    unmount_lab
    # A comma in SOURCE is no option; mount -a looks for the same name.
    mkdir "$TEST_DIR/a,ro\\b"
    LAB="$TEST_DIR/a,ro\\b" mount_local
    grep -qF "$TEST_DIR/a,ro\\134b $MNT fuse.vmxfs " /proc/mounts
    echo x >"$MNT/file"
    [ "$(cat "$TEST_DIR/a,ro\\b/file")" = x ]
}

@test "what the server says of devices and of whose rights a program has means nothing" {
    mount_local
    awk -v at="$MNT" '$2 == at { print "," $4 "," }' /proc/mounts >"$TEST_DIR/options"
    grep -q ,nosuid, "$TEST_DIR/options"
    grep -q ,nodev, "$TEST_DIR/options"
}

@test "odd names of source and mount point" {
    local odd="$TEST_DIR/-o ro, \$(touch pwned) 'q' ü"
    mkdir -p "$odd/lab/vm" "$odd/mnt"
    cp "$LAB/vm/vm.vmx" "$odd/lab/vm/"
    "$VMXFS" "$odd/lab" "$odd/mnt" 3>&-
    [ "$(cat "$odd/mnt/vm/vm.vmx/displayName")" = one ]
    # The commands that check gives are for a shell.
    local command
    echo nested-esxi >"$odd/mnt/vm/vm.vmx/passthrough-profile"
    echo FALSE >"$odd/mnt/vm/vm.vmx/vvtd.enable"
    command=$(awk -F'\t' '$2 == "virtual-iommu" { print $4; exit }' "$odd/mnt/vm/vm.vmx/.vmxfs/check")
    bash -c "$command"
    [ "$(cat "$odd/mnt/vm/vm.vmx/vvtd.enable")" = TRUE ]
    bash -c "$(head -n 1 "$odd/mnt/.vmxfs/check" | cut -f 4)" >/dev/null
    unmount "$odd/mnt"
    "$VMXFS" -o "$(ssh_options)" "127.0.0.1:$odd/lab" "$odd/mnt" 3>&-
    [ "$(cat "$odd/mnt/vm/vm.vmx/displayName")" = one ]
    unmount "$odd/mnt"
    [ ! -e pwned ]
}

@test "relative source and mount point" {
    cd "$TEST_DIR"
    "$VMXFS" ./lab mnt 3>&-
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    unmount "$MNT"
    cd lab
    "$VMXFS" . ../mnt 3>&-
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
}

# ---- in the foreground

# Starts vmxfs in the foreground; its pid is in $vmxfs.
foreground() { # OPTION...
    "$VMXFS" -f "$@" "$LAB" "$MNT" 2>"$TEST_DIR/stderr" 3>&- &
    vmxfs=$!
    eventually 60 is_mounted
}

@test "in the foreground a clean unmount exits with 0" {
    foreground
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    unmount "$MNT"
    wait "$vmxfs"
    ! is_mounted || false
    [ ! -s "$TEST_DIR/stderr" ]
}

@test "SIGTERM, SIGINT and SIGHUP unmount, with status 0" {
    local signal
    for signal in TERM HUP INT; do
        # A shell without job control starts background processes deaf to SIGINT.
        "$VMXFS" -f "$LAB" "$MNT" 3>&- &
        vmxfs=$!
        eventually 60 is_mounted
        [ "$signal" = INT ] && grep -q '^SigIgn:.*[2367abef]$' "/proc/$vmxfs/status" && signal=TERM
        echo 8192 >"$MNT/vm/vm.vmx/memSize"
        kill -s "$signal" "$vmxfs"
        wait "$vmxfs"
        ! is_mounted || false
    done
    eventually 30 no_processes
}

@test "SIGTERM unmounts a mount in the background" {
    mount_local
    local processes
    processes=$(mount_processes)
    kill -TERM "$(head -n 1 <<<"$processes")"
    # shellcheck disable=SC2086 # a list
    eventually 60 ended $processes
    ! is_mounted || false
}

@test "-d tells what happens, and no secrets" {
    foreground -d
    [ "$(cat "$MNT/vm/vm.vmx/displayName")" = one ]
    unmount "$MNT"
    wait "$vmxfs"
    [ -s "$TEST_DIR/stderr" ]
}

@test "the caller has its prompt back when the mount is there" {
    run --separate-stderr timeout 60 "$VMXFS" "$LAB" "$MNT" 3>&-
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    is_mounted
    # It has let go of the terminal and of the directory it was called from.
    local pid
    pid=$(mount_processes | head -n 1)
    [ "$(readlink "/proc/$pid/cwd")" = / ]
    [ "$(readlink "/proc/$pid/fd/0")" = /dev/null ]
    [ "$(readlink "/proc/$pid/fd/2")" = /dev/null ]
    [ "$(ps -o sid= -p "$pid")" -ne "$(ps -o sid= -p $$)" ]
}

@test "who has closed its standard streams has a mount all the same" {
    timeout 300 "$VMXFS" "$LAB" "$MNT" <&- >&- 3>&-
    [ -n "$(ls "$MNT")" ]
    unmount_lab
    timeout 300 "$VMXFS" "$LAB" "$MNT" <&- >&- 2>&- 3>&-
    [ -n "$(ls "$MNT")" ]
}

@test "a mount that is in use is unmounted lazily without loss" {
    mount_local
    exec 7<"$MNT/vm/vm.vmx/memSize"
    run fusermount3 -u "$MNT"
    [ "$status" -ne 0 ]
    exec 7<&-
    unmount_lab
}

@test "a mount keeps nothing open that it was started with" {
    local pid
    flock "$TEST_DIR/lock" "$VMXFS" "$LAB" "$MNT" 3>&-
    is_mounted
    flock -n "$TEST_DIR/lock" true
    for pid in $(mount_processes); do
        ! readlink "/proc/$pid/fd/"* | grep -F "$TEST_DIR/lock" || false
    done
}

# Words of sshfs and mount(8) that do nothing here.
@test "options of sshfs and mount(8) that are built in, or nothing to vmxfs, are taken" {
    local option
    for option in reconnect sshfs_sync no_readahead sync_readdir direct_io workaround=rename:truncate \
        cache=yes dir_cache=yes dcache_max_size=9 dcache_clean_interval=9 dcache_min_clean_interval=9 \
        cache_max_size=9 cache_clean_interval=9 cache_min_clean_interval=9 no_check_root \
        disable_hardlink max_conns=4 max_read=65536 max_write=65536 unreliable_append verbose \
        writeback_cache=no ssh_protocol=2 idmap=mounter idmap=user nomap=error kernel_cache auto_cache noauto_cache no_rofd_flush \
        entry_timeout=1 attr_timeout=1 ac_attr_timeout=1 negative_timeout=1 noforget remember=1 intr \
        intr_signal=10 use_ino readdir_ino hard_remove nonempty large_read big_writes clone_fd \
        max_threads=9 max_idle_threads=9 relatime norelatime strictatime nostrictatime diratime \
        nodiratime lazytime nolazytime iversion noiversion silent loud mand nomand nousers noowner \
        nogroup X-mount.mkdir x-systemd.automount dcache_timeout=9 dcache_stat_timeout=9 \
        dcache_link_timeout=9 dcache_dir_timeout=9 cache_stat_timeout=9 cache_link_timeout=9 \
        cache_dir_timeout=9 cache=no dir_cache=no cache_timeout=115200 dcache_timeout=4294967295; do
        echo "$option"
        mount_local "$option"
        [ -f "$MNT/vm/vm.vmx/memSize" ]
        unmount_lab
    done
}

@test "what cannot be had of sshfs is refused with what to use instead" {
    fails '^vmxfs: ssh_protocol=1: .*leave' -o ssh_protocol=1 "$LAB" "$MNT"
    fails '^vmxfs: -1: .*leave' -1 "$LAB" "$MNT"
    local option
    for option in passive slave directport=1 vsock=1:2; do
        fails "^vmxfs: $option: .*ssh_command=" -o "$option" "$LAB" "$MNT"
    done
    for option in modules=iconv subdir=vm rellinks from_code=ISO-8859-1; do
        fails "^vmxfs: $option: .*SOURCE" -o "$option" "$LAB" "$MNT"
    done
    # Of ssh_config: what would break the channel, in any case of letters.
    for option in RemoteCommand=ls sessiontype=none REQUESTTTY=yes StdinNull=yes \
        ForkAfterAuthentication=yes LocalForward=1 remoteforward=1 DynamicForward=1 Tunnel=yes; do
        fails "^vmxfs: $option: " -o "$option" 127.0.0.1: "$MNT"
    done
    fails '^vmxfs: ServerAliveInterval=9: .*local directory' -o ServerAliveInterval=9 "$LAB" "$MNT"
    fails '^vmxfs: ServerAliveInterval=: ' -o ServerAliveInterval= 127.0.0.1: "$MNT"
}
