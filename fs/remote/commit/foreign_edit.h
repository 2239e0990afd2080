/* SPDX-License-Identifier: MIT */
/*
 * Two edits of one text that did not know of each other: ours, and that of a program that takes no
 * lock, which our rename replaced. Both are kept as far as they concern different settings; for the
 * same setting ours stays.
 */
#pragma once

#include "parser/document/dict.h"

struct remote;

/* Notes of each value of theirs that the merged text lacks go here (notes.h). */
struct foreign_lost {
    struct remote *remote;
    const char *path;
};

/* Appends ours with what they made of base, all three whole texts. lost: NULL: nobody is told. 0,
 * -errno. */
int foreign_edit_merge(struct span base, struct span ours, struct span theirs,
                       const struct foreign_lost *lost, struct buf *ret);

/* Tells of each setting that they changed, if only ours stays. */
void foreign_edit_tell_all(struct span base, struct span ours, struct span theirs,
                           const struct foreign_lost *lost);
