/* SPDX-License-Identifier: MIT */
/*
 * A TCP proxy on 127.0.0.1 that makes a server look far away: what is read from one side is written
 * to the other a fixed time later. Connecting costs nothing, unlike over a real distance, and
 * nothing is lost on the way.
 *
 *   delay-proxy --to HOST:PORT [--listen PORT] [--delay-ms N] [--rate-mbit N] [--buffer-kib N]
 *
 *   --delay-ms    how long a byte is under way, each way
 *   --rate-mbit   how many millions of bits a second the line carries each way. All connections
 *                 share it, and what comes first goes first. Default: no limit
 *   --buffer-kib  how much of one connection may be sent each way and not acknowledged: what a
 *                 sender's buffer holds. It is acknowledged when it has arrived and the delay has
 *                 passed once more. Default: 256 with a rate, else so much that it is no limit
 *
 * It prints the port that it listens on (one line), then a line for each signal that was obeyed:
 *   SIGUSR1  resets all connections              "cut N"
 *   SIGUSR2  stops forwarding, or goes on with it  "stalled", "resumed"
 * A stalled proxy looks like a silent server: the kernel goes on taking connections and bytes.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

/* More than 1 GB/s at 50 ms each way needs. A reader that is slower holds its sender back. */
#define BUFFER_WITHOUT_RATE ((size_t)128 << 20)
#define BUFFER_WITH_RATE ((size_t)256 << 10)
#define READ_MAX ((size_t)256 << 10)
#define SEGMENT 1448 /* bytes of a TCP segment over Ethernet */

struct chunk {
    struct chunk *prev, *next;
    int64_t due; /* when it arrives; nanoseconds of the monotonic clock */
    size_t size; /* 0: the end of the stream */
    size_t sent;
    char data[];
};

/* One way of the line that all connections share. */
struct line {
    int64_t free_at; /* when all that was taken before has left */
};

/* One side of a connection, and what was read from it and is on its way to the other side. */
struct side {
    struct connection *connection;
    struct side *other;
    struct line *line;
    int fd;
    uint32_t interest;            /* what epoll watches; 0: fd is not in the set */
    struct chunk *queue;          /* not arrived */
    struct chunk *unacknowledged; /* arrived */
    size_t buffered;              /* bytes in both */
    bool read_all;                /* its end of stream was read */
    bool written_all;             /* its end of stream was passed on */
    bool blocked;                 /* the other side takes no more for now */
};

struct connection {
    struct connection *prev, *next;
    struct side client, server;
    bool broken;
};

