/* SPDX-License-Identifier: MIT */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

/* After a call that failed. */
static int refuse(const char *path, struct diag *why)
{
    int error = errno;
    if (error == ENOTCONN)
        diag_set(why, "%s: a dead mount is there; unmount it with fusermount3 -u", path);
    else if (error == ENOENT)
        diag_set(why, "%s: does not exist; make it with mkdir", path);
    else
        diag_set(why, "%s: cannot be used as a mount point: %s", path, strerror(error));
    return -error;
}

static bool is_fuse(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(10, 229);
}

static int check_device(struct diag *why)
{
    struct stat st;
    if (access("/dev/fuse", R_OK | W_OK) < 0) {
        diag_set(why,
                 "/dev/fuse: %s; load the kernel module (modprobe fuse), or give this user or "
                 "container access to it",
                 strerror(errno));
        return -errno;
    }
    if (stat("/dev/fuse", &st) < 0 || !is_fuse(&st)) {
        diag_set(why, "/dev/fuse: is not the FUSE device; make it with mknod /dev/fuse c 10 229");
        return -ENODEV;
    }
    return 0;
}

static int check_directory(char **mountpoint, struct diag *why)
{
    struct stat st;
    struct stat above;
    struct statfs fs;
    FREE_AUTO char *up = NULL;
    char *real = realpath(*mountpoint, NULL);
    if (!real)
        return refuse(*mountpoint, why);
    free(*mountpoint);
    *mountpoint = real;
    if (stat(real, &st) < 0)
        return refuse(real, why);
    if (!S_ISDIR(st.st_mode)) {
        diag_set(why, "%s: is not a directory", real);
        return -ENOTDIR;
    }
    if (asprintf(&up, "%s/..", real) < 0)
        up = NULL;
    /* Over an automount point, or a volume, it can be mounted. */
    if (statfs(real, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC && up && stat(up, &above) == 0 &&
        above.st_dev != st.st_dev) {
        diag_set(why,
                 "%s: something is mounted there already; unmount it, or take another directory",
                 real);
        return -EBUSY;
    }
    return check_device(why);
}

static int check_fd(int fd, struct diag *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !is_fuse(&st)) {
        diag_set(why, "/dev/fd/%d: is not the FUSE device, opened by whoever calls", fd);
        return -EBADF;
    }
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int mountpoint_check(char **mountpoint, struct diag *why)
{
    const int fd = mountpoint_fd(*mountpoint);
    return fd >= 0 ? check_fd(fd, why) : check_directory(mountpoint, why);
}

int mountpoint_fd(const char *mountpoint)
{
    static const char before[] = "/dev/fd/";
    const char *digits = mountpoint + strlen(before);
    if (strncmp(mountpoint, before, strlen(before)) != 0 || !*digits || strlen(digits) > 6 ||
        strspn(digits, "0123456789") != strlen(digits))
        return -1;
    return (int)strtol(digits, NULL, 10);
}

/* The number of the FUSE connection, which is the minor number of the mount's device; -1: the
 * kernel does not say it. */
static int connection_of(int fd)
{
    static const char key[] = "fuse_connection:";
    char name[64];
    char line[128];
    int number = -1;
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(name, "re");
    while (info && fgets(line, sizeof(line), info)) {
        if (strncmp(line, key, strlen(key)) == 0)
            number = (int)strtol(line + strlen(key), NULL, 10);
    }
    if (info)
        fclose(info);
    return number;
}

/* Spaces, tabs, newlines and backslashes stand as "\040". */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (*from == '\\' && strspn(from + 1, "01234567") >= 3) {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* Whether a line of mountinfo is that of the connection, or, where its number is not known, of the
 * source. */
static bool is_mount(const char *line, int number, const char *source)
{
    FREE_AUTO char *device = NULL;
    FREE_AUTO char *name = NULL;
    const char *after = strstr(line, " - fuse");
    if (!after || sscanf(line, "%*s %*s %ms", &device) != 1)
        return false;
    const char *minor = strchr(device, ':');
    if (number >= 0)
        return minor && strtol(minor + 1, NULL, 10) == number;
    if (sscanf(after, " - %*s %ms", &name) != 1)
        return false;
    unescape(name);
    const char *program = strchr(name, '#');
    return strcmp(program ? program + 1 : name, source) == 0;
}

char *mountpoint_of_fd(int fd, const char *source)
{
    const int number = connection_of(fd);
    FREE_AUTO char *line = NULL;
    FREE_AUTO char *ret = NULL;
    size_t size = 0;
    unsigned n = 0;
    FILE *table = fopen("/proc/self/mountinfo", "re");
    while (table && getline(&line, &size, table) > 0) {
        char *place = NULL;
        if (!is_mount(line, number, source) || sscanf(line, "%*d %*d %*s %*s %ms", &place) != 1)
            continue;
        n++;
        free(ret);
        ret = place;
    }
    if (table)
        fclose(table);
    if (n != 1)
        return NULL;
    unescape(ret);
    return steal(ret);
}
