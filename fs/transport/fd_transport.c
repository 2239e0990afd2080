/* SPDX-License-Identifier: MIT */
/* A transport over a socket, with or without a child process at its other end. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/sync.h"
#include "transport.h"

enum { CHILD_ENDS_MS = 300, CHILD_LOOK_MS = 10 };

struct fd_transport {
    struct transport base; /* first: the contract casts */
    int fd;
    pid_t pid;
    bool full; /* the last write found no room */
    char *name;
};

static struct fd_transport *self(struct transport *t)
{
    return (struct fd_transport *)t;
}

static const struct fd_transport *const_self(const struct transport *t)
{
    return (const struct fd_transport *)t;
}

static int fd_fd(const struct transport *t)
{
    return const_self(t)->fd;
}

static short fd_events(const struct transport *t)
{
    return const_self(t)->full ? POLLIN | POLLOUT : POLLIN;
}

static ssize_t fd_read(struct transport *t, void *bytes, size_t size)
{
    for (;;) {
        ssize_t n = recv(self(t)->fd, bytes, size, 0);
        if (n >= 0)
            return n;
        if (errno == EWOULDBLOCK)
            return -EAGAIN;
        if (errno != EINTR)
            return -errno;
    }
}

/* MSG_NOSIGNAL: a server that has gone must be an errno, not a SIGPIPE. */
static ssize_t fd_write(struct transport *t, const void *bytes, size_t size)
{
    struct fd_transport *f = self(t);
    for (;;) {
        ssize_t n = send(f->fd, bytes, size, MSG_NOSIGNAL);
        if (n >= 0) {
            f->full = (size_t)n < size;
            return n;
        }
        if (errno == EWOULDBLOCK) {
            f->full = true;
            return -EAGAIN;
        }
        if (errno != EINTR)
            return -errno;
    }
}

static int fd_flush(struct transport *t)
{
    self(t)->full = false; /* the kernel holds the bytes; there is room again */
    return 0;
}

static int fd_describe(const struct transport *t, struct buf *ret)
{
    const struct fd_transport *f = const_self(t);
    int r = buf_addf(ret, "transport: %s\n", f->name);
    if (r == 0 && f->pid > 0)
        r = buf_addf(ret, "transport-pid: %ld\n", (long)f->pid);
    return r;
}

/* Not a wait for SIGCHLD: the process may have other children and other plans for the signal. */
static void end_child(pid_t pid)
{
    struct wait nap = wait_for_ms(CHILD_ENDS_MS);
    int status;
    kill(pid, SIGTERM);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (wait_sleep(&nap, CHILD_LOOK_MS) == 0)
            continue;
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        return;
    }
}

static void fd_free(struct transport *t)
{
    struct fd_transport *f = self(t);
    close(f->fd);
    if (f->pid > 0)
        end_child(f->pid);
    free(f->name);
    free(f);
}

static const struct transport_ops fd_ops = {
    .fd = fd_fd,
    .events = fd_events,
    .read = fd_read,
    .write = fd_write,
    .flush = fd_flush,
    .describe = fd_describe,
    .free = fd_free,
};

int transport_from_fd(int fd, pid_t pid, const char *name, struct transport **ret)
{
    assert(fd >= 0 && name);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    FREE_AUTO char *copy = strdup(name);
    struct fd_transport *f = copy ? calloc(1, sizeof(*f)) : NULL;
    if (!f)
        return -ENOMEM;
    *f = (struct fd_transport){.base = {&fd_ops}, .fd = fd, .pid = pid, .name = steal(copy)};
    *ret = &f->base;
    return 0;
}
