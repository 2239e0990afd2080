/* SPDX-License-Identifier: MIT */
/* In which order changes are recorded that several mounts make, and what others do between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "repo.h"

#define VM "store/vm/vm.vmx"
#define TEXT(n) "memSize = \"" n "\"\nuuid.bios = \"56 4d 01\"\n"

static void changes_of_two_mounts_are_one_chain(void **state)
{
    struct repo *repo = *state;
    struct history *a = repo_history(repo, "h");
    struct history *b = repo_history(repo, "h");
    char before[64];
    char after[64];
    repo_commit(a, VM, NULL, "memSize = \"0\"\n");
    for (int i = 0; i < 40; i++) {
        snprintf(before, sizeof(before), "memSize = \"%d\"\n", i);
        snprintf(after, sizeof(after), "memSize = \"%d\"\n", i + 1);
        repo_commit(i % 2 ? a : b, VM, before, after);
    }
    history_free(a);
    history_free(b);
    repo_wait(repo, 41);
    repo_expect(repo, "vm: memSize 39 -> 40", "git log -1 --format=%s");
    repo_expect(repo, "41",
                "git log --format='%(trailers:key=By,valueonly,separator=)' | grep -c vmxfs");
    repo_check(repo);
}

enum { PATIENCE_MS = 3000, TRIES = 20 }; /* it waits for 5 s */

/* False: the machine is so busy that the change before it came too late. */
static bool waits_for_the_one_before_it(struct repo *repo, int commits)
{
    struct history *a = repo_history(repo, "h");
    struct history *b = repo_history(repo, "h");
    char path[64];
    snprintf(path, sizeof(path), "store/vm%d/vm.vmx", commits);
    repo_commit(a, path, NULL, TEXT("1"));
    repo_wait(repo, commits + 1);
    const int64_t began = clock_wall_ms();
    repo_commit(b, path, TEXT("2"), TEXT("3"));
    usleep(500 * 1000); /* time in which it would be recorded, if it did not wait */
    const int count = repo_count(repo, "git rev-list HEAD | wc -l");
    repo_commit(a, path, TEXT("1"), TEXT("2"));
    history_free(a);
    history_free(b);
    if (clock_wall_ms() - began >= PATIENCE_MS)
        return false;
    assert_int_equal(count, commits + 1);
    return true;
}

static void a_change_waits_for_the_one_before_it(void **state)
{
    struct repo *repo = *state;
    int commits = 0;
    for (int i = 0; !waits_for_the_one_before_it(repo, commits); i++) {
        assert_in_range(i, 0, TRIES);
        commits = repo_count(repo, "git rev-list HEAD | wc -l");
    }
    repo_expect(repo, "vm: memSize 2 -> 3\nvm: memSize 1 -> 2\nvm: created",
                "git log -3 --format=%s");
    repo_check(repo);
}

/* Its process was held up between the commit and the spool. */
static void a_change_that_comes_too_late_has_a_commit_and_takes_nothing_back(void **state)
{
    struct repo *repo = *state;
    struct history_options options;
    struct history *late = NULL;
    struct diag why;
    bool made;
    struct history *history = repo_history(repo, "h");
    repo_options(repo, "h", &options);
    assert_int_equal(history_new(&options, &late, &made, &why), 0);
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_commit(late, VM, TEXT("1"), TEXT("2"));
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_wait(repo, 3);
    assert_int_equal(history_begin(late), 0);
    repo_wait(repo, 4);
    history_free(late);
    history_free(history);
    repo_expect(repo, "vm: memSize 1 -> 2\nvm: memSize 2 -> 3\nvm: memSize 1 -> 2\nvm: created",
                "git log --format=%s");
    repo_expect(repo, "vmxfs\nvmxfs\nothers\nvmxfs",
                "git log --format='%(trailers:key=By,valueonly,separator=)'");
    repo_expect(repo, "memSize = \"3\"", "git show HEAD:h/" VM " | head -n 1");
    repo_check(repo);
}

static void what_is_missing_between_two_changes_was_done_by_others(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "esxi.lab");
    repo_commit(history, VM, NULL, TEXT("1"));
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_wait(repo, 3);
    history_free(history);
    repo_expect(repo, "vm: memSize 2 -> 3\nvm: memSize 1 -> 2\nvm: created", "git log --format=%s");
    repo_expect(repo, "unknown <esxi.lab> others",
                "git log -1 HEAD^ --format='%an <%ae> "
                "%(trailers:key=By,valueonly,separator=)'");
    repo_check(repo);
}

/* The first one waits: nothing is recorded yet. What follows would fit what is recorded. */
static void what_is_removed_and_made_again_follows_what_was_changed(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    history_removed(history, VM, &repo_user);
    repo_commit(history, VM, NULL, TEXT("5"));
    repo_wait(repo, 3);
    history_free(history);
    repo_expect(repo, "vm: memSize 2 -> 5\nvm: memSize 1 -> 2\nvm: first seen",
                "git log --format=%s");
    repo_check(repo);
}

static void an_edit_of_a_vm_never_seen_before_first_records_what_it_was(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_wait(repo, 2);
    history_free(history);
    repo_expect(repo, "vm: memSize 1 -> 2\nvm: first seen", "git log --format=%s");
    repo_check(repo);
}

static void first_sightings_are_one_commit(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    char path[64];
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "store/vm%d/vm%d.vmx", i, i);
        repo_see(history, path, TEXT("1"));
    }
    repo_wait(repo, 1);
    repo_expect(repo, "500 VMs first seen", "git log --format=%s");
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "store/vm%d/vm%d.vmx", i, i);
        repo_see(history, path, i == 7 ? TEXT("2") : TEXT("1"));
    }
    history_free(history); /* records what is seen, without the wait */
    repo_expect(repo, "500", "git ls-files | wc -l");
    repo_expect(repo, "vm7: memSize 1 -> 2\n500 VMs first seen", "git log --format=%s");
    repo_expect(repo, "unknown <h>\nunknown <h>", "git log --format='%an <%ae>'");
    repo_check(repo);
}

