/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes. A node lives while the kernel knows it (lookups) or somebody refers to it
 * (refs: children, pins, running requests). In the table it is found by parent and name; one that
 * is not in it any more (removed, replaced, turned into another kind) lives on for those that hold
 * it.
 */
#include "node.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "inode_number.h"

static struct node_name *further_name(struct vfs *vfs, struct node *dir, const char *name)
    REQUIRES(vfs->lock)
{
    struct node_name probe = {.key.parent = dir, .key.name_hash = hash_of(span_of(name))};
    struct node_name *m;
    HASH_FIND(hh, vfs->further_names, &probe.key, sizeof(probe.key), m);
    return m && strcmp(m->name, name) == 0 ? m : NULL;
}

/* The node that has it as its first name. */
static struct node *first_named(struct vfs *vfs, struct node *dir, const char *name)
    REQUIRES(vfs->lock)
{
    struct node probe = {.key.parent = dir, .key.name_hash = hash_of(span_of(name))};
    struct node *n;
    HASH_FIND(hh, vfs->nodes, &probe.key, sizeof(probe.key), n);
    return n && strcmp(n->name, name) == 0 ? n : NULL;
}

struct node *node_child(struct vfs *vfs, struct node *dir, const char *name)
{
    const struct node_name *m = vfs->further_names ? further_name(vfs, dir, name) : NULL;
    return m ? m->node : first_named(vfs, dir, name);
}

static void leave_table(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    if (n->in_table)
        HASH_DEL(vfs->nodes, n);
    n->in_table = false;
}

static void drop_further(struct vfs *vfs, struct node_name *m) REQUIRES(vfs->lock)
{
    struct node *parent = m->parent;
    HASH_DEL(vfs->further_names, m);
    DL_DELETE(m->node->further_names, m);
    free(m->name);
    free(m);
    node_unref_locked(vfs, parent);
}

static int add_further(struct vfs *vfs, struct node *n, struct node *dir, const char *name)
    REQUIRES(vfs->lock)
{
    struct node_name *m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->node = n;
    m->parent = dir;
    m->name = strdup(name);
    m->key.parent = dir;
    m->key.name_hash = hash_of(span_of(name));
    if (m->name)
        HASH_ADD(hh, vfs->further_names, key, sizeof(m->key), m);
    if (!m->name || !m->hh.tbl) {
        free(m->name);
        free(m);
        return -ENOMEM;
    }
    dir->refs++;
    DL_APPEND(n->further_names, m);
    return 0;
}

int node_add_name(struct vfs *vfs, struct node *n, struct node *dir, const char *name)
{
    lock_take(&vfs->lock);
    int r = n->in_table ? add_further(vfs, n, dir, name) : -ESTALE;
    lock_drop(&vfs->lock);
    return r;
}

unsigned node_count_names(struct vfs *vfs, struct node *n)
{
    const struct node_name *m;
    unsigned further;
    lock_take(&vfs->lock);
    DL_COUNT(n->further_names, m, further);
    const unsigned names = n->in_table + further;
    lock_drop(&vfs->lock);
    return names;
}

void node_lose_name(struct vfs *vfs, struct node *n)
{
    while (n->further_names)
        drop_further(vfs, n->further_names);
    if (!n->in_table)
        return;
    leave_table(vfs, n);
    if (n->ops->kind == KIND_FILE)
        inode_number_keep(vfs, n);
}

static bool enter_table(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    n->key.parent = n->parent;
    n->key.name_hash = hash_of(span_of(n->name));
    HASH_ADD(hh, vfs->nodes, key, sizeof(n->key), n);
    n->in_table = n->hh.tbl != NULL;
    return n->in_table;
}

static void drop_if_unused(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);

