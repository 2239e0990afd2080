/* SPDX-License-Identifier: MIT */
/* A disk that is full, a folder that is no history, a repository that is broken; secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "history/versions.h"
#include "repo.h"

#define VM "store/vm/vm.vmx"
#define TEXT(n) "memSize = \"" n "\"\n"

static void wait_for_note(struct repo *repo)
{
    const int64_t end = clock_ms() + 60 * 1000;
    while (!repo_noted(repo, "\n") && clock_ms() < end)
        usleep(10 * 1000);
    assert_true(repo_noted(repo, "\n"));
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No file can grow: as if the disk was full, for this process. */
static void a_full_disk_is_said_once_and_loses_nothing(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    limit_files(0);
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    wait_for_note(repo);
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    usleep(200 * 1000); /* time for a second note */
    limit_files(RLIM_INFINITY);
    repo_expect_notes(repo, "-: the history is not written: File too large\n");
    repo_expect(repo, "1", "git rev-list --count HEAD");
    repo_commit(history, VM, TEXT("3"), TEXT("4"));
    repo_wait(repo, 4);
    history_free(history);
    repo_check(repo);
    repo_expect(repo, "", "ls .git/vmxfs/spool; find .git -name 'tmp_*'");
}

static bool interrupted(void *ctx)
{
    (void)ctx;
    return true;
}

/* Who waits for what cannot be recorded can be killed. */
static void a_wait_can_be_interrupted(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    struct wait wait = wait_for_ms(60 * 1000);
    wait.interrupted = interrupted;
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    limit_files(0);
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    assert_int_equal(history_wait(history, &wait), -EINTR);
    limit_files(RLIM_INFINITY);
    history_free(history);
    repo_check(repo);
}

/* What can be spooled waits there if the rest does not fit. */
static void a_disk_that_fills_while_it_records_breaks_nothing(void **state)
{
    struct repo *repo = *state;
    char *before = strdup("");
    struct history *history = repo_history(repo, "h");
    for (rlim_t bytes = 100; bytes < 6000; bytes += 150) {
        char *after = NULL;
        assert_true(asprintf(&after, "memSize = \"%d\"\n%s", (int)bytes,
                             "# 8fk2Qz0vLw9xRt5y, which does not become much smaller\n") > 0);
        limit_files(bytes);
        repo_commit(history, VM, before[0] ? before : NULL, after);
        usleep(30 * 1000);
        free(before);
        before = after;
    }
    limit_files(RLIM_INFINITY);
    repo_expect(repo, "", "git fsck --strict --no-dangling 2>&1 | grep -v '^notice'; :");
    repo_commit(history, VM, before, TEXT("end"));
    free(before);
    repo_wait(repo, 41);
    history_free(history);
    repo_check(repo);
}

/* What a sighting adds to a change is not taken from the queue again, as often as it is spooled. */
static void a_full_disk_takes_no_room_from_what_is_told_later(void **state)
{
    struct repo *repo = *state;
    char text[5000];
    struct history *history = repo_history(repo, "h");
    repo_commit(history, "a/a.vmx", NULL, TEXT("1"));
    repo_wait(repo, 1);
    memset(text, '#', sizeof(text));
    memcpy(text, TEXT("1"), strlen(TEXT("1")));
    text[sizeof(text) - 1] = '\0';
    limit_files(0);
    repo_see(history, VM, text);
    history_removed(history, VM, &repo_user);
    wait_for_note(repo);
    limit_files(RLIM_INFINITY);
    history_renamed(history, "a/a.vmx", "a/b.vmx", &repo_user); /* the queue is empty after it */
    repo_wait(repo, 4);
    history_renamed(history, "a/b.vmx", "a/c.vmx", &repo_user);
    history_free(history);
    repo_expect(repo, "c: renamed from a/b.vmx", "git log -1 --format=%s");
    repo_expect_notes(repo, "-: the history is not written: File too large\n");
}

static void what_is_lost_for_want_of_room_is_said_at_once(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    char *text = calloc(1, 33 << 20);
    assert_non_null(text);
    memset(text, '#', (33 << 20) - 1);
    repo_commit(history, VM, NULL, text);
    free(text);
    wait_for_note(repo);
    repo_expect_notes(repo,
                      "-: 1 changes are missing in the history: there was no room for them\n");
    history_free(history);
}

