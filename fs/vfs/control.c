/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmx.h"

static int fill_attr(struct call *c, struct node *n, const struct control *control, struct stat *st)
{
    BUF_AUTO content = {0};
    int r = control->sized ? control->show(c, n, &content) : 0;
    if (r < 0)
        return r;
    attr_file(c->vfs, st, control->mode, (off_t)content.len, (uint32_t)c->vfs->started.tv_sec);
    return 0;
}

int control_lookup(struct call *c, struct node *dir, const struct control *control,
                   struct found *ret)
{
    ret->ops = &control_ops;
    ret->detail = control;
    return fill_attr(c, dir, control, &ret->st);
}

static int control_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    *ret_true_at = 0;
    return fill_attr(c, n, n->detail, st);
}

static int control_open(struct call *c, struct node *n, int flags, struct handle *h)
{
    const struct control *control = n->detail;
    const bool unread = (flags & O_ACCMODE) != O_WRONLY && !control->show;
    if (unread || (h->writes && !control->store)) {
        FREE_AUTO char *path = vmx_path_above(c, n);
        struct vmx_diag diag = {0};
        vmx_diag_set(&diag, 0, 0, "it can only be %s", unread ? "written" : "read");
        return refuse(c->vfs, path ? path : control->name, path ? control->name : NULL, -EACCES,
                      &diag);
    }
    if (h->writes && c->vfs->options.read_only)
        return refuse(c->vfs, control->name, NULL, -EROFS, NULL);
    return h->writes ? 0 : control->show(c, n, &h->content);
}

static int control_read(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                        struct buf *ret)
{
    BUF_AUTO live = {0};
    const struct control *control = n->detail;
    struct span text = buf_span(&h->content);
    if (h->writes) {
        int r = control->show(c, n, &live);
        if (r < 0)
            return r;
        text = buf_span(&live);
    }
    return text_slice(text, offset, size, ret);
}

/* Carries out what has been collected; whatever comes of it, it is not tried again. */
static int carry_out(struct call *c, struct node *n, struct handle *h)
{
    struct buf text = h->content;
    const struct control *control = n->detail;
    h->content = (struct buf){0};
    struct span what = control->by_line ? text_value(buf_span(&text)) : buf_span(&text);
    int r = control->store(c, n, what);
    buf_done(&text);
    return r;
}

static int control_write(struct call *c, struct node *n, struct handle *h, off_t offset,
                         struct span data)
{
    const struct control *control = n->detail;
    (void)offset; /* a command goes on where the last write ended */
    if (h->broken)
        return -ECANCELED;
    if (h->content.len + data.n > remote_options(c->vfs->remote)->vmx_max)
        return -EFBIG;
    int r = buf_add(&h->content, data);
    if (r == 0 && control->by_line && data.n > 0 && data.p[data.n - 1] == '\n')
        r = carry_out(c, n, h);
    else
        h->writer = call_process(c);
    return r;
}

static int control_flush(struct call *c, struct node *n, struct handle *h)
{
    return h->writes && h->content.len > 0 ? carry_out(c, n, h) : 0;
}

static void control_drop(struct call *c, struct node *n, struct handle *h)
{
    if (h->content.len == 0 || h->writer == 0 || h->writer != call_process(c))
        return;
    FREE_AUTO char *path = vmx_path_above(c, n);
    const struct control *control = n->detail;
    buf_done(&h->content);
    h->broken = true;
    note_killed(c->vfs, path ? path : control->name, NULL);
}

const struct node_ops control_ops = {
    .type = S_IFREG,
    .getattr = control_getattr,
    .open = control_open,
    .read = control_read,
    .write = control_write,
    .flush = control_flush,
    .drop = control_drop,
    .fsync = control_flush,
};

struct node *vmx_above(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    while (n && n->ops != &vmx_ops)
        n = n->parent;
    lock_drop(&vfs->lock);
    return n;
}

char *vmx_path_above(struct call *c, struct node *n)
{
    struct node *dir = vmx_above(c->vfs, n);
    return dir ? node_path(c->vfs, dir) : NULL;
}
