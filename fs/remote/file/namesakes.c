/* SPDX-License-Identifier: MIT */
/*
 * Files that are opened under one name, which are one file or two. What their handles show tells,
 * and where it is the same, and recent, the bytes that they begin and end with: SFTP's times are in
 * seconds, and many a file is replaced by another of its size.
 */
#include "namesakes.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "file_name.h"
#include "file_turn.h"
#include "remote/call_group.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "shared_file.h"

enum {
    PART = 16 << 10, /* bytes */
    OLD_S = 3600,    /* more than the clocks of client and server differ by */
};

/* Another file that is open under the file's name, or the same one that is not known to be it: a
 * reference. NULL: there is none. */
static struct remote_file *namesake(struct remote_file *file)
{
    struct remote_file *other;
    lock_take(&file->remote->lock);
    DL_FOREACH (file->remote->open_files, other) {
        const bool is_open = other->seen.flags;
        if (is_open && other->shared != file->shared && !file->shared->nameless &&
            !other->shared->nameless && strcmp(other->path, file->path) == 0) {
            other->refs++;
            break;
        }
    }
    lock_drop(&file->remote->lock);
    return other;
}

/* Takes two turns, in the order in which everybody does. */
static int begin_both(struct remote_file *file, struct remote_file *other, const struct wait *wait)
{
    struct remote_file *first = (uintptr_t)file < (uintptr_t)other ? file : other;
    int r = file_begin(first, wait);
    if (r < 0)
        return r;
    r = file_begin(first == file ? other : file, wait);
    if (r < 0)
        turn_give(&first->turn);
    return r;
}

static int compare(struct remote_file *file, struct remote_file *other, const struct wait *wait,
                   struct sight *ret)
{
    struct sftp *sftp = file->remote->sftp;
    SFTP_CALL_AUTO *before = sftp_fstat(sftp, &other->handle);
    SFTP_CALL_AUTO *between = sftp_fstat(sftp, &file->handle);
    SFTP_CALL_AUTO *after = sftp_fstat(sftp, &other->handle);
    return sight_take(before, between, after, wait, ret);
}

/* Whether an error says that the file has been lost with its handle, and not that the link is down.
 */
static bool is_lost(struct remote_file *file, const struct wait *wait, int r)
{
    return r == -EIO && clock_ms() < wait->deadline && sftp_state(file->remote->sftp) == SFTP_UP;
}

/* Behind a lost link each is opened again, if the name still leads to what it showed itself.
 * -ESTALE: the first one has been replaced since it was opened. */
static int open_both_again(struct remote_file *file, struct remote_file *other,
                           const struct wait *wait)
{
    int r = -ENOTCONN;
    if (!file_again(file, wait, &r))
        return is_lost(file, wait, r) ? -ESTALE : r;
    r = -ENOTCONN;
    file_again(other, wait, &r);
    return r;
}

/* A part of both files, asked for as their attributes are. */
static void ask_for_part(struct remote_file *file, struct remote_file *other, uint64_t offset,
                         struct flight *reads)
{
    struct sftp *sftp = file->remote->sftp;
    flight_add(reads, sftp_read(sftp, &other->handle, offset, PART));
    flight_add(reads, sftp_read(sftp, &file->handle, offset, PART));
    flight_add(reads, sftp_read(sftp, &other->handle, offset, PART));
}

/* The bytes that a call brought; none behind the end. */
static int bytes_of(struct sftp_call *call, const struct wait *wait, struct span *ret)
{
    int r = sftp_wait(call, wait);
    *ret = r == 0 ? sftp_call_data(call) : (struct span){0};
    return r == -ENODATA ? 0 : r;
}

/* Errors but those of the wait and the link prove nothing. */
static int part_differs(struct sftp_call *const reads[3], const struct wait *wait, bool *ret)
{
    struct span before = {0};
    struct span between = {0};
    struct span after = {0};
    int r = bytes_of(reads[0], wait, &before)
        ?: bytes_of(reads[1], wait, &between)
        ?: bytes_of(reads[2], wait, &after);
    *ret |= r == 0 && span_eq(before, after) && !span_eq(before, between);
    return is_unanswered(r) ? r : 0;
}

static bool can_be_read(const struct remote_file *file)
{
    return file->open_flags & SFTP_OPEN_READ;
}

/* Whether files that show the same, and so young that one may have replaced the other within a
 * second, begin or end with other bytes. */
static int bytes_differ(struct remote_file *file, struct remote_file *other,
                        const struct sftp_attrs *attrs, const struct wait *wait, bool *ret)
{
    *ret = false;
    if (clock_wall_s() - (int64_t)attrs->mtime > OLD_S || !can_be_read(file) || !can_be_read(other))
        return 0;
    FLIGHT_AUTO reads = {0};
    ask_for_part(file, other, 0, &reads);
    ask_for_part(file, other, attrs->size > PART ? attrs->size - PART : 0, &reads);
    return reads.error
        ?: part_differs(reads.calls, wait, ret)
        ?: part_differs(reads.calls + 3, wait, ret);
}

/* With both turns. */
static int find_another(struct remote_file *file, struct remote_file *other,
                        const struct wait *wait, bool *ret)
{
    struct sight sight;
    int r = compare(file, other, wait, &sight);
    if (r < 0)
        return r;
    *ret = sight_of_another(&sight);
    return *ret ? 0 : bytes_differ(file, other, &sight.after, wait, ret);
}

static int are_one(struct remote_file *file, struct remote_file *other, const struct wait *wait,
                   bool *ret)
{
    bool another = false;
    int r = begin_both(file, other, wait);
    if (r < 0)
        return r;
    r = file_drain(other, wait);
    while (r == 0) {
        r = find_another(file, other, wait, &another);
        if (r != -ENOTCONN)
            break;
        r = open_both_again(file, other, wait);
    }
    turn_give(&other->turn);
    turn_give(&file->turn);
    *ret = r == 0 && !another;
    if (r == 0 || is_lost(other, wait, r))
        return 0;
    return r == -EREMOTEIO ? -EIO : r;
}

int file_meet_namesakes(struct remote_file *file, const struct wait *wait)
{
    struct remote_file *other;
    bool one = false;
    int r = 0;
    while (r == 0 && !one && (other = namesake(file))) {
        r = are_one(file, other, wait, &one);
        if (r == 0 && one)
            file_share(file, other);
        else if (r == 0)
            file_lose_name(other);
        remote_file_free(other);
    }
    return r;
}
