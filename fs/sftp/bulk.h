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

/*
 * Writing behind the caller: data is sent at once and answered later. What is not answered yet is
 * kept, so that it can be sent again after a lost link. One thread at a time.
 */
struct bulk_writer;

/* 0, -ENOMEM. */
int bulk_writer_new(struct sftp *sftp, struct bulk_writer **ret);
void bulk_writer_free(struct bulk_writer *writer); /* gives up what is not answered; accepts NULL */

/* Takes a copy of the data and sends it, after it has waited until less than a window of earlier
 * data is unanswered. 0; an error of earlier data, which is lost then; -ENOTCONN, -EINTR, -EIO: the
 * wait, and the data was not taken; -ENOMEM. */
int bulk_writer_add(struct bulk_writer *writer, const struct sftp_handle *handle, uint64_t offset,
                    struct span data, const struct wait *wait);

/* Waits for all answers. 0; an error of earlier data (told once); -ENOTCONN, -EINTR, -EIO: there is
 * still something unanswered. */
int bulk_writer_drain(struct bulk_writer *writer, const struct wait *wait);

/* Sends all that is unanswered again, in order: after -ENOTCONN, with a fresh handle. */
void bulk_writer_resend(struct bulk_writer *writer, const struct sftp_handle *handle);

/* Whether anything is unanswered. */
bool bulk_writer_busy(const struct bulk_writer *writer);
