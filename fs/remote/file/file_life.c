/* SPDX-License-Identifier: MIT */
/*
 * The life of an open file, from its making to the last reference.
 *
 *                           removed or replaced, or another file
 *                             was seen under its name
 *      opened ---> NAMED ------------------------------------> NAMELESS
 *                   |  ^                                          |
 *      link is lost |  | it is opened again by its name,          | link is lost
 *                   v  | where a file is that can be the same     v
 *                  LOST --------------------------------------> GONE
 *                            its name is another's, or nobody's
 *
 *      NAMED      the handle lives, and the path leads to the file (file_name.c)
 *      NAMELESS   the handle lives; shared->nameless
 *      LOST       the handle is dead; the next operation opens the file again (stripes.c)
 *      GONE       no handle and no way to get one: all operations end with -EIO
 *
 * LOST goes on to GONE only when nothing of this file can still reach whatever has the name: no
 * request of an old connection, and, where the name is nobody's, no data that is still to be sent.
 *
 * Invariants:
 *
 *   - a file is in remote->open_files from its making until its last reference is given back;
 *   - it always has a shared_file, its own at first, and that of another handle once both are known
 *     to be one file (namesakes.c);
 *   - handle, reader, writer and stripes belong to the thread that has the file's turn
 *     (file_turn.c), or gives the last reference back. Path, name and shared_file belong to the
 *     holder of remote->lock, which is never held across a reply; the turn is;
 *   - when a file that was written to goes, the other open files of its name are dirty, and of any
 *     size, from then on (file_hand_over_locked).
 */
#include "file_life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "file_name.h"
#include "sftp/results.h"
#include "shared_file.h"
#include "stripes.h"

static void free_unlisted(struct remote_file *file)
{
    bulk_reader_free(file->reader);
    bulk_writer_free(file->writer);
    turn_done(&file->turn);
    free(file->path);
    free(file);
}

void remote_file_free(struct remote_file *file)
{
    if (!file)
        return;
    lock_take(&file->remote->lock);
    bool last = --file->refs == 0;
    if (last && file->written)
        file_hand_over_locked(file);
    if (last) {
        DL_DELETE(file->remote->open_files, file);
        file_unshare_locked(file);
    }
    lock_drop(&file->remote->lock);
    if (!last)
        return;
    file_leave_stripes(file);
    if (file->handle.len > 0)
        sftp_forget(sftp_close(file->remote->sftp, &file->handle));
    if (file->written)
        file_forget_listing(file);
    free_unlisted(file);
}

struct remote_file *remote_file_ref(struct remote_file *file)
{
    lock_take(&file->remote->lock);
    file->refs++;
    lock_drop(&file->remote->lock);
    return file;
}

int file_new(struct remote *remote, const char *path, uint32_t open_flags, struct remote_file **ret)
{
    struct remote_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->remote = remote;
    file->open_flags = open_flags;
    file->refs = 1;
    file->opened_after = name_changes(remote, path);
    file->patience = FILE_PATIENCE;
    file->path = strdup(path);
    file->shared = calloc(1, sizeof(*file->shared));
    turn_init(&file->turn);
    int r = file->path && file->shared ? bulk_writer_new(&file->writer) : -ENOMEM;
    if (r < 0) {
        free(file->shared);
        free_unlisted(file);
        return r;
    }
    file->shared->files = 1;
    lock_take(&remote->lock);
    DL_APPEND(remote->open_files, file);
    lock_drop(&remote->lock);
    *ret = file;
    return 0;
}
