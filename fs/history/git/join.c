/* SPDX-License-Identifier: MIT */
#include "join.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "pack_file.h"
#include "parser/text/list.h"

struct packs {
    struct pack_file *list;
    size_t n;
};

struct join {
    const char *git_dir;
    struct objects objects; /* only to read */
    struct packs packs;     /* those that are joined, the oldest first */
    struct pack pack;
};

static void packs_done(struct packs *packs)
{
    for (size_t i = 0; i < packs->n; i++)
        pack_file_done(&packs->list[i]);
    free(packs->list);
}
#define PACKS_AUTO __attribute__((cleanup(packs_done))) struct packs

/* ---- which */

static bool has(const char *git_dir, const char *name)
{
    FREE_AUTO char *path = NULL;
    return asprintf(&path, "%s/objects/pack/%s", git_dir, name) < 0 || access(path, F_OK) == 0;
}

/* The owner's git may keep a pack, or have put it into an index of several. */
static bool is_kept(const char *git_dir, const char *name)
{
    FREE_AUTO char *keep = NULL;
    return asprintf(&keep, "%s.keep", name) < 0 || has(git_dir, keep);
}

static int add_pack(struct packs *packs, const char *git_dir, const char *name)
{
    struct pack_file *list = list_room(packs->list, packs->n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    packs->list = list;
    const int r = pack_file_find(git_dir, name, &list[packs->n]);
    if (r == 0)
        packs->n++;
    else if (r == -ENOENT) /* the owner's git has packed anew */
        pack_remove(git_dir, name);
    return r == -ENOMEM ? r : 0;
}

static int find_packs(const char *git_dir, struct packs *packs)
{
    FREE_AUTO char *folder = path_join(git_dir, "vmxfs/packs");
    DIR *d = folder ? opendir(folder) : NULL;
    int r = d ? 0 : folder ? -errno : -ENOMEM;
    for (const struct dirent *e = d ? readdir(d) : NULL; r == 0 && e; e = readdir(d)) {
        if (strncmp(e->d_name, "pack-", 5) == 0 && !is_kept(git_dir, e->d_name))
            r = add_pack(packs, git_dir, e->d_name);
    }
    if (d)
        closedir(d);
    return r;
}

static int by_size(const void *a, const void *b)
{
    const struct pack_file *x = a;
    const struct pack_file *y = b;
    return x->size < y->size ? -1 : x->size > y->size;
}

static int by_time(const void *a, const void *b)
{
    const struct pack_file *x = a;
    const struct pack_file *y = b;
    return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* Leaves those that are to be joined. */
static void choose(struct packs *packs)
{
    int64_t sum = 0;
    size_t chosen = 0;
    qsort(packs->list, packs->n, sizeof(*packs->list), by_size);
    for (size_t i = 0; i < packs->n; i++) {
        if (packs->list[i].size < 2 * sum)
            chosen = i + 1;
        sum += packs->list[i].size;
    }
    while (packs->n > chosen)
        pack_file_done(&packs->list[--packs->n]);
    if (chosen > 0)
        qsort(packs->list, chosen, sizeof(*packs->list), by_time);
}

/* ---- what they hold */

static int by_id(const void *a, const void *b)
{
    const struct pack_entry *x = a;
    const struct pack_entry *y = b;
    return git_oid_cmp(&x->id, &y->id);
}

static int load(struct join *join)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < join->packs.n; i++)
        r = pack_file_load(join->git_dir, &join->packs.list[i]);
    return r;
}

/* All ids, each once. */
static int collect(const struct packs *packs, struct pack_entry **ret, size_t *ret_n)
{
    size_t n = 0;
    size_t once = 0;
    for (size_t i = 0; i < packs->n; i++)
        n += packs->list[i].n;
    struct pack_entry *entries = calloc(n ? n : 1, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < packs->n; i++) {
        for (size_t k = 0; k < packs->list[i].n; k++)
            entries[n++].id = packs->list[i].entries[k].id;
    }
    if (n > 0)
        qsort(entries, n, sizeof(*entries), by_id);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !git_oid_equal(&entries[i].id, &entries[i - 1].id))
            entries[once++] = entries[i];
    }
    *ret = entries;
    *ret_n = once;
    return 0;
}

