/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "recent.h"
#include "remote/in_use/used_files.h"
#include "vfs/key/key_at.h"
#include "vfs/node/node_path.h"

/* What an errno means here, for those that come without a reason of their own. */
static const char *meaning(int r)
{
    switch (-r) {
    case ENOENT:
    case ESTALE:
        return "it is not there any more: it, or a folder above it, was moved, renamed or removed "
               "meanwhile, and what was to be written is not on the server";
    case EMEDIUMTYPE:
        return "something that is not a .vmx has this name by now, or the .vmx has become larger "
               "than vmx_max";
    case EROFS:
        return "the mount, or the server's filesystem, is read-only";
    case EPERM:
        return "what has no place in a .vmx cannot be made or changed here";
    case ECANCELED:
        return "somebody else changed the same setting meanwhile; read it again, then write";
    case EILSEQ:
        return "the text cannot be represented in the file's .encoding";
    case ENOLCK:
        return "another vmxfs holds the file's lock";
    case EBUSY:
        return "the VM is in use";
    case EACCES:
        return "the server does not allow it for this user";
    case EIO:
    case EREMOTEIO:
        return "the server did not answer, or failed";
    case EUCLEAN:
        return "not known whether what was under way when the connection was lost is still to "
               "come, and it would undo this; try again in a minute";
    case EBADMSG:
        return "what waits in .vmxfs/next cannot be read; drop it (: > next), and write it again";
    case ENAMETOOLONG:
        return "a name has at most 255 bytes, that of a .vmx 243: the name of its lock is longer";
    case EOPNOTSUPP:
        return "the server cannot do this; without posix-rename@openssh.com it cannot replace a "
               "file";
    case EFBIG:
        return "the file would be larger than vmx_max, or than the server can hold";
    default:
        return strerror(-r);
    }
}

int refuse(struct request *rq, const char *path, const char *key, int r, const struct diag *diag)
{
    return r == -ENOENT ? r : refuse_change(rq, path, key, r, diag);
}

int refuse_text(struct request *rq, const char *path, const char *key, int r, const char *reason)
{
    if (r >= 0 || r == -EINTR)
        return r;
    rq->told = true;
    journal_add(rq->vfs->journal, errno_for_kernel(r), path ? path : "?", key, reason);
    return r;
}

int refuse_change(struct request *rq, const char *path, const char *key, int r,
                  const struct diag *diag)
{
    struct diag lost = {0};
    const bool of_link = (r == -EIO || r == -ENOTCONN) && !(diag && diag->text[0]) &&
                         sftp_why_not_up(remote_sftp(rq->vfs->remote), &lost);
    const char *reason = of_link ? lost.text : diag && diag->text[0] ? diag->text : meaning(r);
    char placed[sizeof(diag->text) + 64];
    if (diag && reason == diag->text && diag->line > 0) {
        char column[32] = "";
        if (diag->column > 0)
            snprintf(column, sizeof(column), ", column %zu", diag->column);
        snprintf(placed, sizeof(placed), "line %zu%s: %s", diag->line, column, reason);
        reason = placed;
    }
    return refuse_text(rq, path, key, r, reason);
}

int refuse_written(struct request *rq, struct node *n, int r, const struct diag *diag)
{
    FREE_AUTO char *path = r < 0 ? node_path(rq->vfs, n) : NULL;
    FREE_AUTO char *key = r < 0 && !n->ops->named ? node_name(rq->vfs, n) : NULL;
    return refuse_change(rq, path, key, r, diag);
}

int refuse_gone(struct diag *diag)
{
    diag_set(diag,
             "the .vmx is not there any more: it was moved, renamed or removed meanwhile; the "
             "change was not made");
    return -ENOENT;
}

int refuse_encrypted(struct diag *diag)
{
    *diag = (struct diag){0};
    diag_set(diag,
             "the VM is encrypted, so vmxfs only reads it: plain settings would break it; "
             "change it, or take the encryption away, where its key is");
    return -EPERM;
}

int refuse_made_up(struct diag *diag)
{
    diag_set(diag, "what vmxfs shows here cannot be made, renamed or removed");
    return -EPERM;
}

/* Whether the caller was refused this a while ago: a file of a VM, or for a reason. From now on it
 * was. */
