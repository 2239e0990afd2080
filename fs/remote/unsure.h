/* SPDX-License-Identifier: MIT */
/*
 * Writes that were under way when a link was lost. The server's process of the old connection may
 * still carry them out, long after they were sent again and answered. The same bytes do no harm;
 * other bytes at the same place could be overwritten by them, after their writer was told that they
 * are safe. So those are refused while that may happen: until the file is closed, or for a minute.
 */
#pragma once

#include <stdint.h>

#include "parser/buf.h"

enum { UNSURE_MS = 60 * 1000 };

struct unsure;

/* Notes bytes that may still be written. 0, -ENOMEM. */
int unsure_note(struct unsure **list, uint64_t offset, struct span data);

/* Whether bytes, or the end of the file (with data.p NULL), may come to nothing at offset because
 * other bytes are still to be written there. Forgets what is too old. */
bool unsure_hinders(struct unsure **list, uint64_t offset, struct span data);

void unsure_free(struct unsure **list);