static int try_new_at(struct repo *repo, const char *dir, struct diag *why)
{
    struct history_options options;
    struct history *history = NULL;
    bool made;
    *why = (struct diag){0};
    repo_options(repo, "h", &options);
    options.dir = dir;
    const int r = history_new(&options, &history, &made, why);
    history_free(history);
    return r;
}

static int try_new(struct repo *repo, struct diag *why)
{
    return try_new_at(repo, repo->dir, why);
}

static void what_is_no_history_is_not_touched(void **state)
{
    struct repo *repo = *state;
    struct diag why;
    assert_int_equal(system("mkdir -p $HOME/history && echo mine > $HOME/history/file"), 0);
    assert_int_equal(try_new(repo, &why), -ENOTEMPTY);
    assert_non_null(strstr(why.text, "holds other files"));
    repo_expect(repo, "file", "ls -A");
    free(repo_run(repo, "git init 2>&1"));
    char *before = repo_run(repo, "find . | sort");
    assert_int_equal(try_new(repo, &why), -ENOTEMPTY);
    assert_non_null(strstr(why.text, "git config vmxfs.history 1"));
    repo_expect(repo, before, "find . | sort");
    free(before);
    free(repo_run(repo, "git config vmxfs.history 1; git add .; git commit -m mine 2>&1"));
    assert_int_equal(try_new(repo, &why), 0);
}

static void a_broken_repository_is_said_and_left_alone(void **state)
{
    struct repo *repo = *state;
    struct diag why;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_wait(repo, 1);
    free(repo_run(repo, "mv .git/objects .git/away"));
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    wait_for_note(repo);
    free(repo_run(repo, "mv .git/away .git/objects"));
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_wait(repo, 3);
    history_free(history);
    repo_check(repo);
    free(repo_run(repo, "echo garbage > .git/config"));
    assert_true(try_new(repo, &why) < 0);
    assert_string_not_equal(why.text, "");
    repo_expect(repo, "garbage", "cat .git/config");
}

static void what_a_killed_process_has_begun_is_removed(void **state)
{
    struct repo *repo = *state;
    struct diag why;
    assert_int_equal(system("mkdir -p $HOME/history/.git.new.aaaaaa/objects $HOME/mine; "
                            "touch $HOME/history/.git.new.aaaaaa/HEAD $HOME/mine/file"),
                     0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_new(repo, &why), 0);
        repo_expect(repo, ".git", "ls -A");
        free(repo_run(repo,
                      "mkdir .git.new.bbbbbb; ln -s ../mine .git.new.bbbbbb/link; "
                      "ln -s ../mine .git.new.cccccc"));
    }
    repo_expect(repo, "file", "ls ../mine");
}

static void a_history_has_one_key_beside_it_whatever_leads_there(void **state)
{
    struct repo *repo = *state;
    struct diag why;
    char link[96];
    assert_int_equal(system("mkdir $HOME/real; ln -s real $HOME/link"), 0);
    snprintf(repo->dir, sizeof(repo->dir), "%s/link/new", repo->top);
    assert_int_equal(try_new(repo, &why), 0);
    repo_expect(repo, ".git", "ls -A");
    repo_expect(repo, "new\nnew.key", "ls -A ../../real");
    char *key = repo_run(repo, "cat ../new.key");
    free(repo_run(repo, "ln -s real/new ../../other"));
    snprintf(link, sizeof(link), "%s/other", repo->top);
    assert_int_equal(try_new_at(repo, link, &why), 0);
    assert_int_equal(chdir(repo->dir), 0);
    static const char *const here[] = {".", "./", "../new/.", "../../link/new//"};
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
        assert_int_equal(try_new_at(repo, here[i], &why), 0);
    assert_int_equal(chdir("/"), 0);
    repo_expect(repo, key, "cat ../new.key");
    repo_expect(repo, "real/new.key", "cd $HOME; find * -name '*.key'");
    free(key);
}

