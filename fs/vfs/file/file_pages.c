/* SPDX-License-Identifier: MIT */
#include "file_pages.h"

#include <stdlib.h>

#include "base/clock.h"
#include "remote/cache/document.h"

struct file_pages {
    bool known; /* the version below */
    uint64_t size;
    uint32_t mtime;
    int64_t seen_at;  /* clock_ms() when the version was first seen */
    int64_t since;    /* when the pages were dropped last */
    bool clean;       /* no other handle was open then */
    bool read;        /* a read has come since; if clean, of a handle that was opened since */
    unsigned opens;   /* handles */
    unsigned writers; /* those of them that write, and ... */
    unsigned direct;  /* ... that go past the pages */
};

static bool is_version(const struct file_pages *k, const struct sftp_attrs *attrs)
{
    return k->known && attrs && k->size == attrs->size && k->mtime == attrs->mtime;
}

static void set_version(struct file_pages *k, const struct sftp_attrs *attrs, int64_t now)
{
    k->known = attrs != NULL;
    k->size = attrs ? attrs->size : 0;
    k->mtime = attrs ? attrs->mtime : 0;
    k->seen_at = now;
}

void file_pages_open(struct vfs *vfs, struct node *n, const struct sftp_attrs *attrs,
                     struct handle *h)
{
    int64_t now = clock_ms();
    lock_take(&vfs->lock);
    if (!n->file_pages)
        n->file_pages = calloc(1, sizeof(*n->file_pages));
    struct file_pages *k = n->file_pages;
    if (k) {
        bool same = is_version(k, attrs);
        if (!same)
            set_version(k, attrs, now);
        h->keep = same && k->clean && k->read && k->writers == 0 && !h->writes &&
                  k->since >= k->seen_at + RACY_MS;
        if (!h->keep) {
            k->since = now;
            k->clean = k->opens == 0 && !h->writes;
            k->read = false;
        }
        h->direct = h->direct || k->direct > 0 || (!h->reads && k->opens == 0);
        k->opens++;
        k->writers += h->writes;
        k->direct += h->direct;
        h->has_pages = true;
    }
    lock_drop(&vfs->lock);
}

void file_pages_read(struct vfs *vfs, struct node *n, const struct handle *h)
{
    lock_take(&vfs->lock);
    if (h->has_pages && !h->direct)
        n->file_pages->read = true;
    lock_drop(&vfs->lock);
}

void file_pages_close(struct vfs *vfs, struct node *n, struct handle *h)
{
    lock_take(&vfs->lock);
    if (h->has_pages) {
        n->file_pages->opens--;
        n->file_pages->writers -= h->writes;
        n->file_pages->direct -= h->direct;
        if (h->writes)
            n->file_pages->known = false;
        h->has_pages = false;
    }
    lock_drop(&vfs->lock);
}
