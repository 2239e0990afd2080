/* SPDX-License-Identifier: MIT */
/* The lock file: whose is respected, whose is broken, and what a broken one can still do. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/owner.h"
#include "sftp/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define GUARD ".a.vmx.vmxfs-break"
#define FOREIGN_TEMP ".a.vmx.vmxfs-0123456700012300001"

/* The name of a temporary file of a process of this machine. */
static void temp_of_process(pid_t pid, char ret[64])
{
    char self[OWNER_NAME_LEN + 1];
    owner_name(self, sizeof(self));
    snprintf(ret, 64, ".a.vmx.vmxfs-%.8s%06x00001", self, (unsigned)pid);
}

static pid_t dead_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void must_sign(const struct folder *folder, const char *file, const char *temp)
{
    char text[200] = "";
    if (temp[0])
        snprintf(text, sizeof(text), "%s\nhost elsewhere, process 1, boot 2\n", temp);
    must_write(folder, file, text);
}

struct lock_case {
    const char *temp;   /* that the lock names; "" says nothing; "D": of a dead process, "L": of a
                           living one */
    bool temp_is_there; /* ... beside it */
    const char *beside; /* another temporary file, in the same way, or NULL */
    int age;            /* seconds */
    bool broken;
    int64_t soon_ms; /* ... within */
};

static const char *temp_named(const char *name, char ret[64])
{
    if (strcmp(name, "D") == 0)
        temp_of_process(dead_process(), ret);
    else if (strcmp(name, "L") == 0)
        temp_of_process(getppid(), ret);
    else
        snprintf(ret, 64, "%s", name);
    return ret;
}

static void must_behave(const struct lock_case *c)
{
    struct folder folder;
    struct mount mount;
    char temp[64];
    char beside[64] = "";
    struct set set = set_of("memSize", "8192");
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    temp_named(c->temp, temp);
    if (c->temp_is_there && temp[0])
        must_write(&folder, temp, "half");
    if (c->beside)
        must_write(&folder, temp_named(c->beside, beside), "half");
    must_sign(&folder, LOCK, temp);
    must_set_age(&folder, LOCK, c->age);
    must_mount(&mount, &folder, NULL);
    int64_t began = clock_ms();
    struct wait wait = wait_for_ms(c->broken ? 10000 : 1000);
    int r = remote_commit(mount.remote, VMX, &set.change, &wait);
    int64_t took = clock_ms() - began;
    assert_int_equal(r, c->broken ? 0 : -ENOLCK);
    if (c->broken) {
        assert_true(took < c->soon_ms);
        must_hold(&folder, VMX, "memSize = \"8192\"\n");
        assert_false(temp[0] && file_exists(&folder, temp));
    } else {
        assert_true(took <= 1100);
        must_hold(&folder, VMX, TEXT);
        assert_true(file_exists(&folder, LOCK));
        assert_int_equal(temp[0] && file_exists(&folder, temp), c->temp_is_there);
        assert_non_null(strstr(set.change.diag.text, temp[0] ? "host elsewhere" : "unknown"));
        mount_end(&mount);
        assert_int_equal(count_names(&folder, ".vmxfs-"), 1 + c->temp_is_there + !!c->beside);
        folder_remove(&folder);
        return;
    }
    mount_end(&mount);
    folder_remove(&folder);
}

static void a_fresh_foreign_lock_is_respected(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.temp = FOREIGN_TEMP});
    must_behave(&(struct lock_case){.temp = FOREIGN_TEMP, .temp_is_there = true, .age = 50});
}

static void a_stale_foreign_lock_is_broken(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){
        .temp = FOREIGN_TEMP, .temp_is_there = true, .age = 62, .broken = true, .soon_ms = 1000});
    must_behave(
        &(struct lock_case){.temp = FOREIGN_TEMP, .age = 62, .broken = true, .soon_ms = 1000});
}

static void a_dead_process_lock_is_broken_at_once(void **state)
{
    (void)state;
    must_behave(
        &(struct lock_case){.temp = "D", .temp_is_there = true, .broken = true, .soon_ms = 1000});
    must_behave(&(struct lock_case){.temp = "D", .broken = true, .soon_ms = 1000});
}

