/* SPDX-License-Identifier: MIT */
/*
 * The files of all VMs are found together, level by level: what the .vmx name, then what the
 * descriptors among that name, and so on. A level costs a flight for the names that are absolute
 * or lead up, which may go through links, one for the descriptors' attributes, and more only for
 * those that are new.
 */
#include "named_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "parser/text/list.h"
#include "parser/vm/vm_files.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"

enum {
    LEVELS_MAX = 256,
    NAMED_MAX = 1 << 16, /* a hostile server's disks end somewhere */
};

/* What a name is of. Of a disk's parents and extents these are disks, too. */
enum part { PART_DISK, PART_EXTENT, PART_OTHER };

/* A name as it is written, and what becomes of it. */
struct name {
    struct known_vm *vm;
    char *text; /* the server's path, links and ".." in it; or NULL: it is path */
    char *path; /* below the root; NULL: it cannot be there */
    enum part part;
    bool expand; /* it is new to its VM, and may be a descriptor */
};

struct level {
    struct name *names;
    size_t n;
};

static void level_done(struct level *level)
{
    for (size_t i = 0; i < level->n; i++) {
        free(level->names[i].text);
        free(level->names[i].path);
    }
    free(level->names);
    *level = (struct level){0};
}

/* A text that leads up, to another datastore by its name, say, is as good as an absolute one. */
static bool leads_up(const char *text)
{
    for (; *text; text += strspn(text, "/")) {
        size_t len = strcspn(text, "/");
        if (len == 2 && text[0] == '.' && text[1] == '.')
            return true;
        text += len;
    }
    return false;
}

/* Where the server is asked for a text of dir; NULL: it is below dir. */
static int add_question(struct name *name, const struct remote *remote, const char *dir,
                        const char *text)
{
    if (text[0] == '/') {
        name->text = strdup(text);
    } else if (leads_up(text)) {
        FREE_AUTO char *full = remote_path(remote, dir);
        name->text = full ? path_join(full, text) : NULL;
    } else {
        return 0;
    }
    return name->text ? 0 : -ENOMEM;
}

static int add_name(struct level *level, const struct remote *remote, struct known_vm *vm,
                    const char *dir, const char *text, enum part part)
{
    struct name *more = list_room(level->names, level->n, sizeof(*more));
    if (!more)
        return -ENOMEM;
    level->names = more;
    struct name *name = &level->names[level->n++];
    *name = (struct name){.vm = vm, .part = part};
    /* An absolute name may be that of another host: then the file is looked for here. */
    name->path = path_resolve(dir, text[0] == '/' ? path_name(text) : text);
    return add_question(name, remote, dir, text);
}

/* names: in a row, each followed by a NUL; relative ones in the folder of path. */
static int add_names(struct level *level, const struct remote *remote, struct known_vm *vm,
                     const char *path, const struct buf *names, enum part part)
{
    FREE_AUTO char *dir = path_dir(path);
    int r = dir ? 0 : -ENOMEM;
    for (size_t at = 0; at < names->len && r == 0; at += strlen(names->data + at) + 1)
        r = add_name(level, remote, vm, dir, names->data + at, part);
    return r;
}

/* ---- the tables */

void named_files_clear(struct named_files *named)
{
    while (named->files) {
        struct named_file *file = (struct named_file *)named->files;
        while (file->by) {
            struct naming *by = file->by;
            file->by = by->next;
            free(by);
        }
        path_table_drop(&named->files, file);
    }
    path_table_clear(&named->vms);
    named->n = 0;
}

void named_files_done(struct named_files *named)
{
    named_files_clear(named);
    descriptors_done(&named->descriptors);
}

const struct named_file *named_files_find(const struct named_files *named, const char *path)
{
    return path_table_find(named->files, path);
}

/* Sets expand. */
static int note(struct named_files *named, struct name *name)
{
    bool disk = name->part != PART_OTHER;
    struct named_file *file = path_table_take(&named->files, name->path, sizeof(*file));
    if (!file)
        return -ENOMEM;
    for (struct naming *by = file->by; by; by = by->next) {
        if (by->vm == name->vm) {
            by->disk = by->disk || disk;
            return 0;
        }
    }
    struct naming *by = malloc(sizeof(*by));
    if (!by)
        return -ENOMEM;
    *by = (struct naming){name->vm, disk, file->by};
    file->by = by;
    named->n++;
    name->expand = name->part == PART_DISK;
    return 0;
}

