/* SPDX-License-Identifier: MIT */
/* The server's directories: the main tree, where a .vmx is a directory, and .vmxfs/plain, where it
 * is a file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "control.h"
#include "dir.h"
#include "remote/commit.h"
#include "remote/files.h"
#include "remote/used_files.h"
#include "vmx.h"
#include "whole.h"
#include "whole_change.h"

static int dir_getattr(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at)
{
    FREE_AUTO char *path = node_path(c->vfs, n);
    struct sftp_attrs attrs;
    if (!path)
        return -ENOMEM;
    int r = remote_getattr(c->vfs->remote, path, cache_ms(c), &c->wait, &attrs, ret_true_at);
    if (r == 0)
        attr_remote(c->vfs, st, &attrs);
    if (r == 0)
        st->st_nlink = 1;
    return r;
}

/* What a lookup has seen, for what is done to it next. */
static struct sftp_attrs seen_in(const struct found *found)
{
    return (struct sftp_attrs){.mode = found->st.st_mode,
                               .size = (uint64_t)found->st.st_size,
                               .mtime = (uint32_t)found->st.st_mtim.tv_sec};
}

/* -EEXIST where a file that is not shown has this path: nobody can want to replace it. */
static int check_unseen(struct call *c, const char *path)
{
    struct sftp_attrs attrs;
    int64_t true_at;
    if (!c->vfs->options.vmx_only)
        return 0;
    int r = remote_getattr(c->vfs->remote, path, 0, &c->wait, &attrs, &true_at);
    return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

static int dir_list(struct call *c, struct node *dir, struct dir_names *ret)
{
    LISTING_AUTO *l = NULL;
    FREE_AUTO char *path = node_path(c->vfs, dir);
    bool plain = node_is_plain(c->vfs, dir);
    if (!path)
        return -ENOMEM;
    int r = remote_list(c->vfs->remote, path, cache_ms(c), &c->wait, &l);
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        if (e->shown_as || !dir_shows(c->vfs, e->name, &e->attrs) ||
            (dir == c->vfs->root && strcmp(e->name, CONTROL_NAME) == 0))
            continue;
        if (e->stands_for) {
            r = dir_names_add_alias(ret, e->name, e->stands_for);
            continue;
        }
        if (S_ISLNK(e->attrs.mode) && c->vfs->options.follow_links) {
            r = dir_names_add(ret, e->name, 0);
            continue;
        }
        bool as_dir = !plain && remote_is_vmx(c->vfs->remote, e->name, &e->attrs);
        r = dir_names_add(ret, e->name, as_dir ? S_IFDIR : (mode_t)e->attrs.mode & S_IFMT);
    }
    return r;
}

/* Nobody may make what vmxfs takes for its own. 0, -EPERM, -ENAMETOOLONG. */
static int check_new_name(struct call *c, const struct node *dir, const char *path)
{
    struct vmx_diag diag = {0};
    const char *name = path_name(path);
    if (strlen(name) > NAME_MAX)
        return refuse(c, path, NULL, -ENAMETOOLONG, NULL);
    if (!remote_is_hidden_name(name) && (dir != c->vfs->root || strcmp(name, CONTROL_NAME) != 0))
        return 0;
    vmx_diag_set(&diag, 0, 0, "the name is one that vmxfs gives to files of its own");
    return refuse(c, path, NULL, -EPERM, &diag);
}

static int dir_create(struct call *c, struct node *dir, const char *name, mode_t mode, int flags,
                      struct handle *h, struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    r = remote_check_new(c->vfs->remote, path);
    if (r < 0)
        return refuse(c, path, NULL, r, NULL);
    if (remote_is_vmx_name(name))
        return whole_create(c, dir, name, mode, h, ret);
    uint32_t open_flags = file_open_flags(h);
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    r = remote_check_unused(c->vfs->remote, path, false, &c->wait, &diag, &vm);
    if (r < 0 && r != -EBUSY)
        return refuse(c, path, NULL, r, &diag);
    bool used = r == -EBUSY; /* it may be made, but not opened if it is there */
    /* There may be one that is not shown. */
    const bool exclusive = flags & O_EXCL || used || c->vfs->options.vmx_only;
    if (flags & O_TRUNC)
        open_flags |= SFTP_OPEN_TRUNC;
    struct sftp_attrs attrs;
    bool made;
    r = remote_file_create(c->vfs->remote, path, open_flags, mode, exclusive, &c->wait, &h->file,
                           &made);
    if (r == 0)
        r = remote_file_getattr(h->file, &c->wait, &attrs);
    if (r == -EEXIST && used && !(flags & O_EXCL))
        return refuse(c, path, NULL, -EBUSY, &diag);
    if (r < 0)
        return refuse(c, path, NULL, r, NULL);
    file_found_created(c->vfs, dir, name, made);
    ret->ops = &file_ops;
    attr_remote(c->vfs, &ret->st, &attrs);
    return 0;
}

