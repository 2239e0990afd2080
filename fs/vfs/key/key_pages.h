/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps of key files: pages and sizes, which it takes from different requests and
 * never compares. The kernel would truncate a value that has grown to the old size, and fill up one
 * that has shrunk with NULs. Nothing that the kernel is told, in any order, prevents that, because
 * a read may be between looking at its page and looking at the size.
 *
 * So an inode that is read through the page cache has one text for as long as it lives. Every read
 * of it gives that text, every answer about it that size, and nobody writes to it. When the key
 * shows something else while such an inode is open, its node is retired: it keeps its text for
 * those who have it open, and an open of it is answered with ESTALE, whereupon the kernel looks the
 * name up again and finds another node. While nobody has it open the pages are of no importance:
 * the node goes on, but is not read through them any more, because it is not known which sizes and
 * pages the kernel has.
 *
 *   UNREAD  one size was told; nobody wrote to it; pages are not to be relied on
 *     -> HELD     opened for reading, while nobody else has it open, with a text of that size
 *     -> DIRECT   to be written, or another size is to be told
 *   HELD    one text
 *     -> DIRECT   the key shows another one, or is to be written, and nobody has it open
 *     -> retired  the same, and somebody has it open
 *   DIRECT  every open bypasses the pages
 *     -> retired  looked up while nobody has it open and the directory has settled
 *
 * An open keeps the pages if a read has come since the node is HELD: that read was of an open which
 * had dropped what was there before.
 *
 * ESTALE must not meet a caller twice, because the kernel would tell of the second one. Therefore,
 * for a while after one was given (RECENT_WRITTEN in recent.h), no node of the directory becomes
 * HELD: what the caller finds when it looks again can be opened whatever happens.
 */
#pragma once

#include <stdatomic.h>
#include <sys/stat.h>

#include "vfs/vfs_private.h"

struct found;
struct handle;
struct node;

/* What the kernel keeps of a key; protected by vfs->lock, but for what says something
 * else. */
struct key_pages {
    enum { PAGES_UNREAD, PAGES_HELD, PAGES_DIRECT } state;
    uint32_t size;  /* told, as long as not DIRECT */
    uint32_t mtime; /* told last, as the next two; the same */
    uid_t uid;
    gid_t gid;
    unsigned paged;   /* open handles that read through the page cache */
    unsigned direct;  /* other open handles */
    bool told;        /* size and mtime are known */
    bool retired;     /* not in the table any more */
    atomic_bool read; /* needs no lock */
    char *text;       /* of size bytes, once HELD; constant, so that reads need no lock */
};

enum { KEY_PAGES_TEXT_MAX = 4096 }; /* one page */

/* Of struct node_ops: whether the kernel can be told these attributes of a node that was looked up,
 * perhaps by a caller that is about to write to it. False: the node is retired. */
bool key_pages_take(struct vfs *vfs, struct node *n, const struct found *found) REQUIRES(vfs->lock);

/* What the kernel is told of a node before its key is looked at; h: the handle that asks, if known.
 * 1: *ret is filled in, and not to be trusted; 0: the key is to be looked at; -ESTALE: retired. */
int key_pages_known(struct vfs *vfs, struct node *n, const struct handle *h, struct stat *ret);

/* The rest of a key that was removed, for the handles that have it open. 0. */
int key_pages_of_removed(struct vfs *vfs, struct node *n, struct stat *ret);

/* Notes what the kernel is told of a node. False: it was changed to what it can be told, and is not
 * to be trusted. */
bool key_pages_tell(struct vfs *vfs, struct node *n, struct stat *st);

/* The node is opened for reading while its key shows text: sets h->io. 0 or -ESTALE. */
int key_pages_open(struct vfs *vfs, struct node *n, struct span text, struct handle *h);

/* The node is to be written, by a handle or (h NULL) without one. 0 or -ESTALE. */
int key_pages_write(struct vfs *vfs, struct node *n, struct handle *h);

/* The handle, of a node that was taken to be written, is counted. */
void key_pages_count(struct vfs *vfs, struct handle *h);
void key_pages_close(struct vfs *vfs, struct handle *h) REQUIRES(vfs->lock);

/* What a handle reads that was opened with IO_PAGED. */
struct span key_pages_text(struct node *n);
