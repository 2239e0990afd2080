/* SPDX-License-Identifier: MIT */
/* What waits for a VM goes along with its .vmx, and with its folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "next.h"
#include "next_file.h"
#include "next_known.h"
#include "remote/cache/listing.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"

enum {
    DEPTH_MAX = 64,             /* what is deeper is found by a look */
    JUST_LISTED_MS = 10 * 1000, /* for a level of slow folders */
};

/* ---- what is below a folder */

/* Lists the folders of a level, whose listings are loaded together, and collects those in them. */
static int list_level(struct vfs *vfs, const struct buf *level, const struct wait *wait,
                      struct buf *ret)
{
    size_t n = 0;
    FREE_AUTO char **paths = calloc(level->len, sizeof(*paths));
    for (size_t at = 0; paths && at < level->len; at += strlen(level->data + at) + 1)
        paths[n++] = level->data + at;
    int r = paths ? remote_load_listings(vfs->remote, paths, n, 0, wait) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++) {
        LISTING_AUTO *l = NULL;
        r = remote_list(vfs->remote, paths[i], JUST_LISTED_MS, wait, &l);
        for (size_t k = 0; r == 0 && k < l->n; k++) {
            FREE_AUTO char *path =
                S_ISDIR(l->entries[k].attrs.mode) ? path_join(paths[i], l->entries[k].name) : NULL;
            r = path ? buf_add_name(ret, span_of(path)) : 0;
        }
        r = is_unanswered(r) ? r : 0;
    }
    return r;
}

/* Lists all below a folder, so that the mount knows what waits there, which it need not have looked
 * into yet. What it cannot list is found by a look, while it is mounted. */
static void list_below(struct vfs *vfs, const char *folder, const struct wait *wait)
{
    struct buf level = {0};
    int r = buf_add_name(&level, span_of(folder));
    for (int depth = 0; r == 0 && level.len > 0 && depth < DEPTH_MAX; depth++) {
        struct buf below = {0};
        r = list_level(vfs, &level, wait, &below);
        buf_done(&level);
        level = below;
    }
    buf_done(&level);
}

/* ---- moves */

static void forget(void *ctx, const char *path)
{
    next_known_forget(ctx, path);
}

/* The file is to name its new place, for other mounts. */
static void follow(void *ctx, const char *path)
{
    struct request *rq = ctx;
    struct diag diag = {0};
    const struct next_of of = {rq->vfs, path, &rq->wait};
    next_tidy(&of, &diag);
}

static void carry(struct request *rq, const char *from, const char *to)
{
    struct diag diag = {0};
    bool any = false;
    const struct next_of of = {rq->vfs, to, &rq->wait};
    int r = next_carry(&of, from, &any, &diag);
    if (r < 0) {
        BUF_AUTO text = {0};
        if (buf_addf(&text, "what waited for %s stays behind: %s", path_name(from),
                     diag.text[0] ? diag.text : strerror(-r)) == 0)
            journal_add(rq->vfs->journal, 0, to, "next", text.data);
    }
    next_known_forget(rq->vfs->next, from);
    if (any)
        next_known_seen(rq->vfs->next, to);
}

void next_moved(struct request *rq, bool folder, const char *from, const char *to)
{
    struct vfs *vfs = rq->vfs;
    FREE_AUTO char *full_from = remote_path(vfs->remote, from);
    FREE_AUTO char *full_to = remote_path(vfs->remote, to);
    if (!full_from || !full_to)
        return;
    if (!folder) { /* an editor moves the .vmx out of its way, and makes a new one */
        if (remote_is_vmx_name(path_name(to)))
            carry(rq, from, to);
        return;
    }
    next_known_note_move(vfs->next, full_from, full_to);
    next_known_below(vfs->next, from, forget, vfs->next);
    list_below(vfs, to, &rq->wait);
    next_known_below(vfs->next, to, follow, rq);
}
