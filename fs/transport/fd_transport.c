/* SPDX-License-Identifier: MIT */
#include "fd_transport.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sync.h"
#include "child/program.h"
#include "child/ssh_stderr.h"

enum { CHILD_ENDS_MS = 300, CHILD_LOOK_MS = 10 };

static struct fd_transport *self(struct transport *t)
{
    return (struct fd_transport *)t;
}

static short fd_events(const struct transport *t)
{
    return ((const struct fd_transport *)t)->full ? POLLIN | POLLOUT : POLLIN;
}

static ssize_t fd_read(struct transport *t, void *bytes, size_t size)
{
    for (;;) {
        ssize_t n = recv(t->fd, bytes, size, 0);
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
        ssize_t n = send(t->fd, bytes, size, MSG_NOSIGNAL);
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
    const struct fd_transport *f = (const struct fd_transport *)t;
    int r = buf_addf(ret, "transport: %s\n", f->name);
    if (r == 0 && f->pid > 0)
        r = buf_addf(ret, "transport-pid: %ld\n", (long)f->pid);
    BUF_AUTO words = {0};
    if (r == 0 && f->words >= 0)
        r = program_words(f->words, &words);
    return r == 0 && words.len ? child_words_describe(words.data, ret) : r;
}

static int fd_last_words(struct transport *t, struct diag *why)
{
    const struct fd_transport *f = self(t);
    BUF_AUTO words = {0};
    if (f->words < 0 || program_words(f->words, &words) < 0 || words.len == 0)
        return 0;
    if (f->has_command && child_words_ended(words.data)) {
        diag_set(why, "%s does not run commands", f->host);
        return -EOPNOTSUPP;
    }
    return child_words_explain(words.data, f->host, why);
}

/* Not a wait for SIGCHLD: the process may have other children and other plans for the signal. */
static void end_child(pid_t pid)
{
    struct wait nap = wait_for_ms(CHILD_ENDS_MS);
    int status;
    /* With what it has started, as a ProxyCommand, where it leads a group of its own. */
    if (kill(-pid, SIGTERM) < 0)
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
    close(t->fd);
    if (f->pid > 0)
        end_child(f->pid);
    if (f->words >= 0)
        close(f->words);
    free(f);
}

static const struct transport_ops fd_ops = {
    .events = fd_events,
    .read = fd_read,
    .write = fd_write,
    .flush = fd_flush,
    .describe = fd_describe,
    .last_words = fd_last_words,
    .free = fd_free,
};

int transport_from_fd(int fd, pid_t pid, const char *name, struct transport **ret)
{
    assert(fd >= 0 && name);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    struct fd_transport *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    *f = (struct fd_transport){.base = {&fd_ops, fd}, .name = name, .pid = pid, .words = -1};
    *ret = &f->base;
    return 0;
}
