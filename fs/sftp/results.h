/* SPDX-License-Identifier: MIT */
/* Waiting for calls, what their answers hold, and letting go of them (sftp.h). */
#pragma once

#include "sftp/sftp.h"

/* Waits for the answer. 0; the server's status as -errno (SSH_FX_FAILURE is -EREMOTEIO: the
 * protocol does not say more; EOF of read and readdir is -ENODATA; "unsupported" -EOPNOTSUPP);
 * -ENOTCONN, -EIO, -EINTR, -ETIME as said above; -EPROTO for an answer that makes no sense. Waiting
 * again for a call that has its result gives the same one.
 *
 * The wait's own deadline is -EIO, and takes the link down if no byte has come since the call was
 * sent and that is longer ago than half the timeout. After it, as after -EINTR, the call is still
 * under way and can be waited for again. But a wait that can be committed (sync.h) is, by a call
 * that changes something and was sent; one that was not is withdrawn when the wait is interrupted:
 * it is never sent, and -EINTR is its result. */
int sftp_wait(struct sftp_call *call, const struct wait *wait);

/* True when sftp_wait would not wait. */
bool sftp_call_has_ended(const struct sftp_call *call);

/* The most requests that are on the wire or with the server; more wait to be sent. */
enum { SFTP_UNDER_WAY_MAX = 4096 };

/* The number of requests that have not been sent yet, because something is in their way. */
unsigned sftp_unsent(struct sftp *sftp);

/* The number of bytes that have come so far, and that have gone and come, over all links. */
uint64_t sftp_received(struct sftp *sftp);
uint64_t sftp_bytes(struct sftp *sftp);

/* Waits no more for a call behind which the server hangs: the connection is lost and made anew, for
 * that reason. Nothing happens if the call has ended; one that was not sent yet never is. */
void sftp_give_up(struct sftp_call *call, const char *why);

/* True when the call had been put on the wire (its effect on the server is unknown if it then
 * failed with -ENOTCONN, -EIO or -EINTR). */
bool sftp_call_was_sent(const struct sftp_call *call);

/* The data of a write that has ended, valid until the call is freed: what to send again. */
struct span sftp_call_written(const struct sftp_call *call);

/* What the answer holds, after a successful wait; borrowed, valid until the call is freed. */
const struct sftp_handle *sftp_call_handle(const struct sftp_call *call); /* open, opendir */
const struct sftp_attrs *sftp_call_attrs(const struct sftp_call *call);   /* *stat */
struct span sftp_call_data(const struct sftp_call *call);                 /* read */
const struct sftp_name *sftp_call_names(const struct sftp_call *call, size_t *ret_n); /* readdir */
/* Entries of a readdir that are not among the names, because no file can be so: a name that is
 * empty, too long, or holds "/" or NUL; a size beyond all offsets. */
size_t sftp_call_left_out(const struct sftp_call *call);
const char *sftp_call_path(const struct sftp_call *call); /* readlink, realpath */
const struct sftp_statvfs *sftp_call_statvfs(const struct sftp_call *call);

/* Frees a call; one without an answer is abandoned: it still takes effect on the server, and a
 * handle that comes for it is closed. Sets the pointer to NULL. */
void sftp_call_free(struct sftp_call **call);

#define SFTP_CALL_AUTO __attribute__((cleanup(sftp_call_free))) struct sftp_call

/* Sends a call and forgets it: for closes and removals whose result nobody needs. */
void sftp_forget(struct sftp_call *call);
