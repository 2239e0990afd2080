/* SPDX-License-Identifier: MIT */
#include "vm_walk.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "remote/cache/document.h"
#include "remote/cache/listing.h"
#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "vfs/host/host_view.h"

/* A hostile server's tree has no end, and the reports on it are made in memory. */
enum {
    DEPTH_MAX = 16,
    SEEN_MAX = 4 << 20,  /* bytes of the paths of all folders and documents */
    HELD_MAX = 32 << 20, /* bytes of the listings from the root down to where it is */
};

static int count_path(struct vm_walk *s, const char *path)
{
    s->seen += strlen(path) + 1;
    return s->seen > SEEN_MAX ? -EFBIG : 0;
}

static int see_document(struct vm_walk *s, const char *path)
{
    DOCUMENT_AUTO *doc = NULL;
    BUF_AUTO shown = {0};
    go_on_waiting(s->rq);
    int r = count_path(s, path)
                ?: remote_document(s->rq->vfs->remote, path, cache_ms(s->rq), &s->rq->wait, &doc);
    if (document_is_left_out(r))
        return 0;
    return r
        ?: remote_add_shown(s->rq->vfs->remote, path, &shown)
        ?: s->see(s, path, shown.data, doc->dict);
}

static int see_dir(struct vm_walk *s, const char *dir, int depth)
{
    LISTING_AUTO *l = NULL;
    struct remote *remote = s->rq->vfs->remote;
    go_on_waiting(s->rq);
    int r = count_path(s, dir) ?: remote_list(remote, dir, cache_ms(s->rq), &s->rq->wait, &l);
    if (r == -EACCES || r == -ENOENT || remote_check_accessible(remote, dir) < 0)
        return 0;
    if (r < 0)
        return r;
    s->held += l->cached.bytes;
    if (s->held > HELD_MAX)
        r = -EFBIG;
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        FREE_AUTO char *path = path_join(dir, e->name);
        if (!path)
            r = -ENOMEM;
        else if (S_ISDIR(e->attrs.mode) && depth < DEPTH_MAX)
            r = see_dir(s, path, depth + 1);
        else if (remote_is_vmx(remote, e->name, &e->attrs))
            r = see_document(s, path);
    }
    s->held -= l->cached.bytes;
    return r;
}

int vm_walk_run(struct vm_walk *s)
{
    return see_dir(s, "", 0);
}
