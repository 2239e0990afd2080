/* SPDX-License-Identifier: MIT */
/*
 * Telling the kernel what it should forget. Such a call can wait for a lock that a request of ours
 * holds in the kernel, so it is made by a thread of its own, which holds no lock and serves no
 * request. Nothing depends on it but promptness: what the kernel trusts also runs out. Attributes
 * alone, and all names together, are the exceptions: they wait for no lock, and are taken back by
 * the request that has to.
 *
 * All names at once (kernel 6.16) is a count, the epoch. The kernel reads it before it asks for a
 * name or has one made, and believes no name of an epoch that is over. So what a request answers
 * that was under way when the epoch ended is used once, and never kept. The caller of notify_names
 * has made its change by then: who asks later hears of that. Only the names of a listing are of the
 * epoch in which its answer arrives; they are not to be kept if that could matter (may_be_kept in
 * ops/reply.c). A later look at a name finds the same node, which the kernel may have forgotten
 * meanwhile (RECENT_KNOWN in recent.h).
 *
 * But each directory that is looked up anew is without a name for that moment: getcwd(2) in it
 * fails, and what is mounted in it is detached. So an epoch ends only where what a name of a .vmx
 * means may have changed, and with no set or plain file.
 *
 * An older kernel takes back one name at a time, which is done only where there is no other way.
 * That waits, deaf to signals, for the lock of the directory, which may be held for a request of
 * ours; were we killed meanwhile, the thread would keep the device open, the request would never
 * fail, and all would hang for good. An inode needs no lock: the kernel asks for its attributes,
 * and hears that the name means something else (ESTALE, op_getattr).
 */
#include "notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "parser/document/names.h"
#include "parser/text/list.h"
#include "vfs/key/key_state.h"
#include "vfs/node/node_path.h"

struct notice {
    fuse_ino_t inode;
    bool pages; /* of the inode too, not the attributes alone */
    struct notice *prev, *next;
    char name[]; /* "": the inode itself, else an entry in it */
};

struct notifier {
    struct lock lock;
    struct condition woken;
    pthread_t thread;
    struct notice *queue; /* protected by lock, as all below */
    struct fuse_session *session;
    bool busy; /* talking to the kernel about session */
    bool stop;
};

static void tell(struct fuse_session *session, const struct notice *notice)
{
    if (notice->name[0])
        fuse_lowlevel_notify_inval_entry(session, notice->inode, notice->name,
                                         strlen(notice->name));
    else
        fuse_lowlevel_notify_inval_inode(session, notice->inode, notice->pages ? 0 : -1, 0);
}

static void *run(void *arg)
{
    struct notifier *t = arg;
    struct wait for_ever = {.deadline = INT64_MAX / 2};
    lock_take(&t->lock);
    while (!t->stop) {
        struct notice *notice = t->queue;
        if (!notice) {
            wait_on(&for_ever, &t->woken, &t->lock);
            continue;
        }
        DL_DELETE(t->queue, notice);
        struct fuse_session *session = t->session;
        t->busy = true;
        lock_drop(&t->lock);
        if (session)
            tell(session, notice);
        free(notice);
        lock_take(&t->lock);
        t->busy = false;
    }
    lock_drop(&t->lock);
    return NULL;
}

int notifier_new(struct notifier **ret)
{
    struct notifier *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    lock_init(&t->lock);
    condition_init(&t->woken);
    int r = thread_start(&t->thread, run, t);
    if (r == 0) {
        *ret = t;
        return 0;
    }
    condition_done(&t->woken);
    lock_done(&t->lock);
    free(t);
    return r;
}

void notifier_attach(struct vfs *vfs, struct fuse_session *session)
{
    struct notifier *t = vfs->notifier;
    lock_take(&t->lock);
    t->session = session;
    vfs->keeps_names = fuse_library_forget_names(session) == 0;
    lock_drop(&t->lock);
}

bool notifier_detach(struct notifier *t)
{
    lock_take(&t->lock);
    t->session = NULL;
    bool busy = t->busy;
    lock_drop(&t->lock);
    return !busy;
}

void notifier_free(struct notifier *t)
{
    if (!t)
        return;
    lock_take(&t->lock);
    t->stop = true;
    condition_wake_all(&t->woken);
    lock_drop(&t->lock);
    pthread_join(t->thread, NULL);
    struct notice *notice;
    struct notice *next;
    DL_FOREACH_SAFE(t->queue, notice, next) free(notice);
    condition_done(&t->woken);
    lock_done(&t->lock);
    free(t);
}

