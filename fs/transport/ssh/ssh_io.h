/* SPDX-License-Identifier: MIT */
/*
 * A libssh2 session with our own sending.
 *
 * libssh2 cannot bear a half-sent packet: any other send before it is complete (a window adjust
 * while reading, a rekey) breaks the session. So once the session does not block any more, its
 * packets always go completely into a buffer of ours, which is sent when the socket takes bytes.
 * During the handshake and authentication the session blocks, and packets go to the socket itself.
 */
#pragma once

#include <libssh2.h>
#include <stdbool.h>

#include "parser/text/buf.h"

struct ssh_watch;

struct ssh_io {
    LIBSSH2_SESSION *session;
    int fd;
    struct buf out;
    size_t sent;             /* bytes of out that are on their way */
    bool buffered;           /* packets go into out */
    bool mute;               /* nothing may be sent any more */
    bool wipe;               /* memory is wiped when libssh2 frees it: it may hold a password */
    void *user;              /* for callbacks during authentication */
    struct ssh_watch *watch; /* during the login */
};

/* fd stays the caller's. The object must not move. -ENOMEM. */
int ssh_io_init(struct ssh_io *io, int fd);
void ssh_io_done(struct ssh_io *io);

/* Bytes that wait to be sent. */
static inline size_t ssh_io_pending(const struct ssh_io *io)
{
    return io->out.len - io->sent;
}

/* Sends what the socket takes now. 0, -errno. */
int ssh_io_flush(struct ssh_io *io);

/* The errno for what libssh2 said. */
int ssh_io_errno(int libssh2_error);

/* libssh2's own words for its last error; borrowed until the next call. */
const char *ssh_io_words(struct ssh_io *io);
