/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"

enum { WAIT_MS = 120 * 1000 };

const struct history_by repo_user = {.program = "test"};

void repo_make(struct repo *repo)
{
    *repo = (struct repo){.top = "/tmp/vmxfs-history.XXXXXX"};
    lock_init(&repo->lock);
    assert_non_null(mkdtemp(repo->top));
    snprintf(repo->dir, sizeof(repo->dir), "%s/history", repo->top);
    /* The configuration of whoever runs the tests has no say. */
    assert_int_equal(setenv("HOME", repo->top, 1), 0);
    assert_int_equal(setenv("GIT_CONFIG_NOSYSTEM", "1", 1), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    static const char *const names[] = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME",
                                        "GIT_COMMITTER_EMAIL"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(setenv(names[i], "owner", 1), 0);
}

void repo_remove(struct repo *repo)
{
    char command[192];
    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", repo->top, repo->top);
    assert_int_equal(system(command), 0);
}

int repo_setup(void **state)
{
    static struct repo repo;
    repo_make(&repo);
    *state = &repo;
    return 0;
}

int repo_teardown(void **state)
{
    repo_remove(*state);
    return 0;
}

static int name(void *ctx, const char *path, struct buf *ret)
{
    (void)ctx;
    return buf_add_str(ret, path);
}

static void note(void *ctx, const char *path, const char *text)
{
    struct repo *repo = ctx;
    lock_take(&repo->lock);
    const size_t n = strlen(repo->notes);
    snprintf(repo->notes + n, sizeof(repo->notes) - n, "%s: %s\n", path ? path : "-", text);
    lock_drop(&repo->lock);
}

bool repo_noted(struct repo *repo, const char *words)
{
    lock_take(&repo->lock);
    const bool has = strstr(repo->notes, words) != NULL;
    lock_drop(&repo->lock);
    return has;
}

void repo_expect_notes(struct repo *repo, const char *all)
{
    lock_take(&repo->lock);
    assert_string_equal(repo->notes, all);
    lock_drop(&repo->lock);
}

void repo_options(struct repo *repo, const char *host, struct history_options *ret)
{
    *ret = (struct history_options){.dir = repo->dir,
                                    .host = host,
                                    .mountpoint = "/mnt/lab",
                                    .name = name,
                                    .note = note,
                                    .ctx = repo};
}

struct history *repo_history(struct repo *repo, const char *host)
{
    struct history_options options;
    struct history *history = NULL;
    struct diag why = {0};
    bool made;
    repo_options(repo, host, &options);
    const int r = history_new(&options, &history, &made, &why);
    if (r < 0)
        fail_msg("history_new: %d, %s", r, why.text);
    assert_int_equal(history_begin(history), 0);
    return history;
}

static char *read_all(FILE *f)
{
    struct buf text = {0};
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        assert_int_equal(buf_add(&text, (struct span){chunk, n}), 0);
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    return buf_steal(&text);
}

static char *run(const struct repo *repo, const char *command)
{
    char *line = NULL;
    assert_true(asprintf(&line, "cd '%s' && { %s ; }", repo->dir, command) > 0);
    FILE *f = popen(line, "re");
    assert_non_null(f);
    char *text = read_all(f);
    const int status = pclose(f);
    if (status != 0)
        fail_msg("%s: status %d, %s", command, status, text);
    free(line);
    return text;
}

char *repo_run(const struct repo *repo, const char *format, ...)
{
    char *command = NULL;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&command, format, arguments) > 0);
    va_end(arguments);
    char *text = run(repo, command);
    free(command);
    return text;
}

void repo_expect(const struct repo *repo, const char *expected, const char *command)
{
    char *text = run(repo, command);
    assert_string_equal(text, expected);
    free(text);
}

int repo_count(const struct repo *repo, const char *command)
{
    char *text = run(repo, command);
    const int n = atoi(text);
    free(text);
    return n;
}

void repo_wait(const struct repo *repo, int commits)
{
    const int64_t end = clock_ms() + WAIT_MS;
    int n = -1;
    while (n < commits && clock_ms() < end) {
        usleep(20 * 1000);
        n = repo_count(repo,
                       "git for-each-ref --format='%(objectname)' 'refs/heads/*@*' | "
                       "xargs -r git rev-list | wc -l");
    }
    assert_int_equal(n, commits);
    repo_expect(repo, "", "flock .git/vmxfs/lock true");
}

void repo_check(const struct repo *repo)
{
    repo_expect(repo, "", "git fsck --strict --no-dangling 2>&1");
    repo_expect(repo, "", "git status --porcelain 2>&1");
}

void repo_commit(struct history *history, const char *path, const char *before, const char *after)
{
    struct history_by by = repo_user;
    by.uid = getuid();
    history_committed(history, path, before != NULL, span_of(before ? before : ""), span_of(after),
                      &by);
}

void repo_see(struct history *history, const char *path, const char *text)
{
    history_seen(history, path, span_of(text), clock_wall_ms());
}
