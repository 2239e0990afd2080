/* SPDX-License-Identifier: MIT */
/*
 * The flights that load a document: LSTAT, with OPEN behind it unless the attributes alone may do,
 * or there may be no regular file (open_ahead.h); then READs and FSTAT together. A file that
 * changes while it is read is read again.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "listed_documents.h"
#include "load.h"
#include "open_ahead.h"
#include "remote/call_group.h"
#include "remote/names/paths.h"
#include "remote/notes.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { TORN_READS = 3 }; /* how often a file that changes while it is read is read again */

struct document_load {
    struct load load; /* first */
    int torn;
    int64_t began;
    struct sftp_call *stat, *open, *handle_stat;
    struct sftp_handle handle;
    struct sftp_attrs before;
    struct buf text;
    struct flight reads;
};

static int judge(struct load *load, const struct wait *wait);
static int have_read(struct load *load, const struct wait *wait);

static int ask(struct load *load, const struct wait *wait)
{
    struct document_load *l = (struct document_load *)load;
    const struct document *old = (const struct document *)load->known;
    (void)wait;
    l->began = clock_ms();
    l->stat = sftp_lstat(load->remote->sftp, load->full);
    if ((!old || document_is_racy(old)) && open_ahead_allowed(load->remote, load->path))
        l->open = sftp_open(load->remote->sftp, load->full, SFTP_OPEN_READ, NULL);
    load->is_glance = !l->open;
    load->step = judge;
    return 1;
}

static void restart(struct load *load)
{
    struct document_load *l = (struct document_load *)load;
    sftp_call_free(&l->stat);
    sftp_call_free(&l->open);
    sftp_call_free(&l->handle_stat);
    flight_done(&l->reads);
    buf_done(&l->text);
    if (l->handle.len > 0)
        sftp_forget(sftp_close(load->remote->sftp, &l->handle));
    l->handle.len = 0;
    load->step = ask;
}

/* Sends READs for what is missing up to the size, and FSTAT behind them. */
static void send_reads(struct document_load *l)
{
    struct sftp *sftp = l->load.remote->sftp;
    uint64_t chunk = sftp_features(sftp).max_read;
    flight_done(&l->reads);
    sftp_call_free(&l->handle_stat);
    for (uint64_t at = l->text.len; at < l->before.size; at += chunk) {
        uint64_t n = l->before.size - at < chunk ? l->before.size - at : chunk;
        flight_add(&l->reads, sftp_read(sftp, &l->handle, at, (uint32_t)n));
    }
    l->handle_stat = sftp_fstat(sftp, &l->handle);
    l->load.step = have_read;
}

static int opened(struct load *load, const struct wait *wait)
{
    struct document_load *l = (struct document_load *)load;
    int r = sftp_wait(l->open, wait);
    if (r < 0)
        return r == -EINVAL ? -EBUSY : r; /* VMFS says so of what another host has locked */
    l->handle = *sftp_call_handle(l->open);
    send_reads(l);
    return 1;
}

/* Whether the attributes are there, and those of something that is not to be opened. */
static bool shows_no_file(const struct document_load *l)
{
    const struct wait no_wait = {0};
    if (!sftp_call_has_ended(l->stat) || sftp_wait(l->stat, &no_wait) < 0)
        return false;
    const struct sftp_attrs *attrs = sftp_call_attrs(l->stat);
    return attrs->flags & SFTP_ATTR_MODE && !S_ISREG(attrs->mode);
}

/* 0: what is known is still true. */
static int judge(struct load *load, const struct wait *wait)
{
    struct document_load *l = (struct document_load *)load;
    struct document *old = (struct document *)load->known;
    int r = sftp_wait(l->stat, wait);
    if (r < 0)
        return r;
    l->before = *sftp_call_attrs(l->stat);
    if (l->open && shows_no_file(l))
        open_ahead_was_wrong(load->remote, load->path, &l->before, l->open, wait);
    if (!remote_can_be_vmx(load->remote, &l->before))
        return -EMEDIUMTYPE;
    if (l->open)
        return opened(load, wait);
    if (old && !document_is_racy(old) && document_same_version(&old->attrs, &l->before)) {
        load->made = cached_ref(&old->cached);
        return 0;
    }
    l->open = sftp_open(load->remote->sftp, load->full, SFTP_OPEN_READ, NULL);
    load->step = opened;
    return 1;
}

