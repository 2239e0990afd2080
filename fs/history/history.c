/* SPDX-License-Identifier: MIT */
#include "history_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/user_name.h"
#include "git/repository.h"
#include "names.h"
#include "worker.h"

/* ---- made and freed */

static int copy_options(struct history *history, const struct history_options *options)
{
    history->options = *options;
    history->options.dir = NULL;
    history->options.host = strdup(options->host);
    history->options.mountpoint = strdup(options->mountpoint);
    return history->options.host && history->options.mountpoint ? 0 : -ENOMEM;
}

/* By whatever path it is reached, it is known by one. */
static int make_folder(struct history *history, const char *dir, bool *ret_made, struct diag *why)
{
    const int r = repository_make(dir, history->branch, ret_made, why);
    if (r < 0)
        return r;
    history->options.dir = realpath(dir, NULL);
    return history->options.dir ? 0 : -errno;
}

static int name_user(struct history *history)
{
    BUF_AUTO user = {0};
    BUF_AUTO machine = {0};
    BUF_AUTO mail = {0};
    BUF_AUTO branch = {0};
    BUF_AUTO host = {0};
    const int r = user_name_add(&user, geteuid())
        ?: user_name_add_machine(&machine)
        ?: buf_addf(&mail, "%s@%s", user.data, machine.data)
        ?: buf_add_str(&branch, "refs/heads/")
        ?: names_add_branch(&branch, buf_span(&user))
        ?: buf_add_char(&branch, '@')
        ?: names_add_branch(&branch, buf_span(&machine))
        ?: names_add_component(&host, span_of(history->options.host));
    if (r < 0)
        return r;
    history->user = buf_steal(&user);
    history->machine = buf_steal(&machine);
    history->mail = buf_steal(&mail);
    history->branch = buf_steal(&branch);
    history->host = buf_steal(&host);
    return history->user && history->machine && history->mail && history->branch && history->host
               ? 0
               : -ENOMEM;
}

int history_new(const struct history_options *options, struct history **ret, bool *ret_made,
                struct diag *why)
{
    struct history *history = calloc(1, sizeof(*history));
    bool made = false;
    if (!history)
        return -ENOMEM;
    lock_init(&history->reader_lock);
    const int r = copy_options(history, options)
        ?: name_user(history)
        ?: make_folder(history, options->dir, &made, why)
        ?: secret_key_get(history->options.dir, &history->key, why)
        ?: worker_new(history, &history->worker);
    if (r < 0) {
        history_free(history);
        return r;
    }
    *ret = history;
    *ret_made = made;
    return 0;
}

int history_begin(struct history *history)
{
    return worker_begin(history->worker);
}

static void free_string(const char *string)
{
    free((void *)(uintptr_t)string); /* ours, though the options show it as const */
}

void history_free(struct history *history)
{
    if (!history)
        return;
    worker_free(history->worker);
    if (history->reader_free)
        history->reader_free(history->reader);
    lock_done(&history->reader_lock);
    free_string(history->options.dir);
    free_string(history->options.host);
    free_string(history->options.mountpoint);
    free(history->branch);
    free(history->host);
    free(history->user);
    free(history->mail);
    free(history->machine);
    explicit_bzero(&history->key, sizeof(history->key));
    free(history);
}

/* ---- what is told */

static void tell(struct history *history, struct told *told, struct span before, struct span after)
{
    if (told && (buf_add(&told->before, before) < 0 || buf_add(&told->after, after) < 0)) {
        told_free(told);
        told = NULL;
    }
    worker_tell(history->worker, told);
}

static const struct span none;

static bool is_recorded(const struct history *history, const char *path)
{
    return history &&
           !(history->options.is_own && history->options.is_own(history->options.ctx, path));
}

void history_committed(struct history *history, const char *path, bool existed, struct span before,
                       struct span after, const struct history_by *by)
{
    if (!is_recorded(history, path))
        return;
    struct told *told = told_new(TOLD_COMMITTED, path, NULL, by);
    if (told)
        told->existed = existed;
    tell(history, told, existed ? before : none, after);
}

void history_renamed(struct history *history, const char *from, const char *to,
                     const struct history_by *by)
{
    if (is_recorded(history, from) && is_recorded(history, to))
        tell(history, told_new(TOLD_RENAMED, to, from, by), none, none);
}

void history_removed(struct history *history, const char *path, const struct history_by *by)
{
    if (is_recorded(history, path))
        tell(history, told_new(TOLD_REMOVED, path, NULL, by), none, none);
}

static void tell_seen(struct history *history, enum told_kind kind, const char *path,
                      struct span text, int64_t ms)
{
    struct told *told = told_new(kind, path, NULL, NULL);
    if (told)
        told->time_ns = ms * 1000000;
    tell(history, told, none, text);
}

void history_seen(struct history *history, const char *path, struct span text, int64_t read_ms)
{
    if (is_recorded(history, path))
        tell_seen(history, TOLD_SEEN, path, text, read_ms);
}

void history_gone(struct history *history, const char *path, int64_t seen_ms)
{
    if (is_recorded(history, path))
        tell_seen(history, TOLD_GONE, path, none, seen_ms);
}
