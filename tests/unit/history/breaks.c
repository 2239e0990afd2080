/* SPDX-License-Identifier: MIT */
/* A process that is killed, or whose disk fails, at one certain call: the next one goes on, and
 * nothing that was recorded is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "repo.h"

#define VM "store/vm/vm.vmx"
#define TEXT(n) "memSize = \"" n "\"\nuuid.bios = \"56 4d 01\"\n"

enum { MANY = 60 };

/* Ends of paths. */
static struct {
    const char *unlinked; /* killed before this file is removed */
    const char *unsynced; /* what cannot be written to the disk */
    int locked;           /* how often a lock is found taken */
} fault;

static bool ends(const char *path, const char *end)
{
    const size_t n = strlen(path);
    return end && n >= strlen(end) && strcmp(path + n - strlen(end), end) == 0;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    if (ends(path, fault.unlinked) && access(path, F_OK) == 0)
        kill(getpid(), SIGKILL);
    return __real_unlink(path);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    if (fault.locked == 0 || !ends(to, ".lock"))
        return __real_link(from, to);
    fault.locked--;
    errno = EEXIST;
    return -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    char link[64];
    char path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    if (!ends(path, fault.unsynced))
        return __real_fsync(fd);
    errno = EIO;
    return -1;
}

static void record(struct repo *repo, const char *before, const char *after)
{
    struct history *history = repo_history(repo, "h");
    if (after)
        repo_commit(history, VM, before, after);
    history_free(history);
}

/* A process that records one change, or, without a text, what it finds. Returns its status. */
static int record_in_process(struct repo *repo, const char *before, const char *after)
{
    int status;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        record(repo, before, after);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    memset(&fault, 0, sizeof(fault));
    return status;
}

static void expect_killed(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Records edits until a process joins the packs and is killed before it removes one. Returns how
 * many. */
static int join_and_be_killed(struct repo *repo)
{
    char before[64];
    char after[64];
    int status = 0;
    int n = 0;
    for (; status == 0 && n < MANY; n++) {
        snprintf(before, sizeof(before), "memSize = \"%d\"\n", n - 1);
        snprintf(after, sizeof(after), "memSize = \"%d\"\n", n);
        fault.unlinked = ".idx";
        status = record_in_process(repo, n ? before : NULL, after);
    }
    expect_killed(status);
    return n;
}

static void packs_that_were_joined_are_there_when_they_are_joined_again(void **state)
{
    struct repo *repo = *state;
    const int n = join_and_be_killed(repo);
    assert_in_range(repo_count(repo, "ls .git/objects/pack/*.pack | wc -l"), n, n + 1);
    record(repo, NULL, NULL);
    repo_check(repo);
    assert_int_equal(repo_count(repo, "git rev-list --count HEAD"), n);
    repo_expect(repo, "1", "ls .git/objects/pack/*.pack | wc -l");
    repo_expect(repo, "1", "ls .git/vmxfs/packs | wc -l");
}

/* The joined pack cannot be made safe, so nothing is removed; nor is the one that was there. */
static void a_join_that_fails_removes_nothing(void **state)
{
    struct repo *repo = *state;
    const int n = join_and_be_killed(repo);
    char *before = repo_run(repo, "ls .git/objects/pack");
    fault.unsynced = "/objects/pack";
    assert_int_equal(record_in_process(repo, NULL, NULL), 0);
    repo_expect(repo, before, "ls .git/objects/pack");
    free(before);
    record(repo, NULL, NULL);
    repo_check(repo);
    assert_int_equal(repo_count(repo, "git rev-list --count HEAD"), n);
}

static void a_branch_that_was_moved_has_its_commit_even_if_that_is_not_safe(void **state)
{
    struct repo *repo = *state;
    record(repo, NULL, TEXT("1"));
    fault.unsynced = "/refs/heads";
    assert_int_equal(record_in_process(repo, TEXT("1"), TEXT("2")), 0);
    repo_expect(repo, "", "git fsck --strict --no-dangling 2>&1");
    repo_expect(repo, "vm: memSize 1 -> 2\nvm: created", "git log --format=%s");
    repo_expect(repo, "2", "git reflog | wc -l");
    /* A power loss could still take the branch back. */
    repo_expect(repo, "1", "ls .git/vmxfs/spool | wc -l");
    record(repo, TEXT("2"), TEXT("3"));
    repo_expect(repo, "vm: memSize 2 -> 3\nvm: memSize 1 -> 2\nvm: created", "git log --format=%s");
    repo_expect(repo, "", "ls .git/vmxfs/spool");
    repo_check(repo);
}

/* The first file, and one that is changed after the owner has come back to the branch: of neither
 * is there a note of what is checked out. */
static void a_branch_that_was_moved_is_shown_by_the_next_process(void **state)
{
    struct repo *repo = *state;
    fault.unlinked = "/vmxfs/lock-branch";
    expect_killed(record_in_process(repo, NULL, TEXT("1")));
    repo_expect(repo, "vm: created", "git log --format=%s");
    record(repo, NULL, NULL);
    repo_check(repo);
    repo_expect(repo, "memSize = \"1\"", "head -n 1 h/" VM);
    free(repo_run(repo, "git checkout -b mine 2>&1"));
    record(repo, TEXT("1"), TEXT("2"));
    free(repo_run(repo, "git checkout %s 2>&1",
                  "$(git for-each-ref --format='%(refname:short)' 'refs/heads/*@*')"));
    fault.unlinked = "/vmxfs/lock-branch";
    expect_killed(record_in_process(repo, TEXT("2"), TEXT("3")));
    record(repo, NULL, NULL);
    repo_check(repo);
    repo_expect(repo, "memSize = \"3\"", "head -n 1 h/" VM);
    repo_expect(repo, "3", "git rev-list --count HEAD");
}

/* So long that the recording begins anew, which is nothing that one has to know. */
static void a_lock_of_the_branch_is_waited_for_silently(void **state)
{
    struct repo *repo = *state;
    fault.locked = 6;
    record(repo, NULL, TEXT("1"));
    assert_int_equal(fault.locked, 0);
    repo_expect(repo, "vm: created", "git log --format=%s");
    repo_expect_notes(repo, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_REPO(test) cmocka_unit_test_setup_teardown(test, repo_setup, repo_teardown)
        IN_REPO(packs_that_were_joined_are_there_when_they_are_joined_again),
        IN_REPO(a_join_that_fails_removes_nothing),
        IN_REPO(a_branch_that_was_moved_has_its_commit_even_if_that_is_not_safe),
        IN_REPO(a_branch_that_was_moved_is_shown_by_the_next_process),
        IN_REPO(a_lock_of_the_branch_is_waited_for_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
