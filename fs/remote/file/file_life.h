/* SPDX-License-Identifier: MIT */
/* The life of an open file. */
#pragma once

#include "open_file.h"

/* An open file that has no handle yet. 0, -ENOMEM. */
int file_new(struct remote *remote, const char *path, uint32_t open_flags,
             struct remote_file **ret);
