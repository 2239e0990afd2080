/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <errno.h>
#include <string.h>

#include "history/git/repository.h"

enum { DEPTH_MAX = 64 };

static int errno_of(int git)
{
    return repository_error(git, "reading", NULL);
}

int walk_open(struct walk *walk, const char *dir, const char *host)
{
    walk->host = strdup(host);
    int r = walk->host ? repository_open(dir, &walk->repository, NULL) : -ENOMEM;
    r = r ?: errno_of(git_repository_odb(&walk->objects, walk->repository));
    /* To hash each object that is read is two thirds of a walk; zlib's checksums stay. */
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0); /* nothing is read twice but what is kept here */
    if (r < 0)
        walk_close(walk);
    return r == -ENOMEM || r == 0 ? r : -EIO;
}

void walk_close(struct walk *walk)
{
    for (size_t i = 0; i < WALK_TREES; i++)
        git_odb_object_free(walk->trees[i]);
    git_odb_free(walk->objects);
    repository_close(&walk->repository);
    free(walk->host);
    buf_done(&walk->name);
    *walk = (struct walk){.see = walk->see, .ctx = walk->ctx};
}

/* ---- trees, as they lie in the repository: MODE SPACE NAME NUL ID, in the order of the names, to
 * which a folder's has a slash added */

static void object_drop(git_odb_object **object)
{
    git_odb_object_free(*object);
}
#define OBJECT_AUTO __attribute__((cleanup(object_drop))) git_odb_object

struct entry {
    struct span bytes; /* all of it */
    struct span name;
    bool is_dir, is_file;
    const unsigned char *id;
};

static int take_object(struct walk *walk, const git_oid *id, git_object_t type,
                       git_odb_object **ret)
{
    OBJECT_AUTO *object = NULL;
    int r = errno_of(git_odb_read(&object, walk->objects, id));
    if (r == 0 && git_odb_object_type(object) != type)
        r = -EIO;
    if (r == 0)
        *ret = steal(object);
    return r == -ENOENT ? -EIO : r;
}

/* id NULL: a tree without entries. */
static int take_tree(struct walk *walk, const git_oid *id, git_odb_object **ret)
{
    for (size_t i = 0; id && i < WALK_TREES; i++) {
        if (walk->trees[i] && git_oid_equal(git_odb_object_id(walk->trees[i]), id))
            return errno_of(git_odb_object_dup(ret, walk->trees[i]));
    }
    if (!id)
        return 0;
    int r = take_object(walk, id, GIT_OBJECT_TREE, ret);
    git_odb_object **place = &walk->trees[walk->next_tree];
    if (r < 0)
        return r;
    git_odb_object_free(steal(*place));
    walk->next_tree = (walk->next_tree + 1) % WALK_TREES;
    return errno_of(git_odb_object_dup(place, *ret));
}

static struct span tree_bytes(git_odb_object *tree)
{
    if (!tree)
        return (struct span){0};
    return (struct span){git_odb_object_data(tree), git_odb_object_size(tree)};
}

/* Takes the next entry off the front. 0; -ENOENT: there is none; -EIO: these are no entries. */
static int next_entry(struct span *rest, struct entry *ret)
{
    if (rest->n == 0)
        return -ENOENT;
    const size_t mode = text_find(*rest, ' ');
    const size_t end = text_find(*rest, '\0');
    if (mode == 0 || mode + 1 >= end || end + GIT_OID_RAWSZ >= rest->n)
        return -EIO;
    ret->bytes = span_head(*rest, end + 1 + GIT_OID_RAWSZ);
    ret->name = (struct span){rest->p + mode + 1, end - mode - 1};
    ret->is_dir = span_starts_with(*rest, SPAN_LITERAL("40000 "));
    ret->is_file = span_starts_with(*rest, SPAN_LITERAL("100"));
    ret->id = (const unsigned char *)rest->p + end + 1;
    *rest = span_from(*rest, ret->bytes.n);
    return 0;
}

