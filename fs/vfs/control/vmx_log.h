/* SPDX-License-Identifier: MIT */
/* vmware.log beside a .vmx. A log grows for as long as the VM runs: of a long one only what it
 * begins with, which is the power-on, and its end, which is what ended the VM, are read. */
#pragma once

#include "parser/plan/plan.h"
#include "vfs/ops/request.h"

/* Appends the log of the last power-on. 0, also where there is none; the server's errors. */
int vmx_log_read(struct request *rq, const char *vmx, struct buf *ret);

/* Lets a report on the VM know what its last power-on showed, if it has a use for that: sets
 * around->start to ret, which has to outlive it and is the caller's to free. A log that cannot be
 * read shows nothing. 0, -EINTR, -ENOMEM. */
int vmx_log_start(struct request *rq, const char *vmx, const struct vmx_dict *dict,
                  struct vmx_around *around, struct vm_start *ret);
