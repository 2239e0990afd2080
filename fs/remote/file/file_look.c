/* SPDX-License-Identifier: MIT */
/* Looking whether an open file has its name. */
#include <errno.h>

#include "base/cleanup.h"
#include "file_name.h"
#include "file_turn.h"
#include "sftp/results.h"

static int look(struct remote_file *file, const struct wait *wait, void *ctx)
{
    struct sight *sight = ctx;
    struct sftp *sftp = file->remote->sftp;
    int r = file_drain(file, wait);
    if (r < 0)
        return r;
    FREE_AUTO char *full = file_server_path(file);
    if (!full)
        return remote_file_is_nameless(file) ? -ESTALE : -ENOMEM;
    SFTP_CALL_AUTO *before = sftp_fstat(sftp, &file->handle);
    SFTP_CALL_AUTO *named = sftp_lstat(sftp, full);
    SFTP_CALL_AUTO *after = sftp_fstat(sftp, &file->handle);
    r = sight_take(before, named, after, wait, sight);
    if (r == 0)
        file_note_seen(file, &sight->after);
    return r;
}

int remote_file_look(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret,
                     bool *ret_named)
{
    if (remote_file_is_nameless(file)) {
        *ret_named = false;
        return remote_file_getattr(file, wait, ret);
    }
    struct sight sight;
    int r = file_act_behind_others(file, look, wait, &sight);
    if (r == -ESTALE) /* it has lost its name just now */
        return remote_file_look(file, wait, ret, ret_named);
    if (r < 0) {
        *ret_named = !remote_file_is_nameless(file);
        return r == -EREMOTEIO ? -EIO : r;
    }
    turn_give(&file->turn);
    *ret = sight.after;
    *ret_named = !sight_of_another(&sight);
    if (!*ret_named)
        file_lose_name(file);
    return 0;
}