static int dir_mkdir(struct call *c, struct node *dir, const char *name, mode_t mode,
                     struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    bool as_vmx = remote_is_vmx_name(name) && !node_is_plain(c->vfs, dir);
    r = as_vmx ? remote_create_vmx(c->vfs->remote, path, &c->wait)
               : remote_mkdir(c->vfs->remote, path, mode & 07777, &c->wait);
    if (r == 0 && as_vmx)
        notify_host(c->vfs, path);
    if (r == 0)
        r = dir_lookup(c, dir, name, ret);
    ret->fresh = r == 0 && as_vmx;
    return r == -EEXIST ? r : refuse(c, path, NULL, r, NULL);
}

static int dir_symlink(struct call *c, struct node *dir, const char *name, const char *target,
                       struct found *ret)
{
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? check_new_name(c, dir, path) : -ENOMEM;
    if (r < 0)
        return r;
    struct sftp_attrs attrs;
    int64_t true_at;
    r = remote_symlink(c->vfs->remote, target, path, &c->wait);
    if (r == 0)
        r = remote_getattr(c->vfs->remote, path, 0, &c->wait, &attrs, &true_at);
    if (r < 0)
        return r == -EEXIST ? r : refuse(c, path, NULL, r, NULL);
    /* The kernel takes nothing but a link for an answer; the next lookup may find what it shows. */
    ret->ops = &link_ops;
    attr_remote(c->vfs, &ret->st, &attrs);
    return 0;
}

/* A name of a datastore, or of its directory, is not that of a file. */
static bool is_fixed(struct call *c, const struct found *found, const char *path)
{
    return found->ops && (found->name[0] || (found->ops == &dir_ops &&
                                             remote_is_shown_otherwise(c->vfs->remote, path)));
}

static int refuse_fixed(struct call *c, const char *path)
{
    struct vmx_diag diag = {0};
    vmx_diag_set(&diag, 0, 0,
                 "a link of the server names this directory, as a datastore's name does its UUID; "
                 "rename it on the host: vim-cmd hostsvc/datastore/rename OLD NEW");
    return refuse(c, path, NULL, -EPERM, &diag);
}

/* What a link leads to is neither moved nor removed with it. */
static int refuse_followed(struct call *c, const char *path)
{
    struct vmx_diag diag = {0};
    vmx_diag_set(
        &diag, 0, 0,
        "it is a link on the server, shown as what it leads to; to rename it, or to remove "
        "one to a directory, mount without -o follow_symlinks");
    return refuse(c, path, NULL, -EPERM, &diag);
}

/* vm: as of refuse_removal. */
static int remove_vmx(struct call *c, const char *path, struct vmx_diag *diag, char **ret_vm)
{
    int r = check_unregistered(c, path, diag, ret_vm);
    return r == 0 ? remote_remove_vmx(c->vfs->remote, path, &c->wait, diag) : r;
}

static int remove_file(struct call *c, const char *path, const struct found *found,
                       struct vmx_diag *diag, char **ret_vm)
{
    const struct sftp_attrs seen = seen_in(found);
    int r = remote_check_unused(c->vfs->remote, path, false, &c->wait, diag, ret_vm);
    if (r == 0)
        r = check_unregistered(c, path, diag, ret_vm);
    return r == 0 ? remote_remove(c->vfs->remote, path, &seen, &c->wait) : r;
}

