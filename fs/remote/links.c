/* SPDX-License-Identifier: MIT */
/*
 * Links, contained. The kernel follows links on the client, so a link is shown with a text that
 * cannot lead out of the mount: relative, with no more ".." than there are folders above it. A ".."
 * behind a name is folded away, because the name may itself be a link to a place with fewer folders
 * above it.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* Appends one absolute path's components to a normalized one (no "." and "..", no final slash). */
static int append_normalized(struct buf *path, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "/");
        if (len == 2 && text[0] == '.' && text[1] == '.') {
            const char *slash = path->len ? memrchr(path->data, '/', path->len) : NULL;
            path->len = slash ? (size_t)(slash - path->data) : 0;
            if (path->data)
                path->data[path->len] = '\0';
        } else if (len > 0 && !(len == 1 && text[0] == '.')) {
            int r = buf_addf(path, "/%.*s", (int)len, text);
            if (r < 0)
                return r;
        }
        text += len;
        text += *text == '/';
    }
    return 0;
}

static size_t depth_of(const char *dir)
{
    size_t depth = dir[0] != '\0';
    for (; *dir; dir++)
        depth += *dir == '/';
    return depth;
}

/* True for a relative text that can be shown as it is. */
static bool is_contained(const char *target, size_t depth)
{
    size_t ups = 0;
    bool named = false;
    if (target[0] == '/' || target[0] == '\0')
        return false;
    while (*target) {
        size_t len = strcspn(target, "/");
        if (len == 2 && target[0] == '.' && target[1] == '.') {
            if (named)
                return false;
            ups++;
        } else if (len > 0 && !(len == 1 && target[0] == '.')) {
            named = true;
        }
        target += len;
        target += *target == '/';
    }
    return ups <= depth;
}

/* The part of path below root, or NULL when it is not there. */
static const char *below(const char *path, const char *root)
{
    size_t len = strlen(root);
    if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return NULL;
    return path[len] == '/' ? path + len + 1 : path + len;
}

static int add_ups(struct buf *ret, size_t depth)
{
    int r = 0;
    for (; depth > 0 && r == 0; depth--)
        r = buf_add_str(ret, depth > 1 ? "../" : "..");
    return r;
}

int remote_contain_link(const struct remote *remote, const char *dir, const char *target,
                        struct buf *ret)
{
    size_t depth = depth_of(dir);
    if (is_contained(target, depth))
        return buf_add_str(ret, target);

    BUF_AUTO path = {0};
    int r = 0;
    if (target[0] != '/') {
        r = append_normalized(&path, remote->root);
        if (r == 0)
            r = append_normalized(&path, dir);
    }
    if (r == 0)
        r = append_normalized(&path, target);
    if (r < 0)
        return r;
    const char *whole = path.data ? path.data : "";
    const char *inside = below(whole, remote->root);
    if (!inside)
        inside = below(whole, remote->given_root);
    r = add_ups(ret, depth);
    if (r < 0)
        return r;
    if (!inside)
        return buf_addf(ret, "%s.vmxfs/outside%s", depth ? "/" : "", whole);
    if (!inside[0])
        return depth ? 0 : buf_add_str(ret, ".");
    return buf_addf(ret, "%s%s", depth ? "/" : "", inside);
}
