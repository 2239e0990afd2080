/* SPDX-License-Identifier: MIT */
/* Several processes share one repository, and any of them may be killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "repo.h"

extern char **environ;
static const char *writer;

static pid_t start(const struct repo *repo, const char *name, int first, int n, int vms)
{
    char numbers[3][16];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    snprintf(numbers[0], sizeof(numbers[0]), "%d", first);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", n);
    snprintf(numbers[2], sizeof(numbers[2]), "%d", vms);
    char *const argv[] = {strdup(writer), strdup(repo->dir), strdup(name), numbers[0],
                          numbers[1],     numbers[2],        NULL};
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0), 0);
    assert_int_equal(posix_spawn(&pid, writer, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    free(argv[0]);
    free(argv[1]);
    free(argv[2]);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* Each of a thousand edits, four processes at once, is there once, and follows the one before it of
 * its VM: the text of a VM counts. */
static void a_thousand_edits_of_four_processes_are_there_once(void **state)
{
    struct repo *repo = *state;
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        char name[] = {(char)('a' + i), '\0'};
        pids[i] = start(repo, name, 0, 250, 10);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(wait_for(pids[i]), 0);
    struct history *history = repo_history(repo, "h"); /* what the last one has left, if any */
    repo_wait(repo, 1000);
    history_free(history);
    repo_expect(repo, "1000",
                "git log --format='%(trailers:key=By,valueonly,separator=)' | "
                "grep -c '^vmxfs$'");
    repo_expect(repo, "1000", "git log --format='%s %T' | sort -u | wc -l");
    repo_expect(repo, "40", "git log --format=%s | grep -c created");
    repo_expect(repo, "c7: memSize 23 -> 24", "git log -1 --format=%s h/store/c7/c7.vmx");
    repo_expect(repo, "25", "git log --format=%s h/store/c7/c7.vmx | wc -l");
    repo_check(repo);
    repo_expect_notes(repo, "");
}

/* One process at a time records one VM's edits, and is killed at any moment. What it had put into
 * the spool is recorded by the next one, once; what it had only in memory is lost, and shows as a
 * change by others. */
static void a_process_may_be_killed_at_any_moment(void **state)
{
    struct repo *repo = *state;
    wait_for(start(repo, "vm", 0, 1, 1));
    for (int round = 0; round < 40; round++) {
        const pid_t pid = start(repo, "vm", 1 + round * 20, 20, 1);
        usleep((useconds_t)(20 + round * 7 % 130) * 1000);
        kill(pid, SIGKILL);
        wait_for(pid);
        repo_expect(repo, "", "git fsck --strict --no-dangling 2>&1 | grep -v '^notice'; :");
    }
    struct history *history = repo_history(repo, "h");
    history_free(history);
    free(repo_run(
        repo,
        "for i in $(seq 300); do [ -z \"$(ls .git/vmxfs/spool | grep ^0)\" ] && break; sleep "
        "0.1; done"));
    wait_for(start(repo, "vm", 801, 1, 1));
    history = repo_history(repo, "h");
    repo_expect(repo, "",
                "n=0; while [ -n \"$(ls .git/vmxfs/spool | grep ^0)\" ] && [ $n -lt 300 ]; do "
                "sleep 0.1; n=$((n + 1)); done; ls .git/vmxfs/spool | grep ^0; :");
    history_free(history);
    repo_check(repo);
    /* Each is there once: no text leads to itself or comes again. */
    repo_expect(repo, "", "git log --format= -p | sed -n 's/^+memSize = //p' | sort | uniq -d");
    repo_expect(repo, "memSize = \"801\"", "grep memSize h/store/vm0/vm0.vmx");
    repo_expect(repo, "", "find .git -name '*.lock' -o -name 'lock-*'");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thousand_edits_of_four_processes_are_there_once,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_process_may_be_killed_at_any_moment, repo_setup,
                                        repo_teardown),
    };
    assert_int_equal(argc, 2);
    writer = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
