/* SPDX-License-Identifier: MIT */
/*
 * Many clients, each with a server process of its own, race for one lock at random: at most one
 * believes at any time that it holds it, and no text of an owner whose lock was broken is
 * installed.
 *
 * RACES: how often each of them tries, default 150. RACE_SEED: of what they do.
 */
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/remote_private.h"
#include "remote/lock/lock.h"
#include "remote/names/paths.h"
#include "sftp/requests.h"
#include "sftp/results.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"

enum {
    CLIENTS = 6,
    RACES = 150,
    HELD_US = 400,
    PAUSE_US = 300,
    KILL_ONE_IN = 40,
    ROUNDS_MAX = 100
};

/* What all clients of one race share. */
struct race {
    struct folder folder;
    atomic_int owners;
    atomic_int doubles; /* somebody took it while another held it */
    atomic_int held, refused;
    int rounds; /* at least so many, and until it was held and refused */
    bool kills; /* server processes, now and then */
};

struct client {
    struct race *race;
    struct mount mount;
    unsigned seed;
    int lost, failed;
    pthread_t thread;
};

static int rounds(void)
{
    const char *given = getenv("RACES");
    return given ? atoi(given) : RACES;
}

static unsigned race_seed(void)
{
    const char *given = getenv("RACE_SEED");
    return given ? (unsigned)atoi(given) : 4711;
}

static bool chance(struct client *c, int one_in)
{
    return rand_r(&c->seed) % one_in == 0;
}

/* Holds the lock for a moment, and lets go of it in one of the ways there are. */
static void hold(struct client *c, struct vmx_lock *lock)
{
    struct race *race = c->race;
    struct wait wait = patience();
    atomic_fetch_add(&race->held, 1);
    if (atomic_fetch_add(&race->owners, 1) != 0)
        atomic_fetch_add(&race->doubles, 1);
    usleep((useconds_t)rand_r(&c->seed) % HELD_US);
    bool installs = chance(c, 2);
    bool dies = race->kills && chance(c, KILL_ONE_IN);
    /* From here on another may have it. */
    atomic_fetch_sub(&race->owners, 1);
    if (installs) {
        FREE_AUTO char *target = remote_path(c->mount.remote, VMX);
        SFTP_CALL_AUTO *rename = sftp_posix_rename(c->mount.sftp, lock->paths.temp, target, 0);
        if (sftp_wait(rename, &wait) == 0)
            vmx_lock_installed(lock);
    }
    if (dies)
        local_server_signal(&c->mount.server, SIGKILL);
}

static bool goes_on(struct race *race, int round)
{
    bool shown = atomic_load(&race->held) > 0 && atomic_load(&race->refused) > 0;
    return round < (shown ? 1 : ROUNDS_MAX) * race->rounds;
}

static void *race_for_it(void *ctx)
{
    struct client *c = ctx;
    for (int i = 0; goes_on(c->race, i); i++) {
        struct vmx_lock lock;
        struct diag diag = {0};
        struct wait wait = patience();
        int r = vmx_lock_init(&lock, c->mount.remote, VMX, false);
        if (r == 0) {
            vmx_lock_ask(&lock);
            r = vmx_lock_answer(&lock, &wait, &diag);
        }
        if (r == 0)
            hold(c, &lock);
        atomic_fetch_add(&c->race->refused, r == -EAGAIN);
        c->lost += r == -ENOTCONN;
        c->failed += r != 0 && r != -EAGAIN && r != -ENOTCONN;
        vmx_lock_drop(&lock);
        vmx_lock_done(&lock);
        if (r == -ENOTCONN)
            sftp_wait_up(c->mount.sftp, &wait);
        usleep((useconds_t)rand_r(&c->seed) % PAUSE_US);
    }
    return NULL;
}

/* What a client that ended without a link could not take back. */
static void must_clear_away(const struct folder *folder)
{
    struct mount mount;
    must_age_locks(folder, 62);
    must_mount(&mount, folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
    mount_end(&mount);
}

/* in_place: how many of the clients take it as on a server that renames no folders. */
static void must_race(int in_place, bool kills)
{
    struct race race = {.rounds = rounds(), .kills = kills};
    struct client clients[CLIENTS];
    must_make_folder(&race.folder);
    must_write(&race.folder, VMX, TEXT);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];
        *c = (struct client){.race = &race, .seed = race_seed() * CLIENTS + (unsigned)i};
        must_mount(&c->mount, &race.folder, NULL);
        mount_as_foreign(&c->mount, (unsigned)i);
        if (i < in_place)
            atomic_store(&c->mount.remote->folder_renames, RENAMES_NO_FOLDERS);
    }
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i].thread, NULL, race_for_it, &clients[i]), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(clients[i].failed, 0);
    int held = atomic_load(&race.held);
    int refused = atomic_load(&race.refused);
    print_message("%d clients, %d of them in place: held %d times, refused %d times\n",
                  (int)CLIENTS, in_place, held, refused);
    assert_int_equal(atomic_load(&race.doubles), 0);
    assert_true(held > 0 && refused > 0);
    for (int i = 0; i < CLIENTS; i++)
        mount_end(&clients[i].mount);
    if (kills)
        must_clear_away(&race.folder);
    must_be_clean(&race.folder);
    folder_remove(&race.folder);
}

