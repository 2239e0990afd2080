/* SPDX-License-Identifier: MIT */
#include "replaced.h"

#include "sftp/bulk/bulk.h"
#include "sftp/requests.h"
#include "sftp/results.h"

void replaced_ask(struct replaced *replaced, struct remote *remote, const char *full)
{
    replaced->stat = sftp_lstat(remote->sftp, full);
    replaced->open = sftp_open(remote->sftp, full, SFTP_OPEN_READ, NULL);
    replaced->stat_behind = sftp_lstat(remote->sftp, full);
}

void replaced_done(struct replaced *replaced, struct remote *remote, const struct wait *wait)
{
    if (replaced->open && sftp_wait(replaced->open, wait) == 0)
        sftp_forget(sftp_close(remote->sftp, sftp_call_handle(replaced->open)));
    sftp_call_free(&replaced->open);
    sftp_call_free(&replaced->stat);
    sftp_call_free(&replaced->stat_behind);
}

bool replaced_was_missed(const struct replaced *replaced, const struct wait *wait)
{
    return sftp_wait(replaced->stat, wait) == 0 && sftp_wait(replaced->stat_behind, wait) == 0 &&
           !document_same_version(sftp_call_attrs(replaced->stat),
                                  sftp_call_attrs(replaced->stat_behind));
}

bool replaced_may_be_foreign(const struct replaced *replaced, const struct sftp_attrs *before,
                             uint32_t clock_s, const struct wait *wait)
{
    if (sftp_wait(replaced->stat_behind, wait) < 0)
        return false; /* no file: there was nothing to lose */
    const struct sftp_attrs *now = sftp_call_attrs(replaced->stat_behind);
    /* The time of the last access tells apart what was given the times of what it replaced. */
    return !before || !document_same_version(before, now) || before->atime != now->atime ||
           now->mtime >= clock_s;
}

int replaced_read(const struct replaced *replaced, struct remote *remote, const struct wait *wait,
                  struct buf *ret)
{
    int r = sftp_wait(replaced->open, wait);
    if (r < 0)
        return r;
    return bulk_read_all(remote->sftp, sftp_call_handle(replaced->open),
                         sftp_call_attrs(replaced->stat_behind)->size, remote->options.vmx_max,
                         wait, ret);
}
