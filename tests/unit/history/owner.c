/* SPDX-License-Identifier: MIT */
/* The repository is its owner's: his branches, files and index are as he has left them. */
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
#define OTHER "store/other/other.vmx"
#define TEXT(n) "memSize = \"" n "\"\n"

static void run(struct repo *repo, const char *command)
{
    free(repo_run(repo, "{ %s ; } >/dev/null 2>&1", command));
}

static void commit_one(struct repo *repo, const char *path, const char *before, const char *after)
{
    struct history *history = repo_history(repo, "h");
    repo_commit(history, path, before, after);
    history_free(history);
}

static int make(void **state)
{
    static struct repo repo;
    repo_make(&repo);
    commit_one(&repo, VM, NULL, TEXT("1"));
    commit_one(&repo, OTHER, NULL, TEXT("1"));
    *state = &repo;
    return 0;
}

static void a_file_that_he_changed_stays(void **state)
{
    struct repo *repo = *state;
    run(repo, "echo mine > h/store/vm/vm.vmx");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    commit_one(repo, OTHER, TEXT("1"), TEXT("2"));
    repo_expect(repo, "mine", "cat h/store/vm/vm.vmx");
    repo_expect(repo, " M h/store/vm/vm.vmx", "git status --porcelain");
    repo_expect(repo, "memSize = \"2\"", "cat h/store/other/other.vmx");
    run(repo, "git checkout h/store/vm/vm.vmx");
    repo_check(repo);
    repo_expect(repo, "memSize = \"2\"", "cat h/store/vm/vm.vmx");
}

static void what_he_staged_stays(void **state)
{
    struct repo *repo = *state;
    run(repo, "echo mine > h/store/vm/vm.vmx; git add -A; echo new > notes; git add notes");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_expect(repo, "M  h/store/vm/vm.vmx\nA  notes", "git status --porcelain");
    repo_expect(repo, "mine", "git show :h/store/vm/vm.vmx");
    run(repo, "git commit -m mine");
    commit_one(repo, OTHER, TEXT("1"), TEXT("2"));
    repo_check(repo);
    repo_expect(repo, "other: memSize 1 -> 2\nmine\nvm: memSize 1 -> 2", "git log -3 --format=%s");
}

static void a_file_that_is_not_tracked_stays(void **state)
{
    struct repo *repo = *state;
    run(repo, "mkdir -p h/store/new; echo mine > h/store/new/new.vmx");
    commit_one(repo, "store/new/new.vmx", NULL, TEXT("1"));
    repo_expect(repo, "mine", "cat h/store/new/new.vmx");
    repo_expect(repo, " M h/store/new/new.vmx", "git status --porcelain");
}

static void a_removal_leaves_what_he_changed(void **state)
{
    struct repo *repo = *state;
    const struct history_by by = {.uid = getuid()};
    run(repo, "echo mine > h/store/vm/vm.vmx");
    struct history *history = repo_history(repo, "h");
    history_removed(history, VM, &by);
    history_removed(history, OTHER, &by);
    history_free(history);
    repo_expect(repo, "?? h/", "git status --porcelain");
    repo_expect(repo, "h/store/vm/vm.vmx", "find h -type f");
}

static void his_branch_is_not_touched_and_ours_goes_on(void **state)
{
    struct repo *repo = *state;
    run(repo, "git checkout -b mine; echo mine > h/store/vm/vm.vmx; git commit -am mine");
    char *before = repo_run(repo, "git rev-parse mine; cat h/store/*/*.vmx; git ls-files -s");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_expect(repo, before, "git rev-parse mine; cat h/store/*/*.vmx; git ls-files -s");
    free(before);
    repo_expect(repo, "", "git status --porcelain");
    run(repo, "git checkout $(git for-each-ref --format='%(refname:short)' 'refs/heads/*@*')");
    repo_check(repo);
    repo_expect(repo, "memSize = \"2\"", "cat h/store/vm/vm.vmx");
    commit_one(repo, VM, TEXT("2"), TEXT("3"));
    repo_check(repo);
    repo_expect(repo, "memSize = \"3\"", "cat h/store/vm/vm.vmx");
}

static void a_detached_head_stays(void **state)
{
    struct repo *repo = *state;
    run(repo, "git checkout HEAD~1");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_expect(repo, "h/store/vm/vm.vmx", "git ls-files");
    repo_check(repo);
}

static void a_locked_index_is_waited_for(void **state)
{
    struct repo *repo = *state;
    run(repo, "touch .git/index.lock");
    struct history *history = repo_history(repo, "h");
    repo_commit(history, VM, TEXT("1"), TEXT("2"));
    repo_wait(repo, 3);
    repo_expect(repo, "memSize = \"1\"", "cat h/store/vm/vm.vmx");
    run(repo, "rm .git/index.lock");
    run(repo, "for i in $(seq 300); do grep -q 2 h/store/vm/vm.vmx && break; sleep 0.1; done");
    history_free(history);
    repo_expect(repo, "memSize = \"2\"", "cat h/store/vm/vm.vmx");
    repo_check(repo);
}

