/* SPDX-License-Identifier: MIT */
/*
 * A transport: a byte stream to an SFTP server or a shell, whatever carries it (a libssh2 channel,
 * a child process, one end of a socket pair in tests).
 *
 * It never blocks. One thread at a time uses it.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "parser/text/buf.h"
#include "parser/text/diag.h"

struct transport;

struct transport_ops {
    /* What to poll fd for: POLLIN always, POLLOUT while the transport holds bytes that are not
     * sent yet, or a write found the descriptor full. */
    short (*events)(const struct transport *t);

    /* Bytes read (> 0), 0 at the end of the stream, -EAGAIN when nothing is there yet, -errno.
     * After POLLIN, and after a write or flush, it must be called until it says -EAGAIN before the
     * descriptor is polled: a transport may read while it sends, and hold bytes inside. */
    ssize_t (*read)(struct transport *t, void *bytes, size_t size);

    /* How many bytes were taken (> 0), -errno; -EAGAIN when none can be taken now: try again after
     * the next event, whichever it is (what is read may be the peer's leave to send more). */
    ssize_t (*write)(struct transport *t, const void *bytes, size_t size);

    /* Sends what the transport holds; called on POLLOUT. 0, -errno. */
    int (*flush)(struct transport *t);

    /* Appends "key: value" lines about itself for the status file. -ENOMEM. */
    int (*describe)(const struct transport *t, struct buf *ret);

    /* May be NULL. After the end of the stream, or an error: if it is known why (what the ssh
     * program said last), the fitting -errno and *why; -EACCES: authentication was refused. 0 and
     * *why untouched when nothing is known. */
    int (*last_words)(struct transport *t, struct diag *why);

    /* Closes the connection without waiting for the peer, ends and reaps a child, frees. */
    void (*free)(struct transport *t);
};

/* Embedded as the first member by the kinds. */
struct transport {
    const struct transport_ops *ops;
    int fd; /* the descriptor to poll */
};

static inline void transport_free(struct transport *t)
{
    if (t)
        t->ops->free(t);
}

static inline int transport_last_words(struct transport *t, struct diag *why)
{
    return t->ops->last_words ? t->ops->last_words(t, why) : 0;
}

/* Writes what can be taken now off the front of *out. 0, -errno. */
static inline int transport_push(struct transport *t, struct span *out)
{
    while (out->n > 0) {
        ssize_t n = t->ops->write(t, out->p, out->n);
        if (n < 0)
            return n == -EAGAIN ? 0 : (int)n;
        *out = (struct span){out->p + n, out->n - (size_t)n};
    }
    return 0;
}

/* A stream over a descriptor (a socket), which the transport owns from now on and makes
 * non-blocking; pid > 0: a child process that belongs to it, is ended (SIGTERM, then SIGKILL) and
 * reaped with it. name: for describe, of static storage. 0, -errno (the descriptor is still the
 * caller's then). */
int transport_from_fd(int fd, pid_t pid, const char *name, struct transport **ret);
