/* SPDX-License-Identifier: MIT */
/* What a history is read from: commits that the git program has made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>

#include "base/cleanup.h"
#include "recorded.h"

#define ALICE "alice <alice@box>"
#define UNKNOWN "unknown <esx1>"
#define A "ds/a/a.vmx"

/* Each version as a word: its second, its user, and what it is; "1:alice 7:unknown,gone". */
static char *words_of(struct repo *repo, const char *path)
{
    static const char *const origins[] = {"", ",others", ",host"};
    struct history_versions versions = {0};
    struct buf words = {0};
    assert_int_equal(history_versions(repo->history, path, &repo->wait, &versions), 0);
    for (size_t i = 0; i < versions.n; i++) {
        const struct history_version *v = &versions.list[i];
        assert_int_equal(buf_addf(&words, "%s%d:%s%s", i > 0 ? " " : "",
                                  (int)(v->time_s - REPO_TIME), v->user, origins[v->origin]),
                         0);
        if (v->nth > 1)
            assert_int_equal(buf_addf(&words, ",-%u", v->nth), 0);
        assert_int_equal(v->nth == 0, v->gone || v->moved);
        if (v->gone || v->moved)
            assert_int_equal(buf_add_str(&words, v->gone ? ",gone" : ",moved"), 0);
    }
    history_versions_done(&versions);
    return buf_steal(&words);
}

static void expect(struct repo *repo, const char *path, const char *words)
{
    FREE_AUTO char *found = words_of(repo, path);
    assert_string_equal(found, words);
}

/* The text of the nth version, from 0 on; negative: from the newest one, -1, on. */
static void expect_text(struct repo *repo, const char *path, int nth, const char *text)
{
    struct history_versions versions = {0};
    BUF_AUTO found = {0};
    assert_int_equal(history_versions(repo->history, path, &repo->wait, &versions), 0);
    const size_t i = nth < 0 ? versions.n - (size_t)-nth : (size_t)nth;
    assert_true(i < versions.n);
    int r = history_text(repo->history, path, versions.list[i].id, &repo->wait, &found);
    history_versions_done(&versions);
    assert_int_equal(r, text ? 0 : -ENOENT);
    if (text)
        assert_string_equal(found.data, text);
}

static void a_version_has_its_author_program_origin_and_text(void **state)
{
    struct repo *repo = *state;
    struct history_versions versions = {0};
    repo_commit(repo, 0, UNKNOWN, BY_OTHERS, FILE_IS(A, "a = \"1\"\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "a = \"2\"\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS("ds/b/b.vmx", "b = \"2\"\n"));
    repo_commit(repo, 1, "bob <bob@box>", BY_VMXFS, FILE_IS(A, "a = \"3\"\n"));
    repo_commit(repo, 9, UNKNOWN, BY_HOST, FILE_IS(A, "a = \"4\"\n"));
    repo_commit(repo, 1, UNKNOWN, BY_HOST, FILE_IS(A, "a = \"5\"\n"));
    expect(repo, A, "0:unknown,others 1:alice 1:bob,-2 9:unknown,host 1:unknown,host,-3");
    expect(repo, "ds/c/c.vmx", "");
    expect_text(repo, A, 0, "a = \"1\"\n");
    expect_text(repo, A, 2, "a = \"3\"\n");
    assert_int_equal(history_versions(repo->history, A, &repo->wait, &versions), 0);
    assert_string_equal(versions.list[0].program, "");
    assert_string_equal(versions.list[1].program, "bash");
    history_versions_done(&versions);
}

static void a_branch_without_commits_has_no_versions(void **state)
{
    struct repo *repo = *state;
    expect(repo, A, "");
    repo_commit(repo, 3, ALICE, BY_VMXFS, FILE_IS(A, "\n"));
    expect(repo, A, "3:alice");
}

static void what_is_committed_later_is_found(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    expect(repo, A, "0:alice");
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "2\n"));
    repo_commit(repo, 2, ALICE, BY_VMXFS, FILE_IS(A, "3\n"));
    repo_git(repo, "repack -adq");
    repo_git(repo, "prune-packed -q");
    expect(repo, A, "0:alice 1:alice 2:alice");
    expect_text(repo, A, -1, "3\n");
    expect_text(repo, A, 0, "1\n");
}

static void expect_text_of(struct repo *repo, int second, unsigned nth, const char *text)
{
    BUF_AUTO found = {0};
    int r = history_text_of_time(repo->history, A, REPO_TIME + second, nth, &repo->wait, &found);
    assert_int_equal(r, text ? 0 : -ENOENT);
    if (text)
        assert_string_equal(found.data, text);
}

