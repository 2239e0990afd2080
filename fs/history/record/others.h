/* SPDX-License-Identifier: MIT */
/* Commits of what was seen and not made through a vmxfs. */
#pragma once

#include "recording.h"

/* The text of a file was found to be another than is recorded: it was first seen, changed, or,
 * where after is NULL, removed. */
int others_commit(struct recording *rec, const char *file, const struct span *after, int64_t time_s,
                  const char *mount);

/* All of these were first seen. */
int others_first(struct recording *rec, const struct recording_change *changes, size_t n,
                 int64_t time_s, const char *mount);

int others_renamed(struct recording *rec, const char *from, const char *file, struct span text,
                   int64_t time_s, const char *mount);
