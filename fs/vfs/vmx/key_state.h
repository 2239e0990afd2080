/* SPDX-License-Identifier: MIT */
/* Settings that are being written: one state for each, whatever the spelling of its name. */
#pragma once

#include "key_at.h"
#include "text_draft.h"
#include "vfs/node/handle.h"

/* A setting's value as somebody saw it, to find out whether somebody else changed it since. */
struct seen {
    bool known;
    bool there;
    bool glanced;            /* in a document that was not read again when its attributes ... */
    struct sftp_attrs attrs; /* ... were asked for and were still these ... */
    int64_t asked_at;        /* ... clock_ms(): it may not be all that there was to see */
    struct buf value;        /* UTF-8 */
};

/* One key that is being written, whatever its spelling. */
struct key_state {
    struct text_draft draft;
    pid_t writer;        /* the process that changed the text last; 0: not known */
    unsigned writers;    /* open handles that may write, and running requests */
    unsigned closing;    /* those of them that are being closed: the last one commits */
    unsigned committing; /* our sets and removals under way */
    unsigned long sets;  /* how often we set or removed it */
    struct seen base; /* what the writers saw: moved along by our own commits, unknown while there
                          are no writers */
    unsigned
        generation;    /* grows when the base is not what earlier writers saw: they are too late */
    unsigned removals; /* the same when the key is unlinked */
    /* Versions of the text (0: none): */
    unsigned long begun;     /* what was written before this one is not in it any more */
    unsigned long sent;      /* the newest that was taken to be committed */
    unsigned long committed; /* the newest that is on the server */
    UT_hash_handle hh;
    char id[]; /* the key's bytes, folded */
};

/* The state of a key; made if create. NULL: none, or no memory. */
struct key_state *key_state(struct vfs *vfs, struct node *dir, struct span key, bool create)
    REQUIRES(vfs->lock);
/* Frees them all, with their directory. */
void key_states_free(struct vfs *vfs, struct node *dir) REQUIRES(vfs->lock);
/* Forgets it when nobody writes it any more. */
void key_state_tidy(struct vfs *vfs, struct node *dir, struct key_state *ks) REQUIRES(vfs->lock);

void seen_done(struct seen *seen);
int seen_set(struct seen *seen, bool there, struct span value);

/* One writer of the key more: from now on our own commits move the base along. NULL: no memory. */
struct key_state *key_enter(struct request *rq, struct node *dir, const struct key_at *at,
                            unsigned long *ret_sets);

enum writing {
    WRITING,
    WRITING_ANEW,       /* truncates the draft */
    WRITING_FROM_CACHE, /* asked may be as old as the cache allows */
};
/* Makes the handle a writer of the key, who saw what the server has (asked). */
int key_begin_writing(struct request *rq, struct node *dir, const char *name,
                      const struct key_at *asked, enum writing how, struct handle *h);
void key_end_writing(struct request *rq, struct node *dir, struct handle *h);
