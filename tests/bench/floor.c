/* SPDX-License-Identifier: MIT */
/*
 * The least that a FUSE filesystem can cost: folders of small files that exist nowhere, not even as
 * data structures; a name or a number says all about its node. What a program needs longer on
 * another filesystem is that filesystem's own.
 *
 *   floor FOLDERS FILES MOUNTPOINT     FILES in each folder; stays in the foreground
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs/fuse_library.h"

/* As vmxfs's own default. */
static const double TRUST_S = 5;

/* Nodes: 1 is the root, then come the folders, then all files. */
struct floor {
    size_t folders, files;
};

static const struct floor *floor_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static int is_file(const struct floor *f, fuse_ino_t ino)
{
    return ino >= 2 + f->folders;
}

static size_t content(const struct floor *f, fuse_ino_t ino, char *ret, size_t size)
{
    return (size_t)snprintf(ret, size, "value of number %zu\n", (size_t)ino - 2 - f->folders);
}

static struct fuse_entry_param entry_of(const struct floor *f, fuse_ino_t ino)
{
    char text[64];
    struct fuse_entry_param e = {.ino = ino, .attr_timeout = TRUST_S, .entry_timeout = TRUST_S};
    e.attr.st_ino = ino;
    e.attr.st_nlink = 1;
    e.attr.st_uid = getuid();
    e.attr.st_gid = getgid();
    e.attr.st_mode = is_file(f, ino) ? S_IFREG | 0644 : S_IFDIR | 0755;
    if (is_file(f, ino))
        e.attr.st_size = (off_t)content(f, ino, text, sizeof(text));
    return e;
}

/* How many children a folder has, and the number of its first. */
static size_t children(const struct floor *f, fuse_ino_t folder, fuse_ino_t *ret_first)
{
    *ret_first = folder == 1 ? 2 : 2 + f->folders + (folder - 2) * f->files;
    return folder == 1 ? f->folders : f->files;
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    const struct floor *f = floor_of(req);
    fuse_ino_t first;
    char *end = NULL;
    size_t n = children(f, parent, &first);
    unsigned long index = name[0] == 'n' ? strtoul(name + 1, &end, 10) : n;
    if (index >= n || *end != '\0') {
        fuse_reply_err(req, ENOENT);
        return;
    }
    struct fuse_entry_param e = entry_of(f, first + index);
    fuse_reply_entry(req, &e);
}

static void floor_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    struct fuse_entry_param e = entry_of(floor_of(req), ino);
    fuse_reply_attr(req, &e.attr, TRUST_S);
}

static void floor_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

static void floor_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
    (void)fi;
    char text[64];
    size_t n = content(floor_of(req), ino, text, sizeof(text));
    size_t from = (size_t)offset < n ? (size_t)offset : n;
    fuse_reply_buf(req, text + from, n - from < size ? n - from : size);
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, int plus)
{
    const struct floor *f = floor_of(req);
    fuse_ino_t first;
    size_t n = children(f, ino, &first);
    size_t used = 0;
    char *buffer = malloc(size);
    if (!buffer) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    for (size_t i = (size_t)offset; i < n; i++) {
        char name[32];
        struct fuse_entry_param e = entry_of(f, first + i);
        snprintf(name, sizeof(name), "n%zu", i);
        size_t need =
            plus ? fuse_add_direntry_plus(req, buffer + used, size - used, name, &e, (off_t)i + 1)
                 : fuse_add_direntry(req, buffer + used, size - used, name, &e.attr, (off_t)i + 1);
        if (need > size - used)
            break;
        used += need;
    }
    fuse_reply_buf(req, buffer, used);
    free(buffer);
}

static void floor_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                          struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, offset, 0);
}

static void floor_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                              struct fuse_file_info *fi)
{
    (void)fi;
    list(req, ino, size, offset, 1);
}

static int serve(struct floor *f, const char *mountpoint)
{
    static const struct fuse_lowlevel_ops operations = {
        .lookup = floor_lookup,
        .getattr = floor_getattr,
        .open = floor_open,
        .read = floor_read,
        .readdir = floor_readdir,
        .readdirplus = floor_readdirplus,
    };
    char program[] = "floor";
    char *words[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, words);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof(operations), f);
    int r = session ? fuse_set_signal_handlers(session) : -1;
    if (r == 0)
        r = fuse_session_mount(session, mountpoint);
    if (r == 0) {
        struct fuse_loop_config *config = fuse_loop_cfg_create();
        r = fuse_session_loop_mt(session, config);
        fuse_loop_cfg_destroy(config);
        fuse_session_unmount(session);
    }
    if (session) {
        fuse_remove_signal_handlers(session);
        fuse_session_destroy(session);
    }
    fuse_opt_free_args(&args);
    return r;
}

int main(int argc, char **argv)
{
    struct floor f = {0};
    if (argc == 4) {
        f.folders = strtoul(argv[1], NULL, 10);
        f.files = strtoul(argv[2], NULL, 10);
    }
    if (f.folders == 0 || f.files == 0) {
        fputs("usage: floor FOLDERS FILES MOUNTPOINT\n", stderr);
        return 2;
    }
    return serve(&f, argv[3]) == 0 ? 0 : 1;
}
