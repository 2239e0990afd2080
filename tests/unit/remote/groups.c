/* SPDX-License-Identifier: MIT */
/* Changes that meet: the queue before the commits of one file, and several mounts. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define VMX "a.vmx"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"

enum { THREADS = 64 };

struct writer {
    struct mount *mount;
    const struct folder *folder; /* NULL: what is stored is not looked at */
    const char *path;
    char key[16], value[16];
    const char *big;      /* the value, if not NULL */
    const char *expected; /* as of struct set */
    int rounds;
    struct wait wait;
    int result;     /* the first error */
    struct set set; /* of the last round */
    bool missing;   /* what was told to be done was not on the server */
    pthread_t thread;
};

/* On any thread. */
static bool is_stored(const struct folder *folder, const char *key, const char *value)
{
    char path[PATH_MAX];
    char line[64];
    FREE_AUTO char *text = file_text(file_path(folder, VMX, path));
    snprintf(line, sizeof(line), "%s = \"%s\"\n", key, value);
    return text && strstr(text, line);
}

static void *write_keys(void *ctx)
{
    struct writer *w = ctx;
    for (int i = 1; i <= w->rounds && w->result == 0; i++) {
        snprintf(w->value, sizeof(w->value), "%d", i);
        w->set = set_of(w->key, w->big ? w->big : w->value);
        w->set.expected = w->expected;
        w->result = remote_commit(w->mount->remote, w->path, &w->set.change, &w->wait);
        if (w->folder && w->result == 0)
            w->missing |= !is_stored(w->folder, w->key, w->value);
    }
    return NULL;
}

static void start(struct writer *w)
{
    assert_int_equal(pthread_create(&w->thread, NULL, write_keys, w), 0);
}

static struct writer writer_of(struct mount *mount, const char *path, int number, int rounds)
{
    struct writer w = {.mount = mount, .path = path, .rounds = rounds, .wait = wait_for_ms(60000)};
    snprintf(w.key, sizeof(w.key), "key%d", number);
    return w;
}

static void must_have(const struct folder *folder, const char *key, const char *value)
{
    char path[PATH_MAX];
    char line[64];
    FREE_AUTO char *text = file_text(file_path(folder, VMX, path));
    assert_non_null(text);
    snprintf(line, sizeof(line), "%s = \"%s\"\n", key, value);
    const char *at = strstr(text, line);
    if (!at)
        print_error("%s is missing in:\n%s", line, text);
    assert_non_null(at);
    assert_null(strstr(at + 1, line));
}

static void many_edits_are_joined_into_few_rewrites(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    static struct writer writers[THREADS];
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    must_mount(&mount, &folder, NULL);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = writer_of(&mount, VMX, i, 1);
        writers[i].folder = &folder;
        start(&writers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(writers[i].result, 0);
        assert_int_equal(writers[i].set.committed, 1);
        assert_false(writers[i].missing);
        must_have(&folder, writers[i].key, "1");
    }
    must_have(&folder, "memSize", "4096");
    unsigned long commits = must_count(&mount, "commits");
    unsigned long joined = must_count(&mount, "commits-joined");
    assert_true(commits < THREADS / 2);
    assert_int_equal(commits + joined, THREADS);
    must_be_clean(&folder);
    mount_end(&mount);
    folder_remove(&folder);
}

/* Holds the first commit at its rename until others have queued up behind it. */
struct gate {
    struct lock lock;
    struct condition opened;
    bool open;
    bool reached;
};

static void wait_at_gate(void *ctx, const struct relay_request *request)
{
    struct gate *gate = ctx;
    if (!relay_is_install(request))
        return;
    const struct wait wait = {.deadline = INT64_MAX / 2};
    lock_take(&gate->lock);
    gate->reached = true;
    condition_wake_all(&gate->opened);
    while (!gate->open && wait_on(&wait, &gate->opened, &gate->lock) == 0)
        ;
    lock_drop(&gate->lock);
}

static void gate_init(struct gate *gate)
{
    *gate = (struct gate){0};
    lock_init(&gate->lock);
    condition_init(&gate->opened);
}

static void gate_done(struct gate *gate)
{
    condition_done(&gate->opened);
    lock_done(&gate->lock);
}

static void gate_await(struct gate *gate)
{
    struct wait wait = patience();
    lock_take(&gate->lock);
    while (!gate->reached && wait_on(&wait, &gate->opened, &gate->lock) == 0)
        ;
    lock_drop(&gate->lock);
    assert_true(gate->reached);
}