static void locks_that_a_killed_process_has_left_are_taken_over(void **state)
{
    struct repo *repo = *state;
    run(repo,
        "touch .git/vmxfs/lock-index .git/vmxfs/lock-branch .git/vmxfs/index.lock;"
        "ln .git/vmxfs/lock-index .git/index.lock;"
        "ln .git/vmxfs/lock-branch .git/$(git symbolic-ref HEAD).lock");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_expect(repo, "", "find .git -name '*lock*' -not -name lock");
    repo_expect(repo, "3", "git rev-list --count HEAD");
    repo_check(repo);
}

static void he_may_commit_amend_and_reset_between(void **state)
{
    struct repo *repo = *state;
    run(repo, "echo notes > notes; git add notes; git commit -m notes");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_check(repo);
    run(repo, "git commit --amend -m amended");
    commit_one(repo, VM, TEXT("2"), TEXT("3"));
    repo_check(repo);
    repo_expect(repo, "vm: memSize 2 -> 3\namended\nnotes", "git log -3 --format=%s");
    run(repo, "git reset --hard HEAD~2");
    commit_one(repo, OTHER, TEXT("1"), TEXT("2"));
    repo_check(repo);
    repo_expect(repo, "memSize = \"1\"", "cat h/store/vm/vm.vmx");
    run(repo, "git reset --soft HEAD~1");
    commit_one(repo, VM, TEXT("1"), TEXT("9"));
    repo_expect(repo, "M  h/store/other/other.vmx", "git status --porcelain");
}

static void his_git_may_pack_and_collect(void **state)
{
    struct repo *repo = *state;
    char before[32];
    char after[32];
    for (int i = 1; i < 60; i++) {
        snprintf(before, sizeof(before), "memSize = \"%d\"\n", i);
        snprintf(after, sizeof(after), "memSize = \"%d\"\n", i + 1);
        commit_one(repo, VM, before, after);
        if (i % 20 == 0)
            run(repo, "git gc --prune=now; git pack-refs --all");
    }
    repo_check(repo);
    repo_expect(repo, "61", "git rev-list --count HEAD");
}

static void it_can_be_pushed_and_cloned(void **state)
{
    struct repo *repo = *state;
    run(repo,
        "git init -b main --bare ../remote; git remote add origin ../remote; "
        "git push origin HEAD; git clone ../remote ../clone");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    run(repo, "git push origin HEAD");
    repo_expect(repo, "3", "git -C ../remote rev-list --all --count");
    repo_expect(repo, "", "git -C ../remote fsck --strict 2>&1 | grep -v '^notice'; :");
    repo_check(repo);
}

static void a_link_in_the_place_of_a_folder_is_not_followed(void **state)
{
    struct repo *repo = *state;
    run(repo,
        "mkdir ../elsewhere; mv h/store/vm ../elsewhere; ln -s ../../../elsewhere/vm h/store/vm");
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    repo_expect(repo, "memSize = \"1\"", "cat ../elsewhere/vm/vm.vmx");
}

/* A sparse checkout, and a file of which git is not to see that he has changed it. */
static void what_his_git_is_not_to_look_at_stays_so(void **state)
{
    struct repo *repo = *state;
    run(repo, "git update-index --skip-worktree h/" VM "; rm h/" VM);
    run(repo, "git update-index --assume-unchanged h/" OTHER "; echo mine > h/" OTHER);
    commit_one(repo, VM, TEXT("1"), TEXT("2"));
    commit_one(repo, OTHER, TEXT("1"), TEXT("2"));
    repo_check(repo);
    repo_expect(repo, "h h/" OTHER "\nS h/" VM, "git ls-files -v");
    repo_expect(repo, "mine", "find h -type f | xargs cat");
    repo_expect(repo, "memSize = \"2\"\nmemSize = \"2\"", "git show :h/" VM " :h/" OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_he_changed_stays, make, repo_teardown),
        cmocka_unit_test_setup_teardown(what_he_staged_stays, make, repo_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_tracked_stays, make, repo_teardown),
        cmocka_unit_test_setup_teardown(a_removal_leaves_what_he_changed, make, repo_teardown),
        cmocka_unit_test_setup_teardown(his_branch_is_not_touched_and_ours_goes_on, make,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_detached_head_stays, make, repo_teardown),
        cmocka_unit_test_setup_teardown(a_locked_index_is_waited_for, make, repo_teardown),
        cmocka_unit_test_setup_teardown(locks_that_a_killed_process_has_left_are_taken_over, make,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(he_may_commit_amend_and_reset_between, make, repo_teardown),
        cmocka_unit_test_setup_teardown(his_git_may_pack_and_collect, make, repo_teardown),
        cmocka_unit_test_setup_teardown(it_can_be_pushed_and_cloned, make, repo_teardown),
        cmocka_unit_test_setup_teardown(a_link_in_the_place_of_a_folder_is_not_followed, make,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(what_his_git_is_not_to_look_at_stays_so, make,
                                        repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
