/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "vfs/key/key_at.h"
#include "vfs/node/attr.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/ops/first_use.h"
#include "vfs/refuse.h"
#include "vfs/vmx/text_draft.h"

/* A control that is listed among the settings bears their time, so that git and rsync see it
 * change. Its content has just been made from the same document. */
static uint32_t made_at(struct request *rq, struct node *n, const struct control *control)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = control->listed ? vmx_path_above(rq, n) : NULL;
    if (path && remote_document(rq->vfs->remote, path, DOCUMENT_ANY_AGE, &rq->wait, &doc) == 0)
        return doc->attrs.mtime;
    return (uint32_t)rq->vfs->started.tv_sec;
}

int control_found(struct request *rq, struct node *n, const struct control *control,
                  struct found *ret)
{
    BUF_AUTO content = {0};
    const mode_t mode = (control->show ? 0444 : 0) | (control->store ? 0200 : 0);
    int r = control->listed || control->grows ? control->show(rq, n, &content) : 0;
    if (r < 0)
        return r;
    ret->ops = &control_ops;
    ret->detail = control;
    attr_file(rq->vfs, &ret->st, mode, (off_t)content.len, made_at(rq, n, control));
    return 0;
}

static int control_getattr(struct request *rq, struct node *n, struct found *ret)
{
    return control_found(rq, n, n->detail, ret);
}

/* Refuses, with the control as a key of its VM; one of no VM is a file itself. */
static int refuse_control(struct request *rq, struct node *n, int r, const struct diag *diag)
{
    const struct control *control = n->detail;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    return refuse(rq, path ? path : control->name, path ? control->name : NULL, r, diag);
}

static int control_open(struct request *rq, struct node *n, int flags, struct handle *h)
{
    const struct control *control = n->detail;
    const bool unread = (flags & O_ACCMODE) != O_WRONLY && !control->show;
    if (unread || (h->writes && !control->store)) {
        struct diag diag = {0};
        diag_set(&diag, "this file can only be %s", unread ? "written" : "read");
        return refuse_control(rq, n, -EACCES, &diag);
    }
    if (h->writes && rq->vfs->options.read_only)
        return refuse(rq, control->name, NULL, -EROFS, NULL);
    int r = control->local ? 0 : first_use(rq);
    h->truncated = control->clear && flags & O_TRUNC;
    if (r < 0 || h->writes || control->grows)
        return r;
    r = control->show(rq, n, &h->content);
    FREE_AUTO char *vmx = r == -EBUSY ? vmx_path_above(rq, n) : NULL;
    return vmx ? refuse_unread(rq, vmx) : r;
}

/* One read after the other gives one text. Who begins, or has come to its end, gets that of now. */
static int read_growing(struct request *rq, struct node *n, struct handle *h, off_t offset,
                        size_t size, struct buf *ret)
{
    BUF_AUTO now = {0};
    const struct control *control = n->detail;
    lock_take(&rq->vfs->lock);
    const bool anew = offset == 0 || (size_t)offset >= h->content.len;
    lock_drop(&rq->vfs->lock);
    int r = anew ? control->show(rq, n, &now) : 0;
    if (r < 0)
        return r;
    lock_take(&rq->vfs->lock);
    if (anew) {
        const struct buf before = h->content;
        h->content = now;
        now = before;
    }
    r = text_slice(buf_span(&h->content), offset, size, ret);
    lock_drop(&rq->vfs->lock);
    return r;
}

static int control_read(struct request *rq, struct node *n, struct handle *h, off_t offset,
                        size_t size, struct buf *ret)
{
    BUF_AUTO live = {0};
    const struct control *control = n->detail;
    if (control->grows)
        return read_growing(rq, n, h, offset, size, ret);
    struct span text = buf_span(&h->content);
    if (h->writes) {
        int r = control->show(rq, n, &live);
        if (r < 0)
            return r;
        text = buf_span(&live);
    }
    return text_slice(text, offset, size, ret);
}

/* Takes what has been collected, when what was collected before is carried out. *ret_r: what came
 * of that, if it had to be waited for. */
static int take_content(struct request *rq, struct handle *h, struct buf *ret, int *ret_r)
{
    int r = 0;
    *ret_r = 0;
    lock_take(&rq->vfs->lock);
    while (r == 0 && h->carrying) {
        r = wait_on(&rq->wait, &rq->vfs->changed, &rq->vfs->lock);
        *ret_r = h->carried;
    }
    if (r == 0) {
        *ret = h->content;
        h->content = (struct buf){0};
        h->carrying = ret->len > 0;
    }
    lock_drop(&rq->vfs->lock);
    return r;
}

/* Puts what was taken before what has been collected since. Without memory it is refused. */
static void put_back(struct handle *h, struct buf *text)
{
    if (buf_add(text, buf_span(&h->content)) < 0) {
        h->refused = -ENOMEM;
        return;
    }
    buf_done(&h->content);
    h->content = *text;
    *text = (struct buf){0};
}

/* Carries out what has been collected; whatever comes of it, it is not tried again, unless again:
 * an interrupted caller asks again. A caller that closes another descriptor meanwhile gets the same
 * result. */