static void a_living_process_lock_is_respected_until_it_is_stale(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.temp = "L", .temp_is_there = true, .age = 50});
    must_behave(&(struct lock_case){
        .temp = "L", .temp_is_there = true, .age = 62, .broken = true, .soon_ms = 1000});
}

/* A lock that says nothing belongs to one of the temporary files beside it. */
static void an_unsigned_lock_is_judged_by_what_is_beside_it(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.temp = "", .beside = "D", .broken = true, .soon_ms = 3000});
    must_behave(&(struct lock_case){.temp = "", .beside = "L"});
    must_behave(&(struct lock_case){.temp = "", .beside = FOREIGN_TEMP});
    must_behave(&(struct lock_case){.temp = ""});
    must_behave(&(struct lock_case){.temp = "", .age = 62, .broken = true, .soon_ms = 1000});
    must_behave(
        &(struct lock_case){.temp = "", .beside = "L", .age = 62, .broken = true, .soon_ms = 1000});
}

/* A name in a lock that is no temporary file of ours is not removed, whatever the lock says. */
static void a_lock_cannot_name_other_files(void **state)
{
    (void)state;
    static const char *const names[] = {"precious",
                                        "../precious",
                                        VMX,
                                        ".b.vmx.vmxfs-lock",
                                        ".a.vmx.vmxfs-a//////////precious",
                                        ".a.vmx.vmxfs-0123456700012300/0F"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct folder folder;
        struct mount mount;
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_write(&folder, "precious", TEXT);
        must_link(&folder, ".", ".a.vmx.vmxfs-a");
        must_write(&folder, ".b.vmx.vmxfs-lock", TEXT);
        must_sign(&folder, LOCK, names[i]);
        must_set_age(&folder, LOCK, 100);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
        must_hold(&folder, "precious", TEXT);
        must_hold(&folder, ".b.vmx.vmxfs-lock", TEXT);
        mount_end(&mount);
        folder_remove(&folder);
    }
}

/* What a hook sees of the lock while the rename is about to be made. */
struct witness {
    const struct folder *folder;
    char text[1024];
    int removals; /* of the temporary file, before the lock was removed */
    bool lock_removed;
};

static void read_lock_at_rename(void *ctx, const struct relay_request *request)
{
    struct witness *w = ctx;
    char path[PATH_MAX];
    if (request->type != SSH_FXP_EXTENDED || strcmp(request->text, SSH_EXT_POSIX_RENAME) != 0)
        return;
    FREE_AUTO char *text = file_read(file_path(w->folder, LOCK, path));
    snprintf(w->text, sizeof(w->text), "%s", text ? text : "none");
}

static void a_held_lock_tells_whose_it_is(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct witness witness = {.folder = &folder};
    char process[64];
    char host[256];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_make_relay(&relay);
    relay.before = read_lock_at_rename;
    relay.ctx = &witness;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    assert_int_equal(strncmp(witness.text, ".a.vmx.vmxfs-", 13), 0);
    assert_int_equal(strcspn(witness.text, "\n"), strlen(FOREIGN_TEMP));
    snprintf(process, sizeof(process), "process %d,", (int)getpid());
    assert_non_null(strstr(witness.text, process));
    assert_int_equal(gethostname(host, sizeof(host)), 0);
    assert_non_null(strstr(witness.text, host));
    folder_remove(&folder);
}

static void note_removals(void *ctx, const struct relay_request *request)
{
    struct witness *w = ctx;
    if (request->type != SSH_FXP_REMOVE)
        return;
    if (strstr(request->text, LOCK))
        w->lock_removed = true;
    else if (strstr(request->text, FOREIGN_TEMP) && !w->lock_removed)
        w->removals++;
}

static void a_breaker_removes_the_temporary_file_first(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct witness witness = {.folder = &folder};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_write(&folder, FOREIGN_TEMP, "half");
    must_sign(&folder, LOCK, FOREIGN_TEMP);
    must_set_age(&folder, LOCK, 62);
    must_make_relay(&relay);
    relay.before = note_removals;
    relay.ctx = &witness;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    assert_int_equal(witness.removals, 1);
    assert_true(witness.lock_removed);
    folder_remove(&folder);
}

