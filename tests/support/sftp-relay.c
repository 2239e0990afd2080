/* SPDX-License-Identifier: MIT */
/*
 * Stands between a client and its SFTP server, and lets a fault happen after a chosen byte. As the
 * server of a local mount (-o sftp_server, by a script that adds the words) it is started once for
 * each connection.
 *
 *   sftp-relay PLAN SERVER [ARG...]      PLAN: a file that holds a struct relay_plan
 *
 * Two processes: the first is the one that the client knows and may end. The second does the work
 * in a session of its own, and lives until the server has ended, like the server's process on a
 * host whose client is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sftp-relay.h"

enum { DATA_MAX = 512 << 10, LOOK_US = 2000, QUIET_MS = 3, HELD_MAX_US = 180 * 1000 * 1000 };

struct way {
    int from, to;
    size_t have, may, sent; /* of data: was read; of this, may be passed on; was passed on */
    bool ended;             /* nothing more comes */
    char data[DATA_MAX];
};

struct relay {
    struct relay_plan *plan;
    pid_t server;
    bool struck; /* the fault comes when all that may be passed on is */
    enum relay_direction struck_way;
    struct way ways[2];
};

static bool outlasts(struct relay_plan *plan)
{
    return plan->lasting && atomic_load(&plan->fired) && !atomic_load(&plan->released);
}

/* Counts n bytes that were read. Returns how many of them may pass before a fault comes. */
static size_t allow(struct relay *r, enum relay_direction d, size_t n)
{
    struct relay_plan *plan = r->plan;
    bool again = outlasts(plan);
    if (r->struck || (!again && !atomic_load(&plan->armed)))
        return n;
    uint64_t before = atomic_fetch_add(&plan->passed[d], n);
    bool reached = plan->fault != RELAY_NONE && plan->direction == d && before + n > plan->after &&
                   !atomic_load(&plan->fired);
    if (!again && !reached)
        return n;
    r->struck = true;
    r->struck_way = d;
    atomic_store(&plan->fired, 1);
    return !again && plan->after > before ? (size_t)(plan->after - before) : 0;
}

static void take(struct relay *r, enum relay_direction d)
{
    struct way *w = &r->ways[d];
    ssize_t n = read(w->from, w->data, sizeof(w->data));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    w->sent = 0;
    w->have = n > 0 ? (size_t)n : 0;
    w->may = n > 0 ? allow(r, d, (size_t)n) : 0;
    w->ended = n <= 0;
    if (w->ended && d == RELAY_TO_SERVER)
        close(w->to);
}

/* What cannot be passed on is dropped: its reader is gone, and the other way learns of that. */
static void give(struct way *w)
{
    ssize_t n = write(w->to, w->data + w->sent, w->may - w->sent);
    if (n >= 0)
        w->sent += (size_t)n;
    else if (errno != EAGAIN && errno != EINTR)
        w->sent = w->have = w->may;
}

/* The client sees the end of the stream. What the server still answers is dropped. */
static void hang_up(void)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
}

/* The server sees the end of the stream. */
static void send_end(struct relay *r)
{
    struct way *up = &r->ways[RELAY_TO_SERVER];
    if (!up->ended)
        close(up->to);
    up->ended = true;
    up->have = up->may = up->sent = 0;
}

/* Nobody outlives a driver that forgets to release. */
static void hold(struct relay *r)
{
    for (int waited = 0; !atomic_load(&r->plan->released) && waited < HELD_MAX_US;
         waited += LOOK_US)
        usleep(LOOK_US);
}

