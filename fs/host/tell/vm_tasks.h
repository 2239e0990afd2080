/* SPDX-License-Identifier: MIT */
/* What the host lists as under way, or as ended a while ago, with a VM. id: the VM's, for vim-cmd.
 */
#pragma once

#include "host/facts/parse_vm.h"
#include "host/host_private.h"

/* 1: something is under way; 0: nothing is; -EIO, ...: the host does not say. */
int vm_is_busy(struct host *host, const char *id, const struct wait *wait);

/* Appends why the last task that failed did so, if the host says it. 0, -ENOENT, -ENOMEM. */
int vm_task_error(struct host *host, const char *id, const struct wait *wait, struct buf *ret);

/* The host's clock. 0: it does not say. */
time_t vm_host_now(struct host *host, const struct wait *wait);

/* Appends a line for each that is under way, as "create-snapshot 5 s", but for what has a line
 * there already. 0, -errno. */
int vm_tasks_describe(struct host *host, const char *id, const struct wait *wait, struct buf *ret);
