/* SPDX-License-Identifier: MIT */
/* Callers that end in the middle of a change: they are answered at once, and what goes on without
 * them has no request any more. Two functions of fs/remote are wrapped to let the caller end. */
#include "kernel.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/file/files.h"

static struct kernel *ending; /* whose caller ends in the next change that has sent something */

static void end_caller(const struct wait *wait)
{
    if (!ending || !wait->committed || !*wait->committed)
        return;
    kernel_interrupt(ending);
    ending = NULL;
    assert_int_equal(wait_sleep(wait, 0), 0);
}

int __real_remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms, /* NOLINT */
                          const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at);
int __wrap_remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms, /* NOLINT */
                          const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at);
int __wrap_remote_getattr(struct remote *remote, const char *path, int64_t max_age_ms, /* NOLINT */
                          const struct wait *wait, struct sftp_attrs *ret, int64_t *ret_true_at)
{
    end_caller(wait);
    return __real_remote_getattr(remote, path, max_age_ms, wait, ret, ret_true_at);
}

int __real_remote_remove_vmx(struct remote *remote, const char *path, /* NOLINT */
                             const struct remote_by *by, const struct wait *wait,
                             struct diag *diag);
int __wrap_remote_remove_vmx(struct remote *remote, const char *path, /* NOLINT */
                             const struct remote_by *by, const struct wait *wait,
                             struct diag *diag);
int __wrap_remote_remove_vmx(struct remote *remote, const char *path, /* NOLINT */
                             const struct remote_by *by, const struct wait *wait, struct diag *diag)
{
    int r = __real_remote_remove_vmx(remote, path, by, wait, diag);
    end_caller(wait);
    return r;
}

/* A process that a signal will end, which it has got and has not taken yet. */
static pid_t must_begin_ending(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(pid, SIGTERM), 0);
    return pid;
}

static int set_up(void **state)
{
    int r = kernel_set_up(state);
    struct kernel *k = *state;
    must_write(&k->folder, "notes", "text\n");
    k->caller = (uint32_t)must_begin_ending();
    ending = k;
    return r;
}

static int tear_down(void **state)
{
    const struct kernel *k = *state;
    ending = NULL;
    kill((pid_t)k->caller, SIGKILL);
    waitpid((pid_t)k->caller, NULL, 0);
    return kernel_tear_down(state);
}

static void who_ends_between_a_change_and_a_look_at_it_is_answered_once(void **state)
{
    struct kernel *k = *state;
    uint64_t notes;
    const void *reply;
    const struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = 0100600};
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "notes", &notes), 0);
    assert_int_equal(kernel_ask(k, FUSE_SETATTR, notes,
                                (struct span){(const char *)&in, sizeof(in)}, (struct span){0},
                                &reply),
                     -EINTR);
    assert_null(ending);
    assert_int_equal(must_lstat(&k->folder, "notes").st_mode & 07777, 0600);
}

static void who_ends_before_a_refusal_is_answered_once_and_the_refusal_is_noted(void **state)
{
    struct kernel *k = *state;
    uint64_t dir;
    const void *reply;
    BUF_AUTO noted = {0};
    must_write(&k->folder, "vm.vmx.lck", "");
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, ".vmxfs", &dir), 0);
    assert_int_equal(kernel_look_up(k, dir, "plain", &dir), 0);
    assert_int_equal(
        kernel_ask(k, FUSE_UNLINK, dir, (struct span){0}, kernel_name("vm.vmx"), &reply), -EINTR);
    assert_null(ending);
    assert_true(file_exists(&k->folder, "vm.vmx"));
    assert_int_equal(journal_print(k->journal, NULL, NULL, &noted), 0);
    assert_non_null(strstr(noted.data, "vm.vmx.lck"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_ends_between_a_change_and_a_look_at_it_is_answered_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            who_ends_before_a_refusal_is_answered_once_and_the_refusal_is_noted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
