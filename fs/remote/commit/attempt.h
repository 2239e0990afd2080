/* SPDX-License-Identifier: MIT */
/*
 * One attempt at a commit, without the queue before it and the trying again behind it (commit.c).
 *
 * Errors that ask for another attempt: -EAGAIN (the lock is somebody else's, or the target changed
 * under our eyes), -ENOTCONN (the link was lost), -ELOOP (the target is a symbolic link: resolve
 * it), -ETIME (the lock was not good any more, and nothing was sent that changes the target, or
 * only what sets it aside, which letting go of the lock takes back).
 */
#pragma once

#include "commit.h"
#include "remote/remote_private.h"

/* Makes the new text (appended to *ret) from the server's text; may be called twice. 0; 1: there is
 * nothing to do; -errno. */
struct rewrite {
    int (*make)(void *ctx, const struct server_text *server, struct buf *ret);
    /* The text made last is about to be sent, under the lock: as of struct change. May be NULL. */
    int (*still)(void *ctx, const struct wait *wait);
    /* The text made last was sent, and no answer says whether it arrived. May be NULL. */
    void (*unanswered)(void *ctx);
    void *ctx;
    bool regardless; /* also if the VM is in use */
};

/* What earlier attempts at the same commit left open when the link was lost. All zeros at first;
 * ends with lost_done. */
struct lost {
    bool link;               /* our lock may still be there: it is taken again, whatever is to do */
    struct document *before; /* not NULL: this was about to be replaced by ... */
    struct buf text;         /* ... this; if the server has it, that has happened */
};
void lost_done(struct lost *lost);

/* What a commit changed. All zeros at first; ends with outcome_done. */
struct outcome {
    struct document *before, *after; /* the same one if nothing was to be done */
    struct buf replaced; /* what the rename replaced, if it was edited in the last moment ... */
    bool edited;         /* ... by a program that takes no lock: not the text of before */
    uint32_t links;      /* names that the file had which was replaced; 0: not known */
    bool missed;         /* it may have been, but cannot be read */
};
void outcome_done(struct outcome *outcome);
#define OUTCOME_AUTO __attribute__((cleanup(outcome_done))) struct outcome

/* known: the cached document, a guess that saves a round trip if it is right; or NULL. 0: ret is
 * filled in. */
int attempt_commit(struct remote *remote, const char *path, struct document *known,
                   const struct rewrite *rewrite, struct lost *lost, const struct wait *wait,
                   struct diag *diag, struct outcome *ret);

/* The name of a .vmx whose lock is held, and whose VM is not in use. All zeros: none. */
struct hold {
    struct attempt *attempt;
    bool there; /* a file has the name, which looks like this ... */
    bool other; /* ... and is not a document */
    struct sftp_attrs attrs;
    struct buf text;  /* that it holds, if it is a document */
    size_t settings;  /* in it */
    const char *name; /* the server's path, which is there only as long as the lock is held */
    int64_t expiry;   /* clock_boot_ms(): nothing is to be sent later */
};

/* any: the file with the name need not be a document. wait and path must outlive the hold. 0;
 * -EBUSY, with *diag; the errors that ask for another attempt; ... */
int hold_take(struct remote *remote, const char *path, bool any, const struct wait *wait,
              struct diag *diag, struct hold *ret);
void hold_drop(struct hold *hold);