static bool was_refused(struct request *rq, const char *what)
{
    BUF_AUTO name = {0};
    if (buf_addf(&name, "%d %s", (int)rq->thread, what) < 0)
        return false;
    lock_take(&rq->vfs->lock);
    bool was = recent_find(rq->vfs, RECENT_REFUSED, NULL, buf_span(&name)) != NULL;
    recent_note(rq->vfs, RECENT_REFUSED, NULL, buf_span(&name), (struct recent_detail){0});
    lock_drop(&rq->vfs->lock);
    rq->told |= was;
    return was;
}

int refuse_once(struct request *rq, const char *path, int r, const struct diag *diag)
{
    return was_refused(rq, diag->text) ? r : refuse(rq, path, NULL, r, diag);
}

static bool is_on_server(const struct node *dir)
{
    return dir->ops->kind == KIND_DIR;
}

/* As refuse, of a name in a directory: a file of the server's, a setting, or what vmxfs shows in
 * the root. */
static int refuse_in(struct request *rq, struct node *dir, const char *name, int r,
                     const struct diag *diag)
{
    const bool on_server = is_on_server(dir);
    FREE_AUTO char *path =
        on_server ? node_child_path(rq->vfs, dir, name) : node_path(rq->vfs, dir);
    const bool has_keys = !on_server && path && path[0];
    /* What follows "=" in the name of a plan, or of what was meant for one, is a value. */
    FREE_AUTO char *key = has_keys ? strndup(name, strcspn(name, "=")) : NULL;
    return refuse(rq, has_keys || on_server ? path : name, key, r, diag);
}

int refuse_here(struct request *rq, struct node *dir, const char *name)
{
    struct diag diag = {0};
    if (is_on_server(dir))
        diag_set(&diag, "pipes and devices cannot be made here");
    else if (dir->ops->kind == KIND_VMX_DIR)
        diag_set(&diag,
                 "a .vmx holds settings: no directories, links, pipes and devices, and its %s "
                 "and %s keep their names",
                 PROFILE_NAME, CONTROL_NAME);
    else
        refuse_made_up(&diag);
    return was_refused(rq, diag.text) ? -EPERM : refuse_in(rq, dir, name, -EPERM, &diag);
}

int refuse_removal(struct request *rq, const char *path, const char *key, int r,
                   const struct diag *diag, const char *vm)
{
    bool again = r == -EBUSY && vm && was_refused(rq, vm);
    return again ? r : refuse(rq, path, key, r, diag);
}

int check_unused(struct request *rq, const char *path)
{
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    int r = remote_check_unused(rq->vfs->remote, path, USED_FILE, &rq->wait, &diag, &vm);
    return refuse(rq, path, NULL, r, &diag);
}

int refuse_unread(struct request *rq, const char *path)
{
    struct diag diag = {0};
    int r = remote_check_held(rq->vfs->remote, path, &rq->wait, &diag);
    if (r == 0) {
        diag_set(&diag, "the server refuses to open it, and does not say why");
        r = -EIO;
    }
    return r == -EBUSY ? refuse_once(rq, path, r, &diag) : refuse(rq, path, NULL, r, &diag);
}

/* Whether an errno is an ordinary answer of a file system, which says all there is to say. */
static bool is_plain_answer(int r)
{
    switch (-r) {
    case ENOENT:
    case ESTALE:
    case EEXIST:
    case ENOTDIR:
    case EISDIR:
    case EXDEV:
    case ENOTEMPTY:
    case ELOOP:
    case EINTR:
        return true;
    default:
        return r >= 0;
    }
}

void refuse_rest(struct request *rq, struct node *n, const char *name, int r)
{
    if (rq->told || r == rq->refused_before || is_plain_answer(r))
        return;
    if (name) {
        refuse_in(rq, n, name, r, NULL);
    } else if (n->ops->named) {
        FREE_AUTO char *path = node_path(rq->vfs, n);
        refuse(rq, path, NULL, r, NULL);
    } else {
        FREE_AUTO char *own = node_name(rq->vfs, n);
        refuse_in(rq, n->parent, own ? own : "?", r, NULL);
    }
}

int errno_for_kernel(int r)
{
    switch (-r) {
    case ENOSYS:
        return EOPNOTSUPP;
    case ENOMSG: /* ours; ENODATA is an end that a server has said */
        return ENODATA;
    case EKEYREJECTED: /* vmx_take_back */
        return ECANCELED;
    case ESTALE:
    case EMEDIUMTYPE:
        return ENOENT;
    case ENOTCONN:
    case EREMOTEIO:
    case EPROTO:
    case ENODATA:
    case ETIME:
    case EUCLEAN:
    case EAGAIN:
    case EBADMSG:
        return EIO;
    default:
        return -r;
    }
}
