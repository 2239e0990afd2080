/* SPDX-License-Identifier: MIT */
/* What is done with open plain files (files.h). */
#include "open_file.h"

#include <errno.h>

#include <utlist.h>

#include "file_handle.h"
#include "file_life.h"
#include "file_name.h"
#include "file_turn.h"
#include "namesakes.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "shared_file.h"
#include "stripes.h"

/* The attributes came beside the opening. What has been seen of a file can be compared with it by
 * others, in its turn. */
static void note_opened(struct remote_file *file, const char *path, uint32_t open_flags,
                        const struct sftp_attrs *attrs)
{
    file->opened_as = *attrs;
    file_gets_size(file, attrs->size);
    file_set_ways(file);
    file_note_seen(file, attrs);
    file->written = open_flags & (SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC);
    if (file->written)
        file_forget_listing(file);
    if (open_flags & SFTP_OPEN_TRUNC)
        name_count_change(file->remote, path);
}

/* A file that a host has locked is a bare failure to the host that locked it, and "bad message",
 * which is the system's "invalid argument", to others. */
static int open_error(struct remote *remote, const char *path, uint32_t open_flags,
                      const struct wait *wait, int r)
{
    const uint32_t changes = SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC;
    if (r == -ENOTCONN)
        return -EUCLEAN;
    if (open_flags & changes)
        return remote_write_error(remote, path, wait, r);
    return r == -EINVAL ? -EREMOTEIO : r;
}

/* repeats: also one that was sent before, when its answer was lost with the link. */
static int open_named(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                      bool repeats, const struct wait *wait, struct remote_file **ret)
{
    struct remote_file *file = NULL;
    struct sftp_attrs attrs = {0};
    int r = remote_settle(remote, path, wait, NULL) ?: name_check_open(remote, path, open_flags);
    if (r == 0 && !repeats)
        r = sftp_wait_up(remote->sftp, wait);
    r = r ?: file_new(remote, path, open_flags, &file);
    if (r < 0)
        return r;
    do
        r = file_open_handle(file, open_flags, mode, wait, &attrs);
    while (repeats && remote_again(remote, wait, &r));
    r = open_error(remote, path, open_flags, wait, r);
    if (r == 0) {
        note_opened(file, path, open_flags, &attrs);
        r = file_meet_namesakes(file, wait);
    }
    if (r == 0)
        *ret = file;
    else
        remote_file_free(file);
    return r;
}

/* Truncates a file that is open under the name only when it is known which file it is: empty, it
 * could be taken for any of them. */
static int open_known(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                      const struct wait *wait, struct remote_file **ret)
{
    static const struct sftp_attrs empty = {.flags = SFTP_ATTR_SIZE};
    struct remote_file *file = NULL;
    if (!(open_flags & SFTP_OPEN_TRUNC) || !name_is_open(remote, path))
        return open_named(remote, path, open_flags, mode, true, wait, ret);
    const uint32_t uncut = (open_flags & ~(uint32_t)SFTP_OPEN_TRUNC) | SFTP_OPEN_WRITE;
    int r = open_named(remote, path, uncut, mode, true, wait, &file)
                ?: remote_file_setattr(file, &empty, wait);
    if (r < 0) {
        remote_file_free(file);
        return r;
    }
    file->opened_as.size = 0;
    *ret = file;
    return 0;
}

int remote_file_open(struct remote *remote, const char *path, uint32_t open_flags,
                     const struct wait *wait, struct remote_file **ret)
{
    return open_known(remote, path, open_flags, 0, wait, ret);
}

/* With EXCL, whatever the caller wants: it does no harm when an old server process carries it out
 * once more, where TRUNC would. */
int remote_file_create(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                       bool exclusive, const struct wait *wait, struct remote_file **ret,
                       bool *ret_made)
{
    const uint32_t make = (open_flags & ~(uint32_t)SFTP_OPEN_TRUNC) | SFTP_OPEN_CREAT;
    int r = open_named(remote, path, make | SFTP_OPEN_EXCL, mode, !exclusive, wait, ret);
    *ret_made = r == 0;
    if (r != -EEXIST || exclusive)
        return r;
    return open_known(remote, path, open_flags | SFTP_OPEN_CREAT, mode, wait, ret);
}