static int in_order(const struct entry *a, const struct entry *b)
{
    const size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
    const int order = memcmp(a->name.p, b->name.p, n);
    const unsigned char behind_a = n < a->name.n ? (unsigned char)a->name.p[n]
                                   : a->is_dir   ? '/'
                                                 : 0;
    const unsigned char behind_b = n < b->name.n ? (unsigned char)b->name.p[n]
                                   : b->is_dir   ? '/'
                                                 : 0;
    return order ? order : (int)behind_a - (int)behind_b;
}

static const git_oid *id_of(const struct entry *e, git_oid *ret)
{
    git_oid_fromraw(ret, e->id);
    return ret;
}

static bool has_suffix(struct span name, struct span suffix)
{
    return name.n >= suffix.n && span_eq_fold(span_from(name, name.n - suffix.n), suffix);
}

static bool is_vmx(struct span name)
{
    return has_suffix(name, SPAN_LITERAL(".vmx")) || has_suffix(name, SPAN_LITERAL(".vmtx"));
}

static int see_trees(struct walk *walk, const git_oid *before, const git_oid *after,
                     unsigned depth);

/* Of two entries with one name, or of one that is alone (the other is NULL). */
static int see_entry(struct walk *walk, const struct entry *before, const struct entry *after,
                     unsigned depth)
{
    const struct entry *any = before ? before : after;
    const size_t len = walk->name.len;
    git_oid ids[2];
    if (depth == 0 ? !span_eq(any->name, span_of(walk->host)) || !any->is_dir
                   : !any->is_dir && !is_vmx(any->name))
        return 0;
    int r = depth == 0 ? 0 : buf_add(&walk->name, any->name);
    if (r == 0 && any->is_dir) {
        r = depth == 0 ? 0 : buf_add_char(&walk->name, '/');
        r = r
                ?: see_trees(walk, before ? id_of(before, &ids[0]) : NULL,
                             after ? id_of(after, &ids[1]) : NULL, depth + 1);
    } else if (r == 0) {
        const git_oid *was = before && before->is_file ? id_of(before, &ids[0]) : NULL;
        const git_oid *is = after && after->is_file ? id_of(after, &ids[1]) : NULL;
        if ((was || is) && !(was && is && git_oid_equal(was, is)))
            r = walk->see(walk->ctx, buf_span(&walk->name), was, is);
    }
    walk->name.len = len;
    return r;
}

/* How many bytes two texts have in common at their beginning. */
static size_t common(struct span a, struct span b)
{
    enum { AT_ONCE = 64 };
    const size_t n = a.n < b.n ? a.n : b.n;
    size_t at = 0;
    while (at + AT_ONCE <= n && memcmp(a.p + at, b.p + at, AT_ONCE) == 0)
        at += AT_ONCE;
    while (at < n && a.p[at] == b.p[at])
        at++;
    return at;
}

/* Passes over the entries that are the same: there may be hundreds before the one that is not. */
static void pass_same(struct span *before, struct span *after)
{
    struct entry e;
    struct span rest = *before;
    size_t same = common(*before, *after);
    while (next_entry(&rest, &e) == 0 && e.bytes.n <= same) {
        same -= e.bytes.n;
        *before = rest;
        *after = span_from(*after, e.bytes.n);
    }
}

static int see_rest(struct walk *walk, struct span before, struct span after, unsigned depth)
{
    struct entry e[2];
    int next[2] = {next_entry(&before, &e[0]), next_entry(&after, &e[1])};
    int r = 0;
    while (r == 0 && (next[0] == 0 || next[1] == 0)) {
        const int order = next[0] < 0 ? 1 : next[1] < 0 ? -1 : in_order(&e[0], &e[1]);
        if (order != 0 || !span_eq(e[0].bytes, e[1].bytes))
            r = see_entry(walk, order <= 0 ? &e[0] : NULL, order >= 0 ? &e[1] : NULL, depth);
        const bool are_same = order == 0 && span_eq(before, after);
        if (order <= 0)
            next[0] = are_same ? -ENOENT : next_entry(&before, &e[0]);
        if (order >= 0)
            next[1] = are_same ? -ENOENT : next_entry(&after, &e[1]);
    }
    return r ?: next[0] == -EIO || next[1] == -EIO ? -EIO : 0;
}

