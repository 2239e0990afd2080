/* SPDX-License-Identifier: MIT */
#include "aliases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "paths.h"
#include "remote/call_group.h"
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
    struct path_item item; /* first; the directory's own path */
    char *name;            /* the link's */
};

struct aliases {
    struct lock lock;
    struct path_item *known GUARDED_BY(lock);
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
    free(alias->name);
    path_table_drop(&aliases->known, alias);
}

void aliases_free(struct aliases *aliases)
{
    if (!aliases)
        return;
    lock_take(&aliases->lock);
    while (aliases->known)
        forget(aliases, (struct alias *)aliases->known);
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

bool aliases_is_vsan(const char *name)
{
    return has_prefix(name, "vsan") && name[4] == ':' && aliases_is_uuid(name);
}

bool aliases_is_nas(const char *name)
{
    enum { SHORT = 17, HALF = 8 };
    static const char no_host[] = "-0000-000000000000"; /* of NFS 4.1 */
    return aliases_is_uuid(name) && name[HALF] == '-' &&
           (name[SHORT] == '\0' || strcmp(name + SHORT, no_host) == 0);
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

static struct sftp_call *ask_link(struct remote *remote, const char *dir, const char *name)
{
    FREE_AUTO char *path = path_join(dir, name);
    FREE_AUTO char *full = path ? remote_path(remote, path) : NULL;
    return full ? sftp_readlink(remote->sftp, full) : NULL;
}

/* Reads the links from *at on, as many as are read at once. */
static int read_links(struct remote *remote, const char *dir, const struct wait *wait,
                      struct listing *l, size_t *at)
{
    FLIGHT_AUTO links = {0};
    struct listing_entry *asked[LINKS];
    for (; *at < l->n && links.n < LINKS && links.error == 0; ++*at) {
        if (!S_ISLNK(l->entries[*at].attrs.mode))
            continue;
        asked[links.n] = &l->entries[*at];
        flight_add(&links, ask_link(remote, dir, l->entries[*at].name));
    }
    int r = links.error;
    for (size_t i = 0; r == 0 && i < links.n; i++) {
        int call_r = sftp_wait(links.calls[i], wait);
        if (call_r == 0)
            note_link(l, asked[i], sftp_call_path(links.calls[i]));
        r = without_answer(call_r);
    }
    return r;
}

int aliases_find(struct remote *remote, const char *dir, const struct wait *wait, struct listing *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n && !any; i++)
        any = S_ISDIR(l->entries[i].attrs.mode) && aliases_is_uuid(l->entries[i].name);
    int r = 0;
    for (size_t at = 0; any && r == 0 && at < l->n;)
        r = read_links(remote, dir, wait, l, &at);
    return r;
}

/* ---- what people are shown */

/* Without memory the directory is shown by its own name. name: NULL for that. */
static void remember(struct aliases *aliases, const char *path, const char *name)
    REQUIRES(aliases->lock)
{
    struct alias *alias = path_table_find(aliases->known, path);
    if (alias && name && strcmp(alias->name, name) == 0)
        return;
    if (alias)
        forget(aliases, alias);
    if (!name || HASH_COUNT(aliases->known) >= KNOWN_MAX)
        return;
    alias = path_table_take(&aliases->known, path, sizeof(*alias));
    if (!alias)
        return;
    alias->name = strdup(name);
    if (!alias->name)
        forget(aliases, alias);
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

int remote_add_shown(struct remote *remote, const char *path, struct buf *ret)
{
    struct aliases *aliases = remote->aliases;
    int r = 0;
    lock_take(&aliases->lock);
    for (size_t at = 0; r == 0 && path[at];) {
        struct path_item *item;
        size_t len = strcspn(path + at, "/");
        HASH_FIND(hh, aliases->known, path, at + len, item);
        r = item ? buf_add_str(ret, ((const struct alias *)item)->name)
                 : buf_add(ret, (struct span){path + at, len});
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
    bool otherwise = path_table_find(aliases->known, path) != NULL;
    lock_drop(&aliases->lock);
    return otherwise;
}
