/* SPDX-License-Identifier: MIT */
/* Reading small local files, and base64 for what is compared with their text. */
#pragma once

#include "parser/text/buf.h"

/* Appends the whole file. 0, -errno of opening or reading, -EFBIG beyond max bytes. */
int file_read(const char *path, size_t max, struct buf *ret);

/* Appends all that can be read until the end of the stream. 0, -errno, -EFBIG. */
int file_read_fd(int fd, size_t max, struct buf *ret);

/* Appends the base64 text of bytes, with its padding. -ENOMEM. */
int base64_encode(struct span bytes, struct buf *ret);

/* Appends the bytes of base64 text, which may be broken into lines, up to its padding or whatever
 * else is no digit. -ENOMEM. */
int base64_decode(struct span text, struct buf *ret);
