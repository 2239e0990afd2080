/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>

#include "base/cleanup.h"
#include "parser/text/text.h"

#define MODE_FILE "100644"
#define MODE_TREE "40000"

struct entry {
    size_t at, n; /* its bytes in the tree */
    struct span mode, name;
    const char *id;
};

/* The entry at a place. False: nothing more, or no tree. */
static bool read_entry(struct span tree, size_t at, struct entry *ret)
{
    const struct span rest = span_from(tree, at);
    const size_t space = text_find(rest, ' ');
    const size_t end = text_find(rest, '\0');
    if (space >= end || rest.n - end < 1 + GIT_OID_RAWSZ)
        return false;
    *ret = (struct entry){.at = at,
                          .n = end + 1 + GIT_OID_RAWSZ,
                          .mode = span_head(rest, space),
                          .name = {rest.p + space + 1, end - space - 1},
                          .id = rest.p + end + 1};
    return true;
}

static bool is_tree(const struct entry *e)
{
    return span_eq(e->mode, SPAN_LITERAL(MODE_TREE));
}

/* Git sorts as if the name of a folder ended with a slash. */
static int compare(struct span a, bool a_tree, struct span b, bool b_tree)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int c = memcmp(a.p, b.p, n);
    const unsigned char after_a = a.n > n ? (unsigned char)a.p[n] : a_tree ? '/' : '\0';
    const unsigned char after_b = b.n > n ? (unsigned char)b.p[n] : b_tree ? '/' : '\0';
    return c ? c : after_a - after_b;
}

/* False: there is none, and *ret is where one of this kind belongs (its length is 0). */
static bool find(struct span tree, struct span name, bool as_tree, struct entry *ret)
{
    struct entry place = {.at = tree.n};
    bool placed = false;
    size_t at = 0;
    for (struct entry e; read_entry(tree, at, &e); at = e.at + e.n) {
        if (span_eq(e.name, name)) {
            *ret = e;
            return true;
        }
        if (!placed && compare(e.name, is_tree(&e), name, as_tree) > 0) {
            place.at = e.at;
            placed = true;
        }
    }
    *ret = place;
    return false;
}

static struct span head_of(const char *path, const char **rest)
{
    const char *slash = strchr(path, '/');
    *rest = slash ? slash + 1 : NULL;
    return (struct span){path, slash ? (size_t)(slash - path) : strlen(path)};
}

static int read_tree(const struct objects *objects, const git_oid *tree, struct buf *ret)
{
    return git_oid_is_zero(tree) ? 0 : objects_read(objects, tree, GIT_OBJECT_TREE, ret);
}

int tree_get(const struct objects *objects, const git_oid *tree, const char *path, git_oid *ret)
{
    git_oid at = *tree;
    const char *rest = path;
    bool in_folder;
    do {
        BUF_AUTO bytes = {0};
        struct entry e;
        const char *below;
        const struct span name = head_of(rest, &below);
        const int r = read_tree(objects, &at, &bytes);
        if (r < 0)
            return r == -ENOENT ? -EIO : r;
        in_folder = below != NULL;
        if (!find(buf_span(&bytes), name, in_folder, &e) || is_tree(&e) != in_folder)
            return -ENOENT;
        memcpy(at.id, e.id, GIT_OID_RAWSZ);
        rest = below;
    } while (in_folder);
    *ret = at;
    return 0;
}

static int add_entry(struct buf *ret, bool as_tree, struct span name, const git_oid *id)
{
    return buf_add_str(ret, as_tree ? MODE_TREE " " : MODE_FILE " ")
        ?: buf_add(ret, name)
        ?: buf_add_char(ret, '\0')
        ?: buf_add(ret, (struct span){(const char *)id->id, GIT_OID_RAWSZ});
}

/* Puts an entry in the place of the one of this name. Zeros remove it, if it is of this kind. */
static int put(struct buf *tree, struct span name, bool as_tree, const git_oid *id)
{
    BUF_AUTO changed = {0};
    const struct span old = buf_span(tree);
    const bool is_left = !git_oid_is_zero(id);
    struct entry e;
    struct entry place;
    const bool is_there = find(old, name, as_tree, &e);
    const bool same_kind = is_there && is_tree(&e) == as_tree;
    if (!is_left && !same_kind)
        return 0;
    place = e;
    if (is_there && !same_kind) { /* it belongs elsewhere among the entries now */
        const int r = buf_add(&changed, span_head(old, e.at))
                          ?: buf_add(&changed, span_from(old, e.at + e.n));
        if (r < 0)
            return r;
        const struct buf without = changed;
        changed = *tree;
        *tree = without;
        buf_clear(&changed);
        find(buf_span(tree), name, as_tree, &place);
    }
    const struct span from = buf_span(tree);
    const int r = buf_add(&changed, span_head(from, place.at))
        ?: (is_left ? add_entry(&changed, as_tree, name, id) : 0)
        ?: buf_add(&changed, span_from(from, place.at + place.n));
    if (r < 0)
        return r;
    const struct buf old_tree = *tree;
    *tree = changed;
    changed = old_tree;
    return 0;
}

static int set_below(struct objects *objects, const git_oid *tree,
                     const struct tree_change *changes, size_t n, size_t skip, git_oid *ret);

/* What stands in the place of the first component of all of these paths. */
static int set_entry(struct objects *objects, struct buf *bytes, const struct tree_change *changes,
                     size_t n, size_t skip)
{
    const char *rest;
    const struct span name = head_of(changes->path + skip, &rest);
    git_oid below = {{0}};
    struct entry e;
    int r = 0;
    if (rest && find(buf_span(bytes), name, true, &e) && is_tree(&e))
        memcpy(below.id, e.id, GIT_OID_RAWSZ);
    if (rest)
        r = set_below(objects, &below, changes, n, skip + name.n + 1, &below);
    else
        below = changes[n - 1].blob;
    return r ?: put(bytes, name, rest != NULL, &below);
}

static size_t count_same_head(const struct tree_change *changes, size_t n, size_t skip)
{
    const char *rest;
    const struct span name = head_of(changes->path + skip, &rest);
    size_t same = 1;
    while (same < n && strncmp(changes[same].path + skip, name.p, name.n + (rest ? 1 : 0)) == 0 &&
           (rest || changes[same].path[skip + name.n] == '\0'))
        same++;
    return same;
}

static int set_below(struct objects *objects, const git_oid *tree,
                     const struct tree_change *changes, size_t n, size_t skip, git_oid *ret)
{
    BUF_AUTO bytes = {0};
    int r = read_tree(objects, tree, &bytes);
    for (size_t i = 0; r == 0 && i < n;) {
        const size_t same = count_same_head(changes + i, n - i, skip);
        r = set_entry(objects, &bytes, changes + i, same, skip);
        i += same;
    }
    if (r == 0 && bytes.len > 0)
        return objects_add(objects, GIT_OBJECT_TREE, buf_span(&bytes),
                           git_oid_is_zero(tree) ? NULL : tree, ret);
    if (r == 0)
        *ret = (git_oid){{0}};
    return r;
}

int tree_set(struct objects *objects, const git_oid *tree, const struct tree_change *changes,
             size_t n, git_oid *ret)
{
    return set_below(objects, tree, changes, n, 0, ret);
}
