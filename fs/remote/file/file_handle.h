/* SPDX-License-Identifier: MIT */
/* The handle that an open file has over the main connection. */
#pragma once

#include "open_file.h"

/* What the handle shows. */
int file_show(struct remote_file *file, const struct wait *wait, struct sftp_attrs *ret);

/* Opens the file over the main connection, and sets file->handle. ret: its attributes. */
int file_open_handle(struct remote_file *file, uint32_t flags, uint32_t mode,
                     const struct wait *wait, struct sftp_attrs *ret);

/* remote_size_error for the file's name, and the size that it was to get. */
int file_write_error(struct remote_file *file, const struct wait *wait, int r);
