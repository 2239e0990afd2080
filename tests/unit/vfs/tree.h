/* SPDX-License-Identifier: MIT */
/*
 * A tree without a kernel and without a server: the root, and two directories of settings in it.
 * clock_ms is wrapped: time stands still until a test moves it.
 */
#pragma once

#include "vfs/node/node.h"
#include "vfs/vfs_private.h"

struct tree {
    struct vfs vfs;
    struct node root;
    struct node *a, *b; /* a.vmx, b.vmx: the test's own references */
};

extern int64_t tree_now; /* what clock_ms() says */

/* For cmocka: *state becomes a struct tree. Tearing down fails if a node of it is left. */
int tree_set_up(void **state);
int tree_tear_down(void **state);

/* The same for tests that hold no state. */
struct tree *tree_new(void);
void tree_free(struct tree *t);

/* The node of a name, with a reference for the caller. */
struct node *tree_take(struct tree *t, struct node *dir, const char *name,
                       const struct found *found);