/* Frees a node without children and lets go of its parent. */
static void destroy(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    struct node *parent = n->parent;
    leave_table(vfs, n);
    while (n->further_names)
        drop_further(vfs, n->further_names);
    inode_number_drop(vfs, n);
    if (n->ops->destroy)
        n->ops->destroy(vfs, n);
    if (parent) {
        DL_DELETE2(parent->children, n, prev, next);
        parent->refs--;
    }
    if (n->target)
        DL_DELETE2(vfs->by_links, n, link_prev, link_next);
    free(n->last_attrs);
    free(n->vmx_file);
    free(n->file_pages);
    free(n->target);
    free(n->key_pages.text);
    free(n->name);
    free(n);
    if (parent)
        drop_if_unused(vfs, parent);
}

static void drop_if_unused(struct vfs *vfs, struct node *n)
{
    if (n->lookups == 0 && n->refs == 0)
        destroy(vfs, n);
}

static void free_below(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    n->refs++;
    while (n->children)
        free_below(vfs, n->children);
    n->lookups = 0;
    n->refs = 0;
    destroy(vfs, n);
}

void node_free_all(struct vfs *vfs)
{
    lock_take(&vfs->lock);
    while (vfs->further_names)
        drop_further(vfs, vfs->further_names);
    if (vfs->root)
        free_below(vfs, vfs->root);
    vfs->root = NULL;
    lock_drop(&vfs->lock);
}

static struct node *make(struct vfs *vfs, struct node *dir, const char *name,
                         const struct found *found, uint64_t ino) REQUIRES(vfs->lock)
{
    struct node *n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->ops = found->ops;
    n->detail = found->detail;
    n->ino = inode_number_free(vfs, ino);
    n->name = strdup(name);
    n->parent = dir;
    n->target = found->followed ? strdup(found->target) : NULL;
    if (!n->name || (found->followed && !n->target) || !enter_table(vfs, n)) {
        free(n->name);
        free(n->target);
        free(n);
        return NULL;
    }
    dir->refs++;
    DL_APPEND2(dir->children, n, prev, next);
    if (n->target)
        DL_APPEND2(vfs->by_links, n, link_prev, link_next);
    return n;
}

static bool is_same(const struct node *n, const struct found *found)
{
    if (n->ops != found->ops || n->detail != found->detail)
        return false;
    return n->target ? found->followed && strcmp(n->target, found->target) == 0 : !found->followed;
}

static void drop_name(struct vfs *vfs, struct node *dir, const char *name) REQUIRES(vfs->lock);

static bool can_show(struct vfs *vfs, struct node *n, const struct found *found) REQUIRES(vfs->lock)
{
    return !found->ops->take || found->ops->take(vfs, n, found);
}

struct node *node_take(struct vfs *vfs, struct node *dir, const char *name,
                       const struct found *found, bool lookup)
{
    uint64_t ino = found->followed ? node_path_ino(vfs, dir, found->target) : node_ino(dir, name);
    lock_take(&vfs->lock);
    struct node *n = node_child(vfs, dir, name);
    if (n && !is_same(n, found)) {
        drop_name(vfs, dir, name);
        n = NULL;
    }
    if (n && !can_show(vfs, n, found))
        n = NULL;
    if (!n) {
        n = make(vfs, dir, name, found, ino);
        if (n)
            can_show(vfs, n, found);
    }
    if (n) {
        n->refs++;
        n->lookups += lookup;
    }
    lock_drop(&vfs->lock);
    return n;
}

struct node *node_find(struct vfs *vfs, struct node *dir, const char *name)
{
    lock_take(&vfs->lock);
    struct node *n = node_child(vfs, dir, name);
    if (n)
        n->refs++;
    lock_drop(&vfs->lock);
    return n;
}

void node_unref(struct vfs *vfs, struct node *n)
{
    if (!n)
        return;
    lock_take(&vfs->lock);
    node_unref_locked(vfs, n);
    lock_drop(&vfs->lock);
}

void node_unref_locked(struct vfs *vfs, struct node *n)
{
    n->refs--;
    drop_if_unused(vfs, n);
}

void node_forget(struct vfs *vfs, struct node *n, uint64_t lookups)
{
    lock_take(&vfs->lock);
    assert(n->lookups >= lookups);
    n->lookups -= lookups;
    drop_if_unused(vfs, n);
    lock_drop(&vfs->lock);
}

