/* SPDX-License-Identifier: MIT */
#include "disk_descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "parser/vm/vmdk.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    BATCH = 16,           /* files that are open at the same time */
    NAMES_MAX = 16 << 20, /* bytes of names that are kept */
};

/* One file of a batch. */
struct reading {
    const char *path;
    char *full;
    struct sftp_call *stat, *open, *read;
};

static void forget(struct descriptors *all, struct descriptor *d)
{
    all->bytes -= d->parents.len + d->extents.len;
    buf_done(&d->parents);
    buf_done(&d->extents);
    path_table_drop(&all->table, d);
}

void descriptors_done(struct descriptors *all)
{
    while (all->table)
        forget(all, (struct descriptor *)all->table);
}

struct descriptor *descriptors_find(const struct descriptors *all, const char *path)
{
    return path_table_find(all->table, path);
}

static int keep(struct descriptors *all, const char *path, const struct sftp_attrs *attrs,
                struct span text)
{
    if (descriptors_find(all, path)) /* it was twice in a batch */
        return 0;
    struct descriptor *d = path_table_take(&all->table, path, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->attrs = *attrs;
    int r = vmdk_parents(text, &d->parents) ?: vmdk_extents(text, &d->extents);
    all->bytes += d->parents.len + d->extents.len;
    if (r < 0)
        forget(all, d);
    return r;
}

/* Opens the file if it is to be read. Forgets what was known of one that has changed. */
static int judge(struct descriptors *all, struct reading *f, struct sftp *sftp,
                 const struct wait *wait)
{
    struct descriptor *known = descriptors_find(all, f->path);
    int r = sftp_wait(f->stat, wait);
    if (is_unanswered(r))
        return r;
    const struct sftp_attrs *attrs = r == 0 ? sftp_call_attrs(f->stat) : NULL;
    bool same = known && attrs && document_same_version(&known->attrs, attrs);
    if (known && !same)
        forget(all, known);
    if (attrs && !same && S_ISREG(attrs->mode) && attrs->size <= DESCRIPTOR_MAX &&
        all->bytes < NAMES_MAX)
        f->open = sftp_open(sftp, f->full, SFTP_OPEN_READ, NULL);
    return 0;
}

/* The rest of a text that one request did not bring. */
static int read_rest(struct reading *f, struct sftp *sftp, const struct wait *wait,
                     struct buf *text)
{
    int r = sftp_wait(f->read, wait) ?: buf_add(text, sftp_call_data(f->read));
    if (r == 0 && text->len < sftp_call_attrs(f->stat)->size) {
        buf_clear(text);
        r = bulk_read_all(sftp, sftp_call_handle(f->open), sftp_call_attrs(f->stat)->size,
                          DESCRIPTOR_MAX, wait, text);
    }
    return r;
}

static int read_one(struct descriptors *all, struct reading *f, struct sftp *sftp,
                    const struct wait *wait)
{
    BUF_AUTO text = {0};
    if (!f->read)
        return 0;
    int r = read_rest(f, sftp, wait, &text);
    sftp_forget(sftp_close(sftp, sftp_call_handle(f->open)));
    r = r ?: keep(all, f->path, sftp_call_attrs(f->stat), buf_span(&text));
    return without_answer(r);
}

static int read_batch(struct descriptors *all, struct reading *files, size_t n, struct sftp *sftp,
                      const struct wait *wait)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = judge(all, &files[i], sftp, wait);
    for (size_t i = 0; i < n; i++) {
        int open_r = files[i].open ? sftp_wait(files[i].open, wait) : -ENOENT;
        if (is_unanswered(open_r))
            r = open_r;
        if (open_r < 0)
            continue;
        uint64_t size = sftp_call_attrs(files[i].stat)->size;
        uint64_t max = sftp_features(sftp).max_read;
        files[i].read = sftp_read(sftp, sftp_call_handle(files[i].open), 0,
                                  (uint32_t)(size < max ? size + (size == 0) : max));
    }
    for (size_t i = 0; i < n; i++) {
        int one = read_one(all, &files[i], sftp, wait);
        r = r ?: one;
    }
    return r;
}

int descriptors_refresh(struct descriptors *all, struct remote *remote, const char *const *paths,
                        size_t n, const struct wait *wait)
{
    struct reading *files = calloc(n + 1, sizeof(*files));
    int r = files ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++) {
        files[i].path = paths[i];
        files[i].full = remote_path(remote, paths[i]);
        r = files[i].full ? 0 : -ENOMEM;
        if (r == 0)
            files[i].stat = sftp_stat(remote->sftp, files[i].full);
    }
    for (size_t at = 0; at < n && r == 0; at += BATCH)
        r = read_batch(all, files + at, n - at < BATCH ? n - at : BATCH, remote->sftp, wait);
    for (size_t i = 0; files && i < n; i++) {
        sftp_call_free(&files[i].stat);
        sftp_call_free(&files[i].open);
        sftp_call_free(&files[i].read);
        free(files[i].full);
    }
    free(files);
    return r;
}
