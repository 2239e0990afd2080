/* SPDX-License-Identifier: MIT */
/* VMs whose .vmx has changed, and which the host is to read anew. */
#pragma once

#include "host/host_private.h"

/* The next time at which one is due; INT64_MAX: none is. */
int64_t reload_next_locked(const struct host *host) REQUIRES(&host->lock);

/* Reloads one VM that is due by then; false: none is. While the host is not within reach it is due
 * again later, unless by is INT64_MAX. Between host_begin and host_done. */
bool reload_one_due(struct host *host, int64_t by, const struct wait *wait);

/* Nothing is due for a while. */
void reload_postpone(struct host *host, int64_t ms);

/* Reloads the one VM if that is due. 0, -errno: the reload failed. */
int reload_due_of(struct host *host, const char *path, const struct wait *wait, struct diag *why);

/* The one VM (NULL: none of them) needs it any more. */
void reload_forget(struct host *host, const char *path);
