/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "remote/remote_private.h"
#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"
#include "sftp/results.h"

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
    d->time_seen = clock_ms();
    d->read_at = read_at;
    *ret = d;
    return 0;
}

bool document_same_version(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->mode == b->mode && a->uid == b->uid &&
           a->gid == b->gid;
}

int remote_read_all(struct remote *remote, const char *full, uint64_t size_hint,
                    const struct wait *wait, struct buf *ret)
{
    SFTP_CALL_AUTO *open = sftp_open(remote->sftp, full, SFTP_OPEN_READ, NULL);
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    r = bulk_read_all(remote->sftp, sftp_call_handle(open), size_hint, remote->options.vmx_max,
                      wait, ret);
    sftp_forget(sftp_close(remote->sftp, sftp_call_handle(open)));
    return r;
}
