/* SPDX-License-Identifier: MIT */
#pragma once

#include "history_private.h"

/* Appends the path in the repository, HOST/..., of a .vmx that has this path in the mount. 0,
 * -errno. From any thread. */
int history_file(const struct history *history, const char *path, struct buf *ret);
