/* SPDX-License-Identifier: MIT */
/*
 * An SFTP version 3 client that keeps any number of requests in flight.
 *
 * Every request is a call: making it sends it (the functions below return at once), sftp_wait waits
 * for its answer, and what the answer holds is read off the call. So a flight of requests that need
 * not wait for each other is a few calls in a row, then a few waits in a row, and costs one round
 * trip. The server answers in any order.
 *
 * One I/O thread owns the transport. All functions may be called from any thread; a call belongs to
 * the thread that made it.
 *
 * When the link is lost (end of stream, garbage, a silent server), every outstanding call fails
 * once with -ENOTCONN, and the I/O thread connects again by itself, with back-off. Handles die with
 * the link they came from: a call with such a handle fails with -ENOTCONN too. Who can start over
 * does, after sftp_wait_up. After a deadline has passed without a byte from the server the link is
 * down: until it is up again every call fails at once with -EIO.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sync.h"
#include "base/why.h"
#include "parser/text/buf.h"
#include "transport/transport.h"

enum sftp_attr_flags {
    SFTP_ATTR_SIZE = 1,
    SFTP_ATTR_OWNER = 2,
    SFTP_ATTR_MODE = 4,
    SFTP_ATTR_TIMES = 8,
};

struct sftp_attrs {
    uint32_t flags; /* which of the others are there */
    uint64_t size;
    uint32_t uid, gid;
    uint32_t mode; /* with the file type bits */
    uint32_t atime, mtime;
};

enum sftp_open_flags { /* of the protocol */
                       SFTP_OPEN_READ = 1,
                       SFTP_OPEN_WRITE = 2,
                       SFTP_OPEN_APPEND = 4,
                       SFTP_OPEN_CREAT = 8,
                       SFTP_OPEN_TRUNC = 16,
                       SFTP_OPEN_EXCL = 32,
};

struct sftp_handle {
    uint8_t bytes[256];
    size_t len;     /* 0: no handle */
    uint64_t epoch; /* of the link it came from */
};

struct sftp_name {
    const char *name; /* without "/" and NUL; "." and ".." are left out */
    struct sftp_attrs attrs;
};

struct sftp_statvfs {
    uint64_t bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax;
};

/* What the server announced. */
struct sftp_features {
    bool posix_rename, fsync, statvfs, limits;
    uint64_t max_read, max_write; /* bytes in one request */
    uint64_t max_handles;         /* 0: not said */
};

enum sftp_state {
    SFTP_UP,
    SFTP_LOST,    /* connecting again; callers may wait for it */
    SFTP_DOWN,    /* a deadline has passed; calls fail at once until it is up again */
    SFTP_REFUSED, /* authentication was refused; for good */
};

struct sftp_options {
    int timeout_ms;
    /* Makes a transport; called by the I/O thread (in which all signals are blocked) to connect
     * again. As connector_connect. NULL: a lost link stays lost. -EACCES ends it for good. */
    int (*connect)(void *ctx, struct transport **ret, struct why *why);
    void *ctx;
};

struct sftp;
struct sftp_call;

/* Says hello over the transport (which it owns from now on, also on failure), asks for limits, and
 * starts the I/O thread. 0; -EPROTO, -ETIMEDOUT, ... with *why. */
int sftp_new(struct transport *transport, const struct sftp_options *options, struct sftp **ret,
             struct why *why);

/* Ends the thread and the connection: from then on every call fails with -ENOTCONN. Once. */
void sftp_end(struct sftp *sftp);

/* Ends it if that has not been done; calls that are still held must be freed before. */
void sftp_free(struct sftp *sftp);

enum sftp_state sftp_state(struct sftp *sftp);
struct sftp_features sftp_features(struct sftp *sftp);

/* As last measured; -1: it was not. */
int64_t sftp_round_trip_ms(struct sftp *sftp);

/* False when the link that the handle came from is gone. */
bool sftp_handle_lives(struct sftp *sftp, const struct sftp_handle *handle);

/* Waits until the link is up. 0; -EIO when it is down, refused, or the wait's deadline passes;
 * -EINTR. */
int sftp_wait_up(struct sftp *sftp, const struct wait *wait);

/* Appends "key: value" lines for the status file: connection, what the transport says, round-trip
 * time, extensions, counters. -ENOMEM. */
int sftp_describe(struct sftp *sftp, struct buf *ret);

/* Calls. NULL when there is no memory; all that take a call take NULL for such a one. Paths and
 * data are copied. */
struct sftp_call *sftp_open(struct sftp *sftp, const char *path, uint32_t open_flags,
                            const struct sftp_attrs *attrs); /* attrs may be NULL */
struct sftp_call *sftp_close(struct sftp *sftp, const struct sftp_handle *handle);
/* At most max_read bytes are asked for, and a server may answer with fewer than it was asked for
 * anywhere in the file: only -ENODATA is its end. */
struct sftp_call *sftp_read(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                            uint32_t size);
/* data: at most max_write bytes, or the call fails with -EMSGSIZE. */
struct sftp_call *sftp_write(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                             struct span data);
struct sftp_call *sftp_lstat(struct sftp *sftp, const char *path);
struct sftp_call *sftp_stat(struct sftp *sftp, const char *path);
struct sftp_call *sftp_fstat(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_setstat(struct sftp *sftp, const char *path, const struct sftp_attrs *attrs);
struct sftp_call *sftp_fsetstat(struct sftp *sftp, const struct sftp_handle *handle,
                                const struct sftp_attrs *attrs);
struct sftp_call *sftp_opendir(struct sftp *sftp, const char *path);
struct sftp_call *sftp_readdir(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_mkdir(struct sftp *sftp, const char *path, uint32_t mode);
struct sftp_call *sftp_rmdir(struct sftp *sftp, const char *path);
struct sftp_call *sftp_realpath(struct sftp *sftp, const char *path);
struct sftp_call *sftp_readlink(struct sftp *sftp, const char *path);
struct sftp_call *sftp_symlink(struct sftp *sftp, const char *target, const char *link_path);
struct sftp_call *sftp_fsync(struct sftp *sftp, const struct sftp_handle *handle);
struct sftp_call *sftp_statvfs(struct sftp *sftp, const char *path);

/* not_after: of clock_boot_ms(); the I/O thread never puts the request on the wire later than that
 * (the call fails with -ETIME, as one that was not sent). 0: no limit. A lock's owner uses it. */
struct sftp_call *sftp_posix_rename(struct sftp *sftp, const char *from, const char *to,
                                    int64_t not_after);
struct sftp_call *sftp_remove(struct sftp *sftp, const char *path, int64_t not_after);
/* The plain rename, which replaces nothing. */
struct sftp_call *sftp_rename(struct sftp *sftp, const char *from, const char *to,
                              int64_t not_after);
/* posix-rename, or where the server lacks it the plain one. */
struct sftp_call *sftp_best_rename(struct sftp *sftp, const char *from, const char *to,
                                   int64_t not_after);

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
static inline void sftp_forget(struct sftp_call *call)
{
    sftp_call_free(&call);
}