/* Its work tree would take the key along. */
static void a_work_tree_that_holds_the_key_is_refused(void **state)
{
    struct repo *repo = *state;
    struct diag why;
    assert_int_equal(system("mkdir $HOME/history && cd $HOME/history && git init -q && "
                            "git config vmxfs.history 1 && git config core.worktree ../.."),
                     0);
    assert_int_equal(try_new(repo, &why), -ENOTEMPTY);
    assert_non_null(strstr(why.text, "no work tree of its own"));
    repo_expect(repo, "history", "ls ..");
}

static void a_broken_file_of_the_spool_holds_nothing_up(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    history_free(history);
    free(repo_run(
        repo, "printf 'vmxfs-item 1\\n1\\nkind 9' > .git/vmxfs/spool/00000000000000000001-1-1"));
    history = repo_history(repo, "h");
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    history_free(history);
    repo_expect(repo, "2", "git rev-list --count HEAD");
    assert_true(repo_noted(repo, "is broken"));
}

static void secrets_are_nowhere_on_the_disk(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1") "RemoteDisplay.vnc.password = \"PLANTED1\"\n");
    repo_commit(
        history, VM, TEXT("1") "RemoteDisplay.vnc.password = \"PLANTED1\"\n",
        TEXT("1") "RemoteDisplay.vnc.password = \"PLANTED2\"\n#guestinfo.x = \"PLANTED3\"\n");
    repo_see(history, "store/b/b.vmx", "dataFileKey = \"PLANTED4\"\n");
    history_free(history);
    repo_expect(repo, "3", "git rev-list --count HEAD");
    repo_expect(repo, "", "git log -p --all | grep PLANTED; grep -r PLANTED . ; :");
    repo_expect(repo, "2",
                "git log -p --format= h/store/vm/vm.vmx | "
                "grep -c '^+RemoteDisplay.vnc.password = \"(secret [0-9a-f]\\{8\\})\"'");
    repo_expect(repo, "600 700", "stat -c %a ../history.key . | xargs");
}

/* Long enough for a delta to be worth it. */
static void make_text(int nth, char *ret, size_t size)
{
    snprintf(ret, size, "memSize = \"%d\"\n", nth);
    for (int i = 0; i < 12; i++)
        snprintf(ret + strlen(ret), size - strlen(ret), "setting%d = \"%x\"\n", i,
                 (unsigned)(i + 1) * 2654435761U);
}

/* Joined again and again, the packs stay few, and all is in them. */
static void packs_are_joined(void **state)
{
    struct repo *repo = *state;
    char before[512];
    char after[512];
    struct history *history = repo_history(repo, "h");
    make_text(0, before, sizeof(before));
    repo_commit(history, VM, NULL, before);
    for (int i = 0; i < 150; i++) {
        make_text(i, before, sizeof(before));
        make_text(i + 1, after, sizeof(after));
        repo_commit(history, VM, before, after);
        repo_wait(repo, i + 2); /* a recording of its own */
    }
    history_free(history);
    assert_in_range(repo_count(repo, "ls .git/objects/pack/*.pack | wc -l"), 1, 25);
    repo_expect(repo, "", "find .git/objects -type f -not -path '*/pack/*'");
    repo_expect(repo, "", "git verify-pack .git/objects/pack/*.idx 2>&1");
    assert_in_range(repo_count(repo,
                               "git verify-pack -v .git/objects/pack/*.idx | "
                               "sed -n 's/^chain length = \\([0-9]*\\):.*/\\1/p' | "
                               "sort -n | tail -n 1"),
                    5, 50);
    repo_check(repo);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_said_once_and_loses_nothing, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_wait_can_be_interrupted, repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fills_while_it_records_breaks_nothing,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_takes_no_room_from_what_is_told_later,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_for_want_of_room_is_said_at_once, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_history_is_not_touched, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_broken_repository_is_said_and_left_alone, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_broken_file_of_the_spool_holds_nothing_up, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_a_killed_process_has_begun_is_removed, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_history_has_one_key_beside_it_whatever_leads_there,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_work_tree_that_holds_the_key_is_refused, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(secrets_are_nowhere_on_the_disk, repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(packs_are_joined, repo_setup, repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
