/* SPDX-License-Identifier: MIT */
#include "remount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/mount_table.h"
#include "option_words.h"

struct target {
    char *path;           /* absolute, without links */
    unsigned long flags;  /* MS_..., as they are */
    struct words options; /* as the kernel says them, then those of fstab */
};

/* A flag is set by one word and cleared by another. */
static const struct flag {
    const char *name;
    unsigned long set, clear;
} flags[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
    {"atime", 0, MS_NOATIME},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"lazytime", MS_LAZYTIME, 0},
    {"nolazytime", 0, MS_LAZYTIME},
    {"silent", MS_SILENT, 0},
    {"loud", 0, MS_SILENT},
};

static bool set_flag(const char *name, unsigned long *ret)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(flags[i].name, name) != 0)
            continue;
        *ret = (*ret & ~flags[i].clear) | flags[i].set;
        return true;
    }
    return false;
}

/* Reads the options of the last entry for the target. False: there is none. */
static bool read_table(const char *file, struct target *t, bool *ret_ours)
{
    FREE_AUTO char *type = NULL;
    FREE_AUTO char *options = NULL;
    if (mount_table_find(file, t->path, &type, &options) < 0)
        return false;
    *ret_ours = strncmp(type, "fuse", strlen("fuse")) == 0;
    words_split(&t->options, options, ",");
    return true;
}

static int find_target(const char *path, struct target *t, struct diag *why)
{
    bool ours = false;
    t->path = path ? realpath(path, NULL) : NULL;
    if (!t->path) {
        diag_set(why, "%s: %s", path ? path : "MOUNTPOINT",
                 path ? strerror(errno) : "is missing; usage: mount -o remount,... MOUNTPOINT");
        return -EINVAL;
    }
    if (!read_table(MOUNT_TABLE, t, &ours) || !ours) {
        diag_set(why, "%s: no vmxfs is mounted there, so there is nothing to mount anew", t->path);
        return -EINVAL;
    }
    for (size_t i = 0; i < t->options.n; i++)
        set_flag(t->options.list[i], &t->flags);
    read_table("/etc/fstab", t, &ours);
    if (!t->options.error)
        return 0;
    diag_set(why, "out of memory");
    return -ENOMEM;
}

static bool has(const struct target *t, const char *option)
{
    for (size_t i = 0; i < t->options.n; i++) {
        if (strcmp(t->options.list[i], option) == 0)
            return true;
    }
    return false;
}

static int apply(const struct words *options, struct target *t, struct diag *why)
{
    for (size_t i = 0; i < options->n; i++) {
        const char *option = options->list[i];
        const struct option_word *word = option_word_find(option);
        if (strcmp(option, "remount") == 0 || set_flag(option, &t->flags) || has(t, option) ||
            (word && !word->refusal))
            continue;
        diag_set(why,
                 "%s: cannot be changed while it is mounted; unmount %s, and mount it anew with "
                 "this option",
                 option, t->path);
        return -EINVAL;
    }
    return 0;
}

/* A mount that was made read-only stays so, whatever the kernel says of it. Nobody but who mounted
 * it may be able to ask. */
static int check_writable(const struct target *t, struct diag *why)
{
    FREE_AUTO char *file = NULL;
    char line[256];
    bool made = false;
    if (t->flags & MS_RDONLY || !has(t, "ro"))
        return 0;
    if (asprintf(&file, "%s/.vmxfs/status", t->path) < 0)
        file = NULL;
    FILE *status = file ? fopen(file, "re") : NULL;
    while (status && fgets(line, sizeof(line), status))
        made = made || strcmp(line, "mounted: read-only\n") == 0;
    if (status)
        fclose(status);
    if (!made)
        return 0;
    diag_set(why, "%s: was mounted read-only; to write there unmount it, and mount it anew",
             t->path);
    return -EROFS;
}

int remount(const struct mount_call *call, struct diag *why)
{
    struct target t = {0};
    int r = find_target(call->target, &t, why)
        ?: apply(&call->options, &t, why)
        ?: check_writable(&t, why);
    if (r == 0 && !call->fake && mount(NULL, t.path, NULL, MS_REMOUNT | t.flags, NULL) < 0) {
        r = -errno;
        diag_set(why, "%s: cannot be changed: %s", t.path,
                 r == -EPERM ? "only root may do that" : strerror(-r));
    }
    words_done(&t.options);
    free(t.path);
    return r;
}
