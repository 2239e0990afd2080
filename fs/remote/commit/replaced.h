/* SPDX-License-Identifier: MIT */
/* The file that had a target's name when a rename replaced it: asked for in the same flight, before
 * the rename. */
#pragma once

#include "remote/remote_private.h"

struct replaced {
    struct sftp_call *stat, *open, *stat_behind;
};

void replaced_ask(struct replaced *replaced, struct remote *remote, const char *full);
void replaced_done(struct replaced *replaced, struct remote *remote, const struct wait *wait);

/* Whether it may be another text than the one that was read. before: the attributes of the text
 * that was read; NULL: there was none. clock_s: the server's clock, before it was read; a time that
 * is not older shows no edit made within its second. */
bool replaced_may_be_foreign(const struct replaced *replaced, const struct sftp_attrs *before,
                             uint32_t clock_s, const struct wait *wait);

/* Whether the name meant another file at the rename than the one that can be read. */
bool replaced_was_missed(const struct replaced *replaced, const struct wait *wait);

/* Appends its text. 0, -errno. */
int replaced_read(const struct replaced *replaced, struct remote *remote, const struct wait *wait,
                  struct buf *ret);
