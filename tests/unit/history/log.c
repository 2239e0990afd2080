/* SPDX-License-Identifier: MIT */
/* The lines of .vmxfs/log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "recorded.h"

#define ALICE "alice <alice@box>"
#define UNKNOWN "unknown <esx1>"
#define A "ds/a/a.vmx"

static void expect(struct repo *repo, const char *path, const char *lines)
{
    BUF_AUTO found = {0};
    assert_int_equal(history_log(repo->history, path, &repo->wait, &found), 0);
    assert_string_equal(found.data ? found.data : "", lines);
}

static void each_setting_that_was_changed_has_a_line(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, UNKNOWN, BY_OTHERS, FILE_IS(A, "a = \"1\"\nb = \"x\"\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "a = \"2\"\nc = \"y\"\n"));
    repo_commit(repo, 2, "bob <bob@box>", "Program: sed\nBy: vmxfs\n",
                FILE_IS("ds/b/b.vmx", "d = \"\"\n"));
    repo_commit(repo, 3, UNKNOWN, BY_OTHERS, FILE_IS(A, "a = \"\"\nc = \"y\"\n"));
    static const char a[] =
        "2026-11-26T18:02:25Z\tunknown\t-\tds/a/a.vmx\t-\t-\tfirst seen\n"
        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\ta\t1\t2\n"
        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\tc\t(unset)\ty\n"
        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\tb\tx\t(unset)\n";
    static const char b[] = "2026-11-26T18:02:27Z\tbob\tsed\tds/b/b.vmx\t-\t-\tcreated\n";
    static const char again[] = "2026-11-26T18:02:28Z\tunknown\t-\tds/a/a.vmx\ta\t2\t\n";
    BUF_AUTO all = {0};
    BUF_AUTO of_a = {0};
    assert_int_equal(buf_addf(&all, "%s%s%s", a, b, again), 0);
    assert_int_equal(buf_addf(&of_a, "%s%s", a, again), 0);
    expect(repo, A, of_a.data);
    expect(repo, NULL, all.data);
    expect(repo, "ds/b/b.vmx", b);
    expect(repo, "ds/c/c.vmx", "");
}

static void what_a_host_changes_by_itself_is_passed_over(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "a = \"1\"\n"));
    repo_commit(repo, 1, UNKNOWN, BY_HOST, FILE_IS(A, "a = \"1\"\ncleanShutdown = \"TRUE\"\n"));
    static const char lines[] = "2026-11-26T18:02:25Z\talice\tbash\tds/a/a.vmx\t-\t-\tcreated\n";
    expect(repo, A, lines);
    expect(repo, NULL, lines);
}

static void a_value_stays_in_its_field_and_line(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "a = \"1\"\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS,
                FILE_IS(A, "a = \"x|09y|0Az\"\nb = \"\033[2Jq\xc2\x85\"\n"));
    BUF_AUTO found = {0};
    assert_int_equal(history_log(repo->history, A, &repo->wait, &found), 0);
    const char *second = strchr(found.data, '\n') + 1;
    assert_string_equal(second,
                        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\ta\t1\tx?y?z\n"
                        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\tb\t(unset)\t"
                        "?[2Jq??\n");
}

static void what_happens_to_a_file_has_a_line(void **state)
{
    struct repo *repo = *state;
    repo_commit(repo, 0, ALICE, BY_VMXFS, FILE_IS(A, "a = \"1\"\n"));
    repo_commit(repo, 1, ALICE, BY_VMXFS, FILE_IS(A, "# note\na = \"1\"\n"));
    repo_commit(repo, 2, ALICE, BY_VMXFS,
                FILE_GOES(A) FILE_IS("ds/b%0Ax/b.vmx", "# note\na = \"1\"\n"));
    repo_commit(repo, 3, ALICE, BY_VMXFS, FILE_GOES("ds/b%0Ax/b.vmx"));
    static const char lines[] =
        "2026-11-26T18:02:25Z\talice\tbash\tds/a/a.vmx\t-\t-\tcreated\n"
        "2026-11-26T18:02:26Z\talice\tbash\tds/a/a.vmx\t-\t-\ttext changed\n"
        "2026-11-26T18:02:27Z\talice\tbash\tds/b?x/b.vmx\t-\t-\trenamed from ds/a/a.vmx\n"
        "2026-11-26T18:02:28Z\talice\tbash\tds/b?x/b.vmx\t-\t-\tremoved\n";
    expect(repo, NULL, lines);
    expect(repo, "ds/b\nx/b.vmx", lines);
}

/* ---- many */

enum { MANY = HISTORY_LOG_MAX + 30 };

static void import_many(struct repo *repo)
{
    BUF_AUTO commits = {0};
    for (int i = 0; i < MANY; i++)
        assert_int_equal(buf_addf(&commits,
                                  "commit BRANCH\ncommitter alice <a@box> %d +0000\n"
                                  "data <<E\nx\n\n" BY_VMXFS
                                  "E\n" FILE_IS("ds/vm%d/vm.vmx", "a = \"%d\"\n") "\n",
                                  REPO_TIME + i, i % 7, i),
                         0);
    repo_import(repo, "%s", commits.data);
}

static size_t count(const struct buf *lines)
{
    size_t n = 0;
    for (size_t i = 0; i < lines->len; i++)
        n += lines->data[i] == '\n';
    return n;
}

static void the_log_of_all_has_the_newest_lines(void **state)
{
    struct repo *repo = *state;
    BUF_AUTO first = {0};
    BUF_AUTO second = {0};
    BUF_AUTO of_one = {0};
    import_many(repo);
    assert_int_equal(history_log(repo->history, NULL, &repo->wait, &first), 0);
    assert_int_equal(count(&first), HISTORY_LOG_MAX);
    assert_non_null(strstr(first.data, "\ta\t10022\t10029\n"));
    assert_non_null(strstr(first.data, "\ta\t23\t30\n"));
    assert_null(strstr(first.data, "\ta\t22\t29\n"));
    /* What is older is looked at when it is asked for; that changes nothing. */
    repo_commit(repo, MANY, ALICE, BY_VMXFS, FILE_IS("ds/vm0/vm.vmx", "a = \"last\"\n"));
    assert_int_equal(history_log(repo->history, "ds/vm0/vm.vmx", &repo->wait, &of_one), 0);
    assert_int_equal(count(&of_one), (MANY + 6) / 7 + 1);
    assert_non_null(strstr(of_one.data, "\tds/vm0/vm.vmx\t-\t-\tcreated\n"));
    assert_non_null(strstr(of_one.data, "\tlast\n"));
    assert_int_equal(history_log(repo->history, NULL, &repo->wait, &second), 0);
    assert_int_equal(count(&second), HISTORY_LOG_MAX);
    const char *rest = strchr(first.data, '\n') + 1;
    assert_int_equal(strncmp(second.data, rest, strlen(rest)), 0);
}

int main(void)
{
#define IN_REPO(test) cmocka_unit_test_setup_teardown(test, repo_set_up, repo_tear_down)
    const struct CMUnitTest tests[] = {
        IN_REPO(each_setting_that_was_changed_has_a_line),
        IN_REPO(what_a_host_changes_by_itself_is_passed_over),
        IN_REPO(a_value_stays_in_its_field_and_line),
        IN_REPO(what_happens_to_a_file_has_a_line),
        IN_REPO(the_log_of_all_has_the_newest_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
