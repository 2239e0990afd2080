/* SPDX-License-Identifier: MIT */
#include "unsure_names.h"

#include <errno.h>

#include "remote/file/files.h"
#include "sftp/results.h"

static const struct effect of_name = {.what = EFFECT_NAME};

bool unsure_is_unanswered(const struct sftp_call *call, int r)
{
    return (r == -ENOTCONN || r == -EIO || r == -EINTR) && sftp_call_was_sent(call);
}

int unsure_name_note(struct remote *remote, const char *path, const struct effect *effect)
{
    lock_take(&remote->lock);
    int r = unsure_note(&remote->unsure_names, path, effect);
    lock_drop(&remote->lock);
    return r;
}

int unsure_names_going(struct remote *remote, const char *path, const char *to)
{
    int r = unsure_name_note(remote, path, &of_name);
    return r == 0 && to ? unsure_name_note(remote, to, &of_name) : r;
}

void unsure_name_settled(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    unsure_forget(&remote->unsure_names, path);
    lock_drop(&remote->lock);
}

int remote_check_new(struct remote *remote, const char *path)
{
    lock_take(&remote->lock);
    bool hindered = unsure_hinders(&remote->unsure_names, path, &of_name);
    lock_drop(&remote->lock);
    return hindered ? -EUCLEAN : 0;
}