static int carry_out(struct request *rq, struct node *n, struct handle *h, bool again)
{
    BUF_AUTO text = {0};
    const struct control *control = n->detail;
    int before;
    int r = take_content(rq, h, &text, &before);
    if (r == 0 && text.len == 0)
        rq->told = before < 0; /* by the one that carried it out */
    if (r < 0 || text.len == 0)
        return r < 0 ? r : before;
    struct span what = control->by_line ? text_value(buf_span(&text)) : buf_span(&text);
    r = control->store(rq, n, what);
    lock_take(&rq->vfs->lock);
    h->carrying = false;
    h->carried = r;
    if (r == -EINTR && again)
        put_back(h, &text);
    condition_wake_all(&rq->vfs->changed);
    lock_drop(&rq->vfs->lock);
    return r;
}

/* Appends to what is collected. A text that is too long is dropped, whole. *ret_news: this was not
 * said before. */
static int collect(struct request *rq, struct handle *h, struct span data, bool *ret_line,
                   bool *ret_news)
{
    const pid_t writer = caller_process(rq);
    int r = 0;
    lock_take(&rq->vfs->lock);
    *ret_news = !h->refused;
    if (h->refused)
        r = h->refused;
    else if (h->content.len + data.n > max_text(rq))
        r = -EFBIG;
    else
        r = buf_add(&h->content, data);
    if (r < 0) {
        buf_done(&h->content);
        h->refused = r;
    }
    h->truncated = false;
    *ret_line = r == 0 && data.n > 0 && data.p[data.n - 1] == '\n';
    h->writer = writer;
    lock_drop(&rq->vfs->lock);
    return r;
}

static int control_write(struct request *rq, struct node *n, struct handle *h, off_t offset,
                         struct span data)
{
    const struct control *control = n->detail;
    bool line;
    bool news;
    (void)offset; /* a command goes on where the last write ended */
    int r = collect(rq, h, data, &line, &news);
    if (r < 0)
        return news ? refuse_control(rq, n, r, NULL) : r;
    return control->by_line && line ? carry_out(rq, n, h, false) : 0;
}

static int control_fsync(struct request *rq, struct node *n, struct handle *h)
{
    int r = handle_refused(rq->vfs, h);
    return r == 0 && h->writes ? carry_out(rq, n, h, true) : r;
}

/* Whether who closes the file has it open elsewhere, as a shell that saves a descriptor while one
 * of its commands writes to another file. */
static bool has_it_open(struct request *rq, struct node *n)
{
    const struct control *control = n->detail;
    FREE_AUTO char *vmx = vmx_path_above(rq, n);
    BUF_AUTO path = {0};
    int r = vmx ? path_add_mounted(rq, vmx, &path) : -ENOMEM;
    r = r ?: buf_addf(&path, "/" CONTROL_NAME "/%s", control->name);
    return r < 0 || caller_has_open(rq, path.data);
}

/* Whether nothing was written behind the truncation, for certain: at its end, or where a process
 * closes the file a second time, because a shell closes it once before it writes, and for good. */
static bool is_cleared(struct request *rq, struct node *n, struct handle *h, bool ends)
{
    const pid_t closer = caller_process(rq);
    lock_take(&rq->vfs->lock);
    const bool may_be = h->truncated && (ends || (closer != 0 && h->writer == closer));
    if (h->truncated)
        h->writer = closer;
    lock_drop(&rq->vfs->lock);
    if (!may_be || (!ends && has_it_open(rq, n)))
        return false;
    lock_take(&rq->vfs->lock);
    const bool is = h->truncated && !h->refused;
    if (is)
        h->truncated = false;
    lock_drop(&rq->vfs->lock);
    return is;
}

static int control_flush(struct request *rq, struct node *n, struct handle *h)
{
    int r = handle_refused(rq->vfs, h);
    const struct control *control = n->detail;
    if (r < 0 || !h->writes || caller_is_bystander(rq, h))
        return r;
    return is_cleared(rq, n, h, false) ? control->clear(rq, n) : carry_out(rq, n, h, false);
}

/* A refusal is noted; nobody else can be told. */
static void control_release(struct request *rq, struct node *n, struct handle *h)
{
    const struct control *control = n->detail;
    if (is_cleared(rq, n, h, true))
        control->clear(rq, n);
    control_fsync(rq, n, h);
}

static void control_drop(struct request *rq, struct node *n, struct handle *h)
{
    const pid_t writer = caller_process(rq);
    lock_take(&rq->vfs->lock);
    const bool own = h->content.len > 0 && h->writer != 0 && h->writer == writer;
    h->truncated = false; /* what it was to be followed by never came */
    if (own) {
        buf_done(&h->content);
        h->refused = -ECANCELED; /* another handle of it would go on in the middle */
    }
    lock_drop(&rq->vfs->lock);
    if (!own)
        return;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct control *control = n->detail;
    note_killed(rq->vfs, path ? path : control->name, NULL);
}

/* The same as opening it with O_TRUNC; all else is no control's. */
static int control_setattr(struct request *rq, struct node *n, struct handle *h,
                           const struct stat *st, int valid)
{
    const struct control *control = n->detail;
    if (!(valid & FUSE_SET_ATTR_SIZE) || st->st_size != 0 || !h || !h->writes)
        return 0;
    lock_take(&rq->vfs->lock);
    h->truncated = control->clear && h->content.len == 0;
    lock_drop(&rq->vfs->lock);
    return 0;
}

const struct node_ops control_ops = {
    .kind = KIND_CONTROL,
    .type = S_IFREG,
    .getattr = control_getattr,
    .open = control_open,
    .setattr = control_setattr,
    .read = control_read,
    .write = control_write,
    .flush = control_flush,
    .drop = control_drop,
    .fsync = control_fsync,
    .release = control_release,
};
