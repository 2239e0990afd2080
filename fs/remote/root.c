/* SPDX-License-Identifier: MIT */
#include "root.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "compression.h"
#include "remote_private.h"
#include "sftp/requests.h"
#include "sftp/results.h"

bool remote_is_used(const struct remote *remote)
{
    return atomic_load(&remote->has_root);
}

const struct remote_user *remote_user(const struct remote *remote)
{
    return &remote->user;
}

const struct sftp_attrs *remote_root_attrs(const struct remote *remote)
{
    return &remote->root_attrs;
}

/* The directory that was asked for; where none was: the one for that case, if it is there. */
static int choose(const struct remote *remote, const struct wait *wait, const char **ret)
{
    const struct remote_options *o = &remote->options;
    *ret = o->root[0] ? o->root : ".";
    if (o->root[0] || !o->root_if_there)
        return 0;
    SFTP_CALL_AUTO *call = sftp_stat(remote->sftp, o->root_if_there);
    int r = sftp_wait(call, wait);
    if (r == 0 && S_ISDIR(sftp_call_attrs(call)->mode))
        *ret = o->root_if_there;
    return r == -EINTR ? r : 0;
}

/* The server tells no names: whose the directory is that a login begins in. */
static int find_user(struct remote *remote, const struct wait *wait, struct diag *why)
{
    SFTP_CALL_AUTO *call = sftp_stat(remote->sftp, ".");
    int r = sftp_wait(call, wait);
    if (r == 0 && !(sftp_call_attrs(call)->flags & SFTP_ATTR_OWNER))
        r = -ENODATA;
    if (r == 0)
        remote->user = (struct remote_user){sftp_call_attrs(call)->uid, sftp_call_attrs(call)->gid};
    else if (r != -EINTR)
        diag_set(why,
                 "idmap=user: the server does not tell whose the directory is that a login "
                 "begins in; use idmap=mounter or idmap=none");
    return r;
}

static int keep(struct remote *remote, const char *asked, const char *true_path,
                const struct sftp_attrs *attrs)
{
    FREE_AUTO char *root = strdup(true_path[1] ? true_path : "");
    FREE_AUTO char *given = strdup(asked[0] == '/' && asked[1] ? asked : true_path);
    if (!root || !given)
        return -ENOMEM;
    size_t len = strlen(given);
    while (len > 0 && given[len - 1] == '/')
        given[--len] = '\0';
    remote->root = steal(root);
    remote->given_root = steal(given);
    remote->root_attrs = *attrs;
    atomic_store(&remote->has_root, true);
    return 0;
}

/* Asks for the root's true path and checks that it is a directory. */
static int find(struct remote *remote, const struct wait *wait, struct diag *why)
{
    const char *path;
    int r = choose(remote, wait, &path);
    if (r < 0)
        return r;
    SFTP_CALL_AUTO *real = sftp_realpath(remote->sftp, path);
    SFTP_CALL_AUTO *stat = sftp_stat(remote->sftp, path);
    r = sftp_wait(stat, wait);
    if (r == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        r = -ENOTDIR;
    r = r ?: sftp_wait(real, wait);
    if (r == -ENOTCONN && sftp_why_not_up(remote->sftp, why))
        return r;
    if (r < 0) {
        diag_set(why, "%s: %s; give a directory of the server", path,
                 r == -ENOTDIR ? "is not a directory" : strerror(-r));
        return r;
    }
    const char *true_path = sftp_call_path(real);
    if (true_path[0] != '/') {
        diag_set(why, "%s: the server gives no absolute path for it (%s)", path, true_path);
        return -EPROTO;
    }
    r = remote->options.find_user ? find_user(remote, wait, why) : 0;
    return r ?: keep(remote, path, true_path, sftp_call_attrs(stat));
}

static int begin(struct remote *remote, const struct wait *wait, struct diag *why)
{
    if (remote_is_used(remote))
        return 0;
    sftp_use(remote->sftp);
    int r = sftp_wait_up(remote->sftp, wait);
    if (r == -EIO)
        sftp_why_not_up(remote->sftp, why);
    r = r ?: find(remote, wait, why);
    if (r == 0)
        compress_if_thin(remote, wait);
    return r;
}

int remote_use(struct remote *remote, const struct wait *wait, struct diag *why)
{
    if (remote_is_used(remote))
        return 0;
    int r = turn_take(&remote->beginning, wait);
    if (r == -EIO)
        sftp_why_not_up(remote->sftp, why);
    if (r < 0)
        return r;
    r = begin(remote, wait, why);
    turn_give(&remote->beginning);
    return r;
}