static void gate_open(struct gate *gate)
{
    lock_take(&gate->lock);
    gate->open = true;
    condition_wake_all(&gate->opened);
    lock_drop(&gate->lock);
}

static bool interrupted_at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static bool interrupted_from_the_gate_on(void *ctx)
{
    struct gate *gate = ctx;
    lock_take(&gate->lock);
    bool reached = gate->reached;
    lock_drop(&gate->lock);
    return reached;
}

/* One leads; the others wait behind it and are committed as one. Among them some that must fail. */
static void a_failing_change_fails_alone(void **state)
{
    (void)state;
    enum { MEMBERS = 64, TOO_BIG = 2, REFUSED = 5, FEW = 3 };
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct gate gate;
    struct writer writers[MEMBERS];
    static char big[1 << 20];
    memset(big, 'x', sizeof(big) - 1);
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    gate_init(&gate);
    must_make_relay(&relay);
    relay.before = wait_at_gate;
    relay.ctx = &gate;
    must_mount_relay(&mount, &relay, &folder, NULL);
    for (int i = 0; i < MEMBERS; i++) {
        writers[i] = writer_of(&mount, VMX, i, 1);
        writers[i].folder = &folder;
    }
    writers[TOO_BIG].big = big;
    writers[REFUSED].expected = "something else";
    start(&writers[0]);
    gate_await(&gate);
    for (int i = 1; i < MEMBERS; i++)
        start(&writers[i]);
    usleep(300000);
    gate_open(&gate);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 0; i < MEMBERS; i++) {
        int expected = i == TOO_BIG ? -EFBIG : i == REFUSED ? -ECANCELED : 0;
        assert_int_equal(writers[i].result, expected);
        assert_false(writers[i].missing);
        if (expected == 0)
            must_have(&folder, writers[i].key, "1");
        else
            assert_false(is_stored(&folder, writers[i].key, "1"));
    }
    assert_within(must_count(&mount, "commits"), 2, FEW);
    must_be_clean(&folder);
    mount_end_relay(&mount, &relay);
    gate_done(&gate);
    folder_remove(&folder);
}

/* A leader takes only its own change with it. */
static void an_interrupted_leader_leaves_the_others(void **state)
{
    (void)state;
    enum { MEMBERS = 6 };
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct gate gate;
    struct writer writers[MEMBERS];
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    gate_init(&gate);
    must_make_relay(&relay);
    relay.before = wait_at_gate;
    relay.ctx = &gate;
    must_mount_relay(&mount, &relay, &folder, NULL);
    writers[0] = writer_of(&mount, VMX, 0, 1);
    start(&writers[0]);
    gate_await(&gate);
    for (int i = 1; i < MEMBERS; i++) {
        writers[i] = writer_of(&mount, VMX, i, 1);
        if (i % 2)
            writers[i].wait.interrupted = interrupted_at_once;
        start(&writers[i]);
    }
    usleep(200000);
    gate_open(&gate);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(writers[i].result, i % 2 ? -EINTR : 0);
    for (int i = 0; i < MEMBERS; i += 2)
        must_have(&folder, writers[i].key, "1");
    must_be_clean(&folder);
    mount_end_relay(&mount, &relay);
    gate_done(&gate);
    folder_remove(&folder);
}

/* The link is lost at the second rename, which the server does, and then another client, who looks
 * alive, has the lock. */
struct thief {
    struct gate gate;
    struct relay *relay;
    const struct folder *folder;
    int renames;
};

static void lose_second_rename(void *ctx, const struct relay_request *request)
{
    struct thief *t = ctx;
    char path[PATH_MAX];
    if (relay_is_install(request) && ++t->renames == 2)
        relay_cut_at(t->relay, RELAY_CUT_AFTER, request->number);
    if (t->relay->links > 1 && mkdir(file_path(t->folder, LOCK, path), 0755) == 0)
        file_write(file_path(t->folder, LOCK "/" FOREIGN, path), "");
    wait_at_gate(&t->gate, request);
}

/* It was in a commit of which nobody knows what came: whatever its next leader finds is no answer
 * to whether it was made. */