/* Reads what the client has sent, until it is quiet for a moment. */
static void take_rest(struct way *up)
{
    struct pollfd p = {.fd = up->from, .events = POLLIN};
    size_t have = up->have;
    while (have < sizeof(up->data) && poll(&p, 1, QUIET_MS) > 0) {
        ssize_t n = read(up->from, up->data + have, sizeof(up->data) - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    up->have = have;
}

static void strike(struct relay *r)
{
    struct way *w = &r->ways[r->struck_way];
    switch ((enum relay_fault)r->plan->fault) {
    case RELAY_KILL:
        kill(r->server, SIGKILL);
        hang_up();
        send_end(r);
        break;
    case RELAY_LATE:
        take_rest(&r->ways[RELAY_TO_SERVER]);
        hang_up(); /* the end is read behind the rest, and passed on */
        hold(r);
        r->ways[RELAY_TO_SERVER].may = r->ways[RELAY_TO_SERVER].have;
        break;
    case RELAY_STALL:
        hold(r);
        break;
    case RELAY_DELAY:
        usleep(r->plan->delay_ms * 1000);
        break;
    case RELAY_CUT:
    case RELAY_NONE:
    default:
        hang_up();
        send_end(r);
        break;
    }
    w->may = w->have;
    r->struck = false;
}

static bool wants(const struct way *w, struct pollfd *ret)
{
    bool empty = w->sent == w->have;
    *ret = (struct pollfd){.fd = empty ? w->from : w->to, .events = empty ? POLLIN : POLLOUT};
    if (empty && w->ended)
        ret->fd = -1;
    return !empty;
}

/* Until the server has closed its side. */
static void serve(struct relay *r)
{
    while (!r->ways[RELAY_TO_CLIENT].ended) {
        struct pollfd p[2];
        bool full[2];
        for (int d = 0; d < 2; d++)
            full[d] = wants(&r->ways[d], &p[d]);
        if (poll(p, 2, -1) < 0)
            continue;
        for (int d = 0; d < 2; d++) {
            if (p[d].revents && full[d])
                give(&r->ways[d]);
            else if (p[d].revents)
                take(r, (enum relay_direction)d);
        }
        if (r->struck && r->ways[r->struck_way].sent == r->ways[r->struck_way].may)
            strike(r);
    }
}

static int start_server(struct relay *r, char **argv)
{
    int up[2], down[2];
    if (pipe2(up, O_CLOEXEC) != 0 || pipe2(down, O_CLOEXEC) != 0)
        return -errno;
    r->server = fork();
    if (r->server == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(up[0], STDIN_FILENO);
        dup2(down[1], STDOUT_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    close(up[0]);
    close(down[1]);
    r->ways[RELAY_TO_SERVER].from = STDIN_FILENO;
    r->ways[RELAY_TO_SERVER].to = up[1];
    r->ways[RELAY_TO_CLIENT].from = down[0];
    r->ways[RELAY_TO_CLIENT].to = STDOUT_FILENO;
    return r->server < 0 ? -errno : 0;
}

static void never_block(const struct relay *r)
{
    for (int d = 0; d < 2; d++) {
        fcntl(r->ways[d].from, F_SETFL, fcntl(r->ways[d].from, F_GETFL) | O_NONBLOCK);
        fcntl(r->ways[d].to, F_SETFL, fcntl(r->ways[d].to, F_GETFL) | O_NONBLOCK);
    }
}

static int work(char **argv)
{
    static struct relay r;
    int fd = open(argv[1], O_RDWR | O_CLOEXEC);
    r.plan = mmap(NULL, sizeof(*r.plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || r.plan == MAP_FAILED || start_server(&r, argv + 2) != 0) {
        perror("sftp-relay");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    atomic_fetch_add(&r.plan->open, 1);
    atomic_fetch_add(&r.plan->connections, 1);
    never_block(&r);
    serve(&r);
    hang_up();
    send_end(&r);
    waitpid(r.server, NULL, 0);
    atomic_fetch_sub(&r.plan->open, 1);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: sftp-relay PLAN SERVER [ARG...]\n", stderr);
        return 2;
    }
    pid_t worker = fork();
    if (worker == 0) {
        setsid();
        return work(argv);
    }
    int status = -1;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    waitpid(worker, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