static void a_lock_has_one_owner(void **state)
{
    (void)state;
    must_race(0, false);
}

static void a_lock_that_is_signed_in_its_place_has_one_owner(void **state)
{
    (void)state;
    must_race(CLIENTS, false);
}

static void both_ways_go_together(void **state)
{
    (void)state;
    must_race(CLIENTS / 2, false);
}

static void a_lock_has_one_owner_though_servers_are_killed(void **state)
{
    (void)state;
    must_race(0, true);
    must_race(CLIENTS / 2, true);
}

/* Counts up by commits, while locks are given an age at which they may be broken. */
struct counter {
    struct mount mount;
    int number, rounds;
    int made; /* the last number that is known to be there */
    int result;
    atomic_int *running, *all_made; /* of all counters */
    pthread_t thread;
};

static void *count_up(void *ctx)
{
    struct counter *c = ctx;
    char key[16];
    char value[16];
    snprintf(key, sizeof(key), "key%d", c->number);
    for (int i = 0; i < c->rounds && c->result == 0; i++) {
        snprintf(value, sizeof(value), "%d", i + 1);
        c->result = commit_set_in_turn(&c->mount, VMX, key, value);
        c->made += c->result == 0;
        atomic_fetch_add(c->all_made, c->result == 0);
    }
    atomic_fetch_sub(c->running, 1);
    return NULL;
}

static void must_count_up(bool in_place)
{
    enum { COUNTERS = 4 };
    struct folder folder;
    struct counter counters[COUNTERS];
    atomic_int running = COUNTERS;
    atomic_int all_made = 0;
    unsigned seed = race_seed();
    int aged = 0;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    for (int i = 0; i < COUNTERS; i++) {
        counters[i] = (struct counter){
            .number = i, .rounds = rounds() / 4, .running = &running, .all_made = &all_made};
        must_mount(&counters[i].mount, &folder, NULL);
        mount_as_foreign(&counters[i].mount, (unsigned)i);
        if (in_place)
            atomic_store(&counters[i].mount.remote->folder_renames, RENAMES_NO_FOLDERS);
    }
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(pthread_create(&counters[i].thread, NULL, count_up, &counters[i]), 0);
    while (atomic_load(&running) > 0) {
        /* Some come through between two times, however slow they are. */
        int enough = atomic_load(&all_made) + rand_r(&seed) % 4;
        while (atomic_load(&all_made) < enough && atomic_load(&running) > 0)
            usleep(1000);
        usleep((useconds_t)rand_r(&seed) % 20000);
        must_age_locks(&folder, rand_r(&seed) % 2 ? 62 : -62);
        aged++;
    }
    for (int i = 0; i < COUNTERS; i++)
        pthread_join(counters[i].thread, NULL);
    FREE_AUTO char *text = file_text(file_path(&folder, VMX, path));
    for (int i = 0; i < COUNTERS; i++) {
        char line[64];
        snprintf(line, sizeof(line), "key%d = \"%d\"\n", i, counters[i].made);
        assert_int_equal(counters[i].result, 0);
        assert_non_null(strstr(text, line));
        mount_end(&counters[i].mount);
    }
    print_message("%d commits, locks aged %d times\n", COUNTERS * (rounds() / 4), aged);
    must_be_clean(&folder);
    folder_remove(&folder);
}

static void owners_that_are_broken_at_random_lose_nothing(void **state)
{
    (void)state;
    must_count_up(false);
    must_count_up(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_has_one_owner),
        cmocka_unit_test(a_lock_that_is_signed_in_its_place_has_one_owner),
        cmocka_unit_test(both_ways_go_together),
        cmocka_unit_test(a_lock_has_one_owner_though_servers_are_killed),
        cmocka_unit_test(owners_that_are_broken_at_random_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
