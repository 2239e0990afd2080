/* SPDX-License-Identifier: MIT */
/* Renames within the server's tree: what may replace what, and what becomes of a .vmx. */
#include <errno.h>
#include <stdio.h> /* RENAME_NOREPLACE */

#include "base/cleanup.h"
#include "base/path.h"
#include "dir.h"
#include "remote/cache/listing.h"
#include "remote/commit/commit.h"
#include "remote/file/files.h"
#include "remote/in_use/used_files.h"
#include "remote/names/paths.h"
#include "vfs/control/vmx_moved.h"
#include "vfs/file/vmx_file.h"
#include "vfs/file/vmx_file_change.h"
#include "vfs/host/host_view.h"
#include "vfs/node/node_names.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

/* A rename that the kernel asked for: what its names are, and where. */
struct renaming {
    struct found from, to; /* to.ops NULL: there is nothing */
    const char *from_path, *to_path;
    const char *refused;  /* the one of both that an error is of */
    struct node *to_node; /* or NULL */
    bool plain;
    bool exclusive;
    struct remote_by by;
    struct diag diag; /* why it is refused */
};

/* -EEXIST where a file that is not shown has this path: nobody can want to replace it. */
static int check_unseen(struct request *rq, const char *path)
{
    struct sftp_attrs attrs;
    int64_t true_at;
    if (!rq->vfs->options.vmx_only)
        return 0;
    int r = remote_getattr(rq->vfs->remote, path, 0, &rq->wait, &attrs, &true_at);
    return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

/* The whole text of a file, of which a .vmx is to be made. */
static int read_text(struct request *rq, const char *path, struct buf *ret)
{
    size_t max = max_text(rq);
    struct remote_file *file = NULL;
    int r = buf_reserve(ret, max + 1)
        ?: remote_file_open(rq->vfs->remote, path, SFTP_OPEN_READ, &rq->wait, &file)
        ?: remote_file_read(file, 0, max + 1, &rq->wait, ret->data, &ret->len);
    remote_file_free(file);
    return r == 0 && ret->len > max ? -EFBIG : r;
}

/* The file that a .vmx was made of goes, if it still is what was installed. Its open handles write
 * no more to it. */
static int remove_installed(struct request *rq, struct renaming *m, const struct sftp_attrs *seen,
                            struct span text)
{
    BUF_AUTO now = {0};
    remote_files_set_vmx(rq->vfs->remote, m->from_path, true);
    int r = read_text(rq, m->from_path, &now);
    if (r == -EFBIG || (r == 0 && !span_eq(buf_span(&now), text))) {
        diag_set(
            &m->diag,
            "the file was changed while it was moved, and stays; %s holds its text from before",
            path_name(m->to_path));
        r = -ECANCELED;
    }
    r = r ?: remote_remove(rq->vfs->remote, m->from_path, seen, &rq->wait);
    if (r < 0)
        remote_files_set_vmx(rq->vfs->remote, m->from_path, false);
    return r;
}

/* What may be replaced by what, as far as the server would not say it itself. */
static int check_target(struct request *rq, const struct found *from, const struct found *to,
                        const char *to_path, unsigned flags)
{
    if (!to->ops)
        return 0;
    if (flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (found_kind(to) == KIND_VMX_DIR && found_kind(from) == KIND_VMX_DIR) {
        DOCUMENT_AUTO *doc = NULL;
        int r = remote_document(rq->vfs->remote, to_path, 0, &rq->wait, &doc);
        return r == 0 && vmx_dict_keys(doc->dict) > 0 ? -ENOTEMPTY : r;
    }
    if (!to->ops->named || !from->ops->named)
        return -EPERM;
    /* Both look like directories, and one of them is none on the server. */
    if ((found_kind(from) == KIND_DIR && found_kind(to) == KIND_VMX_DIR) ||
        (found_kind(from) == KIND_VMX_DIR && found_kind(to) == KIND_DIR))
        return -ENOTEMPTY;
    return 0;
}

/* A file becomes the .vmx that it is moved onto: its content is checked and committed, and the file
 * removed. */
static int install_file(struct request *rq, struct renaming *m)
{
    struct sftp_attrs attrs;
    int64_t true_at;
    BUF_AUTO text = {0};
    int r = remote_getattr(rq->vfs->remote, m->from_path, 0, &rq->wait, &attrs, &true_at);
    if (r == 0 && !S_ISREG(attrs.mode)) { /* a server hangs in opening a pipe */
        diag_set(&m->diag, "this is not a regular file, and cannot become a .vmx");
        r = -EPERM;
    }
    r = r ?: read_text(rq, m->from_path, &text);
    if (r < 0)
        return r;
    r = vmx_file_install(rq, m->to_path, m->to_node, buf_span(&text), &m->diag);
    if (r < 0) {
        m->refused = r == -EINVAL ? m->from_path : m->to_path; /* a bad text, or what it is to be */
        return r;
    }
    const struct sftp_attrs keep = {.flags = SFTP_ATTR_MODE | SFTP_ATTR_TIMES,
                                    .mode = attrs.mode & 07777,
                                    .atime = attrs.atime,
                                    .mtime = attrs.mtime};
    r = remote_setattr(rq->vfs->remote, m->to_path, &keep, &rq->wait);
    refuse(rq, m->to_path, NULL, r, NULL); /* is noted: the text is in its place */
    return remove_installed(rq, m, &attrs, buf_span(&text));
}

/* Below .vmxfs/plain a .vmx replaces another as files do; else both are directories. */
static enum move_onto what_may_go(const struct renaming *m)
{
    if (m->exclusive)
        return MOVE_ONTO_NOTHING;
    if (found_kind(&m->from) == KIND_FILE)
        return MOVE_ONTO_OTHER;
    return m->plain || found_kind(&m->from) == KIND_LINK ? MOVE_ONTO_ANY : MOVE_ONTO_EMPTY;
}

static int rename_vmx(struct request *rq, struct renaming *m)
{
    return remote_rename_vmx(rq->vfs->remote, m->from_path, m->to_path, what_may_go(m), &m->by,
                             &rq->wait, &m->diag, &m->refused);
}

/* One of the names is a .vmx's. A file is merely renamed, whatever it holds, where it replaces no
 * .vmx: a link, say. */
static int move_vmx(struct request *rq, struct renaming *m)
{
    const bool from_file = found_kind(&m->from) == KIND_FILE;
    const bool onto_vmx = found_is_vmx(&m->to);
    if (found_kind(&m->from) == KIND_VMX_FILE)
        vmx_file_note_removal(rq, m->from_path);
    int r = from_file && onto_vmx ? -EEXIST : rename_vmx(rq, m);
    if (r == -EEXIST && from_file && !m->exclusive)
        r = install_file(rq, m);
    if (r == -EMEDIUMTYPE) /* what is no .vmx has taken the place of one */
        r = rename_vmx(rq, m);
    return r;
}

static int move_on_server(struct request *rq, struct renaming *m)
{
    if (found_is_vmx(&m->from) ||
        (found_kind(&m->from) != KIND_DIR && remote_is_vmx_name(path_name(m->to_path))))
        return move_vmx(rq, m);
    const struct sftp_attrs seen = dir_seen(&m->from);
    return remote_rename(rq->vfs->remote, m->from_path, m->to_path, m->exclusive, &seen, &m->by,
                         &rq->wait);
}

/* Neither name may be that of a file of a VM in use; of a .vmx itself its lock tells. as_folder:
 * what becomes of a folder. */
static int check_end_unused(struct request *rq, struct renaming *m, const struct found *found,
                            const char *path, enum used_what as_folder)
{
    const enum used_what what = found_kind(found) == KIND_DIR ? as_folder : USED_FILE;
    FREE_AUTO char *vm = NULL;
    if (!found->ops || found_is_vmx(found))
        return 0;
    int r = remote_check_unused(rq->vfs->remote, path, what, &rq->wait, &m->diag, &vm);
    if (r < 0)
        m->refused = path;
    return r;
}

/* A file or a link takes the place of a link to a file, as rename(2) has it: what the link leads to
 * stays. A .vmx would be one under another name, too. */
static bool replaces_link(const struct renaming *m)
{
    const enum node_kind kind = found_kind(&m->from);
    return (kind == KIND_FILE || kind == KIND_LINK) && !found_is_vmx(&m->from) &&
           found_kind(&m->to) == KIND_FILE && !remote_is_vmx_name(path_name(m->to_path));
}

int dir_rename(struct request *rq, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name, unsigned flags)
{
    FREE_AUTO char *from_path = node_child_path(rq->vfs, dir, name);
    FREE_AUTO char *to_path = node_child_path(rq->vfs, new_dir, new_name);
    struct renaming m = {.from_path = from_path,
                         .to_path = to_path,
                         .refused = from_path,
                         .by = caller_by(rq),
                         .plain = node_is_plain(rq->vfs, dir),
                         .exclusive = flags & RENAME_NOREPLACE};
    if (!from_path || !to_path)
        return -ENOMEM;
    if (m.plain != node_is_plain(rq->vfs, new_dir))
        return -EXDEV;
    int r = dir_check_new_name(rq, new_dir, to_path);
    if (r < 0)
        return r;
    r = dir->ops->lookup(rq, dir, name, &m.from)
            ?: new_dir->ops->lookup(rq, new_dir, new_name, &m.to);
    if (dir_check_fixed(rq, &m.from, from_path) < 0 || dir_check_fixed(rq, &m.to, to_path) < 0 ||
        dir_check_followed(rq, &m.from, from_path) < 0 ||
        (!replaces_link(&m) && dir_check_followed(rq, &m.to, to_path) < 0))
        return -EPERM;
    if ((m.from.ops && !m.from.ops->named) || (m.to.ops && !m.to.ops->named))
        r = refuse_made_up(&m.diag);
    if (r == -ENOENT && m.from.ops)
        r = check_unseen(rq, to_path);
    r = r
        ?: check_target(rq, &m.from, &m.to, to_path, flags)
        ?: check_end_unused(rq, &m, &m.from, from_path, USED_TREE)
        ?: check_end_unused(rq, &m, &m.to, to_path, USED_FOLDER);
    names_step_aside(rq, new_dir, new_name);
    m.to_node = node_find(rq->vfs, new_dir, new_name);
    const bool moves_vms = found_is_vmx(&m.from) || found_kind(&m.from) == KIND_DIR;
    FACTS_AUTO *before = r == 0 && moves_vms ? moved_before(rq) : NULL;
    r = r ?: move_on_server(rq, &m);
    if (r == 0)
        moved_note(rq, before, from_path, to_path);
    node_unref(rq->vfs, m.to_node);
    if (r == 0 && found_kind(&m.from) != KIND_DIR && remote_is_vmx_name(new_name))
        host_changed(rq->vfs->host, to_path);
    if (r == 0 && remote_is_vmx_name(name) != remote_is_vmx_name(new_name)) {
        /* It is of another kind under its new name. */
        node_detach(rq->vfs, dir, name);
        node_detach(rq->vfs, new_dir, new_name);
        notify_entry(rq->vfs, new_dir, new_name);
    }
    /* Programs act on these. */
    if (r == -ENOTEMPTY || r == -EEXIST || r == -EXDEV)
        return r;
    return refuse(rq, m.refused, NULL, r, &m.diag);
}
