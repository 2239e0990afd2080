/* SPDX-License-Identifier: MIT */
/*
 * What processes that are gone left in a folder without a .vmx: it goes with the folder, when that
 * is removed or replaced. What may be somebody's, and what no vmxfs made, stays, and keeps it.
 */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "remote/file/files.h"
#include "sftp/protocol/proto.h"

#define LOCK "k/.a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"
#define OLD_TEMP "k/.a.vmx.vmxfs-0123456700012300001"

enum kind {
    IN_LOCK,  /* the token's file, in the lock */
    MOVES,    /* a folder, as a move makes it */
    MADE,     /* the token's folder, with its file */
    UNSIGNED, /* the token's folder, empty */
    EMPTY,    /* a lock without a token */
    OLD_LOCK, /* files of vmxfs 0.1 */
};

struct leftover {
    enum kind kind;
    const char *token;
    int age; /* seconds */
    bool goes;
};

static const struct leftover leftovers[] = {
    {IN_LOCK, "D", 0, true},         {MOVES, "D", 0, true},      {IN_LOCK, "S", 0, true},
    {MOVES, "S", 0, true},           {IN_LOCK, "L", 20, false},  {MOVES, "L", 0, false},
    {IN_LOCK, "L", 62, true},        {MOVES, FOREIGN, 0, false}, {IN_LOCK, FOREIGN, 20, false},
    {IN_LOCK, FOREIGN, -20, false},  {MOVES, FOREIGN, 62, true}, {IN_LOCK, FOREIGN, 62, true},
    {IN_LOCK, FOREIGN, -70, true},   {MADE, "D", 0, true},       {UNSIGNED, "D", 0, true},
    {MADE, "L", 0, false},           {MADE, FOREIGN, 20, false}, {MADE, FOREIGN, 62, true},
    {UNSIGNED, FOREIGN, -70, true},  {EMPTY, "", 0, true},       {IN_LOCK, "precious", 100, false},
    {MOVES, "precious", 100, false}, {OLD_LOCK, "", 20, false},  {OLD_LOCK, "", 62, true},
};

enum { CASES = sizeof(leftovers) / sizeof(leftovers[0]) };

static void must_leave(const struct folder *folder, const struct leftover *l)
{
    char made[TOKEN_MAX + 1];
    char dir[PATH_MAX];
    char path[PATH_MAX];
    const char *token = token_named(l->token, made);
    snprintf(dir, sizeof(dir), "k/.vmxfs-%s", token);
    name_in(LOCK, token, path);
    switch (l->kind) {
    case IN_LOCK:
        must_sign(folder, LOCK, token, l->age);
        break;
    case MADE:
        must_sign(folder, dir, token, l->age);
        break;
    case MOVES:
        must_mkdir(folder, LOCK);
        must_mkdir(folder, path);
        break;
    case UNSIGNED:
        must_mkdir(folder, dir);
        break;
    case EMPTY:
        must_mkdir(folder, LOCK);
        break;
    case OLD_LOCK:
        must_write(folder, LOCK, strrchr(OLD_TEMP, '/') + 1);
        must_write(folder, OLD_TEMP, "half");
        break;
    }
    must_age_locks(folder, l->age);
}

struct notes {
    int n;
    char last[512];
};

static void note(void *ctx, const char *path, const char *key, const char *reason)
{
    struct notes *notes = ctx;
    (void)key;
    notes->n++;
    snprintf(notes->last, sizeof(notes->last), "%s: %s", path, reason);
}

static int remove_k(struct mount *mount)
{
    struct wait wait = patience();
    return remote_rmdir(mount->remote, "k", NULL, &wait);
}

static int replace_k(struct mount *mount)
{
    struct wait wait = patience();
    return remote_rename(mount->remote, "e", "k", false, NULL, NULL, &wait);
}

static void must_behave(int (*change)(struct mount *mount), const struct leftover *l)
{
    struct folder folder;
    struct mount mount;
    struct notes notes = {0};
    must_make_folder(&folder);
    must_mkdir(&folder, "k");
    must_mkdir(&folder, "e");
    must_write(&folder, "e/mark", "");
    must_leave(&folder, l);
    size_t before = count_in(&folder, "k");
    must_mount(&mount, &folder, NULL);
    remote_listen(mount.remote, &(struct remote_listener){.note = note, .ctx = &notes});
    int r = change(&mount);
    if (r != (l->goes ? 0 : -ENOTEMPTY))
        fail_msg("case %d: %d", (int)(l - leftovers), r);
    if (!l->goes && (notes.n != 1 || strncmp(notes.last, "k: the folder holds a lock", 26) != 0))
        fail_msg("case %d: %d notes: %s", (int)(l - leftovers), notes.n, notes.last);
    if (!l->goes && l->kind == IN_LOCK && strcmp(l->token, FOREIGN) == 0)
        assert_non_null(strstr(notes.last,
                               "(another vmxfs holds the lock .a.vmx.vmxfs-lock "
                               "(root@elsewhere, process 291))"));
    mount_end(&mount);
    if (!l->goes)
        assert_int_equal(count_in(&folder, "k"), before);
    else
        assert_int_equal(file_exists(&folder, "k/mark"), change == replace_k);
    folder_remove(&folder);
}

