/* SPDX-License-Identifier: MIT */
#include "key_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/node/attr.h"
#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/recent.h"

static void unsettle(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    recent_note(vfs, RECENT_WRITTEN, n->parent, (struct span){0}, (struct recent_detail){0});
}

static bool is_settled(struct vfs *vfs, const struct node *n) REQUIRES(vfs->lock)
{
    return !recent_find(vfs, RECENT_WRITTEN, n->parent, (struct span){0});
}

static bool is_open(const struct key_pages *p)
{
    return p->paged > 0 || p->direct > 0;
}

static bool fits(const struct key_pages *p, const struct stat *st)
{
    return p->told && p->size == st->st_size;
}

/* What is told with the size. */
static void note_told(struct key_pages *p, const struct stat *st)
{
    p->mtime = (uint32_t)st->st_mtim.tv_sec;
    p->uid = st->st_uid;
    p->gid = st->st_gid;
}

static void show(const struct vfs *vfs, const struct key_pages *p, struct stat *ret)
{
    attr_file(vfs, ret, 0644, p->size, p->mtime);
    ret->st_uid = p->uid;
    ret->st_gid = p->gid;
}

/* The key shows something else than the node's text, or is about to. */
static void let_go(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    if (n->key_pages.paged == 0)
        n->key_pages.state = PAGES_DIRECT;
    else
        node_retire(vfs, n);
}

static int stale(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    unsettle(vfs, n);
    return -ESTALE;
}

bool key_pages_take(struct vfs *vfs, struct node *n, const struct found *found)
{
    struct key_pages *p = &n->key_pages;
    const struct stat *st = &found->st;
    const bool written = found->written;
    if (p->state == PAGES_HELD && (written || !fits(p, st)))
        let_go(vfs, n);
    if (p->state == PAGES_DIRECT && !written && !is_open(p) && is_settled(vfs, n))
        node_retire(vfs, n);
    if (p->retired)
        return false;
    if (written || (p->told && !fits(p, st)))
        p->state = PAGES_DIRECT;
    if (written)
        unsettle(vfs, n);
    if (p->state == PAGES_DIRECT)
        return true;
    p->told = true;
    if (p->state != PAGES_HELD) /* it is the same; reads look at it without the lock */
        p->size = (uint32_t)st->st_size;
    note_told(p, st);
    return true;
}

int key_pages_known(struct vfs *vfs, struct node *n, const struct handle *h, struct stat *ret)
{
    const struct key_pages *p = &n->key_pages;
    int r = 0;
    lock_take(&vfs->lock);
    if (h ? h->io == IO_PAGED : p->retired && p->paged > 0) {
        show(vfs, p, ret);
        r = 1;
    } else if (!h && p->retired) {
        r = stale(vfs, n);
    }
    lock_drop(&vfs->lock);
    return r;
}

int key_pages_of_removed(struct vfs *vfs, struct node *n, struct stat *ret)
{
    lock_take(&vfs->lock);
    show(vfs, &n->key_pages, ret);
    lock_drop(&vfs->lock);
    ret->st_nlink = 0;
    return 0;
}

bool key_pages_tell(struct vfs *vfs, struct node *n, struct stat *st)
{
    struct key_pages *p = &n->key_pages;
    lock_take(&vfs->lock);
    if (p->state == PAGES_HELD && p->paged == 0 && !fits(p, st))
        p->state = PAGES_DIRECT;
    bool held = p->state == PAGES_HELD && !fits(p, st);
    if (held)
        show(vfs, p, st);
    else if (p->state == PAGES_UNREAD && !fits(p, st))
        p->state = PAGES_DIRECT;
    if (p->state != PAGES_DIRECT)
        note_told(p, st);
    lock_drop(&vfs->lock);
    return !held;
}

/* Whether the kernel can have nothing but this size, and pages that it will drop. */
static bool can_hold(struct vfs *vfs, const struct node *n, struct span text) REQUIRES(vfs->lock)
{
    const struct key_pages *p = &n->key_pages;
    return p->state == PAGES_UNREAD && p->size == text.n && text.n <= KEY_PAGES_TEXT_MAX &&
           !is_open(p) && is_settled(vfs, n);
}

static void hold(struct key_pages *p, struct span text)
{
    char *copy = malloc(text.n + 1);
    if (!copy)
        return; /* next time */
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    p->text = copy;
    p->state = PAGES_HELD;
}

static void count(struct handle *h, enum handle_io io)
{
    struct key_pages *p = &h->node->key_pages;
    h->io = io;
    if (io == IO_PAGED)
        p->paged++;
    else
        p->direct++;
}

int key_pages_open(struct vfs *vfs, struct node *n, struct span text, struct handle *h)
{
    struct key_pages *p = &n->key_pages;
    int r = 0;
    lock_take(&vfs->lock);
    bool same = p->state == PAGES_HELD && span_eq((struct span){p->text, p->size}, text);
    if (p->state == PAGES_HELD && !same)
        let_go(vfs, n);
    else if (can_hold(vfs, n, text))
        hold(p, text);
    else if (p->state == PAGES_UNREAD && p->size != text.n)
        p->state = PAGES_DIRECT;
    if (p->retired && !same)
        r = stale(vfs, n);
    else
        count(h, p->state == PAGES_HELD ? IO_PAGED : IO_DIRECT);
    h->keep = h->io == IO_PAGED && atomic_load(&p->read);
    lock_drop(&vfs->lock);
    return r;
}

int key_pages_write(struct vfs *vfs, struct node *n, struct handle *h)
{
    struct key_pages *p = &n->key_pages;
    int r = 0;
    lock_take(&vfs->lock);
    if (p->state == PAGES_HELD)
        let_go(vfs, n);
    if (p->retired) {
        r = stale(vfs, n);
    } else {
        unsettle(vfs, n);
        p->state = PAGES_DIRECT;
        if (h)
            count(h, IO_DIRECT);
    }
    lock_drop(&vfs->lock);
    return r;
}

void key_pages_count(struct vfs *vfs, struct handle *h)
{
    lock_take(&vfs->lock);
    count(h, IO_DIRECT);
    lock_drop(&vfs->lock);
}

void key_pages_close(struct vfs *vfs, struct handle *h)
{
    (void)vfs;
    if (h->io == IO_PAGED)
        h->node->key_pages.paged--;
    else if (h->io == IO_DIRECT)
        h->node->key_pages.direct--;
    h->io = IO_NONE;
}

struct span key_pages_text(struct node *n)
{
    atomic_store(&n->key_pages.read, true);
    return (struct span){n->key_pages.text, n->key_pages.size};
}