struct proxy {
    int epoll, listener, signals;
    int64_t delay; /* nanoseconds */
    double rate;   /* bytes a nanosecond; 0: no limit */
    size_t buffer; /* bytes */
    struct line there, back;
    struct addrinfo *to;
    struct connection *connections;
    bool stop;
    char bytes[READ_MAX];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int push(struct side *s, const char *data, size_t size, int64_t due)
{
    struct chunk *c = malloc(sizeof(*c) + size);
    if (!c)
        return -ENOMEM;
    *c = (struct chunk){.due = due, .size = size};
    if (size > 0)
        memcpy(c->data, data, size);
    DL_APPEND(s->queue, c);
    s->buffered += size;
    return 0;
}

static void drop_first(struct side *s, struct chunk **list)
{
    struct chunk *c = *list;
    DL_DELETE(*list, c);
    s->buffered -= c->size;
    free(c);
}

/* How much is read at once. A line with a rate takes a millisecond's worth, so that connections
 * take turns. */
static size_t piece(const struct proxy *p, const struct side *s)
{
    const size_t turn = p->rate > 0 ? (size_t)(p->rate * 1e6) : READ_MAX;
    size_t size = turn < SEGMENT ? SEGMENT : turn > READ_MAX ? READ_MAX : turn;
    const size_t room = p->buffer - s->buffered;
    return size < room ? size : room;
}

/* When the last of so many bytes has left, which are taken now. */
static int64_t leave_at(const struct proxy *p, struct line *line, size_t size)
{
    const int64_t now = now_ns();
    if (line->free_at < now)
        line->free_at = now;
    if (p->rate > 0)
        line->free_at += (int64_t)((double)size / p->rate);
    return line->free_at;
}

static void take(struct proxy *p, struct side *s)
{
    if (s->read_all || s->buffered >= p->buffer)
        return;
    ssize_t n = recv(s->fd, p->bytes, piece(p, s), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0 || push(s, p->bytes, (size_t)n, leave_at(p, s->line, (size_t)n) + p->delay) < 0) {
        s->connection->broken = true;
        return;
    }
    s->read_all = n == 0;
}

/* What has arrived is acknowledged, and takes room of the buffer no longer. */
static void acknowledge(const struct proxy *p, struct side *s, int64_t now)
{
    while (s->unacknowledged && s->unacknowledged->due + p->delay <= now)
        drop_first(s, &s->unacknowledged);
}

/* Writes what is due. */
static void give(struct side *s, int64_t now)
{
    s->blocked = false;
    while (s->queue && s->queue->due <= now) {
        struct chunk *c = s->queue;
        if (c->size == 0) {
            s->written_all = true;
            shutdown(s->other->fd, SHUT_WR);
        } else {
            ssize_t n = send(s->other->fd, c->data + c->sent, c->size - c->sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                s->blocked = true;
                return;
            }
            if (n < 0) {
                s->connection->broken = true;
                return;
            }
            c->sent += (size_t)n;
        }
        if (c->sent == c->size) {
            DL_DELETE(s->queue, c);
            DL_APPEND(s->unacknowledged, c);
        }
    }
}

/* A side without interest is taken out of the set, or its hang-up would be reported without end. */
static void watch(struct proxy *p, struct side *s)
{
    uint32_t interest = 0;
    if (!s->read_all && s->buffered < p->buffer)
        interest |= EPOLLIN;
    if (s->other->blocked)
        interest |= EPOLLOUT;
    if (interest == s->interest)
        return;
    struct epoll_event event = {.events = interest, .data.ptr = s};
    int op = interest == 0 ? EPOLL_CTL_DEL : s->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(p->epoll, op, s->fd, &event) != 0)
        s->connection->broken = true;
    s->interest = interest;
}

