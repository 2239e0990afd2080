/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD of an sftp-server: its host's clock was set. What the server makes or writes gets
 * the time of that clock; files from before keep theirs. SERVER_CLOCK names a file that holds by
 * how many seconds the clock is wrong, and may change at any time.
 *
 * The kernel gives files their times, so they are set right behind each call that lets it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_rmdir)(const char *);

__attribute__((constructor)) static void find(void)
{
    *(void **)&real_open = dlsym(RTLD_NEXT, "open");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    *(void **)&real_rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&real_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real_rmdir = dlsym(RTLD_NEXT, "rmdir");
}

static long wrong_by(void)
{
    const char *path = getenv("SERVER_CLOCK");
    char text[32] = "";
    int fd = path ? real_open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* Access and change, by the server's clock. */
static void server_times(struct timespec ret[2])
{
    clock_gettime(CLOCK_REALTIME, &ret[1]);
    ret[1].tv_sec += wrong_by();
    ret[0] = ret[1];
}

static void date_file(int fd)
{
    struct stat st;
    struct timespec times[2];
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    server_times(times);
    futimens(fd, times);
}

static void date_path(const char *path)
{
    struct timespec times[2];
    server_times(times);
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* A name has come or gone in the folder of path. r: of the call that did it, and returned. */
static int date_folder(const char *path, int r)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (r < 0 || snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return r;
    folder[slash ? slash - path + 1 : 0] = '\0';
    date_path(slash ? folder : ".");
    return r;
}

static int open_dated(const char *path, int flags, mode_t mode)
{
    int fd = real_open(path, flags, mode);
    bool made = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    if (fd >= 0 && (made || (flags & O_TRUNC)))
        date_file(fd);
    return made ? date_folder(path, fd) : fd;
}

/* An argument that was not given is not used. */
static mode_t third(int flags, va_list rest)
{
    return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_dated(path, flags, third(flags, rest));
    va_end(rest);
    return fd;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_dated(path, flags, third(flags, rest));
    va_end(rest);
    return fd;
}

ssize_t write(int fd, const void *data, size_t size)
{
    ssize_t n = real_write(fd, data, size);
    if (n > 0)
        date_file(fd);
    return n;
}

int mkdir(const char *path, mode_t mode)
{
    int r = date_folder(path, real_mkdir(path, mode));
    if (r == 0)
        date_path(path);
    return r;
}

int rename(const char *from, const char *to)
{
    return date_folder(to, date_folder(from, real_rename(from, to)));
}

int unlink(const char *path)
{
    return date_folder(path, real_unlink(path));
}

int rmdir(const char *path)
{
    return date_folder(path, real_rmdir(path));
}
