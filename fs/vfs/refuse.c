/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* What an errno means here, for those that come without a reason of their own. */
static const char *meaning(int r)
{
    switch (-r) {
    case EROFS:
        return "the mount, or the server's filesystem, is read-only";
    case EPERM:
        return "an encrypted VM is read-only, and so is what has no place in a .vmx";
    case ECANCELED:
        return "somebody else changed the same setting meanwhile; read it again, then write";
    case EILSEQ:
        return "the text cannot be represented in the file's .encoding";
    case ENOLCK:
        return "another vmxfs holds the file's lock";
    case EBUSY:
        return "the VM is in use";
    case EACCES:
        return "the server does not allow it to this user";
    case EIO:
        return "the server did not answer, or failed";
    case EFBIG:
        return "the file would be larger than vmx_max";
    default:
        return strerror(-r);
    }
}

int refuse(struct vfs *vfs, const char *path, const char *key, int r, const struct vmx_diag *diag)
{
    if (r >= 0 || r == -EINTR || r == -ENOENT)
        return r;
    const char *reason = diag && diag->text[0] ? diag->text : meaning(r);
    if (diag && diag->text[0] && diag->line > 0) {
        char placed[300];
        char column[32] = "";
        if (diag->column > 0)
            snprintf(column, sizeof(column), ", column %zu", diag->column);
        snprintf(placed, sizeof(placed), "line %zu%s: %s", diag->line, column, reason);
        journal_add(vfs->journal, r, path ? path : "?", key, placed);
        return r;
    }
    journal_add(vfs->journal, r, path ? path : "?", key, reason);
    return r;
}

int errno_for_kernel(int r)
{
    switch (-r) {
    case ENOSYS:
        return EOPNOTSUPP;
    case ESTALE:
    case EMEDIUMTYPE:
        return ENOENT;
    case ENOTCONN:
    case EREMOTEIO:
    case EPROTO:
    case ENODATA:
    case ETIME:
        return EIO;
    default:
        return -r;
    }
}