static void a_text_is_found_by_its_time(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 5, ALICE, BY_VMXFS, FILE_IS(A, "2\n"));
    repo_commit(repo, 3, ALICE, BY_VMXFS, FILE_IS(A, "3\n"));
    repo_commit(repo, 5, ALICE, BY_VMXFS, FILE_IS(A, "4\n"));
    expect_text_of(repo, 0, 1, "1\n");
    expect_text_of(repo, 5, 1, "2\n");
    expect_text_of(repo, 3, 1, "3\n");
    expect_text_of(repo, 5, 2, "4\n");
    expect_text_of(repo, 5, 3, NULL);
    expect_text_of(repo, 5, 0, NULL);
    expect_text_of(repo, 4, 1, NULL);
}

static void an_undo_names_what_it_took_back(void **state)
{
    struct repo *repo = *state;
    char trailer[128];
    struct history_versions versions = {0};
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    assert_int_equal(history_versions(repo->history, A, &repo->wait, &versions), 0);
    snprintf(trailer, sizeof(trailer), BY_VMXFS "Undoes: %s\n", versions.list[0].id);
    repo_commit(repo, 1, ALICE, trailer, FILE_IS(A, "2\n"));
    snprintf(trailer, sizeof(trailer), BY_VMXFS "Undoes-Since: %s\n", versions.list[0].id);
    repo_commit(repo, 2, ALICE, trailer, FILE_IS(A, "3\n"));
    repo_commit(repo, 3, ALICE, BY_VMXFS "Undoes: HEAD\n", FILE_IS(A, "4\n"));
    struct history_versions all = {0};
    assert_int_equal(history_versions(repo->history, A, &repo->wait, &all), 0);
    assert_int_equal(all.n, 4);
    assert_string_equal(all.list[0].undoes, "");
    assert_string_equal(all.list[1].undoes, versions.list[0].id);
    assert_false(all.list[1].undoes_since);
    assert_string_equal(all.list[2].undoes, versions.list[0].id);
    assert_true(all.list[2].undoes_since);
    assert_string_equal(all.list[3].undoes, "");
    history_versions_done(&versions);
    history_versions_done(&all);
}

/* ---- names */

static void a_renamed_file_has_the_versions_of_its_old_name(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n") FILE_IS("ds/x/x.vmx", "x\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "2\n"));
    repo_commit(repo, 2, ALICE, BY_VMXFS, FILE_GOES(A) FILE_IS("ds/b/a.vmx", "2\n"));
    repo_commit(repo, 3, ALICE, BY_VMXFS, FILE_IS("ds/b/a.vmx", "3\n"));
    repo_commit(repo, 4, ALICE, BY_VMXFS, FILE_GOES("ds/b/a.vmx") FILE_IS("ds/b/b.vmx", "3\n"));
    expect(repo, "ds/b/b.vmx", "0:alice 1:alice 2:alice,moved 3:alice 4:alice,moved");
    expect_text(repo, "ds/b/b.vmx", 0, "1\n");
    expect_text(repo, "ds/b/b.vmx", 2, "2\n");
    expect(repo, A, "0:alice 1:alice 2:alice,gone");
    expect_text(repo, A, 2, NULL);
}

static void a_name_that_comes_back_ends_the_way_through_names(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_GOES(A) FILE_IS("ds/b/b.vmx", "1\n"));
    repo_commit(repo, 2, ALICE, BY_VMXFS, FILE_IS(A, "new\n"));
    repo_commit(repo, 3, ALICE, BY_VMXFS, FILE_IS("ds/b/b.vmx", "2\n"));
    repo_commit(repo, 4, ALICE, BY_VMXFS, FILE_GOES(A));
    repo_commit(repo, 5, ALICE, BY_VMXFS, FILE_GOES("ds/b/b.vmx") FILE_IS(A, "2\n"));
    expect(repo, A, "0:alice 1:alice,moved 3:alice 5:alice,moved");
}

static void a_copy_has_its_own_versions_only(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS("ds/b/b.vmx", "1\n"));
    expect(repo, "ds/b/b.vmx", "1:alice");
}

static void a_file_that_is_made_again_has_all_versions_of_its_name(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_GOES(A));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "2\n"));
    expect(repo, A, "0:alice 1:alice,gone 1:alice");
}

static void no_name_is_guessed_where_two_files_with_one_text_go(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n") FILE_IS("ds/c/c.vmx", "1\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS,
                FILE_GOES(A) FILE_GOES("ds/c/c.vmx") FILE_IS("ds/b/b.vmx", "1\n"));
    expect(repo, "ds/b/b.vmx", "1:alice");
}

/* ---- the owner's own doing */

static void an_owners_commit_is_none_of_a_vmxfs(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 1, "owner <owner@box>", "",
                FILE_IS(A, "2\n") "M 100644 inline esx1/README\ndata <<E\nmine\nE\n");
    repo_commit(repo, 2, ALICE, BY_VMXFS, "M 100644 inline esx2/" A "\ndata <<E\nelse\nE\n");
    repo_commit(repo, 3, ALICE, BY_VMXFS, "M 120000 inline esx1/ds/l.vmx\ndata <<E\na\nE\n");
    expect(repo, A, "0:alice 1:owner,others");
    expect(repo, "ds/l.vmx", "");
}

