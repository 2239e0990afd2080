/* SPDX-License-Identifier: MIT */
/* The handle that an open file has over the main connection. */
#include "file_handle.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "file_name.h"
#include "remote/server_errors.h"
#include "sftp/results.h"

static char *file_path_copy(const struct remote_file *file)
{
    lock_take(&file->remote->lock);
    char *path = strdup(file->path);
    lock_drop(&file->remote->lock);
    return path;
}

/* An open that truncates may still do so when others have written to the file. */
static int note_unanswered_cut(struct remote_file *file)
{
    static const struct effect cut = {.what = EFFECT_ATTRS, .attrs = {.flags = SFTP_ATTR_SIZE}};
    FREE_AUTO char *path = file_path_copy(file);
    int r = path ? unsure_name_note(file->remote, path, &cut) : -ENOMEM;
    return r < 0 ? r : -EUCLEAN;
}

/* Whether what the name led to before the file was opened and behind it is what was opened. */
static bool is_opened(uint32_t flags, int before_r, struct sftp_call *before,
                      struct sftp_call *after)
{
    const struct sftp_attrs *now = sftp_call_attrs(after);
    if (flags & (SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC) && now->size == 0)
        return true;
    return before_r == 0 && file_looks_same(sftp_call_attrs(before), now);
}

int file_show(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret)
{
    SFTP_CALL_AUTO *call = sftp_fstat(file->remote->sftp, &file->handle);
    int r = sftp_wait(call, wait);
    if (r == 0)
        *ret = *sftp_call_attrs(call);
    return r;
}

/* With the attributes beside it: what a bare failure means is known at once, and what was opened,
 * but for a file that is replaced or written to at that very moment. */
int file_open_handle(struct remote_file *file, uint32_t flags, uint32_t mode,
                     const struct wait *wait, struct sftp_attrs *ret)
{
    struct sftp *sftp = file->remote->sftp;
    FREE_AUTO char *full = file_server_path(file);
    if (!full)
        return remote_file_is_nameless(file) ? -EIO : -ENOMEM;
    const struct sftp_attrs attrs = {.flags = SFTP_ATTR_MODE, .mode = mode & 07777};
    SFTP_CALL_AUTO *before = sftp_stat(sftp, full);
    SFTP_CALL_AUTO *open = sftp_open(sftp, full, flags, flags & SFTP_OPEN_CREAT ? &attrs : NULL);
    SFTP_CALL_AUTO *after = sftp_stat(sftp, full);
    int r = sftp_wait(open, wait);
    if (flags & SFTP_OPEN_TRUNC && unsure_is_unanswered(open, r))
        return note_unanswered_cut(file);
    int before_r = sftp_wait(before, wait);
    int after_r = sftp_wait(after, wait);
    if (r == 0)
        file->handle = *sftp_call_handle(open);
    if (r == 0 && after_r == 0 && is_opened(flags, before_r, before, after))
        *ret = *sftp_call_attrs(after);
    else if (r == 0)
        return file_show(file, wait, ret);
    if (r == -EREMOTEIO && after_r == 0 && S_ISDIR(sftp_call_attrs(after)->mode))
        return -EISDIR;
    if (r == -EREMOTEIO && after_r == 0 && flags & SFTP_OPEN_EXCL)
        return -EEXIST;
    return r;
}

int file_write_error(struct remote_file *file, const struct wait *wait, int r)
{
    lock_take(&file->remote->lock);
    FREE_AUTO char *path = strdup(file->path);
    const uint64_t size = file->dirty ? file->most : 0;
    lock_drop(&file->remote->lock);
    return path ? remote_size_error(file->remote, path, size, wait, r) : -ENOMEM;
}