void node_detach(struct vfs *vfs, struct node *dir, const char *name)
{
    lock_take(&vfs->lock);
    drop_name(vfs, dir, name);
    lock_drop(&vfs->lock);
}

char *node_name(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    char *name = strdup(n->name);
    lock_drop(&vfs->lock);
    return name;
}

void node_retire(struct vfs *vfs, struct node *n)
{
    leave_table(vfs, n);
    n->key_pages.retired = true;
}

void node_become(struct vfs *vfs, struct node *dir, const char *name, const struct found *found)
{
    lock_take(&vfs->lock);
    struct node *n = node_child(vfs, dir, name);
    if (n) {
        if (n->ops != found->ops) /* it is not known which pages of it the kernel has */
            n->key_pages.state = PAGES_DIRECT;
        n->ops = found->ops;
        n->detail = found->detail;
        inode_number_drop(vfs, n);
        n->ino = inode_number_free(vfs, node_ino(dir, name));
    }
    lock_drop(&vfs->lock);
}

/* Changes a node's name and parent. False: no memory. */
static bool rename_node(struct vfs *vfs, struct node *n, struct node *new_dir, const char *new_name)
    REQUIRES(vfs->lock)
{
    char *copy = strdup(new_name);
    if (!copy)
        return false;
    struct node *dir = n->parent;
    free(n->name);
    n->name = copy;
    if (dir == new_dir) /* a setting's, which is read without the lock */
        return true;
    n->parent = new_dir;
    new_dir->refs++;
    dir->refs--;
    DL_DELETE2(dir->children, n, prev, next);
    DL_APPEND2(new_dir->children, n, prev, next);
    drop_if_unused(vfs, dir);
    return true;
}

/* Another name of a file that has several becomes its first. */
static void swap_names(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    struct node_name *m = n->further_names;
    add_further(vfs, n, n->parent, n->name); /* else the next lookup makes a new node */
    leave_table(vfs, n);
    if (rename_node(vfs, n, m->parent, m->name))
        enter_table(vfs, n);
    drop_further(vfs, m);
    inode_number_keep(vfs, n);
}

static void drop_name(struct vfs *vfs, struct node *dir, const char *name)
{
    struct node *n = first_named(vfs, dir, name);
    if (n && n->further_names)
        swap_names(vfs, n);
    else if (n)
        node_lose_name(vfs, n);
    struct node_name *m = further_name(vfs, dir, name);
    if (m)
        drop_further(vfs, m);
}

bool node_swap_names(struct vfs *vfs, struct node *n, struct node *dir, const char *name)
{
    lock_take(&vfs->lock);
    const bool swaps = n == first_named(vfs, dir, name) && n->further_names;
    if (swaps)
        swap_names(vfs, n);
    lock_drop(&vfs->lock);
    return swaps;
}

/* What is on the server keeps its number, and so does all below it, which is numbered by that. A
 * setting is numbered by its present name: something else may come to be at the old one, and would
 * have the same number. */
static void renumber(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    if (n->ops->named)
        inode_number_keep(vfs, n);
    else if (!n->target)
        n->ino = inode_number_free(vfs, node_ino(n->parent, n->name));
}

void node_move(struct vfs *vfs, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name)
{
    lock_take(&vfs->lock);
    drop_name(vfs, new_dir, new_name);
    const struct node_name *further = further_name(vfs, dir, name);
    struct node *n = further ? NULL : first_named(vfs, dir, name);
    if (further) {
        add_further(vfs, further->node, new_dir, new_name); /* else as below */
        drop_name(vfs, dir, name);
    }
    if (n) {
        leave_table(vfs, n);
        if (rename_node(vfs, n, new_dir, new_name)) { /* else the next lookup makes a new node */
            enter_table(vfs, n);
            renumber(vfs, n);
        }
    }
    lock_drop(&vfs->lock);
}

bool node_has_name(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    bool has = n->in_table;
    lock_drop(&vfs->lock);
    return has;
}
