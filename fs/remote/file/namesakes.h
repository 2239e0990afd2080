/* SPDX-License-Identifier: MIT */
/* Files that have been open under the name of one that is opened. */
#pragma once

#include "open_file.h"

/* The file has just been opened by its name. What has been open under that name is the same file,
 * as far as SFTP can tell, or has lost it. 0, -ESTALE when this one has, -EIO, -EINTR. */
int file_meet_namesakes(struct remote_file *file, const struct wait *wait);
