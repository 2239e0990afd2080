/* SPDX-License-Identifier: MIT */
/* A server without posix-rename, and rename=unsafe: the .vmx is set aside in the lock before the
 * new text gets its name. Whatever is lost in between, one of the two texts stays. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"

struct play {
    struct folder folder;
    struct relay relay;
    struct mount mount;
};

static void begin(struct play *p)
{
    *p = (struct play){0};
    must_make_folder(&p->folder);
    must_make_relay(&p->relay);
    p->relay.no_posix_rename = true;
    struct remote_options options = default_options(&p->folder);
    options.unsafe_rename = true;
    must_mount_relay(&p->mount, &p->relay, &p->folder, &options);
}

static void end(struct play *p)
{
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
}

/* False when the commit made fewer requests. */
static bool survives(enum relay_cut cut, int at)
{
    struct play p;
    begin(&p);
    must_write(&p.folder, VMX, TEXT);
    relay_restart(&p.relay, cut, at);
    int r = commit_set(&p.mount, VMX, "memSize", "8192");
    if (r != 0)
        fail_msg("cut (%d) at request %d: %d", (int)cut, at, r);
    must_hold(&p.folder, VMX, "memSize = \"8192\"\n");
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "1"), 0);
    relay_await_idle(&p.relay);
    bool reached = p.relay.links > 1;
    if (cut == RELAY_CUT_LATE)
        reached = relay_deliver(&p.relay);
    must_hold(&p.folder, VMX, "memSize = \"1\"\n");
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "2"), 0);
    must_hold(&p.folder, VMX, "memSize = \"2\"\n");
    must_be_clean(&p.folder);
    end(&p);
    return reached;
}

static void must_survive(enum relay_cut cut)
{
    int at = 1;
    while (survives(cut, at))
        at++;
    assert_true(at > 20); /* a commit */
}

static void a_commit_survives_a_link_that_is_lost_before_each_request(void **state)
{
    (void)state;
    must_survive(RELAY_CUT_BEFORE);
}

static void a_commit_survives_a_link_that_is_lost_behind_each_request(void **state)
{
    (void)state;
    must_survive(RELAY_CUT_AFTER);
}

static void a_commit_survives_requests_that_are_delivered_late(void **state)
{
    (void)state;
    must_survive(RELAY_CUT_LATE);
}

/* What an owner left that was lost in the middle. */
struct left {
    const char *owner;              /* token_named */
    const char *target, *old, *new; /* texts; NULL: there is none */
    int age;                        /* of the lock, in seconds */
    int result;                     /* of a commit that finds it */
    const char *end;                /* what the .vmx holds then; NULL: there is none */
};

static void must_find(const struct left *left)
{
    struct play p;
    char token[TOKEN_MAX + 1];
    char aside[PATH_MAX];
    char temp[PATH_MAX];
    const char *name = token_named(left->owner, token);
    snprintf(temp, sizeof(temp), "%s/%s", LOCK, name);
    snprintf(aside, sizeof(aside), "%s/old-%s", LOCK, name);
    begin(&p);
    must_mkdir(&p.folder, LOCK);
    if (left->target)
        must_write(&p.folder, VMX, left->target);
    if (left->old)
        must_write(&p.folder, aside, left->old);
    if (left->new)
        must_write(&p.folder, temp, left->new);
    must_age_locks(&p.folder, left->age);
    struct set set = set_of("memSize", "8192");
    struct wait wait = left->result == -ENOLCK ? wait_for_ms(1500) : patience();
    assert_int_equal(remote_commit(p.mount.remote, VMX, &set.change, &wait), left->result);
    if (left->end)
        must_hold(&p.folder, VMX, left->end);
    else
        assert_false(file_exists(&p.folder, VMX));
    if (left->result == 0) {
        must_be_clean(&p.folder);
    } else {
        assert_non_null(strstr(set.change.diag.text, LOCK));
        must_hold(&p.folder, aside, left->old);
        if (left->new)
            must_hold(&p.folder, temp, left->new);
    }
    end(&p);
}

static void what_a_lost_owner_has_set_aside_gets_its_name_back(void **state)
{
    (void)state;
    static const char *const owners[] = {"D", "S", "01234567000123abcdef00000001-root@elsewhere"};
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        must_find(&(struct left){owners[i], NULL, "a = \"1\"\n", "half", 120, 0,
                                 "a = \"1\"\nmemSize = \"8192\"\n"});
        must_find(&(struct left){owners[i], NULL, "a = \"1\"\n", NULL, 120, 0,
                                 "a = \"1\"\nmemSize = \"8192\"\n"});
    }
}

static void what_a_lost_owner_has_replaced_is_removed(void **state)
{
    (void)state;
    must_find(&(struct left){"D", "b = \"2\"\n", "a = \"1\"\n", NULL, 120, 0,
                             "b = \"2\"\nmemSize = \"8192\"\n"});
}

/* Nobody but a person can tell which of them is wanted. */
static void what_was_set_aside_is_kept_beside_a_file_that_somebody_else_made(void **state)
{
    (void)state;
    must_find(
        &(struct left){"D", "b = \"2\"\n", "a = \"1\"\n", "half", 120, -ENOLCK, "b = \"2\"\n"});
}

static void what_an_owner_has_just_set_aside_is_left_to_him(void **state)
{
    (void)state;
    must_find(&(struct left){"L", NULL, "a = \"1\"\n", "new", 5, -ENOLCK, NULL});
    must_find(&(struct left){"01234567000123abcdef00000001-root@elsewhere", NULL, "a = \"1\"\n",
                             "new", 5, -ENOLCK, NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_survives_a_link_that_is_lost_before_each_request),
        cmocka_unit_test(a_commit_survives_a_link_that_is_lost_behind_each_request),
        cmocka_unit_test(a_commit_survives_requests_that_are_delivered_late),
        cmocka_unit_test(what_a_lost_owner_has_set_aside_gets_its_name_back),
        cmocka_unit_test(what_a_lost_owner_has_replaced_is_removed),
        cmocka_unit_test(what_was_set_aside_is_kept_beside_a_file_that_somebody_else_made),
        cmocka_unit_test(what_an_owner_has_just_set_aside_is_left_to_him),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
