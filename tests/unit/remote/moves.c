/* SPDX-License-Identifier: MIT */
/* Moves of a .vmx: a change of two names. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"
#define TEXT_A "displayName = \"A\"\nmemSize = \"4096\"\n"
#define TEXT_B "displayName = \"B\"\nmemSize = \"4096\"\n"

static int move(struct mount *mount, const char *from, const char *to, enum move_onto onto,
                struct diag *diag)
{
    struct wait wait = patience();
    return remote_rename_vmx(mount->remote, from, to, onto, NULL, &wait, diag, NULL);
}

static void must_make_two(struct folder *folder)
{
    must_make_folder(folder);
    must_write(folder, "a.vmx", TEXT_A);
    must_write(folder, "b.vmx", TEXT_B);
}

static void a_move_is_refused_if_either_vm_is_in_use(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *used, *refused;
    } table[] = {
        {"a.vmx", "b.vmx", "b.vmx.lck", "b.vmx"}, {"a.vmx", "b.vmx", "a.vmx.lck", "a.vmx"},
        {"b.vmx", "a.vmx", "a.vmx.lck", "a.vmx"}, {"b.vmx", "a.vmx", "b.vmx.lck", "b.vmx"},
        {"a.vmx", "c.vmx", "c.vmx.lck", "c.vmx"}, {"notes", "b.vmx", "b.vmx.lck", "b.vmx"},
        {"a.vmx", "notes", "a.vmx.lck", "a.vmx"}, {"a.vmx", "link.vmx", "link.vmx.lck", "link.vmx"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct folder folder;
        struct mount mount;
        struct diag diag = {0};
        struct wait wait = patience();
        const char *refused = NULL;
        must_make_two(&folder);
        must_write(&folder, "notes", TEXT_A);
        must_link(&folder, "a.vmx", "link.vmx");
        must_write(&folder, table[i].used, "");
        must_mount(&mount, &folder, NULL);
        assert_int_equal(remote_rename_vmx(mount.remote, table[i].from, table[i].to, MOVE_ONTO_ANY,
                                           NULL, &wait, &diag, &refused),
                         -EBUSY);
        assert_string_equal(refused, table[i].refused);
        assert_non_null(strstr(diag.text, table[i].used));
        must_hold(&folder, "a.vmx", TEXT_A);
        must_hold(&folder, "b.vmx", TEXT_B);
        must_hold(&folder, "notes", TEXT_A);
        assert_false(file_exists(&folder, "c.vmx"));
        mount_end(&mount);
        must_be_clean(&folder);
        folder_remove(&folder);
    }
}

static void a_move_replaces_what_it_may(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        enum move_onto onto;
        int result;
    } table[] = {
        {"a.vmx", "b.vmx", MOVE_ONTO_ANY, 0},
        {"a.vmx", "b.vmx", MOVE_ONTO_EMPTY, -ENOTEMPTY},
        {"a.vmx", "b.vmx", MOVE_ONTO_NOTHING, -EEXIST},
        {"a.vmx", "empty.vmx", MOVE_ONTO_EMPTY, 0},
        {"a.vmx", "empty.vmx", MOVE_ONTO_NOTHING, -EEXIST},
        {"a.vmx", "c.vmx", MOVE_ONTO_NOTHING, 0},
        {"a.vmx", "link.vmx", MOVE_ONTO_ANY, 0},
        {"a.vmx", "link.vmx", MOVE_ONTO_NOTHING, -EEXIST},
        {"a.vmx", "link.vmx", MOVE_ONTO_OTHER, 0},
        {"a.vmx", "b.vmx", MOVE_ONTO_OTHER, -EEXIST},
        {"a.vmx", "empty.vmx", MOVE_ONTO_OTHER, -EEXIST},
        {"a.vmx", "c.vmx", MOVE_ONTO_OTHER, 0},
        {"notes", "link.vmx", MOVE_ONTO_OTHER, 0},
        {"notes", "b.vmx", MOVE_ONTO_NOTHING, -EEXIST},
        {"notes", "c.vmx", MOVE_ONTO_NOTHING, 0},
        {"missing", "c.vmx", MOVE_ONTO_NOTHING, -ENOENT},
        {"missing.vmx", "b.vmx", MOVE_ONTO_NOTHING, -ENOENT},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct folder folder;
        struct mount mount;
        struct diag diag = {0};
        must_make_two(&folder);
        must_write(&folder, "notes", TEXT_A);
        must_write(&folder, "empty.vmx", "");
        must_link(&folder, "b.vmx", "link.vmx");
        must_mount(&mount, &folder, NULL);
        assert_int_equal(move(&mount, table[i].from, table[i].to, table[i].onto, &diag),
                         table[i].result);
        must_hold(&folder, table[i].result == 0 ? table[i].to : "a.vmx", TEXT_A);
        if (table[i].result == 0)
            assert_false(file_exists(&folder, table[i].from));
        if (strcmp(table[i].to, "b.vmx") != 0)
            must_hold(&folder, "b.vmx", TEXT_B);
        mount_end(&mount);
        must_be_clean(&folder);
        folder_remove(&folder);
    }
}

/* What another client tries at the moment before a rename. */
struct meeting {
    struct mount other;
    int (*act)(struct mount *mount);
    const struct folder *folder;
    int age;    /* that the locks get before, if it is stopped for so long */
    int result; /* 1: not tried yet */
};

