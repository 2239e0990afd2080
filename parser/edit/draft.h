/* SPDX-License-Identifier: MIT */
/*
 * Private to the parser: a document while it is edited, as a list of lines.
 *
 * Lines that nobody touches stay views into the document. What a line is to hold is only noted
 * (value), and written when all edits are known: the charset may be among them.
 */
#pragma once

#include "edit.h"
#include "keymap.h"

struct draft_line {
    struct draft_line *prev, *next; /* utlist: the head's prev is the tail */
    struct span text;               /* with its ending, if it has one */
    struct vmx_line line;           /* what text is */
    struct buf own;                 /* holds text, if the document does not */
    bool current;                   /* the entry that counts for its key */
    bool taken_up;                  /* a removed line, which comes back as it was */
    const struct buf *value;        /* to be written, UTF-8, borrowed; NULL: it stays */
    struct span lead;               /* the ending that the line before it needs, if that has none */
};

struct draft {
    const struct vmx_dict *dict;
    struct draft_line *lines; /* those of the document, then those that were added */
    size_t n_lines;
    struct draft_line *head;
    struct keymap touched; /* keys that were looked for to change them: to their lines */
    struct span ending;    /* the file's own */
};

/* Room for the document's lines and as many new ones as there are edits. 0, -ENOMEM. The draft
 * borrows the dict and all that edits hold. */
int draft_init(struct draft *draft, const struct vmx_dict *dict, size_t edits);
void draft_done(struct draft *draft);

/* The line that counts for the key, as things stand; NULL if there is none. */
struct draft_line *draft_find(const struct draft *draft, struct span key);

/* The three edits, with the errors of vmx_edits_apply. */
int draft_set(struct draft *draft, const struct vmx_edit *edit, struct diag *diag);
int draft_remove(struct draft *draft, struct span key);
int draft_rename(struct draft *draft, struct span key, struct span new_key, struct diag *diag);

/* Appends the text of all lines. 0, -EILSEQ, -EINVAL, -ENOMEM. */
int draft_write(const struct draft *draft, struct buf *ret, struct diag *diag);

#define DRAFT_AUTO __attribute__((cleanup(draft_done))) struct draft
