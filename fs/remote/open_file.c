/* SPDX-License-Identifier: MIT */
/* Open plain files (files.h): their life, and what is done with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "open_file.h"

static void free_unlisted(struct remote_file *file)
{
    bulk_reader_free(file->reader);
    bulk_writer_free(file->writer);
    turn_done(&file->turn);
    free(file->path);
    free(file);
}

static void unref(struct remote_file *file)
{
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

void remote_file_free(struct remote_file *file)
{
    if (file)
        unref(file);
}

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
    static const struct sftp_attrs empty = {.flags = SFTP_ATTR_SIZE};
    FREE_AUTO char *path = file_path_copy(file);
    int r = path ? unsure_name_attrs(file->remote, path, &empty) : -ENOMEM;
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

static int show(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret)
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
        return show(file, wait, ret);
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

static int new_file(struct remote *remote, const char *path, uint32_t open_flags,
                    struct remote_file **ret)
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

/* The attributes came beside the opening. What has been seen of a file can be compared with it by
 * others, in its turn. */
static void note_opened(struct remote_file *file, const char *path, uint32_t open_flags,
                        const struct sftp_attrs *attrs)
{
    file->opened_as = *attrs;
    file_set_ways(file);
    file_note_seen(file, attrs);
    file->written = open_flags & (SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC);
    if (file->written)
        file_forget_listing(file);
    if (open_flags & SFTP_OPEN_TRUNC)
        name_count_change(file->remote, path);
}

