/* SPDX-License-Identifier: MIT */
/* From the server's paths, which others name files by, or which links lead to, to ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "paths.h"
#include "remote/call_group.h"
#include "remote/remote_private.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "shown_names.h"

/* What is behind the root, or NULL. */
static const char *below(const char *root, const char *path)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* The path of what is not below the root: up from it, and down again. */
static char *outside(const struct remote *remote, const char *path)
{
    BUF_AUTO ret = {0};
    int r = buf_add_str(&ret, path[1] ? "" : "..");
    for (const char *at = remote->root + (path[1] ? 0 : 1); r == 0 && *at; at++)
        r = *at == '/' ? buf_add_str(&ret, path[1] ? "../" : "/..") : 0;
    r = r ?: buf_add_str(&ret, path + 1);
    return r == 0 ? buf_steal(&ret) : NULL;
}

bool remote_is_root(const struct remote *remote, const char *path)
{
    FREE_AUTO char *root = remote->root[0] ? outside(remote, remote->root) : NULL;
    return !path[0] || (root && strcmp(path, root) == 0);
}

/* Waits for where a path leads. anywhere: outside of the root, too, and to the root itself. */
static int locate(const struct remote *remote, struct sftp_call *real, struct sftp_call *stat,
                  bool anywhere, const struct wait *wait, char **ret)
{
    int r = sftp_wait(stat, wait) ?: sftp_wait(real, wait);
    if (r < 0)
        return without_answer(r);
    const char *path = sftp_call_path(real); /* the server's word alone */
    const char *inside = below(remote->root, path);
    if (path[0] != '/' || !path_leads_down(inside ? inside : path + 1) || (!inside && !anywhere))
        return 0;
    if (inside)
        *ret = strdup(inside);
    else
        *ret = strcmp(path, remote->root) == 0 ? strdup("") : outside(remote, path);
    return *ret ? 0 : -ENOMEM;
}

/* All at once. On an error none is set. */
static int locate_all(struct remote *remote, const char *const *paths, size_t n, bool anywhere,
                      const struct wait *wait, char **ret)
{
    FLIGHT_AUTO flight = {0};
    for (size_t i = 0; i < n; i++) {
        ret[i] = NULL;
        if (paths[i]) {
            flight_add(&flight, sftp_realpath(remote->sftp, paths[i]));
            flight_add(&flight, sftp_stat(remote->sftp, paths[i]));
        }
    }
    int r = flight.error;
    struct sftp_call **calls = flight.calls;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!paths[i])
            continue;
        r = locate(remote, calls[0], calls[1], anywhere, wait, &ret[i]);
        calls += 2;
    }
    for (size_t i = 0; r < 0 && i < n; i++)
        free(steal(ret[i]));
    return r;
}

static int locate_again(struct remote *remote, const char *const *paths, size_t n, bool anywhere,
                        const struct wait *wait, char **ret)
{
    int r;
    do
        r = locate_all(remote, paths, n, anywhere, wait, ret);
    while (remote_again(remote, wait, &r));
    return r;
}

int remote_follow(struct remote *remote, const char *path, const struct wait *wait, char **ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    const char *const paths[] = {full};
    return full ? locate_again(remote, paths, 1, true, wait, ret) : -ENOMEM;
}

int remote_locate(struct remote *remote, const char *const *paths, size_t n,
                  const struct wait *wait, char **ret)
{
    return locate_again(remote, paths, n, false, wait, ret);
}
