/* SPDX-License-Identifier: MIT */
/* A server without posix-rename, and rename=unsafe: the .vmx is set aside in the lock before the
 * new text gets its name. Whatever is lost in between, one of the two texts stays. */
#include "relay.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/cache/listing.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"

struct play {
    struct folder folder;
    struct relay relay;
    struct mount mount;
};

static void prepare(struct play *p)
{
    *p = (struct play){0};
    must_make_folder(&p->folder);
    must_make_relay(&p->relay);
    p->relay.no_posix_rename = true;
}

static void start(struct play *p)
{
    struct remote_options options = default_options(&p->folder);
    options.unsafe_rename = true;
    must_mount_relay(&p->mount, &p->relay, &p->folder, &options);
}

static void begin(struct play *p)
{
    prepare(p);
    start(p);
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

/* The name in a folder of the folder that begins with a prefix. ret: PATH_MAX bytes. */
static const char *name_with(const struct folder *folder, const char *dir, const char *prefix,
                             char *ret)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *names = opendir(file_path(folder, dir, path));
    assert_non_null(names);
    do
        entry = readdir(names);
    while (entry && strncmp(entry->d_name, prefix, strlen(prefix)) != 0);
    assert_non_null(entry);
    name_in(dir, entry->d_name, ret);
    closedir(names);
    return ret;
}

/* What an owner left that was lost in the middle. */
struct left {
    const char *owner;                                  /* token_named */
    const char *target, *old, *new;                     /* texts; NULL: there is none */
    enum { LINKED_NOT, LINKED_OLD, LINKED_NEW } linked; /* the target is one of the others */
    int age;                                            /* of the lock, in seconds */
    int result;                                         /* of a commit that finds it */
    const char *end; /* what the .vmx holds then; NULL: there is none */
};

static void must_give_name(const struct folder *folder, const char *from, const char *to)
{
    char from_path[PATH_MAX];
    char to_path[PATH_MAX];
    assert_int_equal(link(file_path(folder, from, from_path), file_path(folder, to, to_path)), 0);
}

/* EIO: the time was over before the lock was seen, on a busy machine. */
static void must_be_refused(struct play *p, int expected, struct diag *diag)
{
    int r = -EIO;
    for (int ms = 1500; r == -EIO; ms *= 2) {
        struct set set = set_of("memSize", "8192");
        struct wait wait = wait_for_ms(ms);
        r = remote_commit(p->mount.remote, VMX, &set.change, &wait);
        *diag = set.change.diag;
    }
    assert_int_equal(r, expected);
}

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
    if (left->linked)
        must_give_name(&p.folder, left->linked == LINKED_OLD ? aside : temp, VMX);
    must_age_locks(&p.folder, left->age);
    struct diag diag = {0};
    if (left->result == 0)
        assert_int_equal(commit_set(&p.mount, VMX, "memSize", "8192"), 0);
    else
        must_be_refused(&p, left->result, &diag);
    if (left->end)
        must_hold(&p.folder, VMX, left->end);
    else
        assert_false(file_exists(&p.folder, VMX));
    if (left->result == 0) {
        must_be_clean(&p.folder);
    } else {
        assert_non_null(strstr(diag.text, LOCK));
        must_hold(&p.folder, aside, left->old);
        if (left->new)
            must_hold(&p.folder, temp, left->new);
    }
    end(&p);
}

static void what_a_lost_owner_has_set_aside_gets_its_name_back(void **state)
{
    (void)state;
    static const char *const owners[] = {"D", "S", FOREIGN};
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        must_find(&(struct left){owners[i], NULL, "a = \"1\"\n", "half", LINKED_NOT, 120, 0,
                                 "a = \"1\"\nmemSize = \"8192\"\n"});
        must_find(&(struct left){owners[i], NULL, "a = \"1\"\n", NULL, LINKED_NOT, 120, 0,
                                 "a = \"1\"\nmemSize = \"8192\"\n"});
    }
}

static void what_a_lost_owner_has_replaced_is_removed(void **state)
{
    (void)state;
    must_find(&(struct left){"D", "b = \"2\"\n", "a = \"1\"\n", NULL, LINKED_NOT, 120, 0,
                             "b = \"2\"\nmemSize = \"8192\"\n"});
}

/* Nobody but a person can tell which of them is wanted. */
static void what_was_set_aside_is_kept_beside_a_file_that_somebody_else_made(void **state)
{
    (void)state;
    must_find(&(struct left){"D", "b = \"2\"\n", "a = \"1\"\n", "half", LINKED_NOT, 120, -ENOLCK,
                             "b = \"2\"\n"});
}

/* Of a server's process that was stopped between making the new name and removing the old one: when
 * it goes on it may remove either. */
static void what_a_rename_that_is_half_done_may_remove_is_kept_until_it_had_its_time(void **state)
{
    (void)state;
    static const char a[] = "a = \"1\"\n";
    static const char b[] = "b = \"2\"\n";
    must_find(&(struct left){"D", NULL, a, b, LINKED_OLD, 5, -ENOLCK, a});
    must_find(&(struct left){"D", NULL, a, b, LINKED_NEW, 5, -ENOLCK, b});
    must_find(&(struct left){"D", NULL, a, NULL, LINKED_OLD, 5, -ENOLCK, a});
    must_find(
        &(struct left){"D", NULL, a, b, LINKED_OLD, 120, 0, "a = \"1\"\nmemSize = \"8192\"\n"});
    must_find(
        &(struct left){"D", NULL, a, b, LINKED_NEW, 120, 0, "b = \"2\"\nmemSize = \"8192\"\n"});
}

