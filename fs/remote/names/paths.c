/* SPDX-License-Identifier: MIT */
/* Names and paths on the server, and what they tell of a file. */
#include "paths.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "parser/text/text.h"
#include "remote/remote_private.h"

static const char hidden_mark[] = ".vmxfs-";
static const char beside_suffix[] = ".vmxfs-next";

static bool has_suffix(struct span name, struct span suffix)
{
    return name.n > suffix.n && span_eq_fold(span_from(name, name.n - suffix.n), suffix);
}

bool remote_is_vmx_name(const char *name)
{
    struct span n = span_of(name);
    return has_suffix(n, SPAN_LITERAL(".vmx")) || has_suffix(n, SPAN_LITERAL(".vmtx"));
}

bool remote_can_be_vmx(const struct remote *remote, const struct sftp_attrs *attrs)
{
    return S_ISREG(attrs->mode) && attrs->flags & SFTP_ATTR_SIZE &&
           attrs->size <= remote->options.vmx_max;
}

bool remote_is_vmx(const struct remote *remote, const char *name, const struct sftp_attrs *attrs)
{
    return remote_can_be_vmx(remote, attrs) && remote_is_vmx_name(name);
}

bool remote_is_hidden_name(const char *name)
{
    size_t len = strlen(hidden_mark);
    if (strncmp(name, hidden_mark, len) == 0)
        return token_is(name + len);
    const char *mark = name[0] == '.' ? strstr(name, hidden_mark) : NULL;
    if (!mark)
        return false;
    FREE_AUTO char *target = strndup(name + 1, (size_t)(mark - name - 1));
    return target && remote_is_vmx_name(target);
}

bool remote_is_beside_name(const char *name)
{
    return span_ends_with(span_of(name), span_of(beside_suffix)) && remote_is_hidden_name(name);
}

char *remote_beside_path(const char *vmx)
{
    char *ret;
    const char *name = path_name(vmx);
    if (asprintf(&ret, "%.*s.%s%s", (int)(name - vmx), vmx, name, beside_suffix) < 0)
        return NULL;
    return ret;
}

char *remote_path(const struct remote *remote, const char *path)
{
    char *full;
    const char *root = remote->root;
    if (asprintf(&full, "%s%s%s", root, path[0] || !root[0] ? "/" : "", path) < 0)
        return NULL;
    return full;
}

const char *remote_below_root(const struct remote *remote, const char *full)
{
    const char *below = path_below(remote->root, full);
    return below && below[0] == '/' ? below + 1 : below;
}

const char *remote_root(const struct remote *remote)
{
    return remote->root;
}

const struct remote_options *remote_options(const struct remote *remote)
{
    return &remote->options;
}

struct sftp *remote_sftp(struct remote *remote)
{
    return remote->sftp;
}

bool remote_is_long_path(const struct remote *remote, const char *path)
{
    return strlen(remote_root(remote)) + 1 + strlen(path) >= PATH_MAX;
}
