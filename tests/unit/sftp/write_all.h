/* SPDX-License-Identifier: MIT */
/* Writing a run of bytes and waiting for all answers. */
#pragma once

#include <errno.h>

#include "sftp/bulk/bulk.h"

static inline int write_all(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                            struct span data, const struct wait *wait)
{
    struct bulk_writer *writer = NULL;
    const struct bulk_ways ways = bulk_one_way(sftp, handle);
    int r = bulk_writer_new(&writer);
    if (r == 0)
        bulk_writer_move(writer, &ways);
    const size_t most = 1 << 20;
    for (size_t at = 0; r == 0 && at < data.n; at += most) {
        size_t n = data.n - at < most ? data.n - at : most;
        r = bulk_writer_add(writer, offset + at, (struct span){data.p + at, n}, wait);
    }
    int drained = writer ? bulk_writer_drain(writer, wait) : -ENOMEM;
    bulk_writer_free(writer);
    return r < 0 ? r : drained;
}