static int dir_unlink(struct call *c, struct node *dir, const char *name)
{
    struct found found = {0};
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir_lookup(c, dir, name, &found) : -ENOMEM;
    if (r == 0 && found.followed) {
        r = remote_remove(c->vfs->remote, path, NULL, &c->wait);
        return refuse(c, path, NULL, r, NULL);
    }
    const bool whole = found.ops == &whole_ops;
    const bool folder = found.ops && found.ops->type == S_IFDIR;
    if (r == 0 && is_fixed(c, &found, path))
        return refuse_fixed(c, path);
    if (r == 0 && whole) {
        whole_note_removal(c, path);
        r = remove_vmx(c, path, &diag, &vm);
    } else if (r == 0 && folder) {
        r = -EISDIR;
    } else if (r == 0) {
        r = remove_file(c, path, &found, &diag, &vm);
    }
    if (r == 0)
        node_detach(c->vfs, dir, name);
    return refuse_removal(c, path, NULL, r, &diag, whole && !vm ? path : vm);
}

/* Whether vmxfs makes it up, as .vmxfs. */
static bool is_made_up(const struct found *found)
{
    return found->ops && !found->ops->named;
}

static int remove_folder(struct call *c, const char *path, const struct found *found,
                         struct vmx_diag *diag, char **ret_vm)
{
    const struct sftp_attrs seen = seen_in(found);
    int r = remote_check_unused(c->vfs->remote, path, true, &c->wait, diag, ret_vm);
    return r == 0 ? remote_rmdir(c->vfs->remote, path, &seen, &c->wait) : r;
}

static int dir_rmdir(struct call *c, struct node *dir, const char *name)
{
    struct found found = {0};
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *path = node_child_path(c->vfs, dir, name);
    int r = path ? dir_lookup(c, dir, name, &found) : -ENOMEM;
    if (r == 0 && is_fixed(c, &found, path))
        return refuse_fixed(c, path);
    if (r == 0 && found.followed)
        return refuse_followed(c, path);
    if (r == 0 && found.ops == &vmx_ops) {
        DOCUMENT_AUTO *doc = NULL;
        r = remote_document(c->vfs->remote, path, 0, &c->wait, &doc);
        if (r == 0 && vmx_dict_keys(doc->dict) > 0)
            return -ENOTEMPTY;
        if (r == 0)
            r = remove_vmx(c, path, &diag, &vm);
        struct node *n = r == 0 ? node_find(c->vfs, dir, name) : NULL;
        if (n)
            scratch_free_all(c->vfs, n);
        node_unref(c->vfs, n);
    } else if (r == 0 && found.ops->type == S_IFDIR) {
        r = is_made_up(&found) ? refuse_made_up(&diag) : remove_folder(c, path, &found, &diag, &vm);
    } else if (r == 0) {
        r = -ENOTDIR;
    }
    return r == -ENOTEMPTY ? r : refuse_removal(c, path, NULL, r, &diag, vm ? vm : path);
}

/* ---- rename */

/* The whole text of a file, of which a .vmx is to be made. */
static int read_text(struct call *c, const char *path, struct buf *ret)
{
    size_t max = max_text(c);
    struct remote_file *file = NULL;
    int r = buf_reserve(ret, max + 1);
    if (r == 0)
        r = remote_file_open(c->vfs->remote, path, SFTP_OPEN_READ, &c->wait, &file);
    if (r == 0)
        r = remote_file_read(file, 0, max + 1, &c->wait, ret->data, &ret->len);
    remote_file_free(file);
    return r == 0 && ret->len > max ? -EFBIG : r;
}

/* The file that a .vmx was made of goes, if it still is what was installed. Who has it open writes
 * no more to it. */
static int remove_installed(struct call *c, const char *from, const struct sftp_attrs *seen,
                            const char *to, struct span text, struct vmx_diag *diag)
{
    BUF_AUTO now = {0};
    remote_files_set_vmx(c->vfs->remote, from, true);
    int r = read_text(c, from, &now);
    if (r == -EFBIG || (r == 0 && !span_eq(buf_span(&now), text))) {
        vmx_diag_set(diag, 0, 0,
                     "it was changed while it was moved, and stays; %s holds the text from before",
                     path_name(to));
        r = -ECANCELED;
    }
    if (r == 0)
        r = remote_remove(c->vfs->remote, from, seen, &c->wait);
    if (r < 0)
        remote_files_set_vmx(c->vfs->remote, from, false);
    return r;
}