static void before_rename(void *ctx, const struct relay_request *request)
{
    struct meeting *m = ctx;
    if (m->result == 1 && relay_is_install(request))
        m->result = m->act(&m->other);
}

static int set_at_once(struct mount *mount)
{
    struct set set = set_of("memSize", "8192");
    struct wait wait = wait_for_ms(1000);
    int r = remote_commit(mount->remote, "b.vmx", &set.change, &wait);
    return r == -EIO ? set_at_once(mount) : r; /* its time ended in the middle of an attempt */
}

static int move_at_once(struct mount *mount)
{
    struct diag diag;
    struct wait wait = wait_for_ms(1000);
    int r =
        remote_rename_vmx(mount->remote, "a.vmx", "b.vmx", MOVE_ONTO_ANY, NULL, &wait, &diag, NULL);
    return r == -EIO ? move_at_once(mount) : r;
}

static void must_make_meeting(struct meeting *m, struct mount *mount, struct relay *relay,
                              const struct folder *folder)
{
    m->result = 1;
    must_mount(&m->other, folder, NULL);
    mount_as_foreign(&m->other, 7);
    must_make_relay(relay);
    relay->before = before_rename;
    relay->ctx = m;
    must_mount_relay(mount, relay, folder, NULL);
}

static void a_set_of_the_target_waits_for_a_move(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct meeting meeting = {.act = set_at_once};
    struct diag diag = {0};
    must_make_two(&folder);
    must_make_meeting(&meeting, &mount, &relay, &folder);
    assert_int_equal(move(&mount, "a.vmx", "b.vmx", MOVE_ONTO_ANY, &diag), 0);
    assert_int_equal(meeting.result, -ENOLCK);
    must_hold(&folder, "b.vmx", TEXT_A);
    assert_int_equal(commit_set(&meeting.other, "b.vmx", "memSize", "8192"), 0);
    must_hold(&folder, "b.vmx", "displayName = \"A\"\nmemSize = \"8192\"\n");
    mount_end_relay(&mount, &relay);
    mount_end(&meeting.other);
    folder_remove(&folder);
}

static void a_move_waits_for_a_set_of_its_target(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct meeting meeting = {.act = move_at_once};
    must_make_two(&folder);
    must_make_meeting(&meeting, &mount, &relay, &folder);
    assert_int_equal(commit_set(&mount, "b.vmx", "memSize", "8192"), 0);
    assert_int_equal(meeting.result, -ENOLCK);
    must_hold(&folder, "a.vmx", TEXT_A);
    must_hold(&folder, "b.vmx", "displayName = \"B\"\nmemSize = \"8192\"\n");
    mount_end_relay(&mount, &relay);
    mount_end(&meeting.other);
    folder_remove(&folder);
}

static int break_and_create(struct mount *mount)
{
    return commit_set_in_turn(mount, "c.vmx", "memSize", "8192");
}

/* It is stopped at its rename, until another has made what it would replace. */
static void before_stopped_rename(void *ctx, const struct relay_request *request)
{
    struct meeting *m = ctx;
    if (m->result == 1 && relay_is_install(request))
        must_age_locks(m->folder, m->age);
    before_rename(ctx, request);
}

static void a_move_whose_lock_was_broken_replaces_nothing(void **state)
{
    (void)state;
    static const int ages[] = {62, -62};
    for (int i = 0; i < 2; i++) {
        struct folder folder;
        struct mount mount;
        struct relay relay;
        struct meeting meeting = {.act = break_and_create, .folder = &folder, .age = ages[i]};
        struct diag diag = {0};
        must_make_two(&folder);
        must_make_meeting(&meeting, &mount, &relay, &folder);
        mount_as_foreign(&mount, 1);
        relay.before = before_stopped_rename;
        assert_int_equal(move(&mount, "a.vmx", "c.vmx", MOVE_ONTO_NOTHING, &diag), -EEXIST);
        assert_int_equal(meeting.result, 0);
        must_hold(&folder, "a.vmx", TEXT_A);
        must_hold(&folder, "c.vmx", "memSize = \"8192\"\n");
        mount_end_relay(&mount, &relay);
        mount_end(&meeting.other);
        must_be_clean(&folder);
        folder_remove(&folder);
    }
}

/* Two moves in opposite directions, each of its own thread, at one mount or at two. */
struct crossing {
    struct mount *mount;
    const char *from, *to;
    int result; /* the first that is neither 0 nor "no such file" */
    int moved;
    pthread_t thread;
};

