/* SPDX-License-Identifier: MIT */
#include "dir_names.h"

#include <errno.h>
#include <string.h>

#include "parser/text/list.h"

int dir_names_add(struct dir_names *names, const char *name, mode_t type, const char *own)
{
    struct dir_name *items = list_room(names->items, names->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    names->items = items;
    struct dir_name *item = &items[names->n++];
    *item = (struct dir_name){strdup(name), own ? strdup(own) : NULL, type};
    return item->name && (item->own || !own) ? 0 : -ENOMEM;
}

void dir_names_free(struct dir_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->n; i++) {
        free(names->items[i].name);
        free(names->items[i].own);
    }
    free(names->items);
    free(names);
}