/* Breakers exclude each other by a file, which may be left over itself. */
static void a_breakers_file_does_not_stay_in_the_way(void **state)
{
    (void)state;
    static const struct {
        int age;
        const char *beside;
        bool broken;
    } cases[] = {
        {0, "D", true},           {0, NULL, true},
        {0, "L", false}, /* that may be the breaker */
        {0, FOREIGN_TEMP, false}, {62, FOREIGN_TEMP, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        char temp[64];
        char beside[64];
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_sign(&folder, LOCK, temp_named("D", temp));
        must_write(&folder, GUARD, "");
        must_set_age(&folder, GUARD, cases[i].age);
        if (cases[i].beside)
            must_write(&folder, temp_named(cases[i].beside, beside), "");
        must_mount(&mount, &folder, NULL);
        struct set set = set_of("memSize", "8192");
        struct wait wait = wait_for_ms(cases[i].broken ? 20000 : 1000);
        assert_int_equal(remote_commit(mount.remote, VMX, &set.change, &wait),
                         cases[i].broken ? 0 : -ENOLCK);
        mount_end(&mount);
        folder_remove(&folder);
    }
}

static void leftovers_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *temp;
        int age;
        bool stays;
    } cases[] = {
        {"D", 0, false},
        {"L", 0, true},
        {"L", 62, false},
        {FOREIGN_TEMP, 50, true},
        {FOREIGN_TEMP, 62, false},
        {".b.vmx.vmxfs-0123456700012300001", 100, true}, /* another file's */
        {".a.vmx.vmxfs-notes", 100, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        char temp[64];
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_write(&folder, temp_named(cases[i].temp, temp), "half");
        must_set_age(&folder, temp, cases[i].age);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
        mount_end(&mount);
        assert_int_equal(file_exists(&folder, temp), cases[i].stays);
        folder_remove(&folder);
    }
}

/* What a process that had our number left: its name is taken, for once. */
static void a_taken_name_is_no_obstacle(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char temp[64];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    temp_of_process(getpid(), temp);
    temp[strlen(temp) - 1] = '0';
    must_write(&folder, temp, "half");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
    mount_end(&mount);
    must_write(&folder, temp, "half");
    must_sign(&folder, LOCK, temp);
    must_mount(&mount, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "2"), 0);
    mount_end(&mount);
    must_hold(&folder, VMX, "memSize = \"2\"\n");
    must_be_clean(&folder);
    folder_remove(&folder);
}

struct breaker {
    struct mount mount;
    char key[16];
    struct stall *stall; /* that interrupts it */
    int result;
    pthread_t thread;
};

static void *break_and_commit(void *ctx)
{
    struct breaker *b = ctx;
    b->result = commit_set(&b->mount, VMX, b->key, "1");
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
        must_write(&folder, FOREIGN_TEMP, "half");
        must_sign(&folder, LOCK, round % 2 ? "" : FOREIGN_TEMP);
        must_set_age(&folder, LOCK, 62);
        must_set_age(&folder, FOREIGN_TEMP, 62);
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
        FREE_AUTO char *text = file_read(file_path(&folder, VMX, path));
        for (int i = 0; i < BREAKERS; i++) {
            assert_int_equal(breakers[i].result, 0);
            assert_non_null(strstr(text, breakers[i].key));
            mount_end(&breakers[i].mount);
        }
        must_be_clean(&folder);
        folder_remove(&folder);
    }
}

/* An owner's requests stop at one of them, and go on when its lock has long been broken. */
struct stall {
    struct lock lock;
    struct condition moved;
    int at;
    bool reached, released;
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
    struct wait wait = wait_for_ms(300);
    lock_take(&s->lock);
    while (!s->reached && wait_on(&wait, &s->moved, &s->lock) == 0)
        ;
    bool reached = s->reached;
    lock_drop(&s->lock);
    return reached;
}

static void release(struct stall *s)
{
    lock_take(&s->lock);
    s->released = true;
    condition_wake_all(&s->moved);
    lock_drop(&s->lock);
}

static void age_temps(const struct folder *folder)
{
    char self[OWNER_NAME_LEN + 1] = "";
    owner_name(self, sizeof(self));
    for (int serial = 0; serial < 3; serial++) {
        char name[64];
        snprintf(name, sizeof(name), ".a.vmx.vmxfs-f0e10001%.6s%05x", self + 8, serial);
        if (file_exists(folder, name))
            must_set_age(folder, name, 62);
    }
}

