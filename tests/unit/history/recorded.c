/* SPDX-License-Identifier: MIT */
#include "recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "history/history_private.h"

static int name(void *ctx, const char *path, struct buf *ret)
{
    (void)ctx;
    return buf_add_str(ret, path);
}

static void note(void *ctx, const char *path, const char *text)
{
    (void)ctx;
    fail_msg("%s: %s", path ? path : "", text);
}

int repo_set_up(void **state)
{
    struct repo *repo = calloc(1, sizeof(*repo));
    struct diag why = {0};
    bool made;
    char home[] = "/tmp/vmxfs-history.XXXXXX";
    assert_non_null(repo);
    assert_non_null(mkdtemp(home));
    snprintf(repo->dir, sizeof(repo->dir), "%s/lab", home);
    const struct history_options options = {
        .dir = repo->dir, .host = "esx1", .mountpoint = "/mnt", .name = name, .note = note};
    int r = history_new(&options, &repo->history, &made, &why);
    if (r != 0)
        fail_msg("%s", why.text);
    repo->wait = wait_for_ms(60 * 1000);
    *state = repo;
    return 0;
}

int repo_tear_down(void **state)
{
    struct repo *repo = *state;
    char command[128];
    history_free(repo->history);
    snprintf(command, sizeof(command), "rm -rf '%.*s'", (int)strlen("/tmp/vmxfs-history.XXXXXX"),
             repo->dir);
    assert_int_equal(system(command), 0);
    free(repo);
    return 0;
}

const char *repo_branch(const struct repo *repo)
{
    return repo->history->branch;
}

/* Puts the branch's name in the place of BRANCH. */
static char *with_branch(const struct repo *repo, const char *text)
{
    BUF_AUTO all = {0};
    const char *mark;
    while ((mark = strstr(text, "BRANCH"))) {
        assert_int_equal(buf_add(&all, (struct span){text, (size_t)(mark - text)}), 0);
        assert_int_equal(buf_add_str(&all, repo_branch(repo)), 0);
        text = mark + strlen("BRANCH");
    }
    assert_int_equal(buf_add_str(&all, text), 0);
    return buf_steal(&all);
}

void repo_import(struct repo *repo, const char *format, ...)
{
    char command[160];
    char *text;
    va_list args;
    va_start(args, format);
    assert_true(vasprintf(&text, format, args) >= 0);
    va_end(args);
    FREE_AUTO char *all = with_branch(repo, text);
    free(text);
    snprintf(command, sizeof(command), "git -C '%s' fast-import --quiet --force", repo->dir);
    FILE *import = popen(command, "w");
    assert_non_null(import);
    assert_int_equal(fputs(all, import) >= 0, true);
    assert_int_equal(pclose(import), 0);
}

void repo_commit(struct repo *repo, int later, const char *author, const char *trailers,
                 const char *files)
{
    const int time = REPO_TIME + later;
    char command[160];
    snprintf(command, sizeof(command), "git -C '%s' rev-parse -q --verify %s >/dev/null", repo->dir,
             repo_branch(repo));
    const char *from = system(command) == 0 ? "from BRANCH^0\n" : "";
    repo_import(repo,
                "commit BRANCH\nauthor %s %d +0100\ncommitter root <root@box> %d +0000\n"
                "data <<END\na subject\n%s%sEND\n%s%s\n",
                author, time, time, trailers[0] ? "\n" : "", trailers, from, files);
}

void repo_git(struct repo *repo, const char *format, ...)
{
    char *words;
    char *command;
    va_list args;
    va_start(args, format);
    assert_true(vasprintf(&words, format, args) >= 0);
    va_end(args);
    FREE_AUTO char *all = with_branch(repo, words);
    free(words);
    assert_true(asprintf(&command, "git -C '%s' -c user.name=owner -c user.email=owner@box %s",
                         repo->dir, all) >= 0);
    const int status = system(command);
    free(command);
    assert_int_equal(status, 0);
}
