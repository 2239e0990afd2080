/* SPDX-License-Identifier: MIT */
/* What callers are told whose time ends while somebody else has the lock. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"

struct silence {
    int ms;
    enum moment { AT_LOCK, AT_LOOK, AT_RENAME } when; /* of the second attempt it begins */
    const struct folder *folder;
    int attempts; /* at the lock, that the server was asked for */
    int looks;    /* at the file, from the first attempt on */
    bool was;
};

/* In the second attempt the server is silent for longer than the caller waits. */
static void be_silent(void *ctx, const struct relay_request *request)
{
    struct silence *silence = ctx;
    const char *name = strrchr(request->text, '/');
    silence->attempts += strstr(request->to, "/" LOCK) != NULL;
    silence->looks += silence->attempts > 0 && request->type == SSH_FXP_LSTAT && name &&
                      strcmp(name, "/" VMX) == 0;
    char path[PATH_MAX];
    if (silence->when == AT_RENAME && silence->looks == 2)
        unlink(file_path(silence->folder, LOCK "/" FOREIGN, path));
    const bool is_time = silence->when == AT_LOCK   ? silence->attempts == 2
                         : silence->when == AT_LOOK ? silence->looks == 2
                                                    : relay_is_install(request);
    if (silence->was || !is_time)
        return;
    silence->was = true;
    usleep((useconds_t)(silence->ms + 1000) * 1000);
}

static int set(struct mount *mount, const struct wait *wait)
{
    struct set set = set_of("memSize", "8192");
    return remote_commit(mount->remote, VMX, &set.change, wait);
}

static int move(struct mount *mount, const struct wait *wait)
{
    struct diag diag = {0};
    return remote_rename_vmx(mount->remote, VMX, "b.vmx", MOVE_ONTO_NOTHING, NULL, wait, &diag,
                             NULL);
}

typedef int change(struct mount *mount, const struct wait *wait);

/* For a caller who waits for so long. False: it was not long enough for two attempts. */
static bool must_say(int expected, change *make, enum moment when, int ms)
{
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct silence silence = {.ms = ms, .when = when, .folder = &folder};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_sign(&folder, LOCK, FOREIGN, 0);
    must_make_relay(&relay);
    relay.before = be_silent;
    relay.ctx = &silence;
    must_mount_relay(&mount, &relay, &folder, NULL);
    struct wait wait = wait_for_ms(ms);
    int r = make(&mount, &wait);
    if (expected == -ENOLCK)
        must_hold(&folder, VMX, TEXT);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
    if (!silence.was)
        return false;
    assert_int_equal(r, expected);
    return true;
}

static void a_time_that_is_over_in_a_later_attempt_is_no_unknown_outcome(void **state)
{
    (void)state;
    static change *const changes[] = {set, move};
    for (int i = 0; i < 4; i++) {
        int ms = 2000;
        while (!must_say(-ENOLCK, changes[i & 1], i & 2 ? AT_LOOK : AT_LOCK, ms))
            ms *= 2;
    }
}

static void a_time_that_is_over_when_the_rename_was_sent_is_an_unknown_outcome(void **state)
{
    (void)state;
    static change *const changes[] = {set, move};
    for (int i = 0; i < 2; i++) {
        int ms = 2000;
        while (!must_say(-EIO, changes[i], AT_RENAME, ms))
            ms *= 2;
    }
}

/* The rename of a move is lost, and from then on somebody else has the lock. */
struct unlucky {
    struct relay relay;
    struct folder folder;
    int renames;
};

static void lose_rename(void *ctx, const struct relay_request *request)
{
    struct unlucky *u = ctx;
    if (!relay_is_install(request) || ++u->renames > 1)
        return;
    char path[PATH_MAX];
    file_write(file_path(&u->folder, LOCK "/" FOREIGN, path), "half");
    relay_cut_at(&u->relay, RELAY_CUT_BEFORE, request->number);
}

/* For a caller whose time is over so many ms later. False: it was over before the rename. */
static bool must_not_know(int ms)
{
    struct unlucky u = {.renames = 0};
    struct mount mount;
    struct diag diag = {0};
    must_make_folder(&u.folder);
    must_write(&u.folder, VMX, TEXT);
    must_make_relay(&u.relay);
    u.relay.before = lose_rename;
    u.relay.ctx = &u;
    must_mount_relay(&mount, &u.relay, &u.folder, NULL);
    const struct wait wait = wait_for_ms(ms);
    int r =
        remote_rename_vmx(mount.remote, VMX, "b.vmx", MOVE_ONTO_NOTHING, NULL, &wait, &diag, NULL);
    mount_end_relay(&mount, &u.relay);
    folder_remove(&u.folder);
    if (u.renames == 0)
        return false;
    assert_int_equal(r, -EIO);
    return true;
}

static void a_lock_after_a_lost_rename_does_not_say_that_nothing_was_moved(void **state)
{
    (void)state;
    int ms = 1000;
    while (!must_not_know(ms))
        ms *= 2;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_that_is_over_in_a_later_attempt_is_no_unknown_outcome),
        cmocka_unit_test(a_time_that_is_over_when_the_rename_was_sent_is_an_unknown_outcome),
        cmocka_unit_test(a_lock_after_a_lost_rename_does_not_say_that_nothing_was_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
