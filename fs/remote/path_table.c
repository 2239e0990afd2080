/* SPDX-License-Identifier: MIT */
#include "path_table.h"

#include <stdlib.h>
#include <string.h>

void *path_table_find(struct path_item *table, const char *path)
{
    struct path_item *item;
    HASH_FIND(hh, table, path, strlen(path), item);
    return item;
}

void *path_table_take(struct path_item **table, const char *path, size_t size)
{
    size_t len = strlen(path);
    struct path_item *item = path_table_find(*table, path);
    if (item)
        return item;
    item = calloc(1, size + len + 1);
    if (!item)
        return NULL;
    item->path = memcpy((char *)item + size, path, len + 1);
    HASH_ADD_KEYPTR(hh, *table, item->path, len, item);
    if (!item->hh.tbl) {
        free(item);
        return NULL;
    }
    return item;
}

void path_table_drop(struct path_item **table, void *item)
{
    struct path_item *gone = item;
    HASH_DEL(*table, gone);
    free(gone);
}

void path_table_clear(struct path_item **table)
{
    while (*table)
        path_table_drop(table, *table);
}
