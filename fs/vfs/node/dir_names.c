/* SPDX-License-Identifier: MIT */
#include "dir_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dir_names_add(struct dir_names *names, const char *name, mode_t type)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        struct dir_name *more = reallocarray(names->items, cap, sizeof(*more));
        if (!more)
            return -ENOMEM;
        names->items = more;
        names->cap = cap;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    names->items[names->n++] = (struct dir_name){.name = copy, .type = type};
    return 0;
}

int dir_names_add_alias(struct dir_names *names, const char *name, const char *own)
{
    int r = dir_names_add(names, name, S_IFDIR);
    if (r < 0)
        return r;
    char **at = &names->items[names->n - 1].own;
    *at = strdup(own);
    return *at ? 0 : -ENOMEM;
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
