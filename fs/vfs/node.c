/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes. A node lives while the kernel knows it (lookups) or somebody refers to it
 * (refs: children, pins, running requests). In the table it is found by parent and name; one that
 * is not in it any more (removed, replaced, turned into another kind) lives on for those who hold
 * it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/path.h"
#include "internal.h"
#include "numbers.h"

/* From the root to the other view of the server's tree. */
#define PLAIN_PATH CONTROL_NAME "/" PLAIN_NAME

/* FNV-1a, 64 bits, see RFC 9923: inode numbers must be the same after a remount. */
static uint64_t hash_bytes(uint64_t h, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        h = (h ^ (unsigned char)bytes.p[i]) * 1099511628211U;
    return h;
}

static const uint64_t hash_start = 14695981039346656037U;

uint64_t hash_of(struct span bytes)
{
    return hash_bytes(hash_start, bytes);
}

static struct node *find_child(struct vfs *vfs, struct node *dir, const char *name)
    REQUIRES(vfs->lock)
{
    struct node probe = {.key.parent = dir, .key.name_hash = hash_of(span_of(name))};
    struct node *n;
    HASH_FIND(hh, vfs->nodes, &probe.key, sizeof(probe.key), n);
    return n && strcmp(n->name, name) == 0 ? n : NULL;
}

static void leave_table(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    if (n->in_table)
        HASH_DEL(vfs->nodes, n);
    n->in_table = false;
}

