/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

static int wait_connected(int fd, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - clock_ms();
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ETIMEDOUT;
        int error = 0;
        socklen_t size = sizeof(error);
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
            return -errno;
        return -error;
    }
}

static void set_options(int fd, int timeout_ms)
{
    const int on = 1;
    const unsigned gone_after = (unsigned)timeout_ms;
    /* None of them is worth a failure. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_after, sizeof(gone_after));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static int try_address(const struct addrinfo *a, int64_t deadline, int timeout_ms, int *ret)
{
    FD_AUTO fd =
        socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0)
        return -errno;
    set_options(fd, timeout_ms);
    if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return -errno;
        int r = wait_connected(fd, deadline);
        if (r < 0)
            return r;
    }
    *ret = steal_fd(&fd);
    return 0;
}

/* Each address gets its share of the time, so that one that swallows packets leaves some for the
 * next. */
static int try_addresses(const struct addrinfo *list, int timeout_ms, int *ret)
{
    int n = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        n++;
    int64_t end = clock_ms() + timeout_ms;
    int r = -EHOSTUNREACH;
    for (const struct addrinfo *a = list; a; a = a->ai_next, n--) {
        int64_t now = clock_ms();
        r = try_address(a, now + (end - now) / n, timeout_ms, ret);
        if (r == 0)
            return 0;
    }
    return r;
}

static void explain(int error, const char *host, unsigned port, struct diag *why)
{
    if (error == -ECONNREFUSED)
        diag_set(why, "%s refuses connections at port %u: start its SSH service, or check the port",
                 host, port);
    else if (error == -ETIMEDOUT)
        diag_set(why, "%s does not answer at port %u: check the network, its firewall and the port",
                 host, port);
    else
        diag_set(why, "cannot reach %s port %u: %s", host, port, strerror(-error));
}

int tcp_connect(const char *host, unsigned port, int family, int timeout_ms, int *ret,
                struct diag *why)
{
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char service[16];
    snprintf(service, sizeof(service), "%u", port);
    int r = getaddrinfo(host, service, &hints, &list);
    if (r != 0) {
        diag_set(why, "cannot find the address of %s: %s; check the name", host,
                 r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
        return r == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
    }
    r = try_addresses(list, timeout_ms, ret);
    freeaddrinfo(list);
    if (r == -ENETUNREACH || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
        r = -EHOSTUNREACH;
    if (r < 0)
        explain(r, host, port, why);
    return r;
}
