/* SPDX-License-Identifier: MIT */
#include "aliases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <uthash.h>

#include "base/cleanup.h"
#include "paths.h"
#include "remote/remote_private.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "shown_names.h"

enum {
    LINKS = 512,         /* that are read at once */
    KNOWN_MAX = 1 << 16, /* directories: a hostile server's end somewhere */
};

/* A directory that people know by another name. */
struct alias {
    char *name; /* the link's */
    UT_hash_handle hh;
    char path[]; /* the directory's own */
};

struct aliases {
    struct lock lock;
    struct alias *known GUARDED_BY(lock); /* by path */
};

int aliases_new(struct aliases **ret)
{
    struct aliases *aliases = calloc(1, sizeof(*aliases));
    if (!aliases)
        return -ENOMEM;
    lock_init(&aliases->lock);
    *ret = aliases;
    return 0;
}

static void forget(struct aliases *aliases, struct alias *alias) REQUIRES(aliases->lock)
{
    HASH_DEL(aliases->known, alias);
    free(alias->name);
    free(alias);
}

void aliases_free(struct aliases *aliases)
{
    struct alias *alias;
    struct alias *next;
    if (!aliases)
        return;
    lock_take(&aliases->lock);
    HASH_ITER (hh, aliases->known, alias, next)
        forget(aliases, alias);
    lock_drop(&aliases->lock);
    lock_done(&aliases->lock);
    free(aliases);
}

/* ---- which link stands for which directory */

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Names that VMware makes of a UUID: hexadecimal digits in groups (VMFS, NFS, the objects of vSAN);
 * the datastores of vSAN and vVols say so before them. */
bool aliases_is_uuid(const char *name)
{
    enum { SHORTEST = 17 };
    if ((has_prefix(name, "vsan") || has_prefix(name, "vvol")) && name[4] == ':')
        name += 5;
    size_t len = strlen(name);
    return len >= SHORTEST && strspn(name, "0123456789abcdefABCDEF-") == len && strchr(name, '-');
}

bool aliases_is_of_host(const char *link)
{
    return has_prefix(link, "BOOTBANK") || has_prefix(link, "OSDATA-") ||
           has_prefix(link, "LOCKER-");
}

/* Links are seen in byte order. A directory that only links of the host name is not listed either:
 * nobody looks for VMs there. */
static void note_link(struct listing *l, struct listing_entry *link, const char *text)
{
    const struct listing_entry *found = aliases_is_uuid(text) ? listing_find(l, text) : NULL;
    struct listing_entry *dir = found ? &l->entries[found - l->entries] : NULL;
    if (!dir || !S_ISDIR(dir->attrs.mode))
        return;
    bool of_host = aliases_is_of_host(link->name);
    if (dir->shown_as && (of_host || !aliases_is_of_host(dir->shown_as)))
        return;
    dir->shown_as = link->name;
    link->stands_for = of_host ? NULL : dir->name;
}

/* Links that are read at once: where they are in the list. */
struct links {
    struct sftp_call *calls[LINKS];
    size_t at[LINKS];
    size_t n;
};

static void ask_link(struct remote *remote, const char *dir, const struct listing *l, size_t i,
                     struct links *links)
{
    FREE_AUTO char *path = path_join(dir, l->entries[i].name);
    FREE_AUTO char *full = path ? remote_path(remote, path) : NULL;
    links->calls[links->n] = full ? sftp_readlink(remote->sftp, full) : NULL;
    links->at[links->n++] = i;
}

static int answer_links(const struct wait *wait, struct listing *l, struct links *links)
{
    int r = 0;
    for (size_t i = 0; i < links->n; i++) {
        int call_r = sftp_wait(links->calls[i], wait);
        if (call_r == 0)
            note_link(l, &l->entries[links->at[i]], sftp_call_path(links->calls[i]));
        if (is_unanswered(call_r))
            r = call_r;
        sftp_call_free(&links->calls[i]);
    }
    links->n = 0;
    return r;
}

int aliases_find(struct remote *remote, const char *dir, const struct wait *wait, struct listing *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n && !any; i++)
        any = S_ISDIR(l->entries[i].attrs.mode) && aliases_is_uuid(l->entries[i].name);
    FREE_AUTO struct links *links = any ? calloc(1, sizeof(*links)) : NULL;
    if (!links)
        return any ? -ENOMEM : 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        if (S_ISLNK(l->entries[i].attrs.mode))
            ask_link(remote, dir, l, i, links);
        if (links->n == LINKS)
            r = answer_links(wait, l, links);
    }
    int last_r = answer_links(wait, l, links);
    return r < 0 ? r : last_r;
}

/* ---- what people are shown */

static struct alias *find(const struct aliases *aliases, const char *path, size_t len)
    REQUIRES(aliases->lock)
{
    struct alias *alias;
    HASH_FIND(hh, aliases->known, path, len, alias);
    return alias;
}

/* Without memory the directory is shown by its own name. */
static void remember(struct aliases *aliases, const char *path, const char *name)
    REQUIRES(aliases->lock)
{
    size_t len = strlen(path);
    struct alias *alias = find(aliases, path, len);
    if (alias && name && strcmp(alias->name, name) == 0)
        return;
    if (alias)
        forget(aliases, alias);
    if (!name || HASH_COUNT(aliases->known) >= KNOWN_MAX)
        return;
    alias = calloc(1, sizeof(*alias) + len + 1);
    if (!alias)
        return;
    memcpy(alias->path, path, len + 1);
    alias->name = strdup(name);
    if (alias->name)
        HASH_ADD_KEYPTR(hh, aliases->known, alias->path, len, alias);
    if (!alias->name || !alias->hh.tbl) {
        free(alias->name);
        free(alias);
    }
}

void aliases_learn(struct remote *remote, const char *dir, const struct listing *l)
{
    struct aliases *aliases = remote->aliases;
    for (size_t i = 0; i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        if (!S_ISDIR(e->attrs.mode) || !aliases_is_uuid(e->name))
            continue;
        FREE_AUTO char *path = path_join(dir, e->name);
        if (!path)
            return;
        lock_take(&aliases->lock);
        remember(aliases, path, e->shown_as);
        lock_drop(&aliases->lock);
    }
}

/* Appends the name of the last component of the first len bytes of path. */
static int add_shown(const struct aliases *aliases, const char *path, size_t len, struct span name,
                     struct buf *ret) REQUIRES(aliases->lock)
{
    const struct alias *alias = find(aliases, path, len);
    return alias ? buf_add_str(ret, alias->name) : buf_add(ret, name);
}

int remote_add_shown(struct remote *remote, const char *path, struct buf *ret)
{
    struct aliases *aliases = remote->aliases;
    int r = 0;
    lock_take(&aliases->lock);
    for (size_t at = 0; r == 0 && path[at];) {
        size_t len = strcspn(path + at, "/");
        r = add_shown(aliases, path, at + len, (struct span){path + at, len}, ret);
        at += len;
        if (r == 0 && path[at] == '/')
            r = buf_add_char(ret, path[at++]);
    }
    lock_drop(&aliases->lock);
    return r;
}

bool remote_is_shown_otherwise(struct remote *remote, const char *path)
{
    struct aliases *aliases = remote->aliases;
    lock_take(&aliases->lock);
    bool otherwise = find(aliases, path, strlen(path)) != NULL;
    lock_drop(&aliases->lock);
    return otherwise;
}
