/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/text/list.h"

enum {
    TEXT_MAX = 64 << 20,
    AT_ONCE = 40,         /* processes that read */
    LIMIT_MS = 10 * 1000, /* for all files that are asked for at once */
};

struct left {
    pid_t pid;
    char *mount;
};

/* ---- in the process that reads */

static int copy(int from, int to)
{
    char bytes[64 << 10];
    ssize_t n;
    while ((n = read(from, bytes, sizeof(bytes))) > 0) {
        for (ssize_t done = 0; done < n;) {
            const ssize_t wrote = write(to, bytes + done, (size_t)(n - done));
            if (wrote < 0)
                return errno;
            done += wrote;
        }
    }
    return n < 0 ? errno : 0;
}

/* Whoever reads what we write, as "vmxfs status | less", would wait for the end of a process that
 * hangs, too, if that kept anything open. 0, or the error's number. */
static int let_go(int *to)
{
    if (dup2(*to, STDOUT_FILENO) < 0)
        return errno;
    *to = STDOUT_FILENO;
    close(STDIN_FILENO);
    close(STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    return 0;
}

/* The status of its end is the error's number. */
static _Noreturn void read_out(const struct asked *a, int to)
{
    FREE_AUTO char *path = NULL;
    const int error = let_go(&to);
    if (error != 0)
        _exit(error);
    if (asprintf(&path, "%s/%s", a->mount, a->file) < 0)
        _exit(ENOMEM);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    _exit(fd < 0 ? errno : copy(fd, to));
}

/* ---- in ours */

static void begin(struct asked *a)
{
    int ends[2];
    a->fd = -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        a->error = -errno;
        return;
    }
    a->pid = fork();
    if (a->pid == 0)
        read_out(a, ends[1]);
    close(ends[1]);
    if (a->pid > 0) {
        a->fd = ends[0];
        return;
    }
    a->error = -errno;
    close(ends[0]);
}

/* All is read, and it says how that went with its end. */
static void end(struct asked *a)
{
    int status;
    close(steal_fd(&a->fd));
    while (waitpid(a->pid, &status, 0) < 0 && errno == EINTR)
        ;
    a->error = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static void leave(struct left_behind *left, const struct asked *a)
{
    struct left *list = list_room(left->list, left->n, sizeof(*list));
    char *mount = list ? strdup(a->mount) : NULL;
    if (list)
        left->list = list;
    if (mount)
        list[left->n++] = (struct left){a->pid, mount};
}

/* Nobody waits for its end: it may be long in coming. */
static void give_up(struct asked *a, int error, struct left_behind *left)
{
    close(steal_fd(&a->fd));
    kill(a->pid, SIGKILL);
    a->error = error;
    leave(left, a);
}

static void take(struct asked *a, struct left_behind *left)
{
    char bytes[64 << 10];
    const ssize_t n = read(a->fd, bytes, sizeof(bytes));
    if (n == 0) {
        end(a);
        return;
    }
    int r = n > 0 ? buf_add(&a->text, (struct span){bytes, (size_t)n}) : -errno;
    if (r == 0 && a->text.len > TEXT_MAX)
        r = -EFBIG;
    if (r < 0 && r != -EINTR)
        give_up(a, r, left);
}

static bool hangs(struct left_behind *left, const char *mount)
{
    bool any = false;
    for (size_t i = left->n; i-- > 0;) {
        if (waitpid(left->list[i].pid, NULL, WNOHANG) != 0) {
            free(left->list[i].mount);
            left->list[i] = left->list[--left->n];
        } else {
            any |= strcmp(left->list[i].mount, mount) == 0;
        }
    }
    return any;
}

/* As few as there are descriptors are polled: the kernel refuses more. */
static void wait_for_some(struct asked *asked, size_t n, int64_t deadline, struct left_behind *left)
{
    struct pollfd polled[AT_ONCE];
    struct asked *of[AT_ONCE];
    size_t n_polled = 0;
    const int64_t now = clock_ms();
    for (size_t i = 0; i < n && n_polled < AT_ONCE; i++) {
        if (asked[i].fd < 0)
            continue;
        of[n_polled] = &asked[i];
        polled[n_polled++] = (struct pollfd){.fd = asked[i].fd, .events = POLLIN};
    }
    if (poll(polled, n_polled, deadline > now ? (int)(deadline - now) : 0) <= 0)
        return;
    for (size_t i = 0; i < n_polled; i++) {
        if (polled[i].revents != 0)
            take(of[i], left);
    }
}

static bool are_read(const struct asked *asked, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (asked[i].fd >= 0)
            return false;
    }
    return true;
}

const char *asked_word(const struct asked *asked)
{
    return asked->error == -ETIMEDOUT ? "hangs" : "error";
}

/* Begins with the next ones where fewer than AT_ONCE are being read. *begun: of how many that was
 * done, or is not wanted. */
static void begin_more(struct asked *asked, size_t n, size_t *begun)
{
    size_t under_way = 0;
    for (size_t i = 0; i < *begun; i++)
        under_way += asked[i].fd >= 0;
    for (; *begun < n && under_way < AT_ONCE; ++*begun) {
        struct asked *a = &asked[*begun];
        if (!a->mount || a->error != 0)
            continue;
        begin(a);
        under_way += a->fd >= 0;
    }
}

void ask_all(struct asked *asked, size_t n, struct left_behind *left)
{
    size_t begun = 0;
    const int64_t deadline = clock_ms() + LIMIT_MS;
    for (size_t i = 0; i < n; i++) {
        asked[i].fd = -1;
        if (asked[i].mount && hangs(left, asked[i].mount))
            asked[i].error = -ETIMEDOUT;
    }
    begin_more(asked, n, &begun);
    while (!are_read(asked, begun) && clock_ms() < deadline) {
        wait_for_some(asked, begun, deadline, left);
        begin_more(asked, n, &begun);
    }
    for (size_t i = 0; i < n; i++) {
        if (asked[i].fd >= 0)
            give_up(&asked[i], -ETIMEDOUT, left);
        else if (i >= begun && asked[i].mount && asked[i].error == 0)
            asked[i].error = -ETIMEDOUT;
    }
}

void left_behind_done(struct left_behind *left)
{
    for (size_t i = 0; i < left->n; i++)
        free(left->list[i].mount);
    free(left->list);
    *left = (struct left_behind){0};
}
