/* SPDX-License-Identifier: MIT */
#include "mount_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/user_name.h"
#include "history/history.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "user_dirs.h"

static const char volumes[] = "/vmfs/volumes/";

/* What follows the next component of a path. *ret: that one; empty: there is none. */
static struct span next_component(struct span path, struct span *ret)
{
    do {
        while (path.n > 0 && path.p[0] == '/')
            path = span_from(path, 1);
        *ret = span_head(path, text_find(path, '/'));
        path = span_from(path, ret->n);
    } while (span_eq(*ret, SPAN_LITERAL(".")));
    return path;
}

/* The name of the datastore in a path that the user gave. Empty: he did not name one. */
static struct span given_store(const char *given)
{
    struct span part;
    struct span store = {0};
    struct span path = next_component(span_of(given), &part);
    const bool vmfs = given[0] == '/' && span_eq(part, SPAN_LITERAL("vmfs"));
    path = next_component(path, &part);
    if (!vmfs || !span_eq(part, SPAN_LITERAL("volumes")))
        return store;
    path = next_component(path, &part);
    for (size_t depth = 0; part.n > 0; path = next_component(path, &part)) {
        const bool up = span_eq(part, SPAN_LITERAL(".."));
        if (up && depth == 0)
            return (struct span){0};
        if (!up && depth == 0)
            store = part;
        depth = up ? depth - 1 : depth + 1;
        if (depth == 0)
            store = (struct span){0};
    }
    return store;
}

/* Appends the root's path on the server, free of links, but with the datastore's name as the user
 * gave it: the server has its UUID there. */
static int add_root(const struct mount *m, struct buf *ret)
{
    struct span uuid;
    const char *root = remote_root(m->remote);
    const struct span name = given_store(m->options->path);
    if (name.n == 0 || !span_starts_with(span_of(root), SPAN_LITERAL(volumes)))
        return buf_add_str(ret, root);
    const struct span rest = next_component(span_of(root + strlen(volumes)), &uuid);
    return buf_add_str(ret, volumes) ?: buf_add(ret, name) ?: buf_add(ret, rest);
}

/* What is in a datastore has one name, whatever directory is mounted; all else has its path in the
 * mount. */
static int add_name(void *ctx, const char *path, struct buf *ret)
{
    const struct mount *m = ctx;
    BUF_AUTO full = {0};
    BUF_AUTO shown = {0};
    int r = remote_add_shown(m->remote, path, &shown)
        ?: add_root(m, &full)
        ?: buf_add_char(&full, '/')
        ?: buf_add(&full, buf_span(&shown));
    if (r < 0)
        return r;
    const bool in_store = span_starts_with(buf_span(&full), SPAN_LITERAL(volumes));
    return buf_add_str(ret, in_store ? full.data + strlen(volumes) : shown.data);
}

/* The folder that is mounted has the work tree in it, or lies there: on this machine, or on one
 * where it has the same path. */
static bool is_own(void *ctx, const char *path)
{
    const struct mount *m = ctx;
    if (!m->history_dir)
        return false;
    const char *own = remote_below_root(m->remote, m->history_dir);
    return own ? path_below(own, path) != NULL
               : path_below(m->history_dir, remote_root(m->remote)) != NULL;
}

static void note(void *ctx, const char *path, const char *text)
{
    const struct mount *m = ctx;
    journal_add(m->journal, 0, path, NULL, text);
}

/* Tells the user once of a folder that he may not expect. */
static void say_made(const char *dir)
{
    BUF_AUTO text = {0};
    if (buf_addf(&text,
                 "what changes in .vmx files is recorded from now on in the git repository %s "
                 "(history=off: nothing is)",
                 dir) == 0)
        log_say(text.data);
}

static int begin(struct mount *m, const char *dir, struct diag *why)
{
    BUF_AUTO machine = {0};
    const char *host = connector_hostname(m->connector);
    int r = user_name_add_machine(&machine);
    if (r < 0)
        return r;
    const struct history_options options = {
        .dir = dir,
        .host = host ? host : machine.data,
        .mountpoint = m->mounted_at ? m->mounted_at : m->options->mountpoint,
        .name = add_name,
        .is_own = is_own,
        .note = note,
        .ctx = m,
    };
    bool made = false;
    r = history_new(&options, &m->history, &made, why);
    if (r < 0)
        return r;
    m->history_dir = realpath(dir, NULL);
    if (made)
        say_made(dir);
    return history_begin(m->history);
}

/* A program that was built without it says so only to who asks for it. */
static void go_without(struct mount *m, int r, const struct diag *why)
{
    history_free(m->history);
    m->history = NULL;
    if (r != -EOPNOTSUPP)
        diag_set(&m->no_history, "no history is kept: %s", why->text);
}

int mount_open_history(struct mount *m, struct diag *why)
{
    const char *given = m->options->history;
    BUF_AUTO dir = {0};
    struct diag reason = {0};
    if (given && strcmp(given, "off") == 0)
        return 0;
    int r = given ? buf_add_str(&dir, given) : user_dirs_add_history(&dir);
    r = r ?: begin(m, dir.data, &reason);
    if (r == 0)
        return 0;
    if (!reason.text[0])
        diag_set(&reason, "%s", strerror(-r));
    if (given)
        return diag_set(why, "history=%s: %s", given, reason.text) ?: r;
    go_without(m, r, &reason);
    return 0;
}
