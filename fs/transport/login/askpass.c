/* SPDX-License-Identifier: MIT */
#include "askpass.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define VARIABLE "VMXFS_ASKPASS"

enum { PATIENCE_S = 5, PROC_MAX = 4096 };

bool askpass_wanted(void)
{
    return getenv(VARIABLE) != NULL;
}

static bool same_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid();
}

/* Connects to the process that knows. The descriptor, or -errno. */
static int call(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    if (n == 0 || n > sizeof(address.sun_path) - 1)
        return -EINVAL;
    memcpy(address.sun_path + 1, name, n);
    FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0)
        return -errno;
    return same_user(fd) ? steal_fd(&fd) : -EPERM;
}

int askpass_main(int argc, char **argv)
{
    const char *name = getenv(VARIABLE);
    FD_AUTO fd = name ? call(name) : -EINVAL;
    const char *question = argc > 1 ? argv[1] : "";
    size_t n = strnlen(question, ASKPASS_QUESTION_MAX - 1);
    if (fd < 0 || send(fd, question, n, MSG_NOSIGNAL) != (ssize_t)n || shutdown(fd, SHUT_WR) < 0)
        return 1;
    struct secret *answer;
    if (secret_read_line(fd, &answer) < 0)
        return 1; /* declined */
    bool printed = dprintf(STDOUT_FILENO, "%s\n", secret_text(answer)) > 0;
    secret_free(answer);
    return printed ? 0 : 1;
}

int askpass_open(struct askpass *ret)
{
    FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* An address without a name makes the kernel choose one that is free. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) < 0 ||
        listen(fd, 8) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    size_t n = size - offsetof(struct sockaddr_un, sun_path) - 1;
    struct askpass a = {.unanswered = -1};
    if (n >= sizeof(a.name))
        return -ENAMETOOLONG;
    memcpy(a.name, address.sun_path + 1, n);
    a.fd = steal_fd(&fd);
    *ret = a;
    return 0;
}

void askpass_close(struct askpass *a)
{
    if (a->unanswered >= 0)
        close(a->unanswered);
    close(a->fd);
    a->fd = a->unanswered = -1;
}

int askpass_take(const struct askpass *a, char question[static ASKPASS_QUESTION_MAX])
{
    FD_AUTO fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!same_user(fd))
        return -EPERM;
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    size_t n = 0;
    while (n < ASKPASS_QUESTION_MAX - 1) {
        ssize_t got = recv(fd, question + n, ASKPASS_QUESTION_MAX - 1 - n, 0);
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    question[n] = '\0';
    return steal_fd(&fd);
}

static int read_proc(pid_t pid, const char *name, struct buf *ret)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    return file_read(path, PROC_MAX, ret);
}

/* 0: not known. */
static pid_t parent_of(pid_t pid)
{
    BUF_AUTO text = {0};
    const char *end =
        read_proc(pid, "stat", &text) == 0 && text.len ? strrchr(text.data, ')') : NULL;
    return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static int stat_program(pid_t pid, struct stat *ret)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
    return stat(path, ret);
}

bool askpass_is_from(int fd, pid_t ssh)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct stat asks, other;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    pid_t asker = parent_of(peer.pid);
    if (asker == ssh || stat_program(asker, &asks) < 0)
        return asker == ssh;
    for (pid_t p = parent_of(asker); p > 1; p = parent_of(p)) {
        if (stat_program(p, &other) < 0 ||
            (asks.st_ino == other.st_ino && asks.st_dev == other.st_dev))
            return false;
        if (p == ssh)
            return true;
    }
    return false;
}

int askpass_answer(int fd, const struct secret *secret)
{
    struct iovec parts[] = {
        {(void *)(uintptr_t)secret_text(secret), secret_len(secret)},
        {(char[]){'\n'}, 1},
    };
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    return n < 0 ? -errno : 0;
}
