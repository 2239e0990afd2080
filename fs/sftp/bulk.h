/* SPDX-License-Identifier: MIT */
/*
 * Reading a file through a window of requests: what the caller will ask for next is already under
 * way. Sequential reading opens the window (up to 4 MiB), a jump closes it.
 */
#pragma once

#include "sftp.h"

struct bulk_reader;

/* handle: copied, stays the caller's to close. 0, -ENOMEM. */
int bulk_reader_new(struct sftp *sftp, const struct sftp_handle *handle, struct bulk_reader **ret);
void bulk_reader_free(struct bulk_reader *reader);

/* Reads up to size bytes at offset. *ret_n is less than size only at the end of the file. One
 * thread at a time. 0, -errno as sftp_wait. */
int bulk_read(struct bulk_reader *reader, uint64_t offset, size_t size, const struct wait *wait,
              void *ret, size_t *ret_n);

/* Reads a whole file of at most max bytes into ret (appended). -EFBIG when it is larger. */
int bulk_read_all(struct sftp *sftp, const struct sftp_handle *handle, uint64_t size_hint,
                  size_t max, const struct wait *wait, struct buf *ret);

/* Writes all of data at offset, in pipelined requests. 0, -errno. */
int bulk_write(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
               struct span data, const struct wait *wait);
