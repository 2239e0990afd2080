/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "internal.h"
#include "sftp/bulk.h"

enum {
    RACY_MS = 2000, /* see the header */
    TORN_READS = 3, /* how often a file that changes while it is read is read again */
};

static void destroy(struct cached *c)
{
    struct document *d = (struct document *)c;
    vmx_dict_free(d->dict);
    free(d);
}

int document_new(struct span text, const struct sftp_attrs *attrs, int64_t read_at,
                 struct document **ret)
{
    struct document *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    int r = vmx_dict_parse(text, &d->dict);
    if (r < 0) {
        free(d);
        return r;
    }
    d->cached.destroy = destroy;
    d->cached.bytes = sizeof(*d) + vmx_dict_memory(d->dict);
    atomic_init(&d->cached.refs, 1);
    d->attrs = *attrs;
    d->time_seen = read_at;
    d->read_at = read_at;
    *ret = d;
    return 0;
}

static bool same_version(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->mode == b->mode && a->uid == b->uid &&
           a->gid == b->gid;
}

static bool is_racy(const struct document *d)
{
    return d->read_at < d->time_seen + RACY_MS;
}

/* Reads what an open handle holds; the attributes come from the handle too, after the bytes. */
static int read_text(struct remote *remote, const struct sftp_handle *handle,
                     const struct sftp_attrs *before, const struct wait *wait, struct buf *text,
                     struct sftp_attrs *ret)
{
    int r = bulk_read_all(remote->sftp, handle, before->size, remote->options.vmx_max, wait, text);
    if (r < 0)
        return r;
    SFTP_CALL_AUTO *stat = sftp_fstat(remote->sftp, handle);
    r = sftp_wait(stat, wait);
    if (r < 0)
        return r;
    *ret = *sftp_call_attrs(stat);
    if (!same_version(before, ret) || ret->size != text->len)
        return -EAGAIN;
    return 0;
}

/* OPEN beside LSTAT: one round trip to a handle, one more to the bytes. */
static int read_once(struct remote *remote, const char *full, const struct document *old,
                     const struct wait *wait, struct document **ret)
{
    int64_t began = clock_ms();
    SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, full);
    SFTP_CALL_AUTO *open = sftp_open(remote->sftp, full, SFTP_OPEN_READ, NULL);
    int r = sftp_wait(stat, wait);
    if (r < 0)
        return r;
    const struct sftp_attrs *before = sftp_call_attrs(stat);
    if (!S_ISREG(before->mode) || before->size > remote->options.vmx_max)
        return -EMEDIUMTYPE;
    r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    BUF_AUTO text = {0};
    struct sftp_attrs attrs;
    r = read_text(remote, sftp_call_handle(open), before, wait, &text, &attrs);
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    if (r < 0)
        return r == -EFBIG ? -EMEDIUMTYPE : r;
    r = document_new(buf_span(&text), &attrs, began, ret);
    if (r == 0 && old && same_version(&old->attrs, &attrs))
        (*ret)->time_seen = old->time_seen;
    return r;
}

/* 0: what is known is still true; 1: it must be read again. */
static int revalidate(struct remote *remote, const char *full, const struct document *old,
                      const struct wait *wait)
{
    SFTP_CALL_AUTO *stat = sftp_lstat(remote->sftp, full);
    int r = sftp_wait(stat, wait);
    if (r < 0)
        return r;
    return same_version(&old->attrs, sftp_call_attrs(stat)) ? 0 : 1;
}

static int load(struct remote *remote, const char *path, struct document *old,
                const struct wait *wait, struct document **ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    int torn = 0;
    int r;
    do {
        if (old && !is_racy(old)) {
            r = revalidate(remote, full, old, wait);
            if (r == 0)
                *ret = document_ref(old);
            if (r <= 0)
                continue;
        }
        do
            r = read_once(remote, full, old, wait, ret);
        while (r == -EAGAIN && ++torn < TORN_READS);
    } while (remote_again(remote, wait, &r));
    return r == -EREMOTEIO || r == -EAGAIN ? -EIO : r;
}

/* Whether what people see has changed, and not only our knowledge. */
static bool differs(const struct document *a, const struct document *b)
{
    if (!a || !b)
        return a != b;
    return a != b && (!span_eq(vmx_dict_text(a->dict), vmx_dict_text(b->dict)) ||
                      a->attrs.mtime != b->attrs.mtime);
}

/* The loading thread's part. */
static int load_known(struct remote *remote, const char *path, const struct cache_ticket *ticket,
                      struct document *old, const struct wait *wait, struct document **ret)
{
    struct document *d = NULL;
    int r = load(remote, path, old, wait, &d);
    cache_end(remote->documents, ticket, d ? &d->cached : NULL, r);
    if (old && r != -EINTR && r != -EIO && differs(old, d) && remote->changed)
        remote->changed(remote->changed_ctx, path);
    if (r == 0)
        *ret = d;
    return r;
}

int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret)
{
    struct cached *known = NULL;
    struct cached *found = NULL;
    struct cache_ticket ticket;
    int r =
        cache_begin(remote->documents, path, cache_not_before(max_age_ms), wait, &found, &ticket);
    if (r == 1) {
        struct document *d = NULL;
        known = found;
        r = load_known(remote, path, &ticket, (struct document *)known, wait, &d);
        found = (struct cached *)d;
    }
    /* While the link is down, what is cached is still shown to those who only look. */
    if (r == -EIO && max_age_ms > 0) {
        int64_t true_at;
        found = known ? cached_ref(known) : cache_peek(remote->documents, path, &true_at);
        r = found ? 0 : r;
    }
    cached_unref(known);
    if (r == 0)
        *ret = (struct document *)found;
    return r;
}

int64_t remote_document_true_at(struct remote *remote, const char *path)
{
    int64_t true_at = 0;
    cached_unref(cache_peek(remote->documents, path, &true_at));
    return true_at;
}