/* Takes the data in order, up to an answer that is shorter than was asked for. */
static int collect(struct document_load *l, const struct wait *wait)
{
    uint64_t chunk = sftp_features(l->load.remote->sftp).max_read;
    size_t start = l->text.len;
    int r = l->reads.error;
    for (size_t i = 0; r == 0 && i < l->reads.n; i++) {
        int call_r = sftp_wait(l->reads.calls[i], wait);
        if (call_r == 0 && l->text.len == start + i * chunk)
            r = buf_add(&l->text, sftp_call_data(l->reads.calls[i]));
        else if (call_r < 0 && call_r != -ENODATA)
            r = call_r;
    }
    return r == 0 && l->reads.n > 0 && l->text.len == start ? -EAGAIN : r;
}

/* What is shown may go on being shown: no second one in memory for a while. */
static int build(struct document_load *l, const struct sftp_attrs *attrs)
{
    struct document *old = (struct document *)l->load.known;
    bool same_version = old && document_same_version(&old->attrs, attrs);
    if (same_version && span_eq(vmx_dict_text(old->dict), buf_span(&l->text))) {
        old->read_at = l->began;
        l->load.made = cached_ref(&old->cached);
        return 0;
    }
    struct document *d = NULL;
    int r = document_new(buf_span(&l->text), attrs, l->began, &d);
    if (r < 0)
        return r;
    if (same_version)
        d->time_seen = old->time_seen;
    d->was_old = server_clock_is_old(&l->load.remote->clock, attrs->mtime);
    l->load.made = &d->cached;
    return 0;
}

/* -EAGAIN: the file changes. */
static int judge_text(struct document_load *l, const struct wait *wait)
{
    int r = collect(l, wait);
    int stat_r = sftp_wait(l->handle_stat, wait);
    r = r ?: stat_r;
    if (r < 0)
        return r;
    const struct sftp_attrs *attrs = sftp_call_attrs(l->handle_stat);
    if (!document_same_version(&l->before, attrs))
        return -EAGAIN;
    if (!remote_can_be_vmx(l->load.remote, attrs))
        return -EMEDIUMTYPE;
    if (l->text.len < attrs->size) {
        send_reads(l);
        return 1;
    }
    return build(l, attrs);
}

static int have_read(struct load *load, const struct wait *wait)
{
    struct document_load *l = (struct document_load *)load;
    int r = judge_text(l, wait);
    if (r != -EAGAIN || ++l->torn >= TORN_READS)
        return r;
    restart(load);
    return 1;
}

static struct sftp_call *last(const struct load *load)
{
    const struct document_load *l = (const struct document_load *)load;
    if (load->step == have_read)
        return l->handle_stat;
    return l->open && !(load->step == judge && shows_no_file(l)) ? l->open : l->stat;
}

/* Whether what people see has changed, and not only our knowledge. */
static bool differs(const struct document *a, const struct document *b)
{
    return a != b && (!b || !span_eq(vmx_dict_text(a->dict), vmx_dict_text(b->dict)) ||
                      a->attrs.mtime != b->attrs.mtime);
}

/* Whether a listing shows a .vmx that is none, or gone: lookups go by it. It is forgotten. */
static bool refutes_listing(const struct load *load)
{
    int64_t true_at;
    if ((load->result != -ENOENT && load->result != -EMEDIUMTYPE) ||
        !document_is_listed(load->remote, load->path, &true_at))
        return false;
    FREE_AUTO char *dir = path_dir(load->path);
    if (dir)
        cache_drop(load->remote->listings, dir);
    return true;
}

/* Tells of a text that nobody has seen here, or that there is none any more. */
static void tell_seen(const struct load *load)
{
    const struct document *known = (const struct document *)load->known;
    const struct document *made = (const struct document *)load->made;
    const int64_t began = ((const struct document_load *)load)->began;
    if (made && (!known || !span_eq(vmx_dict_text(known->dict), vmx_dict_text(made->dict))))
        remote_tell_seen(load->remote, load->path, vmx_dict_text(made->dict), began);
    else if (known && load->result == -ENOENT)
        remote_tell_gone(load->remote, load->path, began);
}

static void loaded(struct load *load)
{
    const bool refutes = refutes_listing(load);
    tell_seen(load);
    if (refutes || (load->known && differs((const struct document *)load->known,
                                           (const struct document *)load->made)))
        remote_tell_change(load->remote, load->path, !load->made);
}

const struct load_kind document_load_kind = {
    .size = sizeof(struct document_load),
    .restart = restart,
    .last = last,
    .loaded = loaded,
};
