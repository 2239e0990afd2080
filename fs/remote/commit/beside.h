/* SPDX-License-Identifier: MIT */
/*
 * A small file of vmxfs's own beside a .vmx, ".NAME.vmxfs-next": hidden as the lock is. It is
 * replaced as the .vmx is, whole and synced, by a rename out of the lock of the .vmx, and removed
 * through the token of that lock (lock.h); so who has lost his lock does nothing to it any more. It
 * goes when its .vmx is removed, and does not keep a folder from being removed that shows nothing.
 */
#pragma once

#include "parser/text/diag.h"
#include "remote/remote.h"

/* Appends what it holds. 0; -ENOENT; -EMEDIUMTYPE: it is no regular file, or larger than vmx_max;
 * -EACCES, -EIO, -EINTR, ... */
int remote_beside_read(struct remote *remote, const char *path, const struct wait *wait,
                       struct buf *ret);

enum beside_wish { BESIDE_STAYS, BESIDE_HOLDS, BESIDE_GOES };

struct beside_change {
    /* Called under the lock of the .vmx, perhaps several times: what the file is to become. there,
     * text: what it holds now; what cannot be read as it is (-EMEDIUMTYPE) is not there. Appends to
     * *ret for BESIDE_HOLDS. 0, -errno with *diag. */
    int (*wish)(void *ctx, bool there, struct span text, const struct wait *wait, struct buf *ret,
                enum beside_wish *ret_wish, struct diag *diag);
    void *ctx;
    bool goes;   /* it is likely to wish that: saves a lock */
    bool unread; /* it wishes that whatever the file holds, also where nobody may read it */
};

/* 0: it is as was wished; what the wish failed with; -ENOLCK, -EOPNOTSUPP, -EIO (it may or may not
 * be), -EINTR, -ENOSPC, ... */
int remote_beside_change(struct remote *remote, const char *path,
                         const struct beside_change *change, const struct wait *wait,
                         struct diag *diag);
