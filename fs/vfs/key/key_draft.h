/* SPDX-License-Identifier: MIT */
/* The draft of a setting: which handle's edit goes into which text, and which comes too late. */
#pragma once

#include "key_state.h"

/* A key's text as it was when it was taken to be committed: others may go on with it meanwhile. */
struct taken {
    struct buf bytes;
    bool anew;
    unsigned long version;
};

static inline void taken_done(struct taken *taken)
{
    buf_done(&taken->bytes);
}
#define TAKEN_AUTO __attribute__((cleanup(taken_done))) struct taken

/* Edits the text for a handle. max: bytes. 0; -ECANCELED: it comes too late; -EFBIG, -ENOMEM: the
 * text is dropped, and the handle gets the same again until it truncates the key. */
int key_draft_edit(struct vfs *vfs, struct handle *h, const struct text_draft_edit *edit,
                   size_t max) REQUIRES(vfs->lock);
/* Throws the text away. A handle that has written to it since the version that is kept is told when
 * it goes on, or is closed. */
void key_draft_drop(struct vfs *vfs, struct key_state *ks, unsigned long kept) REQUIRES(vfs->lock);
/* A copy, to be committed. 0, -ENOMEM. */
int key_draft_take(struct key_state *ks, struct taken *ret);
/* Whether the text has something of the handle's that is to be committed. */
bool key_draft_is_due(const struct key_state *ks, const struct handle *h);
/* Whether what the handle has written was thrown away, or another one has begun anew, and that may
 * still come to nothing. */
bool key_draft_is_lost(const struct key_state *ks, const struct handle *h);