static void a_change_of_a_lost_group_is_not_known(void **state)
{
    (void)state;
    enum { MEMBERS = 3 };
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct thief thief = {.relay = &relay, .folder = &folder};
    struct writer writers[MEMBERS];
    must_make_folder(&folder);
    must_write(&folder, VMX, "key1 = \"0\"\nkey2 = \"0\"\n");
    gate_init(&thief.gate);
    must_make_relay(&relay);
    relay.before = lose_second_rename;
    relay.ctx = &thief;
    must_mount_relay(&mount, &relay, &folder, NULL);
    for (int i = 0; i < MEMBERS; i++)
        writers[i] = writer_of(&mount, VMX, i, 1);
    start(&writers[0]);
    gate_await(&thief.gate);
    for (int i = 1; i < MEMBERS; i++) {
        writers[i].wait = wait_for_ms(4000);
        writers[i].expected = "0";
        start(&writers[i]);
    }
    usleep(300000);
    gate_open(&thief.gate);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 1; i < MEMBERS; i++)
        assert_int_equal(writers[i].result, -EIO);
    mount_end_relay(&mount, &relay);
    gate_done(&thief.gate);
    folder_remove(&folder);
}

/* The rename is on its way: an interrupt does not change what the caller is told. */
static void a_sent_rename_is_not_interrupted(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct gate gate;
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    gate_init(&gate);
    must_make_relay(&relay);
    relay.before = wait_at_gate;
    relay.ctx = &gate;
    must_mount_relay(&mount, &relay, &folder, NULL);
    struct writer w = writer_of(&mount, VMX, 0, 1);
    w.wait.interrupted = interrupted_from_the_gate_on;
    w.wait.ctx = &gate;
    start(&w);
    gate_await(&gate);
    usleep(300000); /* several looks at whether it is interrupted */
    gate_open(&gate);
    pthread_join(w.thread, NULL);
    assert_int_equal(w.result, 0);
    mount_end_relay(&mount, &relay);
    gate_done(&gate);
    folder_remove(&folder);
}

static void several_mounts_lose_nothing(void **state)
{
    (void)state;
    enum { MOUNTS = 4, EACH = 4, ROUNDS = 4 };
    struct folder folder;
    struct mount mounts[MOUNTS];
    struct writer writers[MOUNTS * EACH];
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    for (unsigned i = 0; i < MOUNTS; i++) {
        must_mount(&mounts[i], &folder, NULL);
        mount_as_foreign(&mounts[i], i);
    }
    for (int i = 0; i < MOUNTS * EACH; i++) {
        writers[i] = writer_of(&mounts[i % MOUNTS], VMX, i, ROUNDS);
        start(&writers[i]);
    }
    for (int i = 0; i < MOUNTS * EACH; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 0; i < MOUNTS * EACH; i++) {
        char value[8];
        snprintf(value, sizeof(value), "%d", ROUNDS);
        assert_int_equal(writers[i].result, 0);
        must_have(&folder, writers[i].key, value);
    }
    for (int i = 0; i < MOUNTS; i++)
        mount_end(&mounts[i]);
    must_be_clean(&folder);
    folder_remove(&folder);
}

/* Two paths of one file: each must respect the other's lock, in one process too. */
static void two_paths_to_one_file_lose_nothing(void **state)
{
    (void)state;
    enum { WRITERS = 8, ROUNDS = 5 };
    struct folder folder;
    struct mount mount;
    struct writer writers[WRITERS];
    must_make_folder(&folder);
    must_write(&folder, VMX, "memSize = \"4096\"\n");
    must_link(&folder, VMX, "link.vmx");
    must_link(&folder, ".", "here");
    must_mount(&mount, &folder, NULL);
    static const char *const paths[] = {VMX, "link.vmx", ("here/" VMX), "here/link.vmx"};
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = writer_of(&mount, paths[i % 4], i, ROUNDS);
        start(&writers[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(writers[i].result, 0);
        must_have(&folder, writers[i].key, "5");
    }
    must_be_clean(&folder);
    mount_end(&mount);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_edits_are_joined_into_few_rewrites),
        cmocka_unit_test(a_failing_change_fails_alone),
        cmocka_unit_test(an_interrupted_leader_leaves_the_others),
        cmocka_unit_test(a_change_of_a_lost_group_is_not_known),
        cmocka_unit_test(a_sent_rename_is_not_interrupted),
        cmocka_unit_test(several_mounts_lose_nothing),
        cmocka_unit_test(two_paths_to_one_file_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
