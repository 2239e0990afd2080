/* SPDX-License-Identifier: MIT */
/* A lost connection's server process that carries out what it was sent when all is long over. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"

static int set(struct mount *mount)
{
    return commit_set(mount, VMX, "slow", "1");
}

static int move_onto_it(struct mount *mount)
{
    struct diag diag;
    struct wait wait = patience();
    return remote_rename_vmx(mount->remote, "b.vmx", VMX, MOVE_ONTO_ANY, NULL, &wait, &diag, NULL);
}

/* The link is cut at a request, and what was sent from there on is done after the change was made
 * again and answered. False when the change made fewer requests. */
static bool late(int (*change)(struct mount *mount), int at)
{
    struct folder folder;
    struct mount slow;
    struct mount quick;
    struct relay relay;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_write(&folder, "b.vmx", "slow = \"1\"\n");
    must_make_relay(&relay);
    relay.gathers = true;
    must_mount_relay(&slow, &relay, &folder, NULL);
    mount_as_foreign(&slow, 1);
    must_mount(&quick, &folder, NULL);
    relay_restart(&relay, RELAY_CUT_LATE, at);
    assert_int_equal(change(&slow), 0);
    assert_int_equal(commit_set(&quick, VMX, "quick", "1"), 0);
    FREE_AUTO char *before = file_text(file_path(&folder, VMX, path));
    bool kept = relay_deliver(&relay);
    must_hold(&folder, VMX, before);
    assert_non_null(strstr(before, "slow = \"1\"\n"));
    /* What it has made by then keeps nobody out for longer than his patience, and goes by itself:
     * a lock, because its owner looks for it; all else at the next commit. */
    assert_int_equal(commit_set(&quick, VMX, "quick", "2"), 0);
    assert_int_equal(commit_set(&slow, VMX, "slow", "2"), 0);
    must_be_clean(&folder);
    mount_end(&quick);
    mount_end_relay(&slow, &relay);
    folder_remove(&folder);
    return kept;
}

static void a_commit_that_is_delivered_late_keeps_nobody_out(void **state)
{
    (void)state;
    int at = 1;
    while (late(set, at))
        at++;
    assert_true(at > 25); /* a load and a commit */
}

static void a_move_that_is_delivered_late_keeps_nobody_out(void **state)
{
    (void)state;
    int at = 1;
    while (late(move_onto_it, at))
        at++;
    assert_true(at > 25); /* two locks and a rename */
}

/* The process has no commit left to make: only its looking can remove the lock. */
static void a_lock_that_is_taken_late_goes_by_itself(void **state)
{
    (void)state;
    enum { REQUESTS = 8 };
    int locks = 0;
    /* On a busy machine it can be gone before it is seen: again, then. */
    for (int round = 0; round < REQUESTS || locks == 0; round++) {
        const int at = round % REQUESTS + 1;
        struct folder folder;
        struct mount slow;
        struct relay relay;
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_make_relay(&relay);
        relay.gathers = true;
        must_mount_relay(&slow, &relay, &folder, NULL);
        struct wait wait = patience();
        DOCUMENT_AUTO *d = NULL;
        assert_int_equal(remote_document(slow.remote, VMX, 0, &wait, &d), 0);
        relay_restart(&relay, RELAY_CUT_LATE, at);
        assert_int_equal(commit_set(&slow, VMX, "slow", "1"), 0);
        must_be_clean(&folder);
        assert_true(relay_deliver(&relay));
        locks += count_in(&folder, LOCK) > 0;
        must_be_clean(&folder);
        mount_end_relay(&slow, &relay);
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_that_is_delivered_late_keeps_nobody_out),
        cmocka_unit_test(a_move_that_is_delivered_late_keeps_nobody_out),
        cmocka_unit_test(a_lock_that_is_taken_late_goes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
