/* SPDX-License-Identifier: MIT */
/* From the server's paths, which others name files by, or which links lead to, to ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "paths.h"
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

static int locate(const struct remote *remote, struct sftp_call *real, struct sftp_call *stat,
                  const struct wait *wait, char **ret)
{
    int r = sftp_wait(stat, wait) ?: sftp_wait(real, wait);
    if (is_unanswered(r))
        return r;
    const char *path = r == 0 ? below(remote->root, sftp_call_path(real)) : NULL;
    if (!path || !path_leads_down(path)) /* the server's word alone */
        return 0;
    *ret = strdup(path);
    return *ret ? 0 : -ENOMEM;
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

int remote_follow(struct remote *remote, const char *path, const struct wait *wait, char **ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    *ret = NULL;
    int r;
    do {
        SFTP_CALL_AUTO *real = sftp_realpath(remote->sftp, full);
        SFTP_CALL_AUTO *stat = sftp_stat(remote->sftp, full);
        r = sftp_wait(stat, wait) ?: sftp_wait(real, wait);
        const char *to = r == 0 ? sftp_call_path(real) : NULL;
        if (!to || to[0] != '/' || !path_leads_down(to + 1)) /* the server's word alone */
            continue;
        if (strcmp(to, remote->root) == 0)
            *ret = strdup("");
        else
            *ret = below(remote->root, to) ? strdup(below(remote->root, to)) : outside(remote, to);
        r = *ret ? 0 : -ENOMEM;
    } while (remote_again(remote, wait, &r));
    return r == -EIO || r == -EINTR || r == -ENOMEM ? r : 0;
}

/* On an error none is set. */
static int locate_all(struct remote *remote, const char *const *paths, size_t n,
                      struct sftp_call **calls, const struct wait *wait, char **ret)
{
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        ret[i] = NULL;
        if (paths[i]) {
            calls[2 * i] = sftp_realpath(remote->sftp, paths[i]);
            calls[2 * i + 1] = sftp_stat(remote->sftp, paths[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (r == 0 && paths[i])
            r = locate(remote, calls[2 * i], calls[2 * i + 1], wait, &ret[i]);
        sftp_call_free(&calls[2 * i]);
        sftp_call_free(&calls[2 * i + 1]);
    }
    for (size_t i = 0; r < 0 && i < n; i++) {
        free(ret[i]);
        ret[i] = NULL;
    }
    return r;
}

int remote_locate(struct remote *remote, const char *const *paths, size_t n,
                  const struct wait *wait, char **ret)
{
    struct sftp_call **calls = calloc(2 * n + 1, sizeof(struct sftp_call *));
    if (!calls)
        return -ENOMEM;
    int r;
    do
        r = locate_all(remote, paths, n, calls, wait, ret);
    while (remote_again(remote, wait, &r));
    free(calls);
    return r;
}