static void what_was_committed_here_is_not_seen_as_done_by_others(void **state)
{
    struct repo *repo = *state;
    struct history *a = repo_history(repo, "h");
    struct history *b = repo_history(repo, "h");
    repo_see(b, VM, TEXT("1"));
    const int64_t before = clock_wall_ms();
    repo_commit(a, VM, TEXT("1"), TEXT("2"));
    /* The other mount sees the new text before the change is told, and the old one too late. */
    repo_see(b, VM, TEXT("2"));
    history_seen(b, VM, span_of(TEXT("1")), before - 1);
    repo_wait(repo, 2);
    history_free(a);
    history_seen(b, VM, span_of(TEXT("1")), before - 1);
    history_free(b);
    repo_expect(repo, "vm: memSize 1 -> 2\nvm: first seen", "git log --format=%s");
    repo_check(repo);
}

static void a_renaming_that_is_seen_is_one_commit(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_see(history, VM, TEXT("1"));
    repo_see(history, "store/gone/gone.vmx", TEXT("2"));
    history_free(history);
    history = repo_history(repo, "h");
    repo_see(history, "store/new/new.vmx", TEXT("1"));
    history_gone(history, VM, clock_wall_ms());
    history_gone(history, "store/gone/gone.vmx", clock_wall_ms());
    history_gone(history, "store/never/there.vmx", clock_wall_ms());
    history_free(history);
    repo_expect(repo, "gone: removed\nnew: renamed from vm/vm.vmx\n2 VMs first seen",
                "git log --format=%s");
    repo_expect(repo, "h/store/new/new.vmx", "git ls-files");
    repo_check(repo);
}

static void what_a_host_writes_by_itself_is_said_to_be_its(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_see(history, VM, TEXT("1"));
    history_free(history);
    history = repo_history(repo, "h");
    repo_see(history, VM, TEXT("1") "cleanShutdown = \"TRUE\"\n");
    history_free(history);
    repo_expect(repo, "host", "git log -1 --format='%(trailers:key=By,valueonly,separator=)'");
    repo_expect(repo, "2", "git rev-list --count HEAD");
}

static void a_renaming_of_what_was_only_just_seen_is_recorded(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    const struct history_by by = {.uid = getuid()};
    repo_see(history, VM, TEXT("1"));
    history_renamed(history, VM, "store/vm/new.vmx", &by);
    repo_wait(repo, 2);
    history_free(history);
    repo_expect(repo, "new: renamed from vm/vm.vmx\nvm: first seen", "git log --format=%s");
    repo_check(repo);
}

static int64_t in_an_hour_ms(void)
{
    return clock_wall_ms() + INT64_C(3600) * 1000;
}

/* As if a change had been made when the clock was an hour ahead. */
static void a_change_before_the_clock_was_set_back_hides_nothing(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, NULL, TEXT("1"));
    history_free(history);
    free(repo_run(repo, "sed -i 's/^at [0-9]*/at %lld000000/' .git/vmxfs/last*",
                  (long long)in_an_hour_ms()));
    repo_expect(repo, "1", "cat .git/vmxfs/last* | grep -c ^at");
    history = repo_history(repo, "h");
    repo_see(history, VM, TEXT("2"));
    history_free(history);
    history = repo_history(repo, "h");
    repo_commit(history, VM, TEXT("3"), TEXT("4"));
    repo_wait(repo, 4);
    history_free(history);
    repo_expect(repo, "vm: memSize 3 -> 4\nvm: memSize 2 -> 3\nvm: memSize 1 -> 2\nvm: created",
                "git log --format=%s");
    repo_expect(repo, "memSize = \"4\"", "git show HEAD:h/" VM " | head -n 1");
    repo_check(repo);
}

static void what_was_seen_before_the_clock_was_set_back_is_older(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    struct history *other = repo_history(repo, "h");
    history_seen(history, VM, span_of(TEXT("1")), in_an_hour_ms());
    repo_see(history, VM, TEXT("2"));
    history_seen(other, VM, span_of(TEXT("1")), in_an_hour_ms());
    history_seen(history, "b/b.vmx", span_of(TEXT("1")), in_an_hour_ms());
    repo_commit(history, "b/b.vmx", TEXT("1"), TEXT("2"));
    repo_commit(history, VM, TEXT("2"), TEXT("3"));
    repo_wait(repo, 4);
    history_free(other);
    history_free(history);
    repo_expect(repo, "vm: memSize 2 -> 3\nvm: first seen", "git log --format=%s -- h/" VM);
    repo_expect(repo, "b: memSize 1 -> 2\nb: first seen", "git log --format=%s -- h/b/b.vmx");
    repo_check(repo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_of_two_mounts_are_one_chain, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_change_waits_for_the_one_before_it, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(
            a_change_that_comes_too_late_has_a_commit_and_takes_nothing_back, repo_setup,
            repo_teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_between_two_changes_was_done_by_others,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(what_is_removed_and_made_again_follows_what_was_changed,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(an_edit_of_a_vm_never_seen_before_first_records_what_it_was,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(first_sightings_are_one_commit, repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(what_was_committed_here_is_not_seen_as_done_by_others,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_renaming_that_is_seen_is_one_commit, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_a_host_writes_by_itself_is_said_to_be_its, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_change_before_the_clock_was_set_back_hides_nothing,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(what_was_seen_before_the_clock_was_set_back_is_older,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_renaming_of_what_was_only_just_seen_is_recorded,
                                        repo_setup, repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
