/* SPDX-License-Identifier: MIT */
#include "ssh_io.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ssh_library.h"

static LIBSSH2_ALLOC_FUNC(io_alloc)
{
    (void)abstract;
    return malloc(count);
}

static void io_wipe(const struct ssh_io *io, void *p)
{
    if (p && io->wipe)
        explicit_bzero(p, malloc_usable_size(p));
}

static LIBSSH2_FREE_FUNC(io_free)
{
    struct ssh_io *io = *abstract;
    io_wipe(io, ptr);
    if (ptr == io->methods)
        io->methods = NULL;
    free(ptr);
}

static LIBSSH2_REALLOC_FUNC(io_realloc)
{
    const struct ssh_io *io = *abstract;
    if (!io->wipe || !ptr)
        return realloc(ptr, count);
    size_t old = malloc_usable_size(ptr);
    void *moved = malloc(count);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, old < count ? old : count);
    io_wipe(io, ptr);
    free(ptr);
    return moved;
}

static LIBSSH2_SEND_FUNC(io_send)
{
    struct ssh_io *io = *abstract;
    if (io->mute)
        return -ECONNABORTED;
    if (io->buffered)
        return buf_add(&io->out, (struct span){buffer, length}) < 0 ? -ENOMEM : (ssize_t)length;
    ssize_t n = send(socket, buffer, length, flags | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static LIBSSH2_DISCONNECT_FUNC(io_disconnect)
{
    (void)session;
    (void)reason;
    (void)language;
    (void)language_len;
    struct ssh_io *io = *abstract;
    io->ended = true;
    snprintf(io->goodbye, sizeof(io->goodbye), "%.*s", message_len, message ? message : "");
}

int ssh_io_init(struct ssh_io *io, int fd)
{
    *io = (struct ssh_io){.fd = fd, .wipe = true};
    io->session = libssh2_session_init_ex(io_alloc, io_free, io_realloc, io);
    if (!io->session)
        return -ENOMEM;
    ssh_library_set_send(io->session, io_send);
    ssh_library_set_disconnect(io->session, io_disconnect);
    return 0;
}

/* The cleanup of a session talks to the peer, and says EAGAIN for ever to a dead one. The socket
 * is shut down, not closed, before: a closed descriptor's number may be somebody else's at once. */
void ssh_io_done(struct ssh_io *io)
{
    enum { TRIES = 1000 };
    io->mute = true;
    shutdown(io->fd, SHUT_RDWR);
    for (int i = 0; io->session && i < TRIES; i++) {
        if (libssh2_session_free(io->session) != LIBSSH2_ERROR_EAGAIN)
            break;
    }
    io->session = NULL;
    if (io->out.data)
        explicit_bzero(io->out.data, io->out.len);
    buf_done(&io->out);
}

int ssh_io_flush(struct ssh_io *io)
{
    while (io->out.len > 0) {
        ssize_t n = send(io->fd, io->out.data, io->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        ssh_io_drop(&io->out, (size_t)n);
    }
    return 0;
}

/* libssh2 up to 1.11.1 forgets the memory of the answer before when it is asked a second time. */
char *ssh_io_methods(struct ssh_io *io, const char *user)
{
    char *list = libssh2_userauth_list(io->session, user, (unsigned)strlen(user));
    free(io->methods);
    io->methods = list;
    return list ? strdup(list) : NULL;
}

bool ssh_io_is_closed(const struct ssh_io *io)
{
    char byte;
    ssize_t n = recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int ssh_io_errno(int libssh2_error)
{
    switch (libssh2_error) {
    case LIBSSH2_ERROR_EAGAIN:
        return -EAGAIN;
    case LIBSSH2_ERROR_ALLOC:
        return -ENOMEM;
    case LIBSSH2_ERROR_TIMEOUT:
    case LIBSSH2_ERROR_SOCKET_TIMEOUT:
        return -ETIMEDOUT;
    case LIBSSH2_ERROR_SOCKET_SEND:
    case LIBSSH2_ERROR_SOCKET_RECV:
    case LIBSSH2_ERROR_SOCKET_DISCONNECT:
    case LIBSSH2_ERROR_BANNER_RECV:
    case LIBSSH2_ERROR_BANNER_SEND:
    case LIBSSH2_ERROR_CHANNEL_CLOSED:
    case LIBSSH2_ERROR_CHANNEL_EOF_SENT:
        return -ECONNRESET;
    case LIBSSH2_ERROR_KEX_FAILURE:
    case LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE:
    case LIBSSH2_ERROR_METHOD_NONE:
    case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
    case LIBSSH2_ERROR_HOSTKEY_INIT:
    case LIBSSH2_ERROR_HOSTKEY_SIGN:
        return -EOPNOTSUPP;
    default:
        return -EPROTO;
    }
}

const char *ssh_io_words(struct ssh_io *io)
{
    char *text = NULL;
    libssh2_session_last_error(io->session, &text, NULL, 0);
    return text && *text ? text : "no reason given";
}
