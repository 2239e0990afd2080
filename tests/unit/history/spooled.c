/* SPDX-License-Identifier: MIT */
/* The spool: what is in it that is no item, and what it takes while nobody can record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "repo.h"

#define VM "store/vm/vm.vmx"
#define TEXT(n) "memSize = \"" n "\"\nuuid.bios = \"56 4d 01\"\n"

static void a_nul_in_a_name_is_a_broken_file(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo,
                  "printf 'vmxfs-item 1\\n1\\nkind 1\\n0\\nfile 3\\na\\0b\\nend 0\\n\\n' "
                  ">.git/vmxfs/spool/00000000000000000001-1.1-1"));
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_wait(repo, 2);
    history_free(history);
    assert_true(repo_noted(repo, "is broken"));
    repo_expect(repo, "", "ls .git/vmxfs/spool");
}

/* A folder; a FIFO, which would never end; and, for who is not root, what another user has put there.
 */
static void what_cannot_be_read_is_said_once_and_passed_over(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo,
                  "cd .git/vmxfs/spool && mkdir 00000000000000000001-1.1-1 && "
                  "mkfifo 00000000000000000001-1.1-2 && "
                  "echo >00000000000000000001-1.1-3 && chmod 0 *-3 && "
                  "{ [ $(id -u) -ne 0 ] || rm -f *-3; }"));
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_wait(repo, 2);
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_wait(repo, 3);
    history_free(history);
    assert_true(repo_noted(repo, "cannot be read and is not recorded: "));
    assert_ptr_equal(strchr(repo->notes, '\n'), repo->notes + strlen(repo->notes) - 1);
    repo_expect(repo, "1", "ls .git/vmxfs/spool | grep -c -- -1.1-1");
    repo_check(repo);
}

/* More of them than are read at a time do not hide what is behind them. */
static void many_that_cannot_be_read_hide_nothing(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo,
                  "cd .git/vmxfs/spool && seq -f '00000000000000000001-1.1-%%05g' 2100 | "
                  "xargs mkdir"));
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_wait(repo, 2);
    history_free(history);
    repo_check(repo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_nul_in_a_name_is_a_broken_file, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_said_once_and_passed_over,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(many_that_cannot_be_read_hide_nothing, repo_setup,
                                        repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