/* repeats: also one that was sent before, when its answer was lost with the link. */
static int open_named(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                      bool repeats, const struct wait *wait, struct remote_file **ret)
{
    struct remote_file *file = NULL;
    struct sftp_attrs attrs = {0};
    int r = remote_settle(remote, path, wait, NULL);
    if (r == 0)
        r = name_check_open(remote, path, open_flags);
    if (r == 0 && !repeats)
        r = sftp_wait_up(remote->sftp, wait);
    if (r == 0)
        r = new_file(remote, path, open_flags, &file);
    if (r < 0)
        return r;
    do
        r = file_open_handle(file, open_flags, mode, wait, &attrs);
    while (repeats && remote_again(remote, wait, &r));
    r = r == -ENOTCONN ? -EUCLEAN : remote_write_error(remote, path, wait, r);
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

/* Truncates a file that is open under the name only when it is known whose it is: empty, it could
 * be taken for any of them. */
static int open_known(struct remote *remote, const char *path, uint32_t open_flags, uint32_t mode,
                      const struct wait *wait, struct remote_file **ret)
{
    static const struct sftp_attrs empty = {.flags = SFTP_ATTR_SIZE};
    struct remote_file *file = NULL;
    if (!(open_flags & SFTP_OPEN_TRUNC) || !name_is_open(remote, path))
        return open_named(remote, path, open_flags, mode, true, wait, ret);
    const uint32_t uncut = (open_flags & ~(uint32_t)SFTP_OPEN_TRUNC) | SFTP_OPEN_WRITE;
    int r = open_named(remote, path, uncut, mode, true, wait, &file);
    if (r == 0)
        r = remote_file_setattr(file, &empty, wait);
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

/* Begins an operation, which turn_give ends. 0, -EINTR, -EIO. */
int file_begin(struct remote_file *file, const struct wait *wait)
{
    int r = turn_take(&file->turn, wait);
    return r == -ETIMEDOUT ? -EIO : r;
}

/* The error that the writer has not been told yet. */
static int take_error(struct remote_file *file)
{
    return atomic_exchange(&file->error, 0);
}

/* The same of a writer through another handle of the file: it is left for him. */
static int error_of_others(struct remote_file *file)
{
    const struct remote_file *other;
    int error = 0;
    lock_take(&file->remote->lock);
    DL_FOREACH (file->remote->writers, other) {
        if (error == 0 && other != file && other->shared == file->shared)
            error = atomic_load(&other->error);
    }
    lock_drop(&file->remote->lock);
    return error;
}

/* Which open files are meant: those of a path, or the others of one's file. */
struct which {
    const char *path;
    const struct remote_file *but;
};

/* With remote->lock. */
static bool is_meant(const struct remote_file *file, const struct which *which)
{
    if (which->but)
        return file != which->but && file->shared == which->but->shared;
    return !file->shared->nameless && strcmp(file->path, which->path) == 0;
}

/* The next that was written to, with a reference, which is moved along. */
static struct remote_file *next_written(struct remote *remote, struct remote_file *after,
                                        const struct which *which)
{
    lock_take(&remote->lock);
    struct remote_file *file = after ? after->next : remote->writers;
    while (file && !(file->written && is_meant(file, which)))
        file = file->next;
    if (file)
        file->refs++;
    lock_drop(&remote->lock);
    if (after)
        unref(after);
    return file;
}

static int settle(struct remote *remote, const struct which *which, const struct wait *wait,
                  bool *ret_any)
{
    struct remote_file *file = NULL;
    int r = 0;
    *ret_any = false;
    while ((file = next_written(remote, file, which))) {
        int one = file_begin(file, wait);
        if (one == 0) {
            one = file_drain(file, wait);
            turn_give(&file->turn);
        }
        r = r == 0 ? one : r;
        *ret_any = true;
    }
    return r;
}

int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any)
{
    const struct which which = {.path = path};
    bool any;
    return settle(remote, &which, wait, ret_any ? ret_any : &any);
}

/* Begins an operation when what was taken through the file's other handles is on the server. */
static int begin_behind_others(struct remote_file *file, const struct wait *wait)
{
    const struct which others = {.but = file};
    bool any;
    int r = settle(file->remote, &others, wait, &any);
    return r == 0 ? file_begin(file, wait) : r;
}

int file_act_behind_others(struct remote_file *file, struct file_act *act, const struct wait *wait)
{
    int r;
    bool again;
    do {
        r = begin_behind_others(file, wait);
        if (r < 0)
            return r;
        r = act->run(act, file, wait);
        again = file_again(file, wait, &r);
        if (r < 0 || again)
            turn_give(&file->turn);
    } while (again);
    return r;
}

struct reading {
    struct file_act act;   /* first */
    unsigned long changes; /* of the file, before all that was written to it was waited for */
    uint64_t offset;
    size_t size;
    void *ret;
    size_t *ret_n;
};

static int read_at(struct file_act *act, struct remote_file *file, const struct wait *wait)
{
    const struct reading *a = (const struct reading *)act;
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
    return r == 0 ? bulk_read(file->reader, a->offset, a->size, wait, a->ret, a->ret_n) : r;
}

int remote_file_read(struct remote_file *file, uint64_t offset, size_t size,
                     const struct wait *wait, void *ret, size_t *ret_n)
{
    struct reading reading = {{read_at}, file_changes(file), offset, size, ret, ret_n};
    int r = file_act_behind_others(file, &reading.act, wait);
    if (r == 0)
        turn_give(&file->turn);
    return r == -EREMOTEIO ? -EIO : r;
}

struct showing {
    struct file_act act; /* first */
    struct sftp_attrs attrs;
};

/* What the handle shows, with all that was written through it. */
static int handle_attrs(struct file_act *act, struct remote_file *file, const struct wait *wait)
{
    struct showing *showing = (struct showing *)act;
    int r = file_drain(file, wait);
    if (r < 0)
        return r;
    r = show(file, wait, &showing->attrs);
    if (r == 0)
        file_note_seen(file, &showing->attrs);
    return r;
}

static void begin_change(struct remote_file *file)
{
    bulk_reader_free(file->reader); /* what it has read ahead may be old soon */
    file->reader = NULL;
    if (!file->written) {
        file->written = true;
        file_leave_lanes(file); /* good enough to read from */
        file_set_ways(file);
    }
}

/* What was taken through other handles before a loss is sent again before what comes later. */
static int begin_writing(struct remote_file *file, const struct wait *wait)
{
    int r = file_begin(file, wait);
    if (r < 0 || sftp_handle_lives(file->remote->sftp, &file->handle))
        return r;
    turn_give(&file->turn);
    return begin_behind_others(file, wait);
}

/* The same at the file's end, *ret, of which the kernel's idea may be old. */
static int begin_appending(struct remote_file *file, const struct wait *wait, uint64_t *ret)
{
    struct showing showing = {{handle_attrs}, {0}};
    int r = file_act_behind_others(file, &showing.act, wait);
    *ret = showing.attrs.size;
    return r;
}

int remote_file_write(struct remote_file *file, uint64_t offset, bool append, struct span data,
                      const struct wait *wait)
{
    int r = append ? begin_appending(file, wait, &offset) : begin_writing(file, wait);
    if (r < 0)
        return r;
    begin_change(file);
    if (data.n > INT64_MAX - offset)
        r = -EFBIG;
    if (r == 0)
        r = file_check_write(file, offset, data);
    if (r == 0) {
        file_choose_ways(file, offset, data.n, UINT64_MAX, wait);
        file_note_change(file, UINT64_MAX, offset + data.n);
        do
            r = bulk_writer_add(file->writer, offset, data, wait);
        while (file_again(file, wait, &r));
        file_count_change(file);
    }
    r = file_write_error(file, wait, r);
    if (r == 0)
        r = take_error(file);
    turn_give(&file->turn);
    return r;
}

/* The server takes the question behind the data, so that it costs no round trip of its own. */
static int drain_and_see(struct remote_file *file, const struct wait *wait)
{
    bool one_way = bulk_writer_busy(file->writer) && file->ways.n == 0;
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
    r = drain_and_see(file, wait);
    if (r == 0)
        r = take_error(file);
    turn_give(&file->turn);
    return r;
}

static int sync_file(struct file_act *act, struct remote_file *file, const struct wait *wait)
{
    (void)act;
    int r = drain_and_see(file, wait);
    if (r < 0 || !sftp_features(file->remote->sftp).fsync)
        return r;
    SFTP_CALL_AUTO *call = sftp_fsync(file->remote->sftp, &file->handle);
    return sftp_wait(call, wait);
}

int remote_file_fsync(struct remote_file *file, const struct wait *wait)
{
    struct file_act syncing = {sync_file};
    int r = file_act_behind_others(file, &syncing, wait);
    if (r < 0)
        return file_write_error(file, wait, r);
    r = take_error(file);
    turn_give(&file->turn);
    return r == 0 ? error_of_others(file) : r;
}

int remote_file_getattr(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret)
{
    struct showing showing = {{handle_attrs}, {0}};
    int r = file_act_behind_others(file, &showing.act, wait);
    if (r < 0)
        return r == -EREMOTEIO ? -EIO : r;
    turn_give(&file->turn);
    *ret = showing.attrs;
    return 0;
}

/* Sets, and sees what came of it, in one flight. */
static int set_and_see(struct remote_file *file, const struct sftp_attrs *attrs,
                       const struct wait *wait)
{
    SFTP_CALL_AUTO *set = sftp_fsetstat(file->remote->sftp, &file->handle, attrs);
    SFTP_CALL_AUTO *stat = sftp_fstat(file->remote->sftp, &file->handle);
    int r = sftp_wait(set, wait);
    if (r == 0 && sftp_wait(stat, wait) == 0)
        file_note_seen(file, sftp_call_attrs(stat));
    if (unsure_is_unanswered(set, r) && file_note_unanswered(file, attrs) < 0)
        return -ENOMEM;
    return r;
}

int remote_file_setattr(struct remote_file *file, const struct sftp_attrs *attrs,
                        const struct wait *wait)
{
    int r = begin_behind_others(file, wait); /* or late writes would change the times */
    if (r < 0)
        return r;
    if (attrs->flags & SFTP_ATTR_SIZE)
        begin_change(file);
    r = file_drain(file, wait);
    if (r == 0)
        r = file_check_attrs(file, attrs);
    if (r == 0) {
        if (attrs->flags & SFTP_ATTR_SIZE)
            file_note_change(file, attrs->size, attrs->size);
        do
            r = set_and_see(file, attrs, wait);
        while (file_again(file, wait, &r));
        file_count_change(file);
    }
    file_forget_listing(file);
    turn_give(&file->turn);
    return file_write_error(file, wait, r);
}