static void *move_often(void *ctx)
{
    enum { ROUNDS = 40 };
    struct crossing *c = ctx;
    for (int i = 0; i < ROUNDS && c->result == 0; i++) {
        struct diag diag;
        struct wait wait = wait_for_ms(60000);
        int r = remote_rename_vmx(c->mount->remote, c->from, c->to, MOVE_ONTO_ANY, NULL, &wait,
                                  &diag, NULL);
        c->moved += r == 0;
        if (r != -ENOENT)
            c->result = r;
    }
    return NULL;
}

static void must_cross(struct mount *one, struct mount *other)
{
    struct crossing crossings[] = {{.mount = one, .from = "a.vmx", .to = "b.vmx"},
                                   {.mount = other, .from = "b.vmx", .to = "a.vmx"}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&crossings[i].thread, NULL, move_often, &crossings[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(crossings[i].thread, NULL);
    assert_int_equal(crossings[0].result, 0);
    assert_int_equal(crossings[1].result, 0);
    assert_true(crossings[0].moved + crossings[1].moved > 0);
}

static void moves_that_cross_do_not_stop_each_other(void **state)
{
    (void)state;
    struct folder folder;
    struct mount one;
    struct mount other;
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", TEXT_A);
    must_mount(&one, &folder, NULL);
    must_mount(&other, &folder, NULL);
    mount_as_foreign(&other, 7);
    must_cross(&one, &one);
    must_cross(&one, &other);
    assert_true(file_exists(&folder, "a.vmx") != file_exists(&folder, "b.vmx"));
    must_hold(&folder, file_exists(&folder, "a.vmx") ? "a.vmx" : "b.vmx", TEXT_A);
    mount_end(&one);
    mount_end(&other);
    must_be_clean(&folder);
    folder_remove(&folder);
}

/* Takes the source away when the link was lost, as somebody else might. */
struct thief {
    const struct folder *folder;
    int at; /* the request at which it is lost */
    bool stole;
};

static void steal_source(void *ctx, const struct relay_request *request)
{
    struct thief *t = ctx;
    char path[PATH_MAX];
    if (request->number > t->at && unlink(file_path(t->folder, "a.vmx", path)) == 0)
        t->stole = true;
}

/* That some file has the new name does not show that the lost rename put it there. */
static void a_lost_rename_is_not_taken_for_done(void **state)
{
    (void)state;
    int unknown = 0;
    bool cut = true;
    for (int at = 1; cut; at++) {
        struct folder folder;
        struct mount mount;
        struct relay relay;
        struct thief thief = {.folder = &folder, .at = at};
        struct diag diag = {0};
        must_make_two(&folder);
        must_make_relay(&relay);
        relay.before = steal_source;
        relay.ctx = &thief;
        must_mount_relay(&mount, &relay, &folder, NULL);
        relay_restart(&relay, RELAY_CUT_BEFORE, at);
        int r = move(&mount, "a.vmx", "b.vmx", MOVE_ONTO_ANY, &diag);
        mount_end_relay(&mount, &relay);
        cut = relay.links > 1;
        if (r == -EIO) {
            unknown++;
            assert_non_null(strstr(diag.text, "not known whether the file became b.vmx"));
        }
        if (cut && thief.stole)
            assert_true(r == -EIO || r == -ENOENT);
        else
            assert_int_equal(r, 0);
        must_hold(&folder, "b.vmx", r == 0 ? TEXT_A : TEXT_B);
        folder_remove(&folder);
    }
    assert_int_equal(unknown, 1);
}

/* Loses a move that was made, and has another client, who looks alive, take the lock. */
struct rival {
    const struct folder *folder;
    struct relay *relay;
};

static void lose_and_lock(void *ctx, const struct relay_request *request)
{
    struct rival *t = ctx;
    char path[PATH_MAX];
    if (relay_is_install(request))
        relay_cut_at(t->relay, RELAY_CUT_AFTER, request->number);
    if (t->relay->links > 1 && mkdir(file_path(t->folder, LOCK, path), 0755) == 0)
        file_write(file_path(t->folder, LOCK "/" FOREIGN, path), "");
}

static void a_lost_move_is_unknown_without_the_lock(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct rival rival = {&folder, &relay};
    struct diag diag;
    struct wait wait = wait_for_ms(4000);
    must_make_two(&folder);
    must_make_relay(&relay);
    relay.before = lose_and_lock;
    relay.ctx = &rival;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(
        remote_rename_vmx(mount.remote, "a.vmx", "b.vmx", MOVE_ONTO_ANY, NULL, &wait, &diag, NULL),
        -EIO);
    must_hold(&folder, "b.vmx", TEXT_A);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_is_refused_if_either_vm_is_in_use),
        cmocka_unit_test(a_move_replaces_what_it_may),
        cmocka_unit_test(a_set_of_the_target_waits_for_a_move),
        cmocka_unit_test(a_move_waits_for_a_set_of_its_target),
        cmocka_unit_test(a_move_whose_lock_was_broken_replaces_nothing),
        cmocka_unit_test(moves_that_cross_do_not_stop_each_other),
        cmocka_unit_test(a_lost_rename_is_not_taken_for_done),
        cmocka_unit_test(a_lost_move_is_unknown_without_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
