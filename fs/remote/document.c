/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load.h"

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

int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret)
{
    struct cached *known = NULL;
    struct cached *found = NULL;
    struct cache_ticket ticket;
    int r =
        cache_begin(remote->documents, path, cache_not_before(max_age_ms), wait, &found, &ticket);
    if (r == 1) {
        struct load *load;
        r = load_new(&document_load_kind, remote, remote->documents, path, &ticket, found, &load);
        if (r == 0)
            r = load_run(load, wait, &found, &known);
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