static int see_trees(struct walk *walk, const git_oid *before, const git_oid *after, unsigned depth)
{
    OBJECT_AUTO *was = NULL;
    OBJECT_AUTO *is = NULL;
    if (depth > DEPTH_MAX)
        return 0;
    int r = take_tree(walk, before, &was) ?: take_tree(walk, after, &is);
    if (r < 0)
        return r;
    struct span old = tree_bytes(was);
    struct span new = tree_bytes(is);
    pass_same(&old, &new);
    return see_rest(walk, old, new, depth);
}

/* ---- commits */

static const char *const origins[] = {
    [HISTORY_VMXFS] = "vmxfs", [HISTORY_OTHERS] = "others", [HISTORY_HOST] = "host"};

static void take_trailer(const git_message_trailer *t, struct walk_commit *ret)
{
    const bool since = strcmp(t->key, "Undoes-Since") == 0;
    for (int i = 0; strcmp(t->key, "By") == 0 && i < 3; i++) {
        if (strcmp(t->value, origins[i]) == 0)
            ret->origin = (enum history_origin)i;
    }
    if ((since || strcmp(t->key, "Undoes") == 0) && strlen(t->value) == HISTORY_ID &&
        git_oid_fromstr(&ret->undoes, t->value) == 0) {
        ret->undoes_any = true;
        ret->undoes_since = since;
    }
}

/* Who commits without a vmxfs says nothing of what a vmxfs did. */
static int take_words(git_commit *commit, struct walk_commit *ret)
{
    git_message_trailer_array trailers = {0};
    const char *message = git_commit_message(commit);
    const char *program = "";
    int r = errno_of(git_message_trailers(&trailers, message ? message : ""));
    ret->origin = HISTORY_OTHERS;
    for (size_t i = 0; r == 0 && i < trailers.count; i++) {
        take_trailer(&trailers.trailers[i], ret);
        if (strcmp(trailers.trailers[i].key, "Program") == 0)
            program = trailers.trailers[i].value;
    }
    ret->program = r == 0 ? strdup(program) : NULL;
    ret->user = strdup(git_commit_author(commit)->name);
    git_message_trailer_array_free(&trailers);
    return r ?: ret->program && ret->user ? 0 : -ENOMEM;
}

static int parent_tree(struct walk *walk, const struct walk_commit *c, git_oid *ret)
{
    git_commit *parent = NULL;
    int r = errno_of(git_commit_lookup(&parent, walk->repository, &c->parent));
    if (r == 0)
        git_oid_cpy(ret, git_commit_tree_id(parent));
    git_commit_free(parent);
    return r;
}

int walk_commit(struct walk *walk, const git_oid *id, struct walk_commit *ret)
{
    git_commit *commit = NULL;
    struct walk_commit c = {0};
    git_oid before;
    int r = errno_of(git_commit_lookup(&commit, walk->repository, id));
    if (r < 0)
        return r == -ENOENT ? -EIO : r;
    git_oid_cpy(&c.id, id);
    c.time_s = git_commit_author(commit)->when.time;
    c.has_parent = git_commit_parentcount(commit) > 0;
    if (c.has_parent)
        git_oid_cpy(&c.parent, git_commit_parent_id(commit, 0));
    r = take_words(commit, &c) ?: c.has_parent ? parent_tree(walk, &c, &before) : 0;
    const git_oid *after = git_commit_tree_id(commit);
    if (r == 0 && !(c.has_parent && git_oid_equal(&before, after)))
        r = see_trees(walk, c.has_parent ? &before : NULL, after, 0);
    git_commit_free(commit);
    if (r == 0)
        *ret = c;
    else
        walk_commit_done(&c);
    return r == -ENOENT ? -EIO : r;
}

void walk_commit_done(struct walk_commit *commit)
{
    free(commit->user);
    free(commit->program);
}

int walk_text(struct walk *walk, const git_oid *id, struct buf *ret)
{
    OBJECT_AUTO *object = NULL;
    return take_object(walk, id, GIT_OBJECT_BLOB, &object) ?: buf_add(ret, tree_bytes(object));
}

int walk_tip(struct walk *walk, const char *ref, git_oid *ret)
{
    return errno_of(git_reference_name_to_id(ret, walk->repository, ref));
}
