/* SPDX-License-Identifier: MIT */
/*
 * Whether the caller of a request wants to be freed.
 *
 * The kernel tells of any signal, and would hand EINTR on to a caller who never asked for it: a
 * shell one of whose children ends meanwhile, a program in Go, whose runtime sends SIGURG to its
 * own threads. Disks do not do that. So it is looked up in the caller's /proc/PID/status (proc(5))
 * what is pending: the thread sleeps in the kernel, and its signals stay pending. One whose action
 * is to end the process shows as SIGKILL there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* The set that a line of the file shows. */
static bool read_set(const char *line, const char *name, uint64_t *ret)
{
    size_t n = strlen(name);
    if (strncmp(line, name, n) != 0)
        return false;
    *ret = strtoull(line + n, NULL, 16);
    return true;
}

/* False: it cannot be known. */
static bool read_pending(pid_t thread, uint64_t *ret)
{
    char path[64];
    char line[256];
    uint64_t own = 0;
    uint64_t shared = 0;
    uint64_t blocked = 0;
    int found = 0;
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)thread);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        found += read_set(line, "SigPnd:", &own) || read_set(line, "ShdPnd:", &shared) ||
                 read_set(line, "SigBlk:", &blocked);
    }
    fclose(f);
    *ret = (own | shared) & ~blocked;
    return found == 3;
}

bool is_interrupted(void *request)
{
    const uint64_t not_for_us = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGSTOP) | bit(SIGTSTP) |
                                bit(SIGTTIN) | bit(SIGTTOU) | bit(SIGURG) | bit(SIGWINCH) |
                                bit(SIGPROF) | bit(SIGVTALRM) | bit(SIGIO);
    uint64_t pending;
    if (!fuse_req_interrupted(request))
        return false;
    return !read_pending(fuse_req_ctx(request)->pid, &pending) || (pending & ~not_for_us);
}
