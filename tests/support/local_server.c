/* SPDX-License-Identifier: MIT */
#include "local_server.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *program(void)
{
    const char *given = getenv("SFTP_SERVER");
    return given ? given : "/usr/lib/openssh/sftp-server";
}

bool local_server_exists(void)
{
    return access(program(), X_OK) == 0;
}

int local_server_init(struct local_server *server)
{
    *server = (struct local_server){.dir = "/tmp/vmxfs-test-XXXXXX"};
    lock_init(&server->lock);
    return mkdtemp(server->dir) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void local_server_done(struct local_server *server)
{
    nftw(server->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    lock_done(&server->lock);
}

static int start(const char *dir, int stream, pid_t *ret)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(stream, STDIN_FILENO);
        dup2(stream, STDOUT_FILENO);
        execl(program(), "sftp-server", "-d", dir, (char *)NULL);
        _exit(127);
    }
    *ret = pid;
    return 0;
}

static int start_locked(struct local_server *server, struct transport **ret) REQUIRES(&server->lock)
{
    int ends[2];
    if (server->refuses || server->locked)
        return server->locked ? -EACCES : -ECONNREFUSED;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    FD_AUTO ours = ends[0];
    FD_AUTO theirs = ends[1];
    int r = start(server->dir, theirs, &server->pid);
    if (r == 0)
        r = transport_from_fd(ours, server->pid, "sftp-server", ret);
    if (r != 0)
        return r;
    steal_fd(&ours);
    server->started++;
    return 0;
}

int local_server_connect(void *ctx, struct transport **ret, struct diag *why)
{
    struct local_server *server = ctx;
    lock_take(&server->lock);
    int r = start_locked(server, ret);
    lock_drop(&server->lock);
    if (r != 0)
        diag_set(why, "cannot start the server: %s", strerror(-r));
    return r;
}

int local_server_signal(struct local_server *server, int signal)
{
    lock_take(&server->lock);
    int r = kill(server->pid, signal) < 0 ? -errno : 0;
    lock_drop(&server->lock);
    return r;
}