static void queue(struct notifier *t, fuse_ino_t inode, const char *name, bool pages)
{
    size_t len = strlen(name);
    struct notice *notice = calloc(1, sizeof(*notice) + len + 1);
    if (!notice)
        return; /* it runs out by itself */
    notice->inode = inode;
    notice->pages = pages;
    memcpy(notice->name, name, len);
    lock_take(&t->lock);
    DL_APPEND(t->queue, notice);
    condition_wake_all(&t->woken);
    lock_drop(&t->lock);
}

void notify_inode(struct vfs *vfs, const struct node *n)
{
    /* A key's pages never change (key_pages.h). */
    queue(vfs->notifier, node_id(vfs, n), "", n->ops->kind != KIND_SETTING);
}

static void take_attributes_back(struct notifier *t, fuse_ino_t inode)
{
    lock_take(&t->lock);
    struct fuse_session *session = t->session;
    lock_drop(&t->lock);
    if (session)
        fuse_lowlevel_notify_inval_inode(session, inode, -1, 0);
}

void notify_attributes(struct vfs *vfs, const struct node *n)
{
    take_attributes_back(vfs->notifier, node_id(vfs, n));
}

void notify_names(struct vfs *vfs)
{
    struct notifier *t = vfs->notifier;
    lock_take(&t->lock);
    if (vfs->keeps_names && t->session)
        fuse_library_forget_names(t->session);
    lock_drop(&t->lock);
}

void notify_entry(struct vfs *vfs, const struct node *dir, const char *name)
{
    if (vfs->keeps_names)
        notify_names(vfs);
    else
        queue(vfs->notifier, node_id(vfs, dir), name, false);
}

static int get_value(const struct vmx_dict *dict, const char *name, struct buf *ret)
{
    BUF_AUTO key = {0};
    return vmx_key_from_name(vmx_dict_charset(dict), span_of(name), &key)
               ?: vmx_dict_get(dict, buf_span(&key), ret);
}

/* Whether the file of a setting shows the same in both documents. It bears the time of the .vmx. */
static bool is_same(const struct document *before, const struct document *after, const char *name)
{
    if (!before || !after || before->attrs.mtime != after->attrs.mtime)
        return false;
    BUF_AUTO was = {0};
    BUF_AUTO is = {0};
    return get_value(before->dict, name, &was) == get_value(after->dict, name, &is) &&
           span_eq(buf_span(&was), buf_span(&is));
}

/* What is shown of a document otherwise than before. The kernel must not be told under the lock. */
struct changed {
    fuse_ino_t *inodes;
    size_t n;
};

static void see(struct vfs *vfs, const struct node *n, struct changed *changed) REQUIRES(vfs->lock)
{
    fuse_ino_t *inodes = list_room(changed->inodes, changed->n, sizeof(*inodes));
    if (inodes) {
        changed->inodes = inodes;
        inodes[changed->n++] = node_id(vfs, n);
    }
    if (!inodes || n->ops->kind != KIND_SETTING)
        notify_inode(vfs, n);
}

static void see_below(struct vfs *vfs, const struct node *dir, const struct document *before,
                      const struct document *after, struct changed *changed) REQUIRES(vfs->lock)
{
    const struct node *child;
    DL_FOREACH2(dir->children, child, next)
    {
        if (child->ops->kind == KIND_CONTROL ||
            (child->ops->kind == KIND_SETTING && !is_same(before, after, child->name)))
            see(vfs, child, changed);
    }
}

void notify_document(struct vfs *vfs, const char *path, const struct document *before,
                     const struct document *after)
{
    struct changed changed = {0};
    struct node *dir = node_at(vfs, path, false);
    struct node *file = node_at(vfs, path, true);
    lock_take(&vfs->lock);
    if (dir && dir->ops->kind == KIND_VMX_DIR) {
        see_below(vfs, dir, before, after, &changed);
        see(vfs, dir, &changed);
    }
    if (file)
        see(vfs, file, &changed);
    lock_drop(&vfs->lock);
    for (size_t i = 0; i < changed.n; i++)
        take_attributes_back(vfs->notifier, changed.inodes[i]);
    free(changed.inodes);
    node_unref(vfs, dir);
    node_unref(vfs, file);
}

void notify_commit(struct vfs *vfs, const char *path, const struct document *before,
                   const struct document *after)
{
    if (before == after)
        return;
    key_states_see(vfs, path, before);
    notify_document(vfs, path, before, after);
    host_changed(vfs->host, path);
}
