/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { RUN_WORDS_MAX = 1 << 16, RUN_OUT_MAX = 1 << 20 };

/* Descriptors are duplicated onto 0, 1 and 2, which drops their close-on-exec; all others we hold
 * have it. */
static int set_actions(posix_spawn_file_actions_t *actions, int in, int out, int err)
{
    return posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO)
        ?: posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO)
        ?: posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
}

static int set_attributes(posix_spawnattr_t *attr, int flags)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawnattr_setsigmask(attr, &none)
        ?: posix_spawnattr_setsigdefault(attr, &all)
        ?: posix_spawnattr_setflags(attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                   flags));
}

static int start(const struct words *argv, char *const *env, const int fds[3], int flags,
                 pid_t *ret)
{
    if (argv->error)
        return argv->error;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attr);
    if (r == 0) {
        r = set_actions(&actions, fds[0], fds[1], fds[2])
            ?: set_attributes(&attr, flags)
            ?: posix_spawnp(ret, argv->list[0], &actions, &attr, argv->list, env ? env : environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int program_start(const struct words *argv, char *const *env, int in, int out, int err, pid_t *ret)
{
    return start(argv, env, (const int[]){in, out, err}, POSIX_SPAWN_SETSID, ret);
}

int program_start_asking(const struct words *argv, int out, pid_t *ret)
{
    return start(argv, NULL, (const int[]){STDIN_FILENO, out, STDERR_FILENO}, 0, ret);
}

int program_words_file(size_t size)
{
    FD_AUTO fd = memfd_create("messages", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* The writer's descriptor is a duplicate of ours, so ours knows how far it has come. */
int program_words(int fd, struct buf *ret)
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end < 0)
        return -errno;
    int r = buf_reserve(ret, (size_t)end);
    if (r < 0)
        return r;
    ssize_t n = pread(fd, ret->data + ret->len, (size_t)end, 0);
    if (n < 0)
        return -errno;
    ret->len += (size_t)n;
    ret->data[ret->len] = '\0';
    return 0;
}

/* Reads until the end of the stream, not longer than the deadline. */
static int read_until(int fd, int64_t deadline, struct buf *ret)
{
    for (;;) {
        int64_t left = deadline - clock_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        char chunk[4096];
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got == 0)
            return 0;
        if (got < 0)
            return -errno;
        if (ret->len > RUN_OUT_MAX)
            return -EFBIG;
        int r = buf_add(ret, (struct span){chunk, (size_t)got});
        if (r < 0)
            return r;
    }
}

int program_run(const struct words *argv, int timeout_ms, struct buf *ret_out, struct buf *ret_err,
                int *ret_status)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    FD_AUTO from = ends[0];
    FD_AUTO to = ends[1];
    FD_AUTO nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    FD_AUTO words = program_words_file(RUN_WORDS_MAX);
    if (nothing < 0 || words < 0)
        return nothing < 0 ? -errno : words;
    pid_t pid;
    int r = program_start(argv, NULL, nothing, to, words, &pid);
    if (r < 0)
        return r;
    close(steal_fd(&to));
    r = read_until(from, clock_ms() + timeout_ms, ret_out);
    if (r < 0)
        kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    r = r ?: program_words(words, ret_err);
    if (r == 0)
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return r;
}
