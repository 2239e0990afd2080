/* SPDX-License-Identifier: MIT */
#include "own_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/sync.h"

enum {
    TRIES = 4,
    PAUSE_MS = 25,
};

static void remove_left(const struct own_lock *lock)
{
    struct stat own;
    struct stat left;
    if (lstat(lock->own, &own) == 0 && lstat(lock->lock, &left) == 0 && own.st_dev == left.st_dev &&
        own.st_ino == left.st_ino)
        unlink(lock->lock);
    unlink(lock->own);
}

static int make_own(const struct own_lock *lock, struct span content)
{
    FD_AUTO fd = open(lock->own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    const int r = files_write_all(fd, content);
    return r == 0 && content.n > 0 && fsync(fd) < 0 ? -errno : r;
}

static int link_own(const struct own_lock *lock)
{
    const struct wait wait = wait_for_ms((int64_t)2 * TRIES * PAUSE_MS);
    for (int i = 0; i < TRIES; i++) {
        if (link(lock->own, lock->lock) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
        wait_sleep(&wait, PAUSE_MS);
    }
    return -EAGAIN;
}

static void forget(struct own_lock *lock)
{
    free(lock->lock);
    free(lock->own);
    *lock = (struct own_lock){0};
}

int own_lock_take(struct own_lock *lock, const char *git_dir, const char *name, const char *own,
                  struct span content)
{
    *lock = (struct own_lock){0};
    if (asprintf(&lock->lock, "%s/%s.lock", git_dir, name) < 0)
        lock->lock = NULL;
    if (asprintf(&lock->own, "%s/vmxfs/lock-%s", git_dir, own) < 0)
        lock->own = NULL;
    int r = lock->lock && lock->own ? 0 : -ENOMEM;
    if (r == 0) {
        remove_left(lock);
        r = make_own(lock, content) ?: link_own(lock);
    }
    if (r < 0) {
        if (lock->own)
            unlink(lock->own);
        forget(lock);
    }
    return r;
}

int own_lock_install(const struct own_lock *lock, const char *path)
{
    if (rename(lock->lock, path) < 0)
        return -errno;
    unlink(lock->own);
    return 0;
}

void own_lock_give(struct own_lock *lock)
{
    if (lock->own)
        remove_left(lock);
    forget(lock);
}
