/* SPDX-License-Identifier: MIT */
/*
 * Which name an open file has. It follows what this mount renames and removes; what others did is
 * found by comparing. SFTP shows no inodes, only attributes, and those of a file that is being
 * written change from one request to the next.
 *
 * A file that has lost its name keeps its handle. When that goes with a lost link there is no way
 * back to the file, and what has its name by then must not be taken for it. So what the handle
 * showed last is kept (seen); of a file that was written to since, only bounds are known:
 *
 *      not dirty     size and time are exactly as seen
 *      unsure        so is the size; the time is not before the one seen: what was sent again may
 *                    be done once more by an old server process (unsure.h)
 *      dirty         the size is between least and most, the time not before the one seen, mode
 *                    and owner as seen
 */
#include "file_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "shared_file.h"

char *file_server_path(const struct remote_file *file)
{
    lock_take(&file->remote->lock);
    char *full = file->shared->nameless ? NULL : remote_path(file->remote, file->path);
    lock_drop(&file->remote->lock);
    return full;
}

bool remote_file_is_nameless(const struct remote_file *file)
{
    return file_shared_now(file).nameless;
}

bool remote_file_is_vmx(const struct remote_file *file)
{
    return file_shared_now(file).is_vmx;
}

void remote_files_set_vmx(struct remote *remote, const char *path, bool is_vmx)
{
    struct remote_file *file;
    lock_take(&remote->lock);
    DL_FOREACH (remote->open_files, file) {
        if (strcmp(file->path, path) == 0)
            file->shared->is_vmx = is_vmx;
    }
    lock_drop(&remote->lock);
}

void file_forget_listing(const struct remote_file *file)
{
    lock_take(&file->remote->lock);
    FREE_AUTO char *dir = path_dir(file->path);
    lock_drop(&file->remote->lock);
    if (dir)
        cache_drop(file->remote->listings, dir);
}

void file_lose_name(struct remote_file *file)
{
    file_forget_listing(file);
    lock_take(&file->remote->lock);
    file->shared->nameless = true;
    lock_drop(&file->remote->lock);
}

void files_renamed(struct remote *remote, const char *from, const char *to)
{
    struct remote_file *file;
    lock_take(&remote->lock);
    DL_FOREACH (remote->open_files, file) {
        const char *rest = path_below(from, file->path);
        char *path = rest && to && !file->shared->nameless ? path_join(to, rest) : NULL;
        if (path) {
            free(file->path);
            file->path = path;
            file->shared->is_vmx = remote_is_vmx_name(path_name(path));
        } else if (rest || (to && strcmp(file->path, to) == 0)) {
            file->shared->nameless = true;
        }
    }
    lock_drop(&remote->lock);
}

/* ---- what the handle showed */

void file_note_seen(struct remote_file *file, const struct sftp_attrs *attrs)
{
    bulk_writer_take_reached(file->writer);
    lock_take(&file->remote->lock);
    file->seen = *attrs;
    file->dirty = false;
    file_note_sight_locked(file, attrs);
    lock_drop(&file->remote->lock);
}

void file_note_change(struct remote_file *file, uint64_t least, uint64_t most)
{
    lock_take(&file->remote->lock);
    if (!file->dirty)
        file->least = file->most = file->seen.size;
    file->dirty = true;
    if (file->least > least)
        file->least = least;
    if (file->most < most)
        file->most = most;
    lock_drop(&file->remote->lock);
}

void file_hand_over_locked(struct remote_file *file)
{
    struct remote_file *other;
    DL_FOREACH (file->remote->open_files, other) {
        if (other == file || file->shared->nameless || strcmp(other->path, file->path) != 0)
            continue;
        other->dirty = true;
        other->least = 0;
        other->most = UINT64_MAX;
    }
}

bool file_looks_same(const struct sftp_attrs *a, const struct sftp_attrs *b)
{
    return a->flags == b->flags && document_same_version(a, b);
}

/* Whether attrs can be those of the file now. */
static bool fits(const struct remote_file *file, bool unsure, const struct sftp_attrs *attrs)
{
    const struct sftp_attrs *seen = &file->seen;
    uint64_t least = file->dirty ? file->least : seen->size;
    uint64_t most = file->dirty ? file->most : seen->size;
    if (attrs->size < least || attrs->size > most)
        return false;
    if (!file->dirty && !unsure)
        return attrs->mtime == seen->mtime;
    return attrs->mtime >= seen->mtime && attrs->mode == seen->mode && attrs->uid == seen->uid &&
           attrs->gid == seen->gid;
}

/* The writes through any of the file's handles explain what is there. */
bool file_can_be(struct remote_file *file, const struct sftp_attrs *attrs)
{
    struct remote_file *other;
    uint64_t reached = bulk_writer_take_reached(file->writer);
    bool can = false;
    lock_take(&file->remote->lock);
    bool unsure = unsure_any(&file->shared->unsure);
    if (file->dirty && file->least < reached)
        file->least = reached;
    DL_FOREACH (file->remote->open_files, other) {
        if (other->shared == file->shared)
            can |= fits(other, unsure, attrs);
    }
    lock_drop(&file->remote->lock);
    return can;
}

/* ---- comparing */

int sight_take(struct sftp_call *before, struct sftp_call *between, struct sftp_call *after,
               const struct wait *wait, struct sight *ret)
{
    int first = sftp_wait(before, wait);
    int middle = sftp_wait(between, wait);
    int last = sftp_wait(after, wait);
    if (first < 0 || last < 0)
        return first < 0 ? first : last;
    if (is_unanswered(middle))
        return middle;
    ret->before = *sftp_call_attrs(before);
    ret->after = *sftp_call_attrs(after);
    ret->between = middle == 0 ? *sftp_call_attrs(between) : ret->before;
    ret->there = middle != -ENOENT;
    return 0;
}

bool sight_of_another(const struct sight *s)
{
    return !s->there ||
           (file_looks_same(&s->before, &s->after) && !file_looks_same(&s->before, &s->between));
}
