/* SPDX-License-Identifier: MIT */
/*
 * Whose a text is that is being written, and whether that process was killed.
 *
 * A process that dies closes its files, so that half a value would be committed like a whole one.
 * The kernel does that on the dying thread, whose /proc/TID/stat (proc(5)) says so. Threads that
 * another one's exit() ends are marked as killed, too; the exit code tells them apart, for a
 * process that may see it. A process that has merely inherited an open file has written nothing: so
 * the process that wrote last is remembered, and what another one closes is not taken for complete.
 */
#include "caller.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs/node/handle.h"
#include "vfs/node/node.h"

enum { STAT_FLAGS = 9, STAT_EXIT_CODE = 52, KILLED = 0x400, SIGNAL_OF_EXIT = 0x7f };

static FILE *open_proc(const struct request *rq, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/%s", (long)rq->thread, name);
    return fopen(path, "re");
}

bool caller_status(const struct request *rq, const char *const *marks, size_t n, int base,
                   uint64_t *ret)
{
    char line[256];
    size_t found = 0;
    FILE *f = open_proc(rq, "status");
    while (f && found < n && fgets(line, sizeof(line), f)) {
        struct span mark = span_of(marks[found]);
        if (span_starts_with(span_of(line), mark))
            ret[found++] = strtoull(line + mark.n, NULL, base);
    }
    if (f)
        fclose(f);
    return found == n;
}

pid_t caller_process(const struct request *rq)
{
    static const char *const mark[] = {"Tgid:"};
    uint64_t process;
    return caller_status(rq, mark, 1, 10, &process) ? (pid_t)process : 0;
}

struct remote_by caller_by(const struct request *rq)
{
    struct remote_by by = {.uid = rq->uid};
    if (rq->by)
        return *rq->by;
    FILE *f = rq->thread != 0 ? open_proc(rq, "comm") : NULL;
    const size_t n = f ? fread(by.program, 1, sizeof(by.program) - 1, f) : 0;
    by.program[n > 0 && by.program[n - 1] == '\n' ? n - 1 : n] = '\0';
    if (f)
        fclose(f);
    return by;
}

/* A field of proc(5)'s stat, from the state (3) on: the name before it may hold anything. */
static unsigned long field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');
    for (int i = 2; at && i < number; i++)
        at = strchr(at + 1, ' ');
    return at ? strtoul(at, NULL, 10) : 0;
}

bool caller_is_killed(const struct request *rq)
{
    static const char *const memory[] = {"VmSize:"};
    uint64_t size;
    char stat[1024];
    /* A process that has memory is not dying. execve(2) closes files, too, and on Linux 6.18 nobody
     * can read stat until it has done so: we would wait for each other. */
    if (caller_status(rq, memory, 1, 10, &size))
        return false;
    FILE *f = open_proc(rq, "stat");
    if (!f)
        return false;
    stat[fread(stat, 1, sizeof(stat) - 1, f)] = '\0';
    fclose(f);
    bool sees_code = geteuid() == 0 || geteuid() == rq->uid;
    return field(stat, STAT_FLAGS) & KILLED &&
           (!sees_code || field(stat, STAT_EXIT_CODE) & SIGNAL_OF_EXIT);
}

bool caller_is_bystander(const struct request *rq, const struct handle *h)
{
    lock_take(&rq->vfs->lock);
    const pid_t writer = h->lost ? 0 : h->writer; /* that there is nothing left all are told */
    lock_drop(&rq->vfs->lock);
    const pid_t process = writer != 0 ? caller_process(rq) : 0;
    return process != 0 && process != writer;
}

bool caller_has_open(const struct request *rq, const char *path)
{
    char folder[64];
    char leads_to[PATH_MAX];
    bool has = false;
    const struct dirent *entry;
    snprintf(folder, sizeof(folder), "/proc/%ld/fd", (long)rq->thread);
    DIR *dir = rq->thread != 0 ? opendir(folder) : NULL;
    if (!dir)
        return true;
    const int fd = dirfd(dir);
    while (!has && fd >= 0 && (entry = readdir(dir))) {
        const ssize_t n = readlinkat(fd, entry->d_name, leads_to, sizeof(leads_to) - 1);
        leads_to[n > 0 ? n : 0] = '\0';
        has = strcmp(leads_to, path) == 0;
    }
    closedir(dir);
    return has;
}

void note_killed(struct vfs *vfs, const char *path, const char *key)
{
    journal_add(vfs->journal, 0, path ? path : "?", key,
                "the program that was writing was killed; what it had not completed was dropped");
}
