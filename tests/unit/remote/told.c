/* SPDX-License-Identifier: MIT */
/* What callers are told whose time ends while somebody else has the lock. */
#include "relay.h"

#include <errno.h>
#include <unistd.h>

#include "sftp/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"

struct silence {
    int ms;
    int attempts; /* that the server was asked for */
};

/* From the second attempt on the server is silent for longer than the caller waits. */
static void be_silent(void *ctx, const struct relay_request *request)
{
    struct silence *silence = ctx;
    if (request->type == SSH_FXP_MKDIR && ++silence->attempts == 2)
        usleep((useconds_t)(silence->ms + 1000) * 1000);
}

/* For a caller who waits for so long. False: it was not long enough for two attempts. */
static bool must_say_nothing_was_changed(int ms)
{
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct silence silence = {.ms = ms};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_sign(&folder, LOCK, FOREIGN, 0);
    must_make_relay(&relay);
    relay.before = be_silent;
    relay.ctx = &silence;
    must_mount_relay(&mount, &relay, &folder, NULL);
    struct set set = set_of("memSize", "8192");
    struct wait wait = wait_for_ms(ms);
    int r = remote_commit(mount.remote, VMX, &set.change, &wait);
    must_hold(&folder, VMX, TEXT);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
    if (silence.attempts < 2)
        return false;
    assert_int_equal(r, -ENOLCK);
    return true;
}

static void a_time_that_is_over_in_a_later_attempt_is_no_unknown_outcome(void **state)
{
    (void)state;
    int ms = 2000;
    while (!must_say_nothing_was_changed(ms))
        ms *= 2;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_that_is_over_in_a_later_attempt_is_no_unknown_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
