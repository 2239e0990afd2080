/* SPDX-License-Identifier: MIT */
/* The names that a listing of a directory shows. */
#pragma once

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct dir_names {
    struct dir_name {
        char *name;
        char *own; /* what a lookup will find under another name; or NULL */
        mode_t type;
    } *items;
    size_t n, cap;
};
int dir_names_add(struct dir_names *names, const char *name, mode_t type);
int dir_names_add_alias(struct dir_names *names, const char *name, const char *own);
void dir_names_free(struct dir_names *names);