/* An encrypted .vmx, or one of which nothing is left. */
static bool tells_nothing(const struct document *doc)
{
    return vmx_dict_keys(doc->dict) == 0 || vmx_dict_encrypted(doc->dict);
}

/* *ret is NULL where the files of this version are known. doc may be NULL. */
static int take_vm(struct named_files *named, const char *path, const struct document *doc,
                   struct known_vm **ret)
{
    struct known_vm *vm = path_table_find(named->vms, path);
    *ret = NULL;
    if (vm && doc && document_same_version(&vm->version, &doc->attrs))
        return 0;
    vm = path_table_take(&named->vms, path, sizeof(*vm));
    if (!vm)
        return -ENOMEM;
    vm->opaque = !doc || tells_nothing(doc);
    vm->version = doc ? doc->attrs : (struct sftp_attrs){0};
    *ret = doc ? vm : NULL;
    return 0;
}

/* ---- the levels */

static int first_level(struct named_files *named, const struct remote *remote, char *const *paths,
                       struct document *const *docs, size_t n, struct level *ret)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        BUF_AUTO disks = {0};
        BUF_AUTO others = {0};
        struct known_vm *vm = NULL;
        r = take_vm(named, paths[i], docs[i], &vm);
        if (r < 0 || !vm)
            continue;
        r = vm_files_disks(docs[i]->dict, &disks)
            ?: vm_files_others(docs[i]->dict, &others)
            ?: add_names(ret, remote, vm, paths[i], &disks, PART_DISK)
            ?: add_names(ret, remote, vm, paths[i], &others, PART_OTHER);
    }
    return r;
}

/* Finds out where the names lead that may go through links. */
static int locate(struct level *level, struct remote *remote, const struct wait *wait)
{
    const char **texts = calloc(level->n + 1, sizeof(*texts));
    char **paths = calloc(level->n + 1, sizeof(*paths));
    int r = texts && paths ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < level->n; i++)
        texts[i] = level->names[i].text;
    r = r ?: remote_locate(remote, texts, level->n, wait, paths);
    for (size_t i = 0; r == 0 && i < level->n; i++) {
        if (!paths[i])
            continue;
        free(level->names[i].path);
        level->names[i].path = paths[i];
    }
    free(texts);
    free(paths);
    return r;
}

/* Notes what a level names, and brings what may be a descriptor up to date. */
static int note_level(struct named_files *named, struct level *level, struct remote *remote,
                      const struct wait *wait)
{
    const char **paths = calloc(level->n + 1, sizeof(*paths));
    size_t n = 0;
    int r = paths ? 0 : -ENOMEM;
    for (size_t i = 0; i < level->n && r == 0; i++) {
        struct name *name = &level->names[i];
        if (name->path && named->n < NAMED_MAX)
            r = note(named, name);
        if (name->expand)
            paths[n++] = name->path;
    }
    r = r ?: descriptors_refresh(&named->descriptors, remote, paths, n, wait);
    free(paths);
    return r;
}

/* What the descriptors of a level name. */
static int next_level(const struct named_files *named, const struct remote *remote,
                      const struct level *level, struct level *ret)
{
    int r = 0;
    for (size_t i = 0; i < level->n && r == 0; i++) {
        const struct name *name = &level->names[i];
        const struct descriptor *d =
            name->expand ? descriptors_find(&named->descriptors, name->path) : NULL;
        if (d)
            r = add_names(ret, remote, name->vm, name->path, &d->parents, PART_DISK)
                    ?: add_names(ret, remote, name->vm, name->path, &d->extents, PART_EXTENT);
    }
    return r;
}

static int descend(struct named_files *named, struct level *level, struct remote *remote,
                   const struct wait *wait)
{
    struct level next = {0};
    int r = locate(level, remote, wait)
        ?: note_level(named, level, remote, wait)
        ?: next_level(named, remote, level, &next);
    level_done(level);
    *level = next;
    return r;
}

int named_files_add(struct named_files *named, struct remote *remote, char *const *paths,
                    struct document *const *docs, size_t n, const struct wait *wait)
{
    struct level level = {0};
    int r = first_level(named, remote, paths, docs, n, &level);
    for (int i = 0; i < LEVELS_MAX && level.n > 0 && r == 0; i++)
        r = descend(named, &level, remote, wait);
    level_done(&level);
    return r;
}
