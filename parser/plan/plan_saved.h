/* SPDX-License-Identifier: MIT */
/* What was there before a profile was applied: vmxfs.saved.KEY. */
#pragma once

#include "parser/edit/edit.h"

struct plan_saved {
    struct span key; /* borrowed from the document */
    bool absent;     /* the key was not there */
    bool raw;        /* was holds the value's text as it stood, with its quotes if it had any */
    struct buf was;
    struct buf set; /* what the profile made of it */
};

/* The key whose value the nth key of the document has saved; false: it has saved none. */
bool plan_saved_key(const struct vmx_dict *dict, size_t nth, struct span *ret);
bool plan_saved_any(const struct vmx_dict *dict);

/* Read the nth key of the document, or that of another key, as a saved value. 0; -ENOENT: it is
 * none; -EINVAL: it is damaged, only key is valid; -ENOMEM. saved is empty, and may be half made
 * when they fail. */
int plan_saved_nth(const struct vmx_dict *dict, size_t nth, struct plan_saved *saved);
int plan_saved_find(const struct vmx_dict *dict, struct span key, struct plan_saved *saved);
void plan_saved_done(struct plan_saved *saved);

#define PLAN_SAVED_AUTO __attribute__((cleanup(plan_saved_done))) struct plan_saved

/* Add to *edits: remember what the key is in the document before it is set; note that what it is
 * set to changed; forget. 0, -ENOMEM. */
int plan_saved_add(const struct vmx_dict *dict, struct span key, struct span set,
                   struct vmx_edits *edits);
int plan_saved_update(const struct plan_saved *saved, struct span set, struct vmx_edits *edits);
int plan_saved_forget(struct span key, struct vmx_edits *edits);
