/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/next, and what is told of it elsewhere. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "next.h"
#include "next_file.h"
#include "next_known.h"
#include "remote/cache/document.h"
#include "remote/names/paths.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

int next_show(struct request *rq, struct node *n, struct buf *ret)
{
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    int r = path ? next_load(&of, &next) : -ENOMEM;
    if (r == -ENOENT)
        next_known_forget(rq->vfs->next, path);
    if (r == -EBADMSG)
        return buf_add_str(ret, "# what waits here cannot be read; drop it: : > next\n");
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    next_known_seen(rq->vfs->next, path);
    r = remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc);
    if (r == 0 && !next_is_ours(&of, &next, doc->dict))
        return buf_add_str(ret, "# written for another VM, or another place: it is dropped\n");
    return r ?: vmx_next_show(&next, doc->dict, ret);
}

void next_seen(struct vfs *vfs, const char *path)
{
    next_known_seen(vfs->next, path);
}

void next_power_changed(struct vfs *vfs, const char *path)
{
    next_known_hurry(vfs->next, path);
}

static int apply_now(struct request *rq, const char *path, struct diag *diag)
{
    const struct next_of of = {rq->vfs, path, &rq->wait};
    const struct remote_by by = caller_by(rq);
    NEXT_OUTCOME_AUTO outcome = {0};
    if (remote_options(rq->vfs->remote)->ignore_running)
        return diag_set(diag, "a mount with running=allow does not apply what waits"), -EPERM;
    int r = next_apply(&of, &by, &outcome, diag);
    if (r < 0 || outcome.left.len == 0)
        return r;
    diag_set(diag, "%.1500s: changed since it was written to next, where it stays; %s",
             outcome.left.data, outcome.set.len > 0 ? "the rest is set" : "nothing is set");
    return -ECANCELED;
}

int next_store(struct request *rq, struct node *n, struct span text)
{
    struct diag diag = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    if (!path)
        return -ENOMEM;
    int r = span_eq(text, SPAN_LITERAL("apply")) ? apply_now(rq, path, &diag)
                                                 : next_add(&of, text, rq->uid, &diag);
    if (r == 0)
        next_known_seen(rq->vfs->next, path);
    return refuse_change(rq, path, "next", r, &diag);
}

int next_clear(struct request *rq, struct node *n)
{
    struct diag diag = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct next_of of = {rq->vfs, path, &rq->wait};
    int r = path ? next_drop(&of, &diag) : -ENOMEM;
    if (r == 0)
        next_known_forget(rq->vfs->next, path);
    return refuse_change(rq, path, "next", r, &diag);
}

int next_of_vm(struct request *rq, const char *path, const struct vmx_dict *dict, bool known,
               struct vmx_next *ret)
{
    const struct next_of of = {rq->vfs, path, &rq->wait};
    if (known && !next_known_has(rq->vfs->next, path))
        return 0;
    int r = next_load(&of, ret);
    if (r == 0 && !next_is_ours(&of, ret, dict))
        vmx_next_done(ret);
    return r == -EINTR || r == -ENOMEM ? r : 0;
}

/* ---- moves */

struct moving {
    struct request *rq;
    const char *from, *to;
    struct buf paths; /* each with its NUL */
};

static void add_path(void *ctx, const char *path)
{
    struct moving *m = ctx;
    (void)buf_add_name(&m->paths, span_of(path)); /* else the move is found by a look */
}

static void follow(struct moving *m, const char *old)
{
    struct vfs *vfs = m->rq->vfs;
    struct diag diag = {0};
    BUF_AUTO now = {0};
    const char *rest = path_below(m->from, old);
    if (!rest || buf_addf(&now, "%s%s%s", m->to, rest[0] ? "/" : "", rest) < 0)
        return;
    const struct next_of of = {vfs, now.data, &m->rq->wait};
    next_known_forget(vfs->next, old);
    next_known_seen(vfs->next, now.data);
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
    struct moving m = {.rq = rq, .from = from, .to = to};
    next_known_note_move(vfs->next, full_from, full_to);
    next_known_below(vfs->next, from, add_path, &m);
    for (size_t at = 0; at < m.paths.len; at += strlen(m.paths.data + at) + 1)
        follow(&m, m.paths.data + at);
    buf_done(&m.paths);
}