static void reset_on_close(int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void side_done(struct side *s)
{
    while (s->queue)
        drop_first(s, &s->queue);
    while (s->unacknowledged)
        drop_first(s, &s->unacknowledged);
    if (s->connection->broken)
        reset_on_close(s->fd);
    close(s->fd);
}

static void connection_free(struct proxy *p, struct connection *c)
{
    DL_DELETE(p->connections, c);
    side_done(&c->client);
    side_done(&c->server);
    free(c);
}

/* Blocks, which is well with a server on the same machine. */
static int connect_server(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void side_init(struct side *s, struct connection *c, struct side *other, struct line *line,
                      int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *s = (struct side){.connection = c, .other = other, .line = line, .fd = fd};
}

static void accept_client(struct proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    int server = connect_server(p->to);
    struct connection *c = server < 0 ? NULL : calloc(1, sizeof(*c));
    if (!c) {
        reset_on_close(client);
        close(client);
        if (server >= 0)
            close(server);
        return;
    }
    side_init(&c->client, c, &c->server, &p->there, client);
    side_init(&c->server, c, &c->client, &p->back, server);
    DL_APPEND(p->connections, c);
}

static void cut(struct proxy *p)
{
    int count = 0;
    struct connection *c, *next;
    DL_FOREACH_SAFE(p->connections, c, next)
    {
        c->broken = true;
        connection_free(p, c);
        count++;
    }
    printf("cut %d\n", count);
}

/* Blocks while there is no signal. Returns which one there was. */
static uint32_t obey_signal(struct proxy *p)
{
    struct signalfd_siginfo info;
    if (read(p->signals, &info, sizeof(info)) != sizeof(info))
        return 0;
    if (info.ssi_signo == SIGUSR1)
        cut(p);
    else if (info.ssi_signo != SIGUSR2)
        p->stop = true;
    return info.ssi_signo;
}

static void stall(struct proxy *p)
{
    puts("stalled");
    while (!p->stop && obey_signal(p) != SIGUSR2)
        ;
    puts("resumed");
}

static void soonest(const struct proxy *p, const struct side *s, int64_t *ret_due)
{
    if (s->queue && !s->blocked && s->queue->due < *ret_due)
        *ret_due = s->queue->due;
    if (s->buffered >= p->buffer && s->unacknowledged &&
        s->unacknowledged->due + p->delay < *ret_due)
        *ret_due = s->unacknowledged->due + p->delay;
}

/* Moves all that can be moved now. Returns when there is more to do, INT64_MAX for never. */
static int64_t turn(struct proxy *p)
{
    int64_t due = INT64_MAX;
    int64_t now = now_ns();
    struct connection *c, *next;
    DL_FOREACH_SAFE(p->connections, c, next)
    {
        give(&c->client, now);
        give(&c->server, now);
        acknowledge(p, &c->client, now);
        acknowledge(p, &c->server, now);
        watch(p, &c->client);
        watch(p, &c->server);
        if (c->broken || (c->client.written_all && c->server.written_all)) {
            connection_free(p, c);
            continue;
        }
        soonest(p, &c->client, &due);
        soonest(p, &c->server, &due);
    }
    return due;
}

static int wait_until(struct proxy *p, int64_t due, struct epoll_event *events, int max)
{
    int64_t left = due == INT64_MAX ? 0 : due - now_ns();
    if (left < 0)
        left = 0;
    struct timespec time = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    return epoll_pwait2(p->epoll, events, max, due == INT64_MAX ? NULL : &time, NULL);
}

static void run(struct proxy *p)
{
    while (!p->stop) {
        struct epoll_event events[64];
        int count = wait_until(p, turn(p), events, 64);
        bool signalled = false;
        for (int i = 0; i < count; i++) {
            void *source = events[i].data.ptr;
            if (source == &p->listener)
                accept_client(p);
            else if (source == &p->signals)
                signalled = true;
            else if (events[i].events & ~(uint32_t)EPOLLOUT)
                take(p, source);
        }
        /* Last, because it may free what the other events point to. */
        if (signalled && obey_signal(p) == SIGUSR2)
            stall(p);
    }
    while (p->connections)
        connection_free(p, p->connections);
}

static int listen_on(uint16_t port)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("delay-proxy: listen");
        return -1;
    }
    printf("%u\n", ntohs(address.sin_port));
    return fd;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int add(struct proxy *p, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    return epoll_ctl(p->epoll, EPOLL_CTL_ADD, *fd, &event);
}

static struct addrinfo *resolve(char *to)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *colon = to ? strrchr(to, ':') : NULL;
    if (!colon)
        return NULL;
    *colon = '\0';
    return getaddrinfo(to, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static int parse_options(struct proxy *p, int argc, char **argv, uint16_t *ret_port)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},     {"to", required_argument, NULL, 't'},
        {"delay-ms", required_argument, NULL, 'd'},   {"rate-mbit", required_argument, NULL, 'r'},
        {"buffer-kib", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0}};
    for (int o = getopt_long(argc, argv, "", options, NULL); o != -1;
         o = getopt_long(argc, argv, "", options, NULL)) {
        if (o == 'l')
            *ret_port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (o == 't')
            p->to = resolve(optarg);
        else if (o == 'd')
            p->delay = (int64_t)(strtod(optarg, NULL) * 1e6);
        else if (o == 'r')
            p->rate = strtod(optarg, NULL) / 8e3;
        else if (o == 'b')
            p->buffer = (size_t)strtoul(optarg, NULL, 10) << 10;
        else
            return -EINVAL;
    }
    if (p->buffer == 0)
        p->buffer = p->rate > 0 ? BUFFER_WITH_RATE : BUFFER_WITHOUT_RATE;
    return p->to && p->delay >= 0 && p->rate >= 0 && optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    static struct proxy p;
    uint16_t port = 0;
    if (parse_options(&p, argc, argv, &port) != 0) {
        fputs(
            "usage: delay-proxy --to HOST:PORT [--listen PORT] [--delay-ms N] [--rate-mbit N] "
            "[--buffer-kib N]\n",
            stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    p.epoll = epoll_create1(EPOLL_CLOEXEC);
    p.signals = open_signals();
    p.listener = listen_on(port);
    if (p.listener < 0)
        return 1;
    if (add(&p, &p.listener) != 0 || add(&p, &p.signals) != 0) {
        perror("delay-proxy: epoll");
        return 1;
    }
    run(&p);
    freeaddrinfo(p.to);
    return 0;
}
