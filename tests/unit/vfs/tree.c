/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/journal.h"
#include "vfs/recent.h"

int64_t tree_now;

int64_t __wrap_clock_ms(void); /* NOLINT */
int64_t __wrap_clock_ms(void)  /* NOLINT */
{
    return tree_now;
}

struct node *tree_take(struct tree *t, struct node *dir, const char *name,
                       const struct found *found)
{
    struct node *n = node_take(&t->vfs, dir, name, found, false);
    assert_non_null(n);
    return n;
}

struct tree *tree_new(void)
{
    static const struct found found = {.ops = &vmx_dir_ops};
    struct tree *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    lock_init(&t->vfs.lock);
    assert_int_equal(journal_new(&t->vfs.journal), 0);
    t->root = (struct node){.ops = &dir_ops, .name = (char[]){""}, .refs = 1};
    t->a = tree_take(t, &t->root, "a.vmx", &found);
    t->b = tree_take(t, &t->root, "b.vmx", &found);
    tree_now = 1000 * 1000;
    return t;
}

void tree_free(struct tree *t)
{
    recent_forget_all(&t->vfs);
    node_unref(&t->vfs, t->a);
    node_unref(&t->vfs, t->b);
    assert_null(t->vfs.nodes);
    assert_int_equal(t->vfs.recent_bytes, 0);
    assert_int_equal(t->vfs.scratch_bytes, 0);
    journal_free(t->vfs.journal);
    lock_done(&t->vfs.lock);
    free(t);
}

int tree_set_up(void **state)
{
    *state = tree_new();
    return 0;
}

int tree_tear_down(void **state)
{
    tree_free(*state);
    return 0;
}