static void a_merge_is_one_version(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_git(repo, "branch side BRANCH");
    repo_import(repo, "commit refs/heads/side\ncommitter owner <o@box> %d +0000\ndata 0\n"
                      "from refs/heads/side^0\n" FILE_IS(A, "2\n") "\n"
                      "commit refs/heads/side\ncommitter owner <o@box> %d +0000\ndata 0\n" FILE_IS(
                          A, "3\n") "\n"
                                    "commit BRANCH\ncommitter owner <o@box> %d +0000\ndata 0\n"
                                    "from BRANCH^0\nmerge refs/heads/side\n" FILE_IS(A, "3\n"),
                REPO_TIME + 1, REPO_TIME + 2, REPO_TIME + 3);
    expect(repo, A, "0:alice 3:owner,others");
}

static void a_branch_that_was_set_back_is_looked_at_anew(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "2\n"));
    expect(repo, A, "0:alice 1:alice");
    repo_git(repo, "update-ref BRANCH BRANCH~1");
    expect(repo, A, "0:alice");
    repo_commit(repo, 5, ALICE, BY_VMXFS, FILE_IS(A, "3\n"));
    expect(repo, A, "0:alice 5:alice");
    repo_git(repo, "update-ref -d BRANCH");
    expect(repo, A, "");
    repo_commit(repo, 6, ALICE, BY_VMXFS, FILE_IS(A, "4\n"));
    expect(repo, A, "6:alice");
}

static void a_broken_tree_is_an_error_until_the_branch_leaves_it(void **state)
{
    struct repo *repo = *state;
    static const char *const trees[] = {"40000 ", "40000 esx1\\0short", "x", "100644 \\0",
                                        "40000 esx1\\0aaaaaaaaaaaaaaaaaaaa"};
    struct history_versions versions = {0};
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "1\n"));
    repo_git(repo, "branch good BRANCH");
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        char *command;
        assert_true(asprintf(&command,
                             "cd '%s' && tree=$(printf '%s' | git hash-object -t tree --literally "
                             "-w --stdin) && commit=$(printf 'tree %%s\nauthor a <a@b> 1 +0000\n"
                             "committer a <a@b> 1 +0000\n\nx\n' $tree | git hash-object -t commit "
                             "--literally -w --stdin) && git update-ref %s $commit",
                             repo->dir, trees[i], repo_branch(repo)) >= 0);
        assert_int_equal(system(command), 0);
        free(command);
        assert_int_equal(history_versions(repo->history, A, &repo->wait, &versions), -EIO);
    }
    repo_git(repo, "update-ref BRANCH good");
    expect(repo, A, "0:alice");
}

static void a_walk_that_was_ended_goes_on(void **state)
{
    struct repo *repo = *state;
    const struct wait over = wait_for_ms(0);
    struct history_versions versions = {0};
    BUF_AUTO commits = {0};
    for (int i = 0; i < 200; i++)
        assert_int_equal(buf_addf(&commits,
                                  "commit BRANCH\ncommitter alice <a@box> %d +0000\n"
                                  "data <<E\nx\n\n" BY_VMXFS "E\n" FILE_IS(A, "%d\n") "\n",
                                  REPO_TIME + i, i),
                         0);
    repo_import(repo, "%s", commits.data);
    /* Each gets as far as it is looked whether it may go on. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(history_versions(repo->history, A, &over, &versions), -EIO);
    repo_commit(repo, 200, ALICE, BY_VMXFS, FILE_IS(A, "200\n"));
    assert_int_equal(history_versions(repo->history, A, &repo->wait, &versions), 0);
    assert_int_equal(versions.n, 201);
    for (size_t i = 0; i < versions.n; i++)
        assert_int_equal(versions.list[i].time_s, REPO_TIME + (int)i);
    history_versions_done(&versions);
}

int main(void)
{
#define IN_REPO(test) cmocka_unit_test_setup_teardown(test, repo_set_up, repo_tear_down)
    const struct CMUnitTest tests[] = {
        IN_REPO(a_version_has_its_author_program_origin_and_text),
        IN_REPO(a_branch_without_commits_has_no_versions),
        IN_REPO(what_is_committed_later_is_found),
        IN_REPO(a_text_is_found_by_its_time),
        IN_REPO(an_undo_names_what_it_took_back),
        IN_REPO(a_renamed_file_has_the_versions_of_its_old_name),
        IN_REPO(a_name_that_comes_back_ends_the_way_through_names),
        IN_REPO(a_copy_has_its_own_versions_only),
        IN_REPO(a_file_that_is_made_again_has_all_versions_of_its_name),
        IN_REPO(no_name_is_guessed_where_two_files_with_one_text_go),
        IN_REPO(an_owners_commit_is_none_of_a_vmxfs),
        IN_REPO(a_merge_is_one_version),
        IN_REPO(a_branch_that_was_set_back_is_looked_at_anew),
        IN_REPO(a_broken_tree_is_an_error_until_the_branch_leaves_it),
        IN_REPO(a_walk_that_was_ended_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
