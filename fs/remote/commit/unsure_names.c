/* SPDX-License-Identifier: MIT */
#include "unsure_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "remote/file/files.h"
#include "sftp/results.h"

struct unsure_name {
    struct unsure_name *next;
    struct unsure *list;
    char path[];
};

bool unsure_is_unanswered(const struct sftp_call *call, int r)
{
    return (r == -ENOTCONN || r == -EIO || r == -EINTR) && sftp_call_was_sent(call);
}

static struct unsure_name *find(struct remote *remote, const char *path) REQUIRES(remote->lock)
{
    struct unsure_name *name = remote->unsure_names;
    while (name && strcmp(name->path, path) != 0)
        name = name->next;
    return name;
}

static void drop(struct remote *remote, struct unsure_name *name) REQUIRES(remote->lock)
{
    LL_DELETE(remote->unsure_names, name);
    unsure_free(&name->list);
    free(name);
}

static void forget_old(struct remote *remote) REQUIRES(remote->lock)
{
    struct unsure_name *name;
    struct unsure_name *next;
    LL_FOREACH_SAFE(remote->unsure_names, name, next)
    {
        unsure_hinders_new(&name->list);
        if (!name->list)
            drop(remote, name);
    }
}

static struct unsure_name *find_or_make(struct remote *remote, const char *path)
    REQUIRES(remote->lock)
{
    forget_old(remote);
    struct unsure_name *name = find(remote, path);
    if (name)
        return name;
    size_t n = strlen(path) + 1;
    name = calloc(1, sizeof(*name) + n);
    if (!name)
        return NULL;
    memcpy(name->path, path, n);
    LL_PREPEND(remote->unsure_names, name);
    return name;
}

int unsure_name_going(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    struct unsure_name *name = find_or_make(remote, path);
    int r = name ? unsure_note_going(&name->list) : -ENOMEM;
    lock_drop(&remote->lock);
    return r;
}

int unsure_name_attrs(struct remote *remote, const char *path, const struct sftp_attrs *attrs)
{
    lock_take(&remote->lock);
    struct unsure_name *name = find_or_make(remote, path);
    int r = name ? unsure_note_attrs(&name->list, attrs) : -ENOMEM;
    lock_drop(&remote->lock);
    return r;
}

void unsure_name_settled(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    struct unsure_name *name = find(remote, path);
    if (name)
        drop(remote, name);
    lock_drop(&remote->lock);
}

struct unsure **unsure_of_name(struct remote *remote, const char *path)
{
    struct unsure_name *name = find(remote, path);
    return name ? &name->list : NULL;
}

int remote_check_new(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    struct unsure **list = unsure_of_name(remote, path);
    bool hindered = list && unsure_hinders_new(list);
    lock_drop(&remote->lock);
    return hindered ? -EUCLEAN : 0;
}

void unsure_names_done(struct remote *remote)
{
    lock_take(&remote->lock);
    while (remote->unsure_names)
        drop(remote, remote->unsure_names);
    lock_drop(&remote->lock);
}
