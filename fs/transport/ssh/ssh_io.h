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

enum { GOODBYE_MAX = 120 };

struct ssh_io {
    LIBSSH2_SESSION *session;
    int fd;
    struct buf out;            /* what waits to be sent */
    bool buffered;             /* packets go into out */
    bool mute;                 /* nothing may be sent any more */
    bool wipe;                 /* memory is wiped when libssh2 frees it: it may hold a password */
    bool ended;                /* the server said goodbye */
    char goodbye[GOODBYE_MAX]; /* with these words */
    void *methods;             /* libssh2's memory with the last answer of ssh_io_methods */
    void *user;                /* for callbacks during authentication */
    struct ssh_watch *watch;   /* during the login */
    const char *method;        /* by which it succeeded; of static storage */
};

/* fd stays the caller's. The object must not move. -ENOMEM. */
int ssh_io_init(struct ssh_io *io, int fd);
void ssh_io_done(struct ssh_io *io);

/* Takes the first n bytes off, which were sent. */
static inline void ssh_io_drop(struct buf *b, size_t n)
{
    b->len -= n;
    memmove(b->data, b->data + n, b->len);
}

/* Sends what the socket takes now. 0, -errno. */
int ssh_io_flush(struct ssh_io *io);

/* Asks the server, by a login without anything, which methods it takes: the comma list, the
 * caller's; NULL when it wants nothing, or does not answer. */
char *ssh_io_methods(struct ssh_io *io, const char *user);

/* Whether the peer has closed the connection: libssh2 says the same of a signature that is refused
 * and of an answer that never came. */
bool ssh_io_is_closed(const struct ssh_io *io);

/* The errno for what libssh2 said. */
int ssh_io_errno(int libssh2_error);

/* libssh2's own words for its last error; borrowed until the next call. */
const char *ssh_io_words(struct ssh_io *io);
