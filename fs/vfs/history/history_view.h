/* SPDX-License-Identifier: MIT */
/* What the tree shows of the history (fs/history), and undo. All of it is there only where one is
 * kept. */
#pragma once

#include "history/versions.h"
#include "vfs/control/control.h"

extern const struct folder history_folder; /* NAME.vmx/.vmxfs/history */

/* As in struct control. */
int vmx_log_lines_show(struct request *rq, struct node *n, struct buf *ret);
int root_log_show(struct request *rq, struct node *n, struct buf *ret);
int undo_show(struct request *rq, struct node *n, struct buf *ret);
int undo_store(struct request *rq, struct node *n, struct span line);

/* Waits a while until what was changed here is recorded: what is shown without it is only older. 0;
 * -EINTR. */
int history_await(struct request *rq);

static inline void versions_drop(struct history_versions *versions)
{
    history_versions_done(versions);
}
#define VERSIONS_AUTO __attribute__((cleanup(versions_drop))) struct history_versions