/* aged: its temporary file is a leftover by its time too, and not only by what the lock says. */
static bool late_requests_from(int at, bool aged)
{
    struct folder folder;
    struct relay relay;
    struct breaker slow = {.key = "slow"};
    struct mount quick;
    struct stall s = {0};
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    assert_int_equal(lock_init(&s.lock), 0);
    assert_int_equal(condition_init(&s.moved), 0);
    must_make_relay(&relay);
    relay.before = stall;
    relay.ctx = &s;
    must_mount_relay(&slow.mount, &relay, &folder, NULL);
    relay_restart(&relay, RELAY_CUT_NONE, 0);
    s.at = at;
    mount_as_foreign(&slow.mount, 1);
    must_mount(&quick, &folder, NULL);
    assert_int_equal(pthread_create(&slow.thread, NULL, break_and_commit, &slow), 0);
    bool reached = await_stall(&s);
    if (file_exists(&folder, LOCK))
        must_set_age(&folder, LOCK, 62);
    if (aged)
        age_temps(&folder);
    assert_int_equal(commit_set(&quick, VMX, "quick", "1"), 0);
    release(&s);
    pthread_join(slow.thread, NULL);
    mount_end_relay(&slow.mount, &relay);
    FREE_AUTO char *text = file_read(file_path(&folder, VMX, path));
    assert_non_null(strstr(text, "quick = \"1\"\n"));
    assert_non_null(strstr(text, TEXT));
    if (slow.result == 0)
        assert_non_null(strstr(text, "slow = \"1\"\n"));
    mount_end(&quick);
    condition_done(&s.moved);
    lock_done(&s.lock);
    folder_remove(&folder);
    return reached;
}

static void late_requests_of_a_broken_owner_lose_nothing(void **state)
{
    (void)state;
    for (int aged = 0; aged < 2; aged++) {
        int at = 1;
        while (late_requests_from(at, aged))
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
    struct wait wait = {
        .deadline = clock_ms() + 10000, .interrupted = interrupted_once_stalled, .ctx = b->stall};
    b->result = remote_commit(b->mount.remote, VMX, &set.change, &wait);
    return NULL;
}

/* Whatever it waits for when the interrupt comes. */
static bool interrupted_at(int at)
{
    struct folder folder;
    struct relay relay;
    struct stall s = {0};
    struct breaker b = {.key = "key", .stall = &s};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    assert_int_equal(lock_init(&s.lock), 0);
    assert_int_equal(condition_init(&s.moved), 0);
    must_make_relay(&relay);
    relay.before = stall;
    relay.ctx = &s;
    must_mount_relay(&b.mount, &relay, &folder, NULL);
    relay_restart(&relay, RELAY_CUT_NONE, 0);
    s.at = at;
    assert_int_equal(pthread_create(&b.thread, NULL, commit_interruptibly, &b), 0);
    bool reached = await_stall(&s);
    usleep(150000); /* for the waits to notice */
    release(&s);
    pthread_join(b.thread, NULL);
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
        cmocka_unit_test(a_fresh_foreign_lock_is_respected),
        cmocka_unit_test(a_stale_foreign_lock_is_broken),
        cmocka_unit_test(a_dead_process_lock_is_broken_at_once),
        cmocka_unit_test(a_living_process_lock_is_respected_until_it_is_stale),
        cmocka_unit_test(an_unsigned_lock_is_judged_by_what_is_beside_it),
        cmocka_unit_test(a_lock_cannot_name_other_files),
        cmocka_unit_test(a_held_lock_tells_whose_it_is),
        cmocka_unit_test(a_breaker_removes_the_temporary_file_first),
        cmocka_unit_test(a_breakers_file_does_not_stay_in_the_way),
        cmocka_unit_test(leftovers_are_removed),
        cmocka_unit_test(a_taken_name_is_no_obstacle),
        cmocka_unit_test(breakers_at_once_lose_nothing),
        cmocka_unit_test(late_requests_of_a_broken_owner_lose_nothing),
        cmocka_unit_test(an_interrupted_commit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