static void what_is_over_goes_with_its_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        must_behave(remove_k, &leftovers[i]);
}

static void what_is_over_goes_when_its_folder_is_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        must_behave(replace_k, &leftovers[i]);
}

/* Also where another one beside it is over. */
static void what_is_alive_keeps_its_folder(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_mkdir(&folder, "k");
    must_leave(&folder, &(struct leftover){IN_LOCK, "D", 0, true});
    must_sign(&folder, "k/.b.vmx.vmxfs-lock", FOREIGN, 0);
    must_mount(&mount, &folder, NULL);
    assert_int_equal(remove_k(&mount), -ENOTEMPTY);
    must_hold(&folder, name_in("k/.b.vmx.vmxfs-lock", FOREIGN, path), "half");
    must_set_age(&folder, path, 62);
    assert_int_equal(remove_k(&mount), 0);
    mount_end(&mount);
    assert_false(file_exists(&folder, "k"));
    folder_remove(&folder);
}

/* A folder that holds something for people is not touched, and nobody is asked for more. */
static void a_folder_that_shows_a_name_is_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"file", ".vmxfs-notes", ".a.vmx", "a.vmx.vmxfs-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct folder folder;
        struct mount mount;
        char path[PATH_MAX];
        must_make_folder(&folder);
        must_mkdir(&folder, "k");
        must_mkdir(&folder, "e");
        must_leave(&folder, &(struct leftover){IN_LOCK, FOREIGN, 62, true});
        must_write(&folder, name_in("k", names[i], path), "");
        must_mount(&mount, &folder, NULL);
        assert_int_equal(remove_k(&mount), -ENOTEMPTY);
        assert_int_equal(replace_k(&mount), -ENOTEMPTY);
        mount_end(&mount);
        must_hold(&folder, name_in(LOCK, FOREIGN, path), "half");
        folder_remove(&folder);
    }
}

/* What a server is asked for, but the folder's listing. */
struct asked {
    int rmdirs, others;
};

static void count_asked(void *ctx, const struct relay_request *request)
{
    struct asked *a = ctx;
    bool lists = request->type == SSH_FXP_OPENDIR || request->type == SSH_FXP_READDIR ||
                 request->type == SSH_FXP_CLOSE;
    a->rmdirs += request->type == SSH_FXP_RMDIR;
    a->others += !lists && request->type != SSH_FXP_RMDIR;
}

/* From now on it is counted what the server is asked for. */
static void must_mount_counted(struct mount *mount, struct relay *relay,
                               const struct folder *folder, struct asked *asked)
{
    must_make_relay(relay);
    relay->before = count_asked;
    relay->ctx = asked;
    must_mount_relay(mount, relay, folder, NULL);
    relay_restart(relay, RELAY_CUT_NONE, 0);
    *asked = (struct asked){0};
}

static void a_removal_costs_no_more_than_it_must(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct asked asked;
    must_make_folder(&folder);
    must_mkdir(&folder, "k");
    must_write(&folder, "k/file", "");
    must_leave(&folder, &(struct leftover){IN_LOCK, FOREIGN, 62, true});
    must_mount_counted(&mount, &relay, &folder, &asked);
    assert_int_equal(remove_k(&mount), -ENOTEMPTY);
    relay_await_idle(&relay);
    assert_int_equal(asked.rmdirs, 1);
    assert_int_equal(asked.others, 0);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
    must_make_folder(&folder);
    must_mkdir(&folder, "k");
    must_mount_counted(&mount, &relay, &folder, &asked);
    assert_int_equal(remove_k(&mount), 0);
    assert_int_equal(relay_requests(&relay), 1);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

/* A lock is broken by the removal of what signs it, as by who wants it, and then removed. */
static void a_lock_is_removed_as_it_is_broken(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct asked asked;
    must_make_folder(&folder);
    must_mkdir(&folder, "k");
    must_leave(&folder, &(struct leftover){IN_LOCK, "D", 0, true});
    must_mount_counted(&mount, &relay, &folder, &asked);
    assert_int_equal(remove_k(&mount), 0);
    relay_await_idle(&relay);
    assert_int_equal(asked.rmdirs, 2 + 2); /* of k, twice; of the lock, and of what told the time */
    assert_int_equal(asked.others, 2 + 1); /* MKDIR and LSTAT for the time; REMOVE of the token */
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_over_goes_with_its_folder),
        cmocka_unit_test(what_is_over_goes_when_its_folder_is_replaced),
        cmocka_unit_test(what_is_alive_keeps_its_folder),
        cmocka_unit_test(a_folder_that_shows_a_name_is_left_alone),
        cmocka_unit_test(a_removal_costs_no_more_than_it_must),
        cmocka_unit_test(a_lock_is_removed_as_it_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
