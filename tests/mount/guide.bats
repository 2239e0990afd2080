# SPDX-License-Identifier: MIT
# What the pages promise: their commands are run, in their order, on the hosts that the quickstart
# pretends, and print what the pages say.

load helper
bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/../..

setup() {
    export VMXFS_DEMO=$BATS_FILE_TMPDIR/demo-$BATS_TEST_NUMBER
}

teardown() {
    sh "$root/docs/quickstart.sh" stop
}

# The page calls the folder of the quickstart as a user of it does.
run_page() { # PAGE
    python3 -B "$support/page.py" "$root/$1" "$VMXFS_DEMO" "~/vmxfs-demo"
}

@test "the quickstart mounts the hosts of the guide, once, and stops them" {
    sh "$root/docs/quickstart.sh" >"$BATS_FILE_TMPDIR/said" 3>&-
    grep -q "quickstart.sh stop" "$BATS_FILE_TMPDIR/said"
    local host
    for host in physical amd nested; do
        grep -q "ESXi" "$VMXFS_DEMO/$host/.vmxfs/host/version"
    done
    sh "$root/docs/quickstart.sh" 3>&-
    [ "$(grep -c " $VMXFS_DEMO/" /proc/mounts)" -eq 3 ]
    sh "$root/docs/quickstart.sh" stop
    run ! grep " $VMXFS_DEMO/" /proc/mounts
    nothing_left() { ! pgrep -af "$VMXFS_DEMO"; }
    eventually 60 nothing_left
}

@test "the guide's commands print what the guide says" {
    sh "$root/docs/quickstart.sh" 3>&-
    run_page docs/guide.md
}

@test "the README's commands print what the README says" {
    sh "$root/docs/quickstart.sh" 3>&-
    run_page README.md
}

@test "README and guide can be walked one after the other" {
    sh "$root/docs/quickstart.sh" 3>&-
    run_page README.md
    run_page docs/guide.md
    run_page docs/disks.md
    run_page docs/free-esxi.md
}

@test "the commands of the page on disks print what the page says" {
    sh "$root/docs/quickstart.sh" 3>&-
    run_page docs/disks.md
}

@test "the commands of the page on the free edition print what the page says" {
    sh "$root/docs/quickstart.sh" 3>&-
    run_page docs/free-esxi.md
}

@test "the drawing has the guide's commands, under the numbers of their steps" {
    local line step=none commands=0
    while IFS= read -r line; do
        case $line in
        step\ *) step=${line#step } ;;
        *)
            echo "$step: $line"
            sed -n "/^## $step\. /,/^## /p" "$root/docs/guide.md" | grep -qxF "\$ $line"
            commands=$((commands + 1))
            ;;
        esac
    done < <(sed -n 's/.*<text [^>]*>\([0-9]*\)\. .*/step \1/p
        s/&gt;/>/g; s/.*class="command"[^>]*>\(.*\)<\/text>/\1/p' "$root/docs/double-passthrough.svg")
    [ "$commands" -eq 4 ]
}

@test "a page whose output is not what comes is noticed" {
    mkdir "$VMXFS_DEMO"
    # shellcheck disable=SC2016
    printf '%s\n' '```console' '$ cd ~/vmxfs-demo' '$ pwd; echo two >&2' "~/vmxfs-demo" "two" '```' \
        >"$BATS_FILE_TMPDIR/page"
    python3 -B "$support/page.py" "$BATS_FILE_TMPDIR/page" "$VMXFS_DEMO" "~/vmxfs-demo"
    sed -i 's/^two$/three/' "$BATS_FILE_TMPDIR/page"
    run python3 -B "$support/page.py" "$BATS_FILE_TMPDIR/page" "$VMXFS_DEMO" "~/vmxfs-demo"
    [ "$status" -eq 1 ]
    [[ $output == *"-three"*"+two"* ]]
}