const struct sftp_attrs *remote_file_opened_as(const struct remote_file *file)
{
    return &file->opened_as;
}

/* The error that the writer has not been told yet. */
static int take_error(struct remote_file *file)
{
    return atomic_exchange(&file->error, 0);
}

/* The same of a writer through another handle of the file: the error is left for that one. */
static int error_of_others(struct remote_file *file)
{
    const struct remote_file *other;
    int error = 0;
    lock_take(&file->remote->lock);
    DL_FOREACH (file->remote->open_files, other) {
        if (error == 0 && other != file && other->shared == file->shared)
            error = atomic_load(&other->error);
    }
    lock_drop(&file->remote->lock);
    return error;
}

struct reading {
    unsigned long changes; /* of the file, before all that was written to it was waited for */
    uint64_t offset;
    size_t size;
    void *ret;
    size_t *ret_n;
};

static int read_at(struct remote_file *file, const struct wait *wait, void *ctx)
{
    const struct reading *a = ctx;
    int r = file_drain(file, wait);
    if (r < 0)
        return r;
    const uint64_t size = file->opened_as.size;
    file_choose_ways(file, a->offset, a->size, size > a->offset ? size - a->offset : 0, wait);
    if (file->reader && file->read_at != a->changes) {
        bulk_reader_free(file->reader); /* what it has read ahead is old */
        file->reader = NULL;
    }
    file->read_at = a->changes;
    const struct bulk_ways ways = file_ways(file);
    if (!file->reader)
        r = bulk_reader_new(&ways, &file->reader);
    return r ?: bulk_read(file->reader, a->offset, a->size, wait, a->ret, a->ret_n);
}

int remote_file_read(struct remote_file *file, uint64_t offset, size_t size,
                     const struct wait *wait, void *ret, size_t *ret_n)
{
    struct reading reading = {file_shared_now(file).changes, offset, size, ret, ret_n};
    file_begins_transfer(file, TRANSFER_READ);
    int r = file_act_behind_others(file, read_at, wait, &reading);
    file_ends_transfer(file, TRANSFER_READ, offset, r == 0 ? *ret_n : 0);
    if (r == 0)
        turn_give(&file->turn);
    return r == -EREMOTEIO ? -EIO : r;
}

/* What the handle shows, with all that was written through it. */
static int handle_attrs(struct remote_file *file, const struct wait *wait, void *ret)
{
    int r = file_drain(file, wait) ?: file_show(file, wait, ret);
    if (r == 0)
        file_note_seen(file, ret);
    return r;
}

void file_begin_change(struct remote_file *file)
{
    bulk_reader_free(file->reader); /* what it has read ahead may be old soon */
    file->reader = NULL;
    if (!file->written) {
        file->written = true;
        file_leave_stripes(file); /* good enough to read from */
        file_set_ways(file);
    }
}

/* Writes that were taken through other handles before a loss are sent again before later ones. */
static int begin_writing(struct remote_file *file, const struct wait *wait)
{
    int r = file_begin(file, wait);
    if (r < 0 || sftp_handle_lives(file->remote->sftp, &file->handle))
        return r;
    turn_give(&file->turn);
    return file_begin_behind_others(file, wait);
}

/* The same at the file's end, *ret, of which the kernel's idea may be old. */
static int begin_appending(struct remote_file *file, const struct wait *wait, uint64_t *ret)
{
    struct sftp_attrs attrs = {0};
    int r = file_act_behind_others(file, handle_attrs, wait, &attrs);
    *ret = attrs.size;
    return r;
}

/* In the file's turn. */
static int write_at(struct remote_file *file, uint64_t offset, struct span data,
                    const struct wait *wait)
{
    int r = data.n > INT64_MAX - offset ? -EFBIG : 0;
    file_begin_change(file);
    const struct effect effect = {.what = EFFECT_WRITE, .offset = offset, .data = data};
    r = r ?: file_check(file, &effect);
    if (r == 0) {
        file_choose_ways(file, offset, data.n, UINT64_MAX, wait);
        file_note_change(file, UINT64_MAX, offset + data.n);
        do
            r = bulk_writer_add(file->writer, offset, data, wait);
        while (file_again(file, wait, &r));
        file_count_change(file);
    }
    return file_write_error(file, wait, r) ?: take_error(file);
}

