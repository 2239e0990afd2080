/* SPDX-License-Identifier: MIT */
#include "vmx_file_change.h"

#include <errno.h>

#include "remote/commit/commit.h"
#include "vfs/node/inode_number.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

struct vmx_file_change {
    struct change change;
    struct vfs *vfs;
    const char *path;
    struct span text;
    struct fingerprint base;
};

struct fingerprint fingerprint_of(struct span text)
{
    return (struct fingerprint){.there = true, .n = text.n, .hash = hash_of(text)};
}

bool is_fingerprint_of(const struct fingerprint *f, struct span text)
{
    return f->there && f->n == text.n && f->hash == hash_of(text);
}

void vmx_file_note_removal(struct request *rq, const char *path)
{
    DOCUMENT_AUTO *doc = NULL;
    struct recent_detail detail = {0};
    if (remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc) < 0 ||
        vmx_replace_rest(doc->dict, &detail.rest) < 0) {
        buf_done(&detail.rest);
        return;
    }
    lock_take(&rq->vfs->lock);
    recent_note(rq->vfs, RECENT_REMOVED_VMX, NULL, span_of(path), detail);
    lock_drop(&rq->vfs->lock);
}

/* Whether a text is no worse than the one that was removed here a while ago. -ENOENT: none was. */
static int check_removed(struct vfs *vfs, const char *path, const struct vmx_dict *text,
                         struct diag *diag)
{
    struct vmx_dict *rest = NULL;
    lock_take(&vfs->lock);
    const struct recent_detail *removed = recent_find(vfs, RECENT_REMOVED_VMX, NULL, span_of(path));
    int r = removed ? vmx_dict_parse(buf_span(&removed->rest), &rest) : -ENOENT;
    lock_drop(&vfs->lock);
    r = r ?: vmx_replace_check(rest, text, diag);
    vmx_dict_free(rest);
    return r;
}

/* A new text is measured by what has just been removed under its name, or by an empty one. */
static int check_text(const struct vmx_file_change *w, const struct vmx_dict *current,
                      struct diag *diag)
{
    struct vmx_dict *text = NULL;
    struct vmx_dict *none = NULL;
    int r = vmx_dict_parse(w->text, &text) ?: vmx_dict_parse((struct span){0}, &none);
    if (r == 0)
        r = current ? -ENOENT : check_removed(w->vfs, w->path, text, diag);
    if (r == -ENOENT)
        r = vmx_replace_check(current ? current : none, text, diag);
    vmx_dict_free(text);
    vmx_dict_free(none);
    return r;
}

static int apply(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    struct vmx_file_change *w = (struct vmx_file_change *)change;
    struct span before = vmx_dict_text(current);
    if (server->exists && span_eq(before, w->text))
        return buf_add(ret, w->text);
    if (!server->exists && w->base.there) {
        refuse_gone(diag);
        return -ECANCELED;
    }
    if (server->exists && !is_fingerprint_of(&w->base, before)) {
        diag_set(diag, "somebody else has %s; read it, then write again",
                 w->base.there ? "changed the file meanwhile" : "made the file meanwhile");
        return w->base.there ? -ECANCELED : -EEXIST;
    }
    return check_text(w, server->exists ? current : NULL, diag) ?: buf_add(ret, w->text);
}

static void committed(struct change *change, const struct document *before,
                      const struct document *after)
{
    const struct vmx_file_change *w = (const struct vmx_file_change *)change;
    notify_commit(w->vfs, w->path, before, after);
}

int vmx_file_replace(struct request *rq, const char *path, struct span text,
                     struct fingerprint base, struct diag *diag)
{
    struct vmx_file_change w = {.vfs = rq->vfs, .path = path, .text = text, .base = base};
    w.change.by = caller_by(rq);
    w.change.apply = apply;
    w.change.committed = committed;
    int r = remote_commit(rq->vfs->remote, path, &w.change, &rq->wait);
    *diag = w.change.diag;
    return r;
}
