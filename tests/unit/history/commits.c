/* SPDX-License-Identifier: MIT */
/* What is recorded of changes that are made through vmxfs, as git shows it. */
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
#define ONE "memSize = \"1024\"\nuuid.bios = \"56 4d 01\"\n"
#define TWO "memSize = \"2048\"\nuuid.bios = \"56 4d 01\"\n"

static char *branch_of(const struct repo *repo)
{
    return repo_run(repo, "printf '%%s@%%s' $(id -un) $(hostname)");
}

static void a_life_is_recorded_in_commits_with_author_and_trailers(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "esxi.lab");
    const struct history_by by = {.uid = getuid(), .program = "sed"};
    repo_commit(history, VM, NULL, ONE);
    repo_commit(history, VM, ONE, TWO);
    history_renamed(history, VM, "store/vm/other.vmx", &by);
    history_removed(history, "store/vm/other.vmx", &by);
    history_free(history);
    repo_expect(repo,
                "other: removed\n"
                "other: renamed from vm/vm.vmx\n"
                "vm: memSize 1024 -> 2048\n"
                "vm: created",
                "git log --format=%s");
    char *branch = branch_of(repo);
    repo_expect(repo, branch, "git rev-parse --abbrev-ref HEAD");
    repo_expect(repo, branch, "git log -1 --format='%an@%ae' | sed 's/^[^@]*@//'");
    free(branch);
    repo_expect(repo, "Program: sed\nMount: /mnt/lab\nBy: vmxfs",
                "git log -1 --format='%(trailers)'");
    repo_expect(repo, "R100\tesxi.lab/store/vm/vm.vmx\tesxi.lab/store/vm/other.vmx",
                "git show -M --format= --name-status HEAD^");
    repo_check(repo);
    repo_expect(repo, "", "git ls-files; ls");
    repo_expect_notes(repo, "");
}

static void git_shows_each_line_with_who_wrote_it(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "esxi.lab");
    repo_commit(history, VM, NULL, ONE);
    repo_commit(history, VM, ONE, TWO);
    history_free(history);
    repo_check(repo);
    repo_expect(repo, "vm: memSize 1024 -> 2048\nvm: created",
                "git blame -p esxi.lab/store/vm/vm.vmx | sed -n 's/^summary //p'");
    repo_expect(repo, "-memSize = \"1024\"\n+memSize = \"2048\"",
                "git log -p -1 --format= | grep '^[-+]mem'");
    /* The reflog leads back in time. */
    repo_expect(repo, "2", "git reflog show HEAD | wc -l | sed 's/^1$/2/'");
}

static void undoing_is_said_in_a_trailer(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    const char *id = "0123456789012345678901234567890123456789";
    struct history_by by = {.uid = getuid(), .undoes = id};
    repo_commit(history, VM, NULL, ONE);
    history_committed(history, VM, true, span_of(ONE), span_of(TWO), &by);
    by.undoes_since = true;
    history_committed(history, VM, true, span_of(TWO), span_of(ONE), &by);
    history_free(history);
    repo_expect(repo,
                "Mount: /mnt/lab\nBy: vmxfs\nUndoes-Since: "
                "0123456789012345678901234567890123456789",
                "git log -1 --format='%(trailers)'");
    repo_expect(repo, "0123456789012345678901234567890123456789",
                "git log -1 --format='%(trailers:key=Undoes,valueonly)' HEAD^");
}

static void names_that_git_refuses_are_recorded(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "[fe80::1%eth0]");
    static const char *const paths[] = {
        ".git/vm/vm.vmx",     ".GIT/vm.vmx",       "GIT~1/x.vmx",   "gi7eba~1/x.vmx",
        ".gitmodules/vm.vmx", "a b/\xff\xfe.vmx",  "a\nb/c\td.vmx", "a%2Eb/100%.vmx",
        "back\\slash/vm.vmx", ".g\u200cit/vm.vmx", "-x/--help.vmx", ".gitattributes/x.vmx",
        "store/.vmx",         "ab/x.vmx",          "ab.vmx",        "ab-c/x.vmx",
    };
    const size_t n = sizeof(paths) / sizeof(paths[0]);
    for (size_t i = 0; i < n; i++)
        repo_commit(history, paths[i], NULL, ONE);
    history_free(history);
    repo_expect_notes(repo, "");
    assert_int_equal(repo_count(repo, "git ls-files -z | tr -dc '\\0' | wc -c"), n);
    repo_check(repo);
    repo_expect(repo, "%2EGIT\n%2Egit",
                "ls '[fe80::1%25eth0]' -A | grep -i '^%2egit$' | LC_ALL=C sort");
    assert_int_equal(repo_count(repo,
                                "find . -path ./.git -prune -o -type f -print0 | tr -dc '\\0' "
                                "| wc -c"),
                     n);
}

