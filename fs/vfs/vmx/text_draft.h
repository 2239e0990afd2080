/* SPDX-License-Identifier: MIT */
/*
 * The text of a file while it is being written, before it is committed: the bytes, and whether
 * there is anything to commit. Pure; the owner protects it.
 *
 * States: clean (bytes mean nothing), truncated (truncated to nothing or created, and nothing
 * written since), dirty. Truncated texts are committed when the last writer closes, because shells
 * close a file once before they write to it; dirty ones as the kind of file says.
 */
#pragma once

#include <sys/types.h>

#include "parser/text/buf.h"

enum text_draft_state { DRAFT_CLEAN, DRAFT_TRUNCATED, DRAFT_DIRTY };

struct text_draft {
    enum text_draft_state state;
    bool anew; /* truncated to nothing on the way: it owes nothing to what the file held */
    unsigned long version; /* grows with every change */
    struct buf bytes;
};

/* Makes a clean text hold what the file holds, before it is changed. 0, -ENOMEM. */
int text_draft_load(struct text_draft *text, struct span bytes);

struct text_draft_edit {
    bool resize;
    off_t at; /* offset, or size */
    bool append;
    struct span data;
};

/* Whether all that the text held before is gone. */
static inline bool text_draft_edit_truncates(const struct text_draft_edit *edit)
{
    return edit->resize && edit->at == 0;
}

/* As text_draft_resize or text_draft_write. */
int text_draft_apply(struct text_draft *text, const struct text_draft_edit *edit, size_t max);

/* Truncates to size or fills up with NULs. 0, -EFBIG, -ENOMEM. */
int text_draft_resize(struct text_draft *text, off_t size, size_t max);

/* Writes at offset, or at the end. The text must have been loaded unless it is not clean. */
int text_draft_write(struct text_draft *text, off_t offset, bool append, struct span bytes,
                     size_t max);

/* Appends what a read of size bytes at offset gives: less, or nothing, at the end. 0, -ENOMEM. */
int text_slice(struct span text, off_t offset, size_t size, struct buf *ret);

/* Whether the text ends in a newline. */
bool text_draft_is_whole(const struct text_draft *text);

/* Nothing is to be committed (any more). */
void text_draft_clean(struct text_draft *text);
void text_draft_done(struct text_draft *text);
