/* SPDX-License-Identifier: MIT */
/* Files that are open already under the name of a file that is being opened. */
#pragma once

#include "open_file.h"

/* The file has just been opened by its name. Each file that was open under that name is the same
 * file, as far as SFTP can tell, or loses the name. 0, -ESTALE if this file lost it, -EIO, -EINTR.
 */
int file_meet_namesakes(struct remote_file *file, const struct wait *wait);
