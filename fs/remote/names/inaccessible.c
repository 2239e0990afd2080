/* SPDX-License-Identifier: MIT */
#include "inaccessible.h"

#include <errno.h>
#include <string.h>

#include "remote/remote_private.h"

int remote_set_inaccessible(struct remote *remote, const char *const *dirs, size_t n)
{
    struct path_item *table = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!path_table_take(&table, dirs[i], sizeof(*table))) {
            path_table_clear(&table);
            return -ENOMEM;
        }
    }
    lock_take(&remote->lock);
    struct path_item *before = remote->inaccessible;
    remote->inaccessible = table;
    atomic_store(&remote->any_inaccessible, n > 0);
    lock_drop(&remote->lock);
    path_table_clear(&before);
    return 0;
}

int remote_check_accessible(struct remote *remote, const char *path)
{
    if (!atomic_load(&remote->any_inaccessible))
        return 0;
    struct path_item *found = NULL;
    lock_take(&remote->lock);
    HASH_FIND(hh, remote->inaccessible, path, 0, found);
    for (size_t at = 0; !found && path[at]; at += path[at] == '/') {
        at += strcspn(path + at, "/");
        HASH_FIND(hh, remote->inaccessible, path, at, found);
    }
    lock_drop(&remote->lock);
    return found ? -EIO : 0;
}
