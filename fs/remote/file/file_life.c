/* SPDX-License-Identifier: MIT */
/* The life of an open file, from its making to the last reference. */
#include "file_life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "file_name.h"
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
        DL_DELETE(file->remote->writers, file);
        file_unshare_locked(file);
    }
    lock_drop(&file->remote->lock);
    if (!last)
        return;
    file_leave_lanes(file);
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
    int r = file->path ? bulk_writer_new(&file->writer) : -ENOMEM;
    if (r == 0)
        r = file_stand_alone(file);
    if (r == 0)
        r = turn_init(&file->turn);
    if (r < 0) {
        bulk_writer_free(file->writer);
        free(file->shared);
        free(file->path);
        free(file);
        return r;
    }
    lock_take(&remote->lock);
    DL_APPEND(remote->writers, file);
    lock_drop(&remote->lock);
    *ret = file;
    return 0;
}