/* Makes a file of the name when it has just been set aside. */
static void take_name(void *ctx, const struct relay_request *request)
{
    const struct play *p = ctx;
    char path[PATH_MAX];
    if (request->type == SSH_FXP_RENAME && strstr(request->text, "/" LOCK "/") &&
        !strstr(request->text, "/old-") && !file_exists(&p->folder, VMX))
        file_write(file_path(&p->folder, VMX, path), "b = \"2\"\n");
}

static void who_takes_the_name_meanwhile_does_not_cost_the_old_text(void **state)
{
    (void)state;
    struct play p;
    char name[PATH_MAX];
    prepare(&p);
    p.relay.before = take_name;
    p.relay.ctx = &p;
    start(&p);
    must_write(&p.folder, VMX, TEXT);
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "8192"), -EIO);
    relay_await_idle(&p.relay);
    for (int i = 0; i < 2; i++) {
        struct diag diag;
        must_be_refused(&p, -ENOLCK, &diag);
        assert_non_null(strstr(diag.text, "old-"));
        must_hold(&p.folder, VMX, "b = \"2\"\n");
    }
    const char *old = name_with(&p.folder, LOCK, "old-", name);
    must_hold(&p.folder, old, TEXT);
    end(&p);
}

static void what_an_owner_has_just_set_aside_is_left_to_him(void **state)
{
    (void)state;
    must_find(&(struct left){"L", NULL, "a = \"1\"\n", "new", LINKED_NOT, 5, -ENOLCK, NULL});
    must_find(&(struct left){FOREIGN, NULL, "a = \"1\"\n", "new", LINKED_NOT, 5, -ENOLCK, NULL});
}

/* Leaves a .vmx without a name. name: of it, without the suffix. */
static void leave_set_aside(struct play *p, const char *name, const char *owner, int age)
{
    char token[TOKEN_MAX + 1];
    char path[PATH_MAX];
    const char *signed_by = token_named(owner, token);
    snprintf(path, sizeof(path), ".%s.vmx.vmxfs-lock", name);
    must_mkdir(&p->folder, path);
    snprintf(path, sizeof(path), ".%s.vmx.vmxfs-lock/old-%s", name, signed_by);
    must_write(&p->folder, path, TEXT);
    snprintf(path, sizeof(path), ".%s.vmx.vmxfs-lock/%s", name, signed_by);
    must_write(&p->folder, path, "new");
    must_age_locks(&p->folder, age);
}

static void must_list(struct play *p, int64_t max_age_ms, const char *name, bool there)
{
    const struct wait wait = wait_for_ms(60000);
    LISTING_AUTO *listing = NULL;
    assert_int_equal(remote_list(p->mount.remote, "", max_age_ms, &wait, &listing), 0);
    assert_int_equal(listing_find(listing, name) != NULL, there);
}

static void who_looks_a_name_up_finds_what_was_set_aside(void **state)
{
    (void)state;
    struct play p;
    const struct wait wait = wait_for_ms(60000);
    DOCUMENT_AUTO *doc = NULL;
    begin(&p);
    leave_set_aside(&p, "a", FOREIGN, 5);
    must_list(&p, 0, VMX, false); /* he may be at work still */
    assert_false(file_exists(&p.folder, VMX));
    must_age_locks(&p.folder, 120);
    assert_int_equal(remote_document(p.mount.remote, VMX, 60000, &wait, &doc), 0);
    assert_true(span_eq(vmx_dict_text(doc->dict), SPAN_LITERAL(TEXT)));
    must_hold(&p.folder, VMX, TEXT);
    must_list(&p, 600000, VMX, true);
    relay_await_idle(&p.relay);
    must_be_clean(&p.folder);
    end(&p);
}

/* All of them at once; a lock of which nothing was set aside yet is left alone. */
static void who_lists_the_folder_finds_what_was_set_aside(void **state)
{
    (void)state;
    struct play p;
    begin(&p);
    must_mkdir(&p.folder, ".0.vmx.vmxfs-lock");
    must_write(&p.folder, ".0.vmx.vmxfs-lock/" FOREIGN, "last");
    leave_set_aside(&p, "a", FOREIGN, 120);
    leave_set_aside(&p, "b", FOREIGN, 120);
    leave_set_aside(&p, "c", FOREIGN, 120);
    must_list(&p, 0, "a.vmx", true);
    must_list(&p, 600000, "b.vmx", true);
    must_list(&p, 600000, "c.vmx", true);
    must_hold(&p.folder, ".0.vmx.vmxfs-lock/" FOREIGN, "last");
    relay_await_idle(&p.relay);
    end(&p);
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
        cmocka_unit_test(what_a_rename_that_is_half_done_may_remove_is_kept_until_it_had_its_time),
        cmocka_unit_test(who_takes_the_name_meanwhile_does_not_cost_the_old_text),
        cmocka_unit_test(what_an_owner_has_just_set_aside_is_left_to_him),
        cmocka_unit_test(who_looks_a_name_up_finds_what_was_set_aside),
        cmocka_unit_test(who_lists_the_folder_finds_what_was_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
