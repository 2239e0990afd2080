/* SPDX-License-Identifier: MIT */
/* Owners of a lock that are stopped, broken or interrupted in the middle of a commit. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"

/* An owner's requests stop at one of them, and go on when its lock has long been broken. */
struct stall {
    struct lock lock;
    struct condition moved;
    int at;
    bool reached, released;
    bool ended; /* the commit */
};

static void stall(void *ctx, const struct relay_request *request)
{
    struct stall *s = ctx;
    struct wait wait = wait_for_ms(20000);
    lock_take(&s->lock);
    if (request->number == s->at) {
        s->reached = true;
        condition_wake_all(&s->moved);
        while (!s->released && wait_on(&wait, &s->moved, &s->lock) == 0)
            ;
    }
    lock_drop(&s->lock);
}

/* False when the commit ended without coming so far. */
static bool await_stall(struct stall *s)
{
    lock_take(&s->lock);
    while (!s->reached && !s->ended) {
        struct wait wait = wait_for_ms(1000);
        wait_on(&wait, &s->moved, &s->lock);
    }
    bool reached = s->reached;
    lock_drop(&s->lock);
    return reached;
}

static void end(struct stall *s)
{
    lock_take(&s->lock);
    s->ended = true;
    condition_wake_all(&s->moved);
    lock_drop(&s->lock);
}

static void release(struct stall *s)
{
    lock_take(&s->lock);
    s->released = true;
    condition_wake_all(&s->moved);
    lock_drop(&s->lock);
}

struct breaker {
    struct mount mount;
    char key[16];
    struct stall *stall; /* of its requests, or NULL */
    int result;
    pthread_t thread;
};

static void *break_and_commit(void *ctx)
{
    struct breaker *b = ctx;
    b->result = commit_set_in_turn(&b->mount, VMX, b->key, "1");
    if (b->stall)
        end(b->stall);
    return NULL;
}

static void breakers_at_once_lose_nothing(void **state)
{
    (void)state;
    enum { BREAKERS = 6, ROUNDS = 5 };
    for (int round = 0; round < ROUNDS; round++) {
        struct folder folder;
        struct breaker breakers[BREAKERS];
        char path[PATH_MAX];
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_sign(&folder, LOCK, FOREIGN, round % 2 ? 62 : -62);
        for (unsigned i = 0; i < BREAKERS; i++) {
            breakers[i] = (struct breaker){0};
            snprintf(breakers[i].key, sizeof(breakers[i].key), "key%u", i);
            must_mount(&breakers[i].mount, &folder, NULL);
            mount_as_foreign(&breakers[i].mount, i);
        }
        for (int i = 0; i < BREAKERS; i++)
            assert_int_equal(
                pthread_create(&breakers[i].thread, NULL, break_and_commit, &breakers[i]), 0);
        for (int i = 0; i < BREAKERS; i++)
            pthread_join(breakers[i].thread, NULL);
        FREE_AUTO char *text = file_text(file_path(&folder, VMX, path));
        for (int i = 0; i < BREAKERS; i++) {
            assert_int_equal(breakers[i].result, 0);
            assert_non_null(strstr(text, breakers[i].key));
            mount_end(&breakers[i].mount);
        }
        must_be_clean(&folder);
        folder_remove(&folder);
    }
}

/* A mount of b's behind a relay that stalls at a request's number. */
static void must_mount_stalling(struct breaker *b, struct relay *relay, struct folder *folder,
                                struct stall *s, int at)
{
    must_make_folder(folder);
    must_write(folder, VMX, TEXT);
    lock_init(&s->lock);
    condition_init(&s->moved);
    must_make_relay(relay);
    relay->before = stall;
    relay->ctx = s;
    must_mount_relay(&b->mount, relay, folder, NULL);
    relay_restart(relay, RELAY_CUT_NONE, 0);
    s->at = at;
}

/* age: of all that the owner has made by then. */
static bool late_requests_from(int at, int age)
{
    struct folder folder;
    struct relay relay;
    struct stall s = {0};
    struct breaker slow = {.key = "slow", .stall = &s};
    struct mount quick;
    char path[PATH_MAX];
    must_mount_stalling(&slow, &relay, &folder, &s, at);
    mount_as_foreign(&slow.mount, 1);
    must_mount(&quick, &folder, NULL);
    assert_int_equal(pthread_create(&slow.thread, NULL, break_and_commit, &slow), 0);
    bool reached = await_stall(&s);
    must_age_locks(&folder, age);
    assert_int_equal(commit_set(&quick, VMX, "quick", "1"), 0);
    release(&s);
    pthread_join(slow.thread, NULL);
    mount_end_relay(&slow.mount, &relay);
    FREE_AUTO char *text = file_text(file_path(&folder, VMX, path));
    assert_non_null(strstr(text, "quick = \"1\"\n"));
    assert_non_null(strstr(text, TEXT));
    if (slow.result == 0)
        assert_non_null(strstr(text, "slow = \"1\"\n"));
    /* Nothing late keeps anybody out. */
    assert_int_equal(commit_set(&quick, VMX, "quick", "2"), 0);
    mount_end(&quick);
    condition_done(&s.moved);
    lock_done(&s.lock);
    folder_remove(&folder);
    return reached;
}

static void late_requests_of_a_broken_owner_lose_nothing(void **state)
{
    (void)state;
    static const int ages[] = {62, -62};
    for (int i = 0; i < 2; i++) {
        int at = 1;
        while (late_requests_from(at, ages[i]))
            at++;
        assert_true(at > 25); /* a load and a commit */
    }
}

static bool interrupted_once_stalled(void *ctx)
{
    struct stall *s = ctx;
    lock_take(&s->lock);
    bool reached = s->reached;
    lock_drop(&s->lock);
    return reached;
}

static void *commit_interruptibly(void *ctx)
{
    struct breaker *b = ctx;
    struct set set = set_of(b->key, "1");
    struct wait wait = patience();
    wait.interrupted = interrupted_once_stalled;
    wait.ctx = b->stall;
    b->result = remote_commit(b->mount.remote, VMX, &set.change, &wait);
    end(b->stall);
    return NULL;
}

/* Whatever it waits for when the interrupt comes. */
static bool interrupted_at(int at)
{
    struct folder folder;
    struct relay relay;
    struct stall s = {0};
    struct breaker b = {.key = "key", .stall = &s};
    must_mount_stalling(&b, &relay, &folder, &s, at);
    assert_int_equal(pthread_create(&b.thread, NULL, commit_interruptibly, &b), 0);
    bool reached = await_stall(&s);
    usleep(150000); /* for the waits to notice */
    release(&s);
    pthread_join(b.thread, NULL);
    relay_await_idle(&relay); /* what was sent of an interrupted commit is still being served */
    must_be_clean(&folder);
    assert_true(b.result == 0 || b.result == -EINTR);
    must_hold(&folder, VMX, b.result == 0 ? TEXT "key = \"1\"\n" : TEXT);
    mount_end_relay(&b.mount, &relay);
    condition_done(&s.moved);
    lock_done(&s.lock);
    folder_remove(&folder);
    return reached;
}

static void an_interrupted_commit_leaves_nothing(void **state)
{
    (void)state;
    int at = 1;
    while (interrupted_at(at))
        at++;
    assert_true(at > 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breakers_at_once_lose_nothing),
        cmocka_unit_test(late_requests_of_a_broken_owner_lose_nothing),
        cmocka_unit_test(an_interrupted_commit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
