/* SPDX-License-Identifier: MIT */
/*
 * The flights that load a document: LSTAT, with OPEN behind it unless the attributes alone may do,
 * or there may be no regular file (open_ahead.h); then READs and FSTAT together. A file that
 * changes while it is read is read again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load.h"
#include "open_ahead.h"
#include "remote/call_group.h"
#include "remote/names/paths.h"
#include "remote/notes.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { TORN_READS = 3 }; /* how often a file that changes while it is read is read again */

enum stage { START, ASKED, OPENING, READING };

struct document_load {
    struct load load; /* first */
    enum stage stage;
    int torn;
    int64_t began;
    struct sftp_call *stat, *open, *handle_stat;
    struct sftp_handle handle;
    struct sftp_attrs before;
    struct buf text;
    struct flight reads;
};

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
    l->stage = START;
}

static int ask(struct document_load *l)
{
    struct sftp *sftp = l->load.remote->sftp;
    const struct document *old = (const struct document *)l->load.known;
    l->began = clock_ms();
    l->stat = sftp_lstat(sftp, l->load.full);
    if ((!old || document_is_racy(old)) && open_ahead_allowed(l->load.remote, l->load.path))
        l->open = sftp_open(sftp, l->load.full, SFTP_OPEN_READ, NULL);
    l->load.is_glance = !l->open;
    l->stage = ASKED;
    return 1;
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
    l->stage = READING;
}

static int opened(struct document_load *l, const struct wait *wait)
{
    int r = sftp_wait(l->open, wait);
    if (r < 0)
        return r;
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
static int judge(struct document_load *l, const struct wait *wait)
{
    struct document *old = (struct document *)l->load.known;
    int r = sftp_wait(l->stat, wait);
    if (r < 0)
        return r;
    l->before = *sftp_call_attrs(l->stat);
    if (l->open && shows_no_file(l))
        open_ahead_was_wrong(l->load.remote, l->load.path, &l->before, l->open, wait);
    if (!remote_can_be_vmx(l->load.remote, &l->before))
        return -EMEDIUMTYPE;
    if (old && !l->open && !document_is_racy(old) &&
        document_same_version(&old->attrs, &l->before)) {
        l->load.made = cached_ref(&old->cached);
        return 0;
    }
    if (l->open)
        return opened(l, wait);
    l->open = sftp_open(l->load.remote->sftp, l->load.full, SFTP_OPEN_READ, NULL);
    l->stage = OPENING;
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
static bool is_still(const struct document *old, const struct sftp_attrs *attrs, struct span text)
{
    return old && document_same_version(&old->attrs, attrs) &&
           span_eq(vmx_dict_text(old->dict), text);
}

static int build(struct document_load *l, const struct sftp_attrs *attrs)
{
    struct document *old = (struct document *)l->load.known;
    if (is_still(old, attrs, buf_span(&l->text))) {
        old->read_at = l->began;
        l->load.made = cached_ref(&old->cached);
        return 0;
    }
    struct document *d = NULL;
    int r = document_new(buf_span(&l->text), attrs, l->began, &d);
    if (r < 0)
        return r;
    if (old && document_same_version(&old->attrs, attrs))
        d->time_seen = old->time_seen;
    l->load.made = &d->cached;
    return 0;
}

static int have_read(struct document_load *l, const struct wait *wait)
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

static int step(struct load *load, const struct wait *wait)
{
    struct document_load *l = (struct document_load *)load;
    int r;
    switch (l->stage) {
    case START:
        return ask(l);
    case ASKED:
        return judge(l, wait);
    case OPENING:
        return opened(l, wait);
    case READING:
        r = have_read(l, wait);
        if (r != -EAGAIN || ++l->torn >= TORN_READS)
            return r;
        restart(load);
        return 1;
    default:
        return -EINVAL;
    }
}

static struct sftp_call *last(const struct load *load)
{
    const struct document_load *l = (const struct document_load *)load;
    if (l->stage == READING)
        return l->handle_stat;
    bool opens = l->open && !(l->stage == ASKED && shows_no_file(l));
    return opens ? l->open : l->stat;
}

static int explain(struct load *load, const struct wait *wait, int r)
{
    (void)load;
    (void)wait;
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

static void loaded(struct load *load)
{
    if (load->known &&
        differs((const struct document *)load->known, (const struct document *)load->made))
        remote_tell_change(load->remote, load->path);
}

const struct load_kind document_load_kind = {
    .size = sizeof(struct document_load),
    .restart = restart,
    .step = step,
    .last = last,
    .explain = explain,
    .loaded = loaded,
};
