/* SPDX-License-Identifier: MIT */
/* What is heard of the server's date when a shell begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/shell/exec.h"

enum { LONG_MS = 60 * 1000, NOTHING = -1 };

/* ctx: the words of a program that is a shell. */
static int connect_program(void *ctx, struct transport **ret, struct diag *why)
{
    char *const *argv = ctx;
    int ends[2];
    (void)why;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execvp(argv[0], argv);
        _exit(126);
    }
    close(ends[1]);
    return transport_from_fd(ends[0], pid, "test", ret);
}

static void hear(void *ctx, int64_t date_s)
{
    *(int64_t *)ctx = date_s;
}

static int64_t heard_from(const char *const *argv)
{
    static const char *const words[] = {"true", NULL};
    const struct wait wait = wait_for_ms(LONG_MS);
    int64_t heard = NOTHING;
    const struct exec_options options = {.connect = connect_program,
                                         .ctx = (void *)(uintptr_t)argv,
                                         .hear_date = hear,
                                         .hear_ctx = &heard};
    struct exec *e = NULL;
    struct diag why = {0};
    BUF_AUTO out = {0};
    int status = -1;
    assert_int_equal(exec_new(&options, &e), 0);
    assert_int_equal(exec_run(e, words, &wait, &out, &status, &why), 0);
    assert_int_equal(status, 0);
    exec_free(e);
    return heard;
}

static void each_shell_gives_its_date(void **state)
{
    (void)state;
    static const char *const shells[][4] = {
        {"/bin/sh"},
        {"busybox", "ash"},
        {"bash"},
        {"sh", "-c", "echo Welcome; printf '0:0 0\n12'; exec sh"},
    };
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        const int64_t before = clock_wall_s();
        const int64_t heard = heard_from(shells[i]);
        assert_true(heard >= before && heard <= clock_wall_s());
    }
}

static void what_is_no_date_is_not_heard(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "date() { return 1; }; export -f date; exec bash",
        "date() { echo Mon Nov 30; }; export -f date; exec bash",
        "date() { echo -5; }; export -f date; exec bash",
        "date() { echo 1764482400.5; }; export -f date; exec bash",
        "date() { echo 99999999999999999999; }; export -f date; exec bash",
    };
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        const char *const argv[] = {"bash", "-c", dates[i], NULL};
        assert_int_equal(heard_from(argv), NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shell_gives_its_date),
        cmocka_unit_test(what_is_no_date_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
