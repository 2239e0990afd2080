/* SPDX-License-Identifier: MIT */
/* From the server's absolute paths, which others name files by, to ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What is behind the root, or NULL. */
static const char *below(const char *root, const char *path)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static int locate(const struct remote *remote, struct sftp_call *real, struct sftp_call *stat,
                  const struct wait *wait, char **ret)
{
    int r = sftp_wait(stat, wait);
    if (r == 0)
        r = sftp_wait(real, wait);
    if (r == -EIO || r == -EINTR || r == -ENOTCONN || r == -ENOMEM)
        return r;
    const char *path = r == 0 ? below(remote->root, sftp_call_path(real)) : NULL;
    if (!path || !path_leads_down(path)) /* the server's word alone */
        return 0;
    *ret = strdup(path);
    return *ret ? 0 : -ENOMEM;
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