/* Its name is another's from now on, or nobody's. */
static void leave_name(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    leave_table(vfs, n);
    if (n->ops->kind == KIND_FILE)
        number_keep(vfs, n);
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
    number_drop(vfs, n);
    if (n->ops->destroy)
        n->ops->destroy(vfs, n);
    if (parent) {
        DL_DELETE2(parent->children, n, prev, next);
        parent->refs--;
    }
    if (n->target)
        DL_DELETE2(vfs->by_links, n, link_prev, link_next);
    free(n->told);
    free(n->target);
    free(n->pages.text);
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
    n->ino = number_free(vfs, ino);
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

static bool can_show(struct vfs *vfs, struct node *n, const struct found *found) REQUIRES(vfs->lock)
{
    return !found->ops->take || found->ops->take(vfs, n, found);
}

struct node *node_take(struct vfs *vfs, struct node *dir, const char *name,
                       const struct found *found, bool lookup)
{
    uint64_t ino = found->followed ? node_path_ino(vfs, dir, found->target)
                                   : node_ino(dir, name, found->folded);
    lock_take(&vfs->lock);
    struct node *n = find_child(vfs, dir, name);
    if (n && !is_same(n, found)) {
        leave_name(vfs, n);
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
    struct node *n = find_child(vfs, dir, name);
    if (n)
        n->refs++;
    lock_drop(&vfs->lock);
    return n;
}

struct node *node_ref(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
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
    struct node *n = find_child(vfs, dir, name);
    if (n)
        leave_name(vfs, n);
    lock_drop(&vfs->lock);
}

char *node_name(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    char *name = strdup(n->name);
    lock_drop(&vfs->lock);
    return name;
}

void node_lose_name(struct vfs *vfs, struct node *n)
{
    if (n->in_table)
        leave_name(vfs, n);
}

void node_retire(struct vfs *vfs, struct node *n)
{
    leave_table(vfs, n);
    n->pages.retired = true;
}

void node_become(struct vfs *vfs, struct node *dir, const char *name, const struct found *found)
{
    lock_take(&vfs->lock);
    struct node *n = find_child(vfs, dir, name);
    if (n) {
        if (n->ops != found->ops) /* it is not known which pages of it the kernel has */
            n->pages.state = PAGES_DIRECT;
        n->ops = found->ops;
        n->detail = found->detail;
        number_drop(vfs, n);
        n->ino = number_free(vfs, node_ino(dir, name, found->folded));
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

/* Numbers a node and all below it by their present paths: something else may come to be at the old
 * ones, and would have the same numbers. A plain file keeps its own. */
static void renumber(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock)
{
    struct node *child;
    if (n->ops->kind == KIND_FILE)
        number_keep(vfs, n);
    else if (!n->target)
        n->ino =
            number_free(vfs, node_ino(n->parent, n->name, n->parent->ops->kind == KIND_VMX_DIR));
    DL_FOREACH2(n->children, child, next) renumber(vfs, child);
}

void node_move(struct vfs *vfs, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name)
{
    lock_take(&vfs->lock);
    struct node *n = find_child(vfs, dir, name);
    struct node *old = find_child(vfs, new_dir, new_name);
    if (old && old != n)
        leave_name(vfs, old);
    if (n) {
        leave_table(vfs, n);
        if (rename_node(vfs, n, new_dir, new_name)) { /* else the next lookup makes a new node */
            enter_table(vfs, n);
            renumber(vfs, n);
        }
    }
    lock_drop(&vfs->lock);
}

int node_add_path(struct vfs *vfs, const struct node *n, struct buf *ret)
{
    if (!n)
        return 0;
    if (n->target) /* "" is the root */
        return n->target[0] ? buf_addf(ret, "%s/", n->target) : 0;
    int r = node_add_path(vfs, n->parent, ret);
    return r == 0 && n->ops->named && n->parent ? buf_addf(ret, "%s/", n->name) : r;
}

char *node_path(struct vfs *vfs, struct node *n)
{
    BUF_AUTO path = {0};
    lock_take(&vfs->lock);
    int r = node_add_path(vfs, n, &path);
    lock_drop(&vfs->lock);
    if (r < 0)
        return NULL;
    return strndup(path.data ? path.data : "", path.len > 0 ? path.len - 1 : 0);
}

char *node_child_path(struct vfs *vfs, struct node *dir, const char *name)
{
    char *parent = node_path(vfs, dir);
    char *path = parent ? path_join(parent, name) : NULL;
    free(parent);
    return path;
}

/* The node at a path below another one. NULL: the kernel does not know it, or n is NULL. */
static struct node *walk(struct vfs *vfs, struct node *n, const char *path) REQUIRES(vfs->lock)
{
    while (n && *path) {
        size_t len = strcspn(path, "/");
        char name[256];
        if (len >= sizeof(name)) {
            n = NULL;
            break;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        n = find_child(vfs, n, name);
        path += len + (path[len] == '/');
    }
    return n;
}

struct node *node_at(struct vfs *vfs, const char *path, bool plain)
{
    lock_take(&vfs->lock);
    struct node *n = walk(vfs, vfs->root, plain ? PLAIN_PATH : "");
    n = walk(vfs, n, path);
    if (n)
        n->refs++;
    lock_drop(&vfs->lock);
    return n;
}

void node_each_at(struct vfs *vfs, const char *path,
                  void (*see)(struct vfs *vfs, struct node *n, void *ctx), void *ctx)
{
    struct node *n;
    struct node *link;
    lock_take(&vfs->lock);
    for (int plain = 0; plain < 2; plain++) {
        n = walk(vfs, walk(vfs, vfs->root, plain ? PLAIN_PATH : ""), path);
        if (n)
            see(vfs, n, ctx);
    }
    DL_FOREACH2(vfs->by_links, link, link_next)
    {
        const char *rest = link->in_table ? path_below(link->target, path) : NULL;
        n = rest ? walk(vfs, link, rest) : NULL;
        if (n)
            see(vfs, n, ctx);
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

bool node_is_plain(struct vfs *vfs, struct node *n)
{
    bool plain = false;
    lock_take(&vfs->lock);
    for (; n && !plain; n = n->parent)
        plain = n->ops->plain;
    lock_drop(&vfs->lock);
    return plain;
}

static uint64_t child_ino(uint64_t parent, struct span name, bool folded)
{
    uint64_t h = hash_bytes(hash_start, (struct span){(const char *)&parent, sizeof(parent)});
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (folded && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        h = hash_bytes(h, (struct span){&c, 1});
    }
    return h > 1 ? h : 2; /* 1 is the root's, and 0 means none */
}

uint64_t node_ino(const struct node *dir, const char *name, bool folded)
{
    return child_ino(dir->ino, span_of(name), folded);
}

uint64_t node_path_ino(struct vfs *vfs, struct node *dir, const char *path)
{
    lock_take(&vfs->lock);
    while (dir->parent && !dir->ops->plain)
        dir = dir->parent;
    uint64_t ino = dir->ino;
    lock_drop(&vfs->lock);
    while (*path) {
        size_t len = strcspn(path, "/");
        ino = child_ino(ino, (struct span){path, len}, false);
        path += len + (path[len] == '/');
    }
    return ino;
}

void node_each_child(struct vfs *vfs, struct node *dir,
                     void (*see)(struct vfs *vfs, struct node *child, void *ctx), void *ctx)
{
    struct node *n;
    lock_take(&vfs->lock);
    DL_FOREACH2(dir->children, n, next) see(vfs, n, ctx);
    lock_drop(&vfs->lock);
}

struct node *vmx_above(struct vfs *vfs, struct node *n)
{
    lock_take(&vfs->lock);
    while (n && n->ops->kind != KIND_VMX_DIR)
        n = n->parent;
    lock_drop(&vfs->lock);
    return n;
}

char *vmx_path_above(struct call *c, struct node *n)
{
    struct node *dir = vmx_above(c->vfs, n);
    return dir ? node_path(c->vfs, dir) : NULL;
}
