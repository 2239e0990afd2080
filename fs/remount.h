/* SPDX-License-Identifier: MIT */
/* mount -o remount: what the kernel can change of a mount that is there. */
#pragma once

#include "mount_helper.h"
#include "parser/text/diag.h"

/* Changes the flags that the options name of the mount at call->target. An option that it has
 * already (the kernel or fstab says so) is no change; any other is refused before anything is
 * changed. 0; -EINVAL, -EPERM, ... with *why. */
int remount(const struct mount_call *call, struct diag *why);
