/* SPDX-License-Identifier: MIT */
/*
 * An SFTP version 3 client that keeps any number of requests in flight.
 *
 * Every request is a call: making it sends it (the functions below return at once), sftp_wait waits
 * for its answer, and the call then has what the answer holds. So a flight of requests that need
 * not wait for each other is a few calls in a row, then a few waits in a row, and costs one round
 * trip. The server answers in any order.
 *
 * One I/O thread owns the transport. All functions may be called from any thread; a call belongs to
 * the thread that made it.
 *
 * When the link is lost (end of stream, garbage, a silent server), every outstanding call fails
 * once with -ENOTCONN, and the I/O thread connects again by itself, with back-off. Handles die with
 * the link they came from: a call with such a handle fails with -ENOTCONN too. A caller that can
 * start over does so after sftp_wait_up. After a deadline has passed without a byte from the server
 * the link is down: until it is up again every call fails at once with -EIO.
 */
#pragma once

#include <stddef.h>

#include "base/sync.h"
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
    uint32_t links; /* how many names the file has; 0: the server does not tell */
};

struct sftp_statvfs {
    uint64_t bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax;
};

/* What the server announced. */
struct sftp_features {
    bool posix_rename, hardlink, lsetstat, fsync, statvfs, limits, copy_data;
    uint64_t max_read, max_write; /* bytes in one request */
    uint64_t max_handles;         /* 0: not said */
};

enum sftp_state {
    SFTP_UNUSED, /* there was no connection yet, and nobody asks for one: sftp_use does */
    SFTP_UP,
    SFTP_LOST,    /* connecting again; callers may wait for it */
    SFTP_DOWN,    /* a deadline has passed; calls fail at once until it is up again */
    SFTP_REFUSED, /* authentication was refused; for good */
};

struct sftp_options {
    int timeout_ms;
    /* Makes a transport; called by the I/O thread (in which all signals are blocked). As
     * connector_connect. NULL: a lost link stays lost. -EACCES ends it for good. */
    int (*connect)(void *ctx, struct transport **ret, struct diag *why);
    void *ctx;
    /* Tells people that the link was lost, is back, or stays lost; by the I/O thread. Or NULL. */
    void (*note)(void *note_ctx, const char *text);
    void *note_ctx;
};

struct sftp;
struct sftp_call;

/* Says hello over the transport (which it owns from now on, also on failure), asks for limits, and
 * starts the I/O thread. NULL: not before sftp_use. 0; -EPROTO, -ETIMEDOUT, ... with *why. */
int sftp_new(struct transport *transport, const struct sftp_options *options, struct sftp **ret,
             struct diag *why);

/* Ends the thread and the connection: every call then fails with -ENOTCONN. Once. */
void sftp_end(struct sftp *sftp);
/* Ends it if that has not been done. Calls that are still held must be freed before. */
void sftp_free(struct sftp *sftp);
/* Has an unused one connect: sftp_wait_up waits for that. If it fails it is unused again. */
void sftp_use(struct sftp *sftp);
enum sftp_state sftp_state(struct sftp *sftp);
bool sftp_why_not_up(struct sftp *sftp, struct diag *ret); /* for people; false: it is up */
struct sftp_features sftp_features(struct sftp *sftp);
/* As last measured, and the shortest of this link, however slow the server is now; -1: none. */
int64_t sftp_round_trip_ms(struct sftp *sftp);
int64_t sftp_least_trip_ms(struct sftp *sftp);
/* Another connection takes the place of this one, if it can be made: as after a lost link. 0, also
 * where the old one stays; -EOPNOTSUPP: without connect; -EINTR. */
int sftp_renew(struct sftp *sftp, const struct wait *wait);
/* False when the link that the handle came from is gone. */
bool sftp_handle_lives(struct sftp *sftp, const struct sftp_handle *handle);
/* Waits until the link is up. 0; -EIO: it is not, or not before the deadline; -EINTR. */
int sftp_wait_up(struct sftp *sftp, const struct wait *wait);
/* Appends the lines of the status file on the connection. -ENOMEM. */
int sftp_describe(struct sftp *sftp, struct buf *ret);