/* ---- one object */

static const struct pack_base *find_note(const struct pack_file *file, const git_oid *id)
{
    for (size_t i = 0; i < file->n_bases; i++) {
        if (git_oid_equal(&file->bases[i].id, id))
            return &file->bases[i];
    }
    return NULL;
}

static int read_object(const struct join *join, const git_oid *id, git_object_t *ret_type,
                       struct buf *ret)
{
    size_t size;
    if (git_odb_read_header(&size, ret_type, join->objects.odb, id) < 0)
        return -EIO;
    return objects_read(&join->objects, id, *ret_type, ret);
}

/* A whole object becomes a delta, now that its base is here too. */
static int add_on_base(struct join *join, struct pack_entry *e, const struct pack_base *note)
{
    BUF_AUTO data = {0};
    BUF_AUTO base = {0};
    git_object_t type;
    git_object_t base_type;
    const int r = read_object(join, &note->id, &type, &data)
                      ?: read_object(join, &note->base, &base_type, &base);
    return r
               ?: pack_add(&join->pack, e, type, buf_span(&data), &note->base, buf_span(&base),
                           note->height);
}

static int copy_entry(struct join *join, const struct pack_file *file, int fd, size_t i,
                      struct buf *raw)
{
    struct pack_entry *e = pack_find(&join->pack, &file->entries[i].id);
    bool is_delta;
    git_oid base;
    if (!e || e->offset) /* it was in another pack, too */
        return e ? 0 : -EBADMSG;
    int r = pack_file_entry(file, fd, i, raw, &is_delta, &base);
    if (r < 0)
        return r;
    const struct pack_base *note = is_delta ? NULL : find_note(file, &e->id);
    if (note && pack_wants_base(&join->pack, &note->base, note->height))
        return add_on_base(join, e, note);
    if (note && !pack_find(&join->pack, &note->base))
        r = pack_note_base(&join->pack, note);
    if (note)
        e->height = (uint16_t)note->height;
    return r ?: pack_copy(&join->pack, e, buf_span(raw), is_delta ? &base : NULL);
}

static int copy_pack(struct join *join, const struct pack_file *file)
{
    BUF_AUTO raw = {0};
    FD_AUTO fd = pack_file_open(join->git_dir, file);
    int r = fd < 0 ? fd : 0;
    for (size_t i = 0; r == 0 && i < file->n; i++)
        r = copy_entry(join, file, fd, i, &raw);
    return r;
}

/* ---- all of it */

static int write_joined(struct join *join, char **ret_name)
{
    struct pack_entry *entries = NULL;
    size_t n = 0;
    int r = load(join) ?: collect(&join->packs, &entries, &n)
        ?: pack_begin(&join->pack, join->git_dir, entries, n);
    for (size_t i = 0; r == 0 && i < join->packs.n; i++)
        r = copy_pack(join, &join->packs.list[i]);
    return r ?: pack_finish(&join->pack, ret_name);
}

/* One of those that are joined may hold all the others, and is the new one then: a process that was
 * killed before it removed them has left it. */
static int join_chosen(const char *git_dir, git_odb *odb, struct packs *packs)
{
    FREE_AUTO char *joined = NULL;
    struct join join = {
        .git_dir = git_dir, .objects = {.odb = odb}, .packs = *packs, .pack = {.fd = -1}};
    const int r = write_joined(&join, &joined);
    pack_done(&join.pack);
    *packs = join.packs;
    for (size_t i = 0; r == 0 && i < packs->n; i++) {
        if (strcmp(packs->list[i].name, joined) != 0)
            pack_remove(git_dir, packs->list[i].name);
    }
    return r;
}

int join_packs(git_repository *repository)
{
    PACKS_AUTO packs = {0};
    const char *git_dir = git_repository_path(repository);
    git_odb *odb = NULL;
    int r = find_packs(git_dir, &packs);
    if (r < 0 || packs.n <= JOIN_PACKS || has(git_dir, "multi-pack-index"))
        return r;
    choose(&packs);
    if (packs.n < 2)
        return 0;
    if (git_repository_odb(&odb, repository) < 0)
        return -EIO;
    r = join_chosen(git_dir, odb, &packs);
    git_odb_free(odb);
    return r;
}
