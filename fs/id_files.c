/* SPDX-License-Identifier: MIT */
#include "id_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { FILE_MAX = 1 << 20, ENTRY_MAX = 1 << 16 };

/* What getpwnam_r(3) and getgrnam_r(3) say of a name that nobody has. */
static int no_entry(int r)
{
    return r == 0 || r == ESRCH || r == EBADF || r == EPERM ? -ENOENT : -r;
}

static int find_user(const char *name, uint32_t *ret)
{
    char room[ENTRY_MAX];
    struct passwd entry;
    struct passwd *found = NULL;
    int r = getpwnam_r(name, &entry, room, sizeof(room), &found);
    if (!found)
        return no_entry(r);
    *ret = entry.pw_uid;
    return 0;
}

static int find_group(const char *name, uint32_t *ret)
{
    char room[ENTRY_MAX];
    struct group entry;
    struct group *found = NULL;
    int r = getgrnam_r(name, &entry, room, sizeof(room), &found);
    if (!found)
        return no_entry(r);
    *ret = entry.gr_gid;
    return 0;
}

/* Who can write to it decides whose the files seem to be. */
static int check_safe(int fd, struct diag *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return diag_set(why, "is not a regular file");
    if (st.st_uid != getuid())
        return diag_set(why, "must belong to you");
    return st.st_mode & 022 ? diag_set(why, "others can write to it: chmod go-w") : 0;
}

int id_file_read(const char *option, const char *path, struct id_map *ret, struct diag *why)
{
    BUF_AUTO text = {0};
    struct diag own = {0};
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int r = fd < 0 ? -errno : check_safe(fd, &own);
    r = r
        ?: file_read_fd(fd, FILE_MAX, &text)
        ?: id_map_parse(buf_span(&text), strcmp(option, "uidfile") == 0 ? find_user : find_group,
                        ret, &own);
    if (r == 0)
        return 0;
    if (own.line > 0)
        diag_set(why, "%s=%s:%zu: %s", option, path, own.line, own.text);
    else
        diag_set(why, "%s=%s: %s", option, path, own.text[0] ? own.text : strerror(-r));
    return r;
}
