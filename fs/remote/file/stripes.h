/* SPDX-License-Identifier: MIT */
/* The ways that the data of an open file goes. */
#pragma once

#include "open_file.h"

/* Where the data goes now: over the bulk connections, or over the main one. */
struct bulk_ways file_ways(const struct remote_file *file);

/* Tells the reader and the writer the ways. */
void file_set_ways(struct remote_file *file);

/* Before an operation on n bytes: moves the data of a large file to bulk connections, if there are
 * any. rest: the least number of bytes still to come, as far as is known. */
void file_choose_ways(struct remote_file *file, uint64_t offset, size_t n, uint64_t rest,
                      const struct wait *wait);

/* Goes back to the main connection; no data may be under way over the bulk connections. */
void file_leave_stripes(struct remote_file *file);