int remote_file_write(struct remote_file *file, uint64_t offset, bool append, struct span data,
                      const struct wait *wait)
{
    file_begins_transfer(file, TRANSFER_WRITE);
    int r = append ? begin_appending(file, wait, &offset) : begin_writing(file, wait);
    const bool has_turn = r == 0;
    if (has_turn)
        r = write_at(file, offset, data, wait);
    file_ends_transfer(file, TRANSFER_WRITE, offset, r == 0 ? data.n : 0);
    if (has_turn)
        turn_give(&file->turn);
    return r;
}

/* The server takes the question behind the data, so that it costs no round trip of its own. */
static int drain_and_see(struct remote_file *file, const struct wait *wait)
{
    bool one_way = bulk_writer_busy(file->writer) && file->proven == 0;
    SFTP_CALL_AUTO *stat = one_way ? sftp_fstat(file->remote->sftp, &file->handle) : NULL;
    int r = file_drain(file, wait);
    if (r == 0 && stat && sftp_wait(stat, wait) == 0)
        file_note_seen(file, sftp_call_attrs(stat));
    return r;
}

int remote_file_flush(struct remote_file *file, const struct wait *wait)
{
    int r = file_begin(file, wait);
    if (r < 0)
        return r;
    r = drain_and_see(file, wait) ?: take_error(file);
    turn_give(&file->turn);
    return r;
}

static int sync_file(struct remote_file *file, const struct wait *wait, void *ctx)
{
    (void)ctx;
    int r = drain_and_see(file, wait);
    if (r < 0 || !sftp_features(file->remote->sftp).fsync)
        return r;
    SFTP_CALL_AUTO *call = sftp_fsync(file->remote->sftp, &file->handle);
    return sftp_wait(call, wait);
}

int remote_file_fsync(struct remote_file *file, const struct wait *wait)
{
    int r = file_act_behind_others(file, sync_file, wait, NULL);
    if (r < 0)
        return file_write_error(file, wait, r);
    r = take_error(file);
    turn_give(&file->turn);
    return r ?: error_of_others(file);
}

int remote_file_getattr(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret)
{
    int r = file_act_behind_others(file, handle_attrs, wait, ret);
    if (r == 0)
        turn_give(&file->turn);
    return r == -EREMOTEIO ? -EIO : r;
}

/* Sets, and sees what came of it, in one flight. */
static int set_and_see(struct remote_file *file, const struct effect *effect,
                       const struct wait *wait)
{
    SFTP_CALL_AUTO *set = sftp_fsetstat(file->remote->sftp, &file->handle, &effect->attrs);
    SFTP_CALL_AUTO *stat = sftp_fstat(file->remote->sftp, &file->handle);
    int r = sftp_wait(set, wait);
    if (r == 0 && sftp_wait(stat, wait) == 0)
        file_note_seen(file, sftp_call_attrs(stat));
    if (unsure_is_unanswered(set, r) && file_note_unanswered(file, effect) < 0)
        return -ENOMEM;
    return r;
}

int remote_file_setattr(struct remote_file *file, const struct sftp_attrs *attrs,
                        const struct wait *wait)
{
    const struct effect effect = {.what = EFFECT_ATTRS, .attrs = *attrs};
    int r = file_begin_behind_others(file, wait); /* or late writes would change the times */
    if (r < 0)
        return r;
    if (attrs->flags & SFTP_ATTR_SIZE)
        file_begin_change(file);
    r = file_drain(file, wait) ?: file_check(file, &effect);
    if (r == 0) {
        if (attrs->flags & SFTP_ATTR_SIZE) {
            file_note_change(file, attrs->size, attrs->size);
            file_gets_size(file, attrs->size);
        }
        do
            r = set_and_see(file, &effect, wait);
        while (file_again(file, wait, &r));
        file_count_change(file);
    }
    file_forget_listing(file);
    turn_give(&file->turn);
    return file_write_error(file, wait, r);
}
