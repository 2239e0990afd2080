/* SPDX-License-Identifier: MIT */
#include "user_dirs.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* NULL: it is not set, or not his: who is started by another user may have that one's $HOME, and
 * may not look there. */
static const char *home_of_environment(void)
{
    const char *home = getenv("HOME");
    return home && access(home, X_OK) == 0 ? home : NULL;
}

static int add_home(struct buf *ret)
{
    char names[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *home = home_of_environment();
    if (!home && getpwuid_r(getuid(), &entry, names, sizeof(names), &found) == 0 && found)
        home = found->pw_dir;
    return buf_add_str(ret, home ? home : "");
}

static bool add_variable(const char *variable, struct buf *ret, int *error)
{
    const char *dir = getenv(variable);
    const bool is_set = dir && dir[0];
    *error = is_set ? buf_add_str(ret, dir) : 0;
    return is_set;
}

int user_dirs_add(const char *variable, const char *in_home, struct buf *ret)
{
    int r;
    if (add_variable(variable, ret, &r))
        return r;
    return add_home(ret) ?: buf_addf(ret, "/%s", in_home);
}

/* What begins at boot has no home: a mount of /etc/fstab, say. */
int user_dirs_add_history(struct buf *ret)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (geteuid() == 0 && !home_of_environment() && !(state && state[0] == '/'))
        return buf_add_str(ret, "/var/lib/vmxfs/history");
    return user_dirs_add("XDG_STATE_HOME", ".local/state", ret)
               ?: buf_add_str(ret, "/vmxfs/history");
}