static void a_name_too_long_for_a_file_is_in_the_repository_only(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    char path[600] = "store/";
    memset(path + strlen(path), '%', 120);
    strcat(path, "/vm.vmx");
    repo_commit(history, path, NULL, ONE);
    repo_commit(history, VM, NULL, ONE);
    repo_commit(history, path, ONE, TWO);
    history_free(history);
    repo_check(repo);
    repo_expect(repo, "3", "git rev-list --count HEAD");
    repo_expect(repo, "memSize = \"2048\"",
                "git show \"HEAD:$(git ls-files | grep %)\" | head -n 1");
    repo_expect(repo, "h/store/vm/vm.vmx", "find h -type f");
}

static void a_file_in_the_place_of_a_folder_is_recorded(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, "store/a.vmx", NULL, ONE);
    repo_commit(history, "store/a.vmx/b.vmx", NULL, ONE);
    history_free(history);
    repo_expect(repo, "h/store/a.vmx/b.vmx", "git ls-files");
    repo_check(repo);
    history = repo_history(repo, "h");
    repo_commit(history, "store/a.vmx", NULL, TWO);
    history_free(history);
    repo_expect(repo, "h/store/a.vmx", "git ls-files");
    repo_check(repo);
}

static void any_bytes_are_a_text(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    struct history_by by = {.uid = 4000000, .program = "x\n<y>"};
    static const char bytes[] =
        "\xef\xbb\xbf"
        "a = \"\0\"\r\nb\r\xff\n";
    history_committed(history, VM, false, span_of(""), (struct span){bytes, sizeof(bytes)}, &by);
    history_committed(history, VM, true, (struct span){bytes, sizeof(bytes)}, span_of(""), &by);
    history_committed(history, VM, true, span_of(""), (struct span){bytes, sizeof(bytes)}, &by);
    history_free(history);
    repo_check(repo);
    repo_expect(repo, "3", "git rev-list --count HEAD");
    repo_expect(repo, "4000000", "git log -1 --format=%an");
    repo_expect(repo, "efbbbf61203d202200220d0a620dff0a00",
                "od -An -v -tx1 h/store/vm/vm.vmx | tr -d ' \\n'");
    repo_expect(repo, "", "git diff --stat");
}

#define E5 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E25 E5 E5 E5 E5 E5
#define E50 E25 E25
#define LONG "store/" E50 E50 "/" E50 E50 ".vmx"
#define LONG_TOO "store/x/x" E50 E25 ".vmx"

/* Cut between two characters. */
static void a_subject_of_long_names_has_72_characters(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, LONG, NULL, ONE);
    repo_commit(history, LONG, ONE, "# a\n" ONE);
    history_renamed(history, LONG, LONG_TOO, &repo_user);
    history_renamed(history, LONG_TOO, "store/x/y.vmx", &repo_user);
    history_renamed(history, "store/x/y.vmx", LONG, &repo_user);
    history_removed(history, LONG, &repo_user);
    history_free(history);
    history = repo_history(repo, "h");
    repo_see(history, LONG_TOO, ONE);
    history_free(history);
    repo_expect(repo,
                "x" E50 E5 "\xc3\xa9...: first seen\n" E50 E5 E5 "...: removed\n" E25 E5 E5 E5 E5
                "\xc3\xa9\xc3\xa9...: renamed from x/y.vmx\n"
                "y: renamed from x/x" E50
                "...\n"
                "x" E25 "...: renamed from " E25 "...\n" E50 E5 "...: text changed\n" E50 E5 E5
                "...: created",
                "git log --format=%s");
}

static void a_subject_is_valid_utf8(void **state)
{
    struct repo *repo = *state;
    struct history *history = repo_history(repo, "h");
    repo_commit(history, "store/a\xff/a\xff\xc3.vmx", NULL, ONE);
    history_renamed(history, "store/a\xff/a\xff\xc3.vmx", "store/a\xff/b\x1b\xe2\x82.vmx",
                    &repo_user);
    history_removed(history, "store/a\xff/b\x1b\xe2\x82.vmx", &repo_user);
    history_free(history);
    repo_expect(repo, "b???: removed\nb???: renamed from a?/a??.vmx\na??: created",
                "git log --format=%s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_life_is_recorded_in_commits_with_author_and_trailers,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(git_shows_each_line_with_who_wrote_it, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(undoing_is_said_in_a_trailer, repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(names_that_git_refuses_are_recorded, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_name_too_long_for_a_file_is_in_the_repository_only,
                                        repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_place_of_a_folder_is_recorded, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(any_bytes_are_a_text, repo_setup, repo_teardown),
        cmocka_unit_test_setup_teardown(a_subject_of_long_names_has_72_characters, repo_setup,
                                        repo_teardown),
        cmocka_unit_test_setup_teardown(a_subject_is_valid_utf8, repo_setup, repo_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
