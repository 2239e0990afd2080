/* SPDX-License-Identifier: MIT */
/* One request of the kernel, from its beginning to its end (request.c). */
#pragma once

#include "vfs/vfs_private.h"

struct handle;
struct node;

/* One request of the kernel. */
struct request {
    struct vfs *vfs;
    fuse_req_t fuse;            /* NULL once it was answered before its end (interrupt.c) */
    pid_t thread;               /* of the caller; 0: in another PID namespace */
    uid_t uid;                  /* of the caller */
    gid_t gid;                  /* the same */
    const struct remote_by *by; /* who asks, where the kernel does not say; or NULL */
    struct wait wait;
    bool listing;       /* the lookup is for a directory listing: nothing is to be loaded for it */
    bool changes;       /* it is to change something; by change_begin */
    bool committed;     /* and something of that has been sent */
    bool again;         /* the open that it is was answered with ESTALE just now */
    bool mapped;        /* it writes a page that somebody has mapped, and appends nothing */
    bool told;          /* why it is refused is in the journal, or needs not be */
    int refused_before; /* what its open file was refused before (struct handle), as that is told
                           again */
    bool by_name;       /* what was found is what the name leads to, and no open file */
    int64_t interrupted_at; /* clock_ms() when that was first seen; 0: never */
    int64_t asked_at;       /* the same of a signal that asks to end, as long as it is pending */
    struct node *nodes[2];  /* kept until change_end: their caller may be gone by then */
    struct handle *handle;
    struct node *folder;         /* that it renames, or NULL; as the next two in rename_lock.c */
    struct request *prev, *next; /* in vfs->rename_lock.inside */
};

/* A request that changes nothing. */
void request_begin(struct request *rq, fuse_req_t req);

/* One that does. What it works with (NULL: nothing) stays until change_end, also when its caller is
 * answered before that and closes and forgets it. */
void change_begin(struct request *rq, fuse_req_t req, struct node *n, struct node *other,
                  struct handle *h);
void change_end(struct request *rq);

/* Waits until no change is under way with an open file that is being released. */
void change_await(struct vfs *vfs, const struct handle *h);

/* How old an answer may be that is not asked for again. */
static inline int cache_ms(const struct request *rq)
{
    return remote_options(rq->vfs->remote)->cache_timeout_ms;
}

/* How long a .vmx, or what is written to a control, may be, in bytes. */
static inline size_t max_text(const struct request *rq)
{
    return remote_options(rq->vfs->remote)->vmx_max;
}
