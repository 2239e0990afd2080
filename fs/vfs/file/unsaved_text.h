/* SPDX-License-Identifier: MIT */
/*
 * The text that one open file writes to a .vmx as a file (vmx_file.h), and its commit. Each open
 * file has its own: two that were made from one text do not add up to a third, so the second commit
 * is refused. A truncated text is empty, and is committed at release unless it is written before.
 */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"
#include "vfs/recent.h"
#include "vfs/vmx/text_draft.h"

/* What an open file has; protected by vfs->lock, as the next one. */
struct unsaved_text {
    struct text_draft draft; /* clean: what the file held when it was opened, or committed */
    struct fingerprint base; /* the same, of what is on the server */
    struct sftp_attrs set;   /* mode and times to be set once the text is there */
    unsigned long sent;      /* the version that was taken to be committed last */
    bool committing;
};

/* What the node has. */
struct vmx_file {
    unsigned writers;
    bool staged;          /* being created: a file until the last writer closes it */
    bool making;          /* the commit that creates it is under way */
    bool flushed;         /* since it was written: a writer is closing it */
    struct handle *shown; /* its text is shown: it wrote last, and has to commit; or NULL */
};

/* A text as it was when it was taken to be committed. */
struct unsaved_copy {
    struct buf text;
    unsigned long version;
    struct fingerprint base;
    struct sftp_attrs set;
};

/* The remote path of the .vmx that a node is. NULL: no memory. */
char *vmx_file_path(struct request *rq, struct node *n);

/* Makes the handle a writer, which sees this text; base: what is on the server. 0, -ENOMEM. */
int unsaved_text_begin(struct request *rq, struct node *n, struct span seen,
                       struct fingerprint base, bool truncated, struct handle *h);

/* 0; -EFBIG, -ENOMEM: the text is thrown away; or what the handle was refused before. Refusals are
 * noted once. */
int unsaved_text_edit(struct request *rq, struct node *n, struct handle *h,
                      const struct text_draft_edit *edit);

/* Nothing of the text is to be committed. A writer that goes on would write into the middle of
 * another text: it is refused, with r, until it truncates the text. */
void unsaved_text_throw_away(struct node *n, struct handle *h, int r);

enum occasion {
    AT_FLUSH, /* shells close a file once before they write to it: what is only truncated waits */
    AT_FSYNC, /* an interrupted caller asks again */
    AT_RELEASE,
};

/* Commits what there is to commit, then sets the attributes that were asked for meanwhile. 0, or
 * why not: the text is thrown away then, and the refusal noted. */
int unsaved_text_commit(struct request *rq, struct node *n, struct handle *h, enum occasion when);

/* The same in two steps, the first with vfs->lock held, for a caller that is not the writer. The
 * handle stays until the second has been done. 0, -ENOMEM: there is no second. */
int unsaved_text_take(struct node *n, struct handle *h, struct unsaved_copy *ret);
int unsaved_text_commit_taken(struct request *rq, struct node *n, struct handle *h,
                              const struct unsaved_copy *taken, enum occasion when);

/* The handle writes no more, and what it has not committed is not to be. */
void unsaved_text_end(struct request *rq, struct node *n, struct handle *h);
void unsaved_text_free(struct unsaved_text *t); /* accepts NULL */
