/* SPDX-License-Identifier: MIT */
/* The process that makes a request, and whether it was killed. */
#pragma once

#include "request.h"

/* The numbers behind n marks in the caller's /proc/TID/status (proc(5)), in the order in which they
 * stand there. False: some are missing. */
bool caller_status(const struct request *rq, const char *const *marks, size_t n, int base,
                   uint64_t *ret);

/* The process that makes the request; 0: not known. */
pid_t caller_process(const struct request *rq);

/* Who asks for what the request changes. */
struct remote_by caller_by(const struct request *rq);

/* Whether that process closes the file because a signal ends it. */
bool caller_is_killed(const struct request *rq);

/* Whether another process than the one that wrote last closes an open file: a child that has
 * inherited it, say. The writer will close it, too, and what it wrote is complete then. */
bool caller_is_bystander(const struct request *rq, const struct handle *h);

/* Whether that process has the file of an absolute path open, or may have it. That which it is
 * about to close is none of its files any more. */
bool caller_has_open(const struct request *rq, const char *path);

/* Notes in the journal that what it wrote was dropped. */
void note_killed(struct vfs *vfs, const char *path, const char *key);
