/* SPDX-License-Identifier: MIT */
/*
 * Tables by path. What is in one begins with a struct path_item, and is one block of memory with
 * its path. A table that is NULL is empty.
 */
#pragma once

#include <uthash.h>

struct path_item {
    UT_hash_handle hh; /* hh.next: the next one in the table */
    char *path;
};

/* NULL: nothing has the path. */
void *path_table_find(struct path_item *table, const char *path);

/* What has the path, or something new of size bytes, filled with zeros. NULL: no memory. */
void *path_table_take(struct path_item **table, const char *path, size_t size);

/* Frees something, without what it owns. */
void path_table_drop(struct path_item **table, void *item);

/* Frees all, which owns nothing. */
void path_table_clear(struct path_item **table);
