/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/history: a file for each text that the .vmx had, by its time. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "history/undo.h"
#include "history_view.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"
#include "vfs/node/handle.h"
#include "vfs/node/node_path.h"
#include "vfs/refuse.h"
#include "vfs/vmx/text_draft.h"

enum { AWAIT_MS = 3000 };

int history_await(struct request *rq)
{
    const struct wait wait = wait_half(&rq->wait, AWAIT_MS);
    const int r = history_wait(rq->vfs->history, &wait);
    return r == -EINTR ? r : 0;
}

/* The text that has a name in a history. *ret_time_s: its time. -ENOENT: there is none. */
static int read_text(struct request *rq, struct node *n, const char *name, struct buf *ret,
                     int64_t *ret_time_s)
{
    struct history_version v = {0};
    BUF_AUTO own = {0};
    if (!history_parse_name(span_of(name), &v.time_s, &v.nth))
        return -ENOENT;
    v.nth = v.nth ? v.nth : 1;
    int r = history_add_name(&v, &own);
    if (r < 0 || strcmp(own.data, name) != 0) /* a time has one name */
        return r < 0 ? r : -ENOENT;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    *ret_time_s = v.time_s;
    return path ? history_text_of_time(rq->vfs->history, path, v.time_s, v.nth, &rq->wait, ret)
                : -ENOMEM;
}

static int find(struct request *rq, struct node *n, const char *name, struct found *ret);

static int text_getattr(struct request *rq, struct node *n, struct found *ret)
{
    return find(rq, n, n->name, ret);
}

static int text_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    (void)flags;
    int64_t time_s;
    if (h->writes) {
        FREE_AUTO char *path = vmx_path_above(rq, n);
        struct diag diag = {0};
        diag_set(&diag, "this file can only be read; undo goes back to it");
        return refuse(rq, path, n->name, -EACCES, &diag);
    }
    return read_text(rq, n, n->name, &h->content, &time_s);
}

static int text_read(struct request *rq, struct node *n, struct handle *h, off_t offset,
                     size_t size, struct buf *ret)
{
    (void)rq, (void)n;
    return text_slice(buf_span(&h->content), offset, size, ret);
}

static const struct node_ops text_ops = {
    .type = S_IFREG,
    .getattr = text_getattr,
    .open = text_open,
    .read = text_read,
};

static int find(struct request *rq, struct node *n, const char *name, struct found *ret)
{
    BUF_AUTO text = {0};
    int64_t time_s;
    int r = read_text(rq, n, name, &text, &time_s);
    if (r < 0)
        return r;
    ret->ops = &text_ops;
    attr_file(rq->vfs, &ret->st, 0444, (off_t)text.len, (uint32_t)time_s);
    return 0;
}

static int list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    VERSIONS_AUTO versions = {0};
    FREE_AUTO char *path = vmx_path_above(rq, dir);
    int r = path ? history_await(rq) : -ENOMEM;
    r = r ?: history_versions(rq->vfs->history, path, &rq->wait, &versions);
    for (size_t i = 0; r == 0 && i < versions.n; i++) {
        BUF_AUTO name = {0};
        if (versions.list[i].nth > 0)
            r = history_add_name(&versions.list[i], &name)
                    ?: dir_names_add(ret, name.data, S_IFREG, NULL);
    }
    return r;
}

const struct folder history_folder = {
    .name = "history", .of_history = true, .find = find, .list = list};
