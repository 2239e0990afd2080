/* SPDX-License-Identifier: MIT */
/*
 * A lock whose owner takes too long, or whose server's clock jumps, is somebody else's to break, at
 * any moment: before each single request of a change its owner does the change all the same, once
 * more, and never says that the file is not there.
 */
#include "relay.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "remote/remote_private.h"
#include "remote/lock/lock.h"

#define VMX "a.vmx"
#define OTHER "b.vmx"
#define TEXT "memSize = \"4096\"\n"

struct breaker {
    const struct folder *folder;
    int at; /* the request before which the lock is broken */
    int broken;
};

/* For nftw, which hands nothing on. */
static int removed;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    removed += strstr(path, ".vmxfs-") && remove(path) == 0;
    return 0;
}

static void break_it(void *ctx, const struct relay_request *request)
{
    struct breaker *b = ctx;
    if (request->number != b->at)
        return;
    removed = 0;
    nftw(b->folder->path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
    b->broken += removed > 0;
}

static int set(struct mount *mount)
{
    return commit_set(mount, VMX, "memSize", "8192");
}

static int remove_vmx(struct mount *mount)
{
    struct diag diag = {0};
    struct wait wait = patience();
    return remote_remove_vmx(mount->remote, VMX, NULL, &wait, &diag);
}

static int rename_vmx(struct mount *mount)
{
    struct diag diag = {0};
    struct wait wait = patience();
    return remote_rename_vmx(mount->remote, VMX, OTHER, MOVE_ONTO_NOTHING, NULL, &wait, &diag,
                             NULL);
}

/* Breaks the lock before each request of a change in turn, until there are no more. in_place: the
 * server renames no folders. */
static void must_do_one_way(int (*change)(struct mount *mount), bool in_place, const char *name,
                            const char *left)
{
    int requests = 1;
    int broken = 0;
    for (int at = 1; at <= requests; at++) {
        struct folder folder;
        struct mount mount;
        struct relay relay;
        struct breaker breaker = {.folder = &folder, .at = at};
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_make_relay(&relay);
        relay.before = break_it;
        relay.ctx = &breaker;
        must_mount_relay(&mount, &relay, &folder, NULL);
        if (in_place)
            atomic_store(&mount.remote->folder_renames, RENAMES_NO_FOLDERS);
        relay_restart(&relay, RELAY_CUT_NONE, 0);
        int r = change(&mount);
        if (r != 0)
            fail_msg("broken before request %d: %d", at, r);
        if (at == 1)
            requests = relay_requests(&relay);
        mount_end_relay(&mount, &relay);
        if (left)
            must_hold(&folder, name, left);
        else
            assert_false(file_exists(&folder, name));
        broken += breaker.broken;
        folder_remove(&folder);
    }
    print_message("broken before %d of %d requests\n", broken, requests);
    assert_true(broken > requests / 2);
}

/* left: what the .vmx of that name holds then; NULL: it is gone. */
static void must_do(int (*change)(struct mount *mount), const char *name, const char *left)
{
    must_do_one_way(change, false, name, left);
    must_do_one_way(change, true, name, left);
}

static void a_set_is_made_though_its_lock_is_broken(void **state)
{
    (void)state;
    must_do(set, VMX, "memSize = \"8192\"\n");
}

static void a_removal_is_made_though_its_lock_is_broken(void **state)
{
    (void)state;
    must_do(remove_vmx, VMX, NULL);
}

static void a_renaming_is_made_though_its_locks_are_broken(void **state)
{
    (void)state;
    must_do(rename_vmx, OTHER, TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_made_though_its_lock_is_broken),
        cmocka_unit_test(a_removal_is_made_though_its_lock_is_broken),
        cmocka_unit_test(a_renaming_is_made_though_its_locks_are_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
