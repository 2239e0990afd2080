/* SPDX-License-Identifier: MIT */
/* Copying between open files, by the server (file_copy.c tells how). */
#pragma once

#include "files.h"

/* Has the server copy from one open file to the other, and waits for it: *ret_n bytes, which may be
 * fewer than size; 0 is the end of the first file. Data that was taken before for either of them is
 * at the server then. -EOPNOTSUPP: the server cannot, or refused it for a reason that reading and
 * writing finds out, or both are one file; -EUCLEAN: as of remote_file_write. */
int remote_file_copy(struct remote_file *from, uint64_t from_offset, struct remote_file *to,
                     uint64_t to_offset, uint64_t size, const struct wait *wait, uint64_t *ret_n);

enum { COPY_PIECE_MIN = 1 << 20, COPY_PIECE_MAX = 32 << 20 }; /* bytes */

/* The size of the next piece that the server is asked to copy, where one of this size took it so
 * long. */
uint64_t copy_next_piece(uint64_t piece, int64_t took_ms);
