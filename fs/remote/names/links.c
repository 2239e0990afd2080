/* SPDX-License-Identifier: MIT */
/*
 * Links, contained. The kernel follows links on the client, so one is shown only where its text
 * cannot lead out of the mount, whatever the other links are: relative, with ".." at its beginning
 * alone, and not more often than there are folders above it. A ".." behind a name could follow a
 * link to a place with fewer folders above it. A text that is shown is the true one.
 */
#include "links.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "paths.h"
#include "remote/file/files.h"
#include "remote/remote_private.h"
#include "remote/server_errors.h"
#include "sftp/results.h"

/* Steps over slashes. The length of the component that comes then; 0: it is the end. */
static size_t next_component(const char **at)
{
    *at += strspn(*at, "/");
    return strcspn(*at, "/");
}

static size_t count_components(const char *path)
{
    size_t n = 0;
    for (size_t len; (len = next_component(&path)) > 0; path += len)
        n++;
    return n;
}

/* depth: how many folders are above the link, the mount's own not counted. */
static bool is_contained(const char *text, size_t depth)
{
    size_t ups = 0;
    bool named = false;
    if (text[0] == '/' || text[0] == '\0')
        return false;
    for (size_t len; (len = next_component(&text)) > 0; text += len) {
        bool up = len == 2 && strncmp(text, "..", len) == 0;
        if (up && named)
            return false;
        ups += up;
        named = named || !(up || (len == 1 && text[0] == '.'));
    }
    return ups <= depth;
}

/* Steps over the components that both begin with. */
static void skip_common(const char **a, const char **b)
{
    for (;;) {
        size_t len = next_component(a);
        if (next_component(b) != len || len == 0 || strncmp(*a, *b, len) != 0)
            return;
        *a += len;
        *b += len;
    }
}

/* Appends the relative text that leads from dir to what an absolute one names below root. False:
 * it is not below it. */
static bool add_relative(const char *root, const char *dir, const char *text, struct buf *ret,
                         int *r)
{
    skip_common(&text, &root);
    if (*root)
        return false;
    skip_common(&text, &dir);
    size_t ups = count_components(dir);
    *r = ups == 0 && !*text ? buf_add_char(ret, '.') : 0;
    for (size_t i = 0; i < ups && *r == 0; i++)
        *r = buf_add_str(ret, i + 1 < ups || *text ? "../" : "..");
    if (*r == 0)
        *r = buf_add_str(ret, text);
    return true;
}

/* What a link in dir says, as a relative text where that is wanted and can be. */
static int add_text(const struct remote *remote, const char *dir, const char *text, struct buf *ret)
{
    int r = 0;
    if (remote->options.absolute_links && text[0] == '/' &&
        (add_relative(remote->root, dir, text, ret, &r) ||
         add_relative(remote->given_root, dir, text, ret, &r)))
        return r;
    return buf_add_str(ret, text);
}

int remote_show_link(const struct remote *remote, const char *dir, const char *text,
                     struct buf *ret)
{
    int r = add_text(remote, dir, text, ret);
    if (r < 0 || remote->options.any_links)
        return r;
    return is_contained(ret->data, count_components(dir)) ? 0 : -EPERM;
}

int remote_link_text(struct remote *remote, const char *path, const struct wait *wait,
                     struct buf *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    int r;
    do {
        SFTP_CALL_AUTO *call = sftp_readlink(remote->sftp, full);
        r = sftp_wait(call, wait) ?: buf_add_str(ret, sftp_call_path(call));
    } while (remote_again(remote, wait, &r));
    return r == -EREMOTEIO ? -EINVAL : r;
}

int remote_readlink(struct remote *remote, const char *path, const struct wait *wait,
                    struct buf *ret)
{
    FREE_AUTO char *dir = path_dir(path);
    BUF_AUTO text = {0};
    int r = dir ? remote_link_text(remote, path, wait, &text) : -ENOMEM;
    return r ?: remote_show_link(remote, dir, text.data, ret);
}
