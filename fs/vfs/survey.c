/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "host_views.h"

/* A hostile server's tree has no end, and the reports on it are made in memory. */
enum {
    DEPTH_MAX = 16,
    SEEN_MAX = 4 << 20,  /* bytes of the paths of all folders and documents */
    HELD_MAX = 32 << 20, /* bytes of the listings from the root down to where it is */
};

static int count_path(struct survey *s, const char *path)
{
    s->seen += strlen(path) + 1;
    return s->seen > SEEN_MAX ? -EFBIG : 0;
}

static int see_document(struct survey *s, const char *path, const char *shown)
{
    DOCUMENT_AUTO *doc = NULL;
    go_on_waiting(s->c);
    int r = count_path(s, path);
    if (r == 0)
        r = remote_document(s->c->vfs->remote, path, cache_ms(s->c), &s->c->wait, &doc);
    if (r == -ENOENT || r == -EMEDIUMTYPE || r == -EACCES)
        return 0;
    return r == 0 ? s->see(s, path, shown, doc->dict) : r;
}

static int see_dir(struct survey *s, const char *dir, const char *shown_dir, int depth)
{
    LISTING_AUTO *l = NULL;
    struct remote *remote = s->c->vfs->remote;
    go_on_waiting(s->c);
    int r = count_path(s, dir);
    if (r == 0)
        r = remote_list(remote, dir, cache_ms(s->c), &s->c->wait, &l);
    if (r < 0)
        return r == -EACCES || r == -ENOENT ? 0 : r;
    s->held += l->cached.bytes;
    if (s->held > HELD_MAX)
        r = -EFBIG;
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        FREE_AUTO char *path = path_join(dir, e->name);
        FREE_AUTO char *shown = path_join(shown_dir, e->link ? e->link : e->name);
        if (!path || !shown)
            r = -ENOMEM;
        else if (S_ISDIR(e->attrs.mode) && depth < DEPTH_MAX)
            r = see_dir(s, path, shown, depth + 1);
        else if (remote_is_vmx(remote, e->name, &e->attrs))
            r = see_document(s, path, shown);
    }
    s->held -= l->cached.bytes;
    return r;
}

int survey_run(struct survey *s)
{
    return see_dir(s, "", "", 0);
}

/* The name of one component: of a folder that a link beside it names, that link's. */
static int add_shown_name(struct call *c, const char *dir, const char *name, struct buf *ret)
{
    LISTING_AUTO *l = NULL;
    const struct listing_entry *e = NULL;
    if (listing_is_uuid_name(name) &&
        remote_list(c->vfs->remote, dir, cache_ms(c), &c->wait, &l) == 0)
        e = listing_find(l, name);
    return buf_add_str(ret, e && e->link ? e->link : name);
}

int survey_add_shown(struct call *c, const char *path, struct buf *ret)
{
    FREE_AUTO char *dir = strdup(path);
    if (!dir)
        return -ENOMEM;
    int r = 0;
    for (size_t at = 0; r == 0 && path[at];) {
        size_t len = strcspn(path + at, "/");
        FREE_AUTO char *name = strndup(path + at, len);
        if (!name)
            return -ENOMEM;
        dir[at > 0 ? at - 1 : 0] = '\0';
        r = add_shown_name(c, dir, name, ret);
        dir[at > 0 ? at - 1 : 0] = path[at > 0 ? at - 1 : 0];
        at += len;
        if (r == 0 && path[at] == '/')
            r = buf_add_char(ret, path[at++]);
    }
    return r;
}