/* What may be replaced by what, as far as the server would not say it itself. */
static int check_target(struct call *c, const struct found *from, const struct found *to,
                        const char *to_path, unsigned flags)
{
    if (!to->ops)
        return 0;
    if (flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (to->ops == &vmx_ops && from->ops == &vmx_ops) {
        DOCUMENT_AUTO *doc = NULL;
        int r = remote_document(c->vfs->remote, to_path, 0, &c->wait, &doc);
        return r == 0 && vmx_dict_keys(doc->dict) > 0 ? -ENOTEMPTY : r;
    }
    if (!to->ops->named || !from->ops->named)
        return -EPERM;
    /* Both look like directories, and one of them is none on the server. */
    if ((from->ops == &dir_ops && to->ops == &vmx_ops) ||
        (from->ops == &vmx_ops && to->ops == &dir_ops))
        return -ENOTEMPTY;
    return 0;
}

/* A rename that the kernel asked for: what its names are, and where. */
struct renaming {
    struct found from, to; /* to.ops NULL: there is nothing */
    const char *from_path, *to_path;
    const char *refused;  /* the one of both that an error is of */
    struct node *to_node; /* or NULL */
    bool plain;
    bool exclusive;
};

/* A file becomes the .vmx that it is moved onto: its content is checked and committed, and the file
 * removed. */
static int install_file(struct call *c, struct renaming *m, struct vmx_diag *diag)
{
    struct sftp_attrs attrs;
    int64_t true_at;
    BUF_AUTO text = {0};
    int r = remote_getattr(c->vfs->remote, m->from_path, 0, &c->wait, &attrs, &true_at);
    if (r == 0 && !S_ISREG(attrs.mode)) { /* a server hangs in opening a pipe */
        vmx_diag_set(diag, 0, 0, "it is no regular file, and cannot become a .vmx");
        r = -EPERM;
    }
    if (r == 0)
        r = read_text(c, m->from_path, &text);
    if (r < 0)
        return r;
    r = whole_install(c, m->to_path, m->to_node, buf_span(&text), diag);
    if (r < 0) {
        m->refused = r == -EINVAL ? m->from_path : m->to_path; /* a bad text, or what it is to be */
        return r;
    }
    const struct sftp_attrs keep = {.flags = SFTP_ATTR_MODE | SFTP_ATTR_TIMES,
                                    .mode = attrs.mode & 07777,
                                    .atime = attrs.atime,
                                    .mtime = attrs.mtime};
    r = remote_setattr(c->vfs->remote, m->to_path, &keep, &c->wait);
    refuse(c, m->to_path, NULL, r, NULL); /* is noted: the text is in its place */
    return remove_installed(c, m->from_path, &attrs, m->to_path, buf_span(&text), diag);
}

/* Below .vmxfs/plain a .vmx replaces another as files do; else both are directories. */
static enum move_onto what_may_go(const struct renaming *m)
{
    if (m->exclusive)
        return MOVE_ONTO_NOTHING;
    if (m->from.ops == &file_ops)
        return MOVE_ONTO_OTHER;
    return m->plain || m->from.ops == &link_ops ? MOVE_ONTO_ANY : MOVE_ONTO_EMPTY;
}

static int rename_vmx(struct call *c, struct renaming *m, struct vmx_diag *diag)
{
    return remote_rename_vmx(c->vfs->remote, m->from_path, m->to_path, what_may_go(m), &c->wait,
                             diag, &m->refused);
}

/* One of the names is a .vmx's. A file is merely renamed, whatever it holds, where it replaces no
 * .vmx: a link, say. */
static int move_vmx(struct call *c, struct renaming *m, struct vmx_diag *diag)
{
    const bool from_file = m->from.ops == &file_ops;
    const bool onto_vmx = m->to.ops == &whole_ops || m->to.ops == &vmx_ops;
    if (m->from.ops == &whole_ops)
        whole_note_removal(c, m->from_path);
    int r = from_file && onto_vmx ? -EEXIST : rename_vmx(c, m, diag);
    if (r == -EEXIST && from_file && !m->exclusive)
        r = install_file(c, m, diag);
    if (r == -EMEDIUMTYPE) /* what is no .vmx has taken the place of one */
        r = rename_vmx(c, m, diag);
    return r;
}

static int move_on_server(struct call *c, struct renaming *m, struct vmx_diag *diag)
{
    if (m->from.ops == &vmx_ops || m->from.ops == &whole_ops ||
        (m->from.ops != &dir_ops && remote_is_vmx_name(path_name(m->to_path))))
        return move_vmx(c, m, diag);
    const struct sftp_attrs seen = seen_in(&m->from);
    return remote_rename(c->vfs->remote, m->from_path, m->to_path, m->exclusive, &seen, &c->wait);
}

static int check_end_unused(struct call *c, const struct found *found, const char *path,
                            struct vmx_diag *diag)
{
    FREE_AUTO char *vm = NULL;
    if (!found->ops || found->ops == &vmx_ops || found->ops == &whole_ops)
        return 0;
    return remote_check_unused(c->vfs->remote, path, found->ops == &dir_ops, &c->wait, diag, &vm);
}

/* Neither name may be that of a file of a VM in use; of a .vmx itself its lock tells. */
static int check_ends_unused(struct call *c, struct renaming *m, struct vmx_diag *diag)
{
    int r = check_end_unused(c, &m->from, m->from_path, diag);
    if (r < 0)
        return r;
    r = check_end_unused(c, &m->to, m->to_path, diag);
    if (r < 0)
        m->refused = m->to_path;
    return r;
}

static int dir_rename(struct call *c, struct node *dir, const char *name, struct node *new_dir,
                      const char *new_name, unsigned flags)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *from_path = node_child_path(c->vfs, dir, name);
    FREE_AUTO char *to_path = node_child_path(c->vfs, new_dir, new_name);
    struct renaming m = {.from_path = from_path,
                         .to_path = to_path,
                         .refused = from_path,
                         .plain = node_is_plain(c->vfs, dir),
                         .exclusive = flags & RENAME_NOREPLACE};
    if (!from_path || !to_path)
        return -ENOMEM;
    if (m.plain != node_is_plain(c->vfs, new_dir))
        return -EXDEV;
    int r = check_new_name(c, new_dir, to_path);
    if (r < 0)
        return r;
    r = dir_lookup(c, dir, name, &m.from);
    if (r == 0)
        r = dir_lookup(c, new_dir, new_name, &m.to);
    if (is_fixed(c, &m.from, from_path))
        return refuse_fixed(c, from_path);
    if (is_fixed(c, &m.to, to_path))
        return refuse_fixed(c, to_path);
    if (m.from.followed || m.to.followed)
        return refuse_followed(c, m.from.followed ? from_path : to_path);
    if (is_made_up(&m.from) || is_made_up(&m.to))
        r = refuse_made_up(&diag);
    if (r == -ENOENT && m.from.ops)
        r = check_unseen(c, to_path);
    if (r == 0)
        r = check_target(c, &m.from, &m.to, to_path, flags);
    if (r == 0)
        r = check_ends_unused(c, &m, &diag);
    m.to_node = node_find(c->vfs, new_dir, new_name);
    if (r == 0)
        r = move_on_server(c, &m, &diag);
    node_unref(c->vfs, m.to_node);
    if (r == 0 && m.from.ops != &dir_ops && remote_is_vmx_name(new_name))
        notify_host(c->vfs, to_path);
    if (r == 0 && remote_is_vmx_name(name) != remote_is_vmx_name(new_name)) {
        /* It is of another kind under its new name. */
        node_detach(c->vfs, dir, name);
        node_detach(c->vfs, new_dir, new_name);
        notify_entry(c->vfs, new_dir, new_name);
    }
    /* Programs act on these. */
    if (r == -ENOTEMPTY || r == -EEXIST || r == -EXDEV)
        return r;
    return refuse(c, m.refused, NULL, r, &diag);
}

static int dir_setattr(struct call *c, struct node *n, struct handle *h, const struct stat *st,
                       int valid)
{
    (void)h;
    FREE_AUTO char *path = node_path(c->vfs, n);
    int r = path ? file_set_attributes(c, path, st, valid) : -ENOMEM;
    return refuse(c, path, NULL, r, NULL);
}

const struct node_ops dir_ops = {
    .type = S_IFDIR,
    .named = true,
    .getattr = dir_getattr,
    .setattr = dir_setattr,
    .lookup = dir_lookup,
    .list = dir_list,
    .create = dir_create,
    .mkdir = dir_mkdir,
    .symlink = dir_symlink,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
    .rename = dir_rename,
};

/* The top of .vmxfs/plain: the root once more; what is below it is known by its ancestor. */
const struct node_ops plain_dir_ops = {
    .type = S_IFDIR,
    .getattr = dir_getattr,
    .lookup = dir_lookup,
    .list = dir_list,
    .create = dir_create,
    .mkdir = dir_mkdir,
    .symlink = dir_symlink,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
    .rename = dir_rename,
};
