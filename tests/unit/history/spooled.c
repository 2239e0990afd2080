/* SPDX-License-Identifier: MIT */
/* The spool: what is in it that is no item, and what it takes while nobody can record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "history/worker.h"
#include "repo.h"

#define VM "store/vm/vm.vmx"
#define TEXT(n) "memSize = \"" n "\"\nuuid.bios = \"56 4d 01\"\n"

/* As another process does that records. */
static int take_lock(const struct repo *repo)
{
    FREE_AUTO char *path = NULL;
    assert_true(asprintf(&path, "%s/.git/vmxfs/lock", repo->dir) > 0);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

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

/* More than a process spools as long as it goes on. */
static void what_is_told_is_spooled_at_the_end_whoever_has_the_lock(void **state)
{
    enum { CHANGES = 100, SIZE = 100 * 1024 };
    static char texts[2][SIZE];
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    for (int i = 0; i < 2; i++)
        memset(texts[i], '#', SIZE - 1);
    memcpy(texts[0], "n = \"000\"\n", 10);
    repo_commit(history, VM, NULL, texts[0]);
    repo_wait(repo, 1);
    const int lock = take_lock(repo);
    for (int i = 1; i <= CHANGES; i++) {
        char line[16];
        snprintf(line, sizeof(line), "n = \"%03d\"\n", i);
        memcpy(texts[i % 2], line, strlen(line));
        repo_commit(history, VM, texts[(i + 1) % 2], texts[i % 2]);
    }
    history_free(history);
    repo_expect(repo, "100", "ls .git/vmxfs/spool | wc -l");
    repo_expect_notes(repo, "");
    close(lock);
    history = repo_history(repo, "h");
    repo_wait(repo, 1 + CHANGES);
    history_free(history);
    repo_expect(repo, "vm: n 099 -> 100", "git log -1 --format=%s");
    repo_check(repo);
}

static void what_cannot_be_spooled_at_the_end_is_counted(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo, "mv .git/vmxfs/spool .git/vmxfs/away"));
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_see(history, "b/b.vmx", TEXT("1"));
    history_free(history);
    repo_expect_notes(repo,
                      "-: the history is not written: No such file or directory\n-: 2 changes "
                      "are missing in the history: they could not be written\n");
    free(repo_run(repo, "mv .git/vmxfs/away .git/vmxfs/spool"));
}

enum { WATCHED_MS = 1000, BUSY = 100 };

/* How often a file is opened for a while. */
static int count_opened(const struct repo *repo, const char *name)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    FREE_AUTO char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", repo->dir, name) > 0);
    FD_AUTO fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* Of two in a row that are the same the kernel tells one. */
    assert_true(inotify_add_watch(fd, path, IN_OPEN | IN_CLOSE) >= 0);
    usleep(WATCHED_MS * 1000);
    int opened = 0;
    ssize_t n;
    while ((n = read(fd, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const struct inotify_event *)&events[at];
            opened += (event->mask & IN_OPEN) != 0;
            at += (ssize_t)sizeof(*event) + event->len;
        }
    }
    return opened;
}

/* A sighting that is due does not make it try again and again: not while recording fails, nor while
 * another process has the lock. */
static void who_cannot_record_does_not_run_in_circles(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo, "mv .git/objects .git/away"));
    repo_see(history, VM, TEXT("2"));
    for (int i = 0; i < 6000 && !repo_noted(repo, "is not written"); i++)
        usleep(10 * 1000);
    assert_true(repo_noted(repo, "is not written"));
    assert_in_range(count_opened(repo, ".git/vmxfs/lock"), 0, 2);
    free(repo_run(repo, "mv .git/away .git/objects"));
    const int lock = take_lock(repo);
    repo_commit(history, "b/b.vmx", NULL, TEXT("1"));
    const int opened = count_opened(repo, ".git/vmxfs/lock");
    close(lock);
    assert_in_range(opened, 1, BUSY);
    repo_wait(repo, 3);
    history_free(history);
    repo_check(repo);
}

