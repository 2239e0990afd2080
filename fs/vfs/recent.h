/* SPDX-License-Identifier: MIT */
/*
 * What was a moment ago. Programs save a file in several calls, and only the first of them shows
 * what the last one means: a line that is removed and set again keeps its place, a .vmx that is
 * moved out of the way is what the next one is measured by.
 *
 * All of it is in one list, the oldest first. An entry that is too old goes, and so does the oldest
 * when the list takes too much memory: a caller has to get by without. A thing is known by its
 * kind, a node, which stays in memory meanwhile and takes it along when it is renamed, and a name.
 * No document is kept alive.
 */
#pragma once

#include "parser/edit/edit.h"
#include "vfs_private.h"

enum recent_kind {
    /* Of a directory of settings and a key, in any spelling: */
    RECENT_REMOVED_LINE, /* the key was removed: place */
    RECENT_HIDDEN,       /* it was copied to a scratch file, or its removal is not made
                            (vmx_registered.c): it is not shown until it is set */
    /* Of a directory of settings: */
    RECENT_EMPTYING, /* it is a registered VM's, and somebody removes one after the other */
    RECENT_MADE,     /* mkdir has made it, and files are being created in it, or
                        passthrough-profile was removed: it shows none, so that one can be made */
    RECENT_WRITTEN,  /* a key was opened for writing, or ESTALE was told: none is read through the
                        kernel's pages anew (key_pages.h) */
    /* Of a .vmx as one file: */
    RECENT_READ, /* somebody opened it to read: read */
    /* Of what is on the server: */
    RECENT_KNOWN, /* the kernel knew it, and it was moved or has several names: it is the same, with
                     the same inode number, if it is looked up again */
    /* Of no node: */
    RECENT_REMOVED_VMX, /* the remote path of a .vmx that was removed or renamed away: rest */
    RECENT_STALE,       /* a thread, and a path that it is opening: ESTALE was told */
    RECENT_REFUSED,     /* a thread, and a VM in use of which it may remove nothing, or a reason */
};

enum { RECENT_BYTES_MAX = 4 << 20 }; /* of all together; the newest is kept whatever it takes */

/* What a text was, for a caller that has to know only whether it still is the same. */
struct fingerprint {
    bool there; /* false, as all below: there was none */
    size_t n;
    uint64_t hash;
};

/* What the kind has to remember. */
struct recent_detail {
    struct vmx_place place;
    struct fingerprint read;
    struct buf rest; /* vmx_replace_rest */
};

/* Remembers a thing from now on, in place of what was remembered of it; not, if there is no memory.
 * What detail holds is given away. */
void recent_note(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name,
                 struct recent_detail detail) REQUIRES(vfs->lock);

/* What is remembered of a thing, good until the lock is dropped. NULL: it was not, or too long ago.
 */
const struct recent_detail *recent_find(struct vfs *vfs, enum recent_kind kind, struct node *n,
                                        struct span name) REQUIRES(vfs->lock);

/* Whether recent_find finds it, for a caller that does not hold the lock. */
bool recent_is(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name);

/* recent_note of a thing without detail, for a caller that does not hold the lock. */
void recent_set(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name);

void recent_forget(struct vfs *vfs, enum recent_kind kind, struct node *n, struct span name)
    REQUIRES(vfs->lock);
void recent_forget_all(struct vfs *vfs);
