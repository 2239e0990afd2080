/* SPDX-License-Identifier: MIT */
/* The names that a listing of a directory shows. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct dir_names {
    struct dir_name {
        char *name;
        char *own; /* what a lookup will find under another name; or NULL */
        mode_t type;
    } *items;
    size_t n;
};
/* own: may be NULL. 0, -ENOMEM: the names are good for nothing but to be freed. */
int dir_names_add(struct dir_names *names, const char *name, mode_t type, const char *own);
void dir_names_free(struct dir_names *names);
