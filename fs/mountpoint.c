/* SPDX-License-Identifier: MIT */
#include "mountpoint.h"

#include <errno.h>
#include <linux/magic.h>
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
    if (stat("/dev/fuse", &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229)) {
        diag_set(why, "/dev/fuse: is not the FUSE device; make it with mknod /dev/fuse c 10 229");
        return -ENODEV;
    }
    return 0;
}

int mountpoint_check(char **mountpoint, struct diag *why)
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
