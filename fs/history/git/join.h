/* SPDX-License-Identifier: MIT */
/*
 * Joining packs. Each recording makes a pack, so they become many; and an object whose base is in
 * another pack is stored whole. When there are more than JOIN_PACKS of vmxfs's, the small ones
 * become one, such that of those that are left each is larger than all smaller ones together. So a
 * byte is copied a few times in its life, and what takes space beside what stays is the largest
 * pack at most.
 */
#pragma once

#include <git2.h>

enum { JOIN_PACKS = 20 };

/* Under the lock. Where it fails all stays as it is. 0, -errno. */
int join_packs(git_repository *repository);