/* The file of the last recording is a FIFO: recording hangs as long as nobody writes to it. */
static void a_history_that_hangs_holds_nobody_up(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    char texts[2][64] = {TEXT("0")};
    FREE_AUTO char *path = NULL;
    repo_commit(history, VM, NULL, texts[0]);
    repo_wait(repo, 1);
    const int lock = take_lock(repo); /* after what follows its move of the branch */
    free(repo_run(repo,
                  "cd .git/vmxfs && rm -f last* && "
                  "mkfifo last-$(basename $(git symbolic-ref HEAD))"));
    FREE_AUTO char *name = repo_run(repo, "ls -d .git/vmxfs/last-*");
    assert_true(asprintf(&path, "%s/%s", repo->dir, name) > 0);
    close(lock);
    repo_commit(history, "b/b.vmx", NULL, TEXT("1"));
    int fifo = -1;
    for (int i = 0; i < 6000 && fifo < 0; i++) { /* until it is being read */
        fifo = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        usleep(10 * 1000);
    }
    assert_true(fifo >= 0);
    for (int i = 1; i <= 500; i++) {
        snprintf(texts[i % 2], sizeof(texts[0]), TEXT("%d"), i);
        repo_commit(history, VM, texts[(i + 1) % 2], texts[i % 2]);
        repo_see(history, "c/c.vmx", texts[i % 2]);
    }
    repo_expect(repo, "1", "git rev-list --count HEAD"); /* it hangs still */
    close(fifo);
    repo_wait(repo, 502);
    history_free(history);
    repo_expect_notes(repo, "");
    repo_check(repo);
}

static struct history *history_of_another_machine(struct repo *repo)
{
    struct history_options options;
    struct history *history = NULL;
    struct diag why;
    bool made;
    repo_options(repo, "h", &options);
    assert_int_equal(history_new(&options, &history, &made, &why), 0);
    free(history->branch);
    history->branch = strdup("refs/heads/me@else-where");
    assert_int_equal(history_begin(history), 0);
    return history;
}

/* Each process records what was changed on its own branch, also what an ended one has left. */
static void each_branch_gets_what_was_changed_on_it(void **state)
{
    struct repo *repo = *state;
    history_free(repo_history(repo, "h"));
    struct history *other = history_of_another_machine(repo);
    int lock = take_lock(repo);
    repo_commit(other, VM, NULL, TEXT("1"));
    history_free(other);
    close(lock);
    struct history *history = repo_history(repo, "h");
    repo_commit(history, "b/b.vmx", NULL, TEXT("1"));
    repo_wait(repo, 1);
    history_free(history);
    repo_expect(repo, "b: created", "git log --format=%s");
    repo_expect(repo, "1", "ls .git/vmxfs/spool | wc -l");
    history_free(history_of_another_machine(repo));
    repo_expect(repo, "", "ls .git/vmxfs/spool");
    repo_expect(repo, "vm: created", "git log --format=%s me@else-where");
    repo_expect(repo, "b: created", "git log --format=%s");
    repo_expect(repo, "2", "ls .git/vmxfs | grep -c ^last-");
    repo_check(repo);
}

/* As vmxfs once named them. */
static void what_is_spooled_without_a_branch_is_recorded_by_any_process(void **state)
{
    struct repo *repo = *state;
    struct history *history = history_of_another_machine(repo);
    repo_commit(history, "b/b.vmx", NULL, TEXT("1"));
    repo_wait(repo, 1);
    const int lock = take_lock(repo);
    repo_commit(history, VM, NULL, TEXT("1"));
    history_free(history);
    free(repo_run(repo,
                  "cd .git/vmxfs/spool && for f in *; do mv $f $(echo $f | cut -d - -f 1-3); "
                  "done"));
    close(lock);
    history_free(repo_history(repo, "h"));
    repo_expect(repo, "vm: created", "git log --format=%s");
    repo_expect(repo, "", "ls .git/vmxfs/spool");
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
        cmocka_unit_test_setup_teardown(what_is_told_is_spooled_at_the_end_whoever_has_the_lock,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_spooled_at_the_end_is_counted, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(who_cannot_record_does_not_run_in_circles, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_history_that_hangs_holds_nobody_up, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(each_branch_gets_what_was_changed_on_it, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_is_spooled_without_a_branch_is_recorded_by_any_process,
                                        repo_setup, repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
