/* SPDX-License-Identifier: MIT */
/*
 * A setting that is being written.
 *
 * All writers that have its file open share one draft, as they would share the bytes of a file. The
 * state belongs to the key, in any spelling, and not to a handle. The state exists while the key
 * has writers, or a draft that is not clean. The draft (text_draft.h):
 *
 *   CLEAN      nothing is to be committed
 *     -> TRUNCATED  the file is truncated to nothing, or created
 *     -> DIRTY      it is written, or resized
 *   TRUNCATED  "" is to be committed, unless something is written first: shells close a file once
 *              before they write to it
 *     -> DIRTY      it is written
 *     -> CLEAN      committed: the last writer closes, fsync, its times are set
 *   DIRTY      the text is to be committed
 *     -> CLEAN      committed: the first write that ends in a newline, flush, fsync
 *   all
 *     -> CLEAN      thrown away: a commit is refused, the writer is killed, the key is removed
 *
 * Every change of the draft gives it a new version. What is committed is a copy (struct taken), and
 * others may go on meanwhile; so three versions are kept, none of them newer than the draft:
 *
 *     begun <= ...           what was written before this one is not in the draft any more
 *     committed <= sent      the newest on the server, and the newest that was taken to be
 *
 * A handle remembers the version that its own last write made (edit): above committed, it has
 * something to commit; below begun, another one has begun anew, and its text is gone.
 *
 * The base is the value that a writer saw before the change. While there are writers our own
 * commits move the base along. An open that sees another value (somebody else changed it) makes
 * that value the base, and all handles that were open before are of an older generation: their next
 * write is refused, since it would undo a change that they have not seen. A removal ends them
 * likewise (removals).
 */
#pragma once

#include "key_at.h"
#include "vfs/node/handle.h"
#include "vfs/vmx/text_draft.h"

/* A setting's value as somebody saw it, to find out whether somebody else changed it since. */
struct seen {
    bool known;
    bool there;
    bool dated;              /* the file had these attributes ... */
    struct sftp_attrs attrs; /* ... */
    int64_t asked_at;        /* ... at clock_ms() */
    bool outdated;           /* and another text by then than the value's */
    bool gone;               /* or it was not there by then */
    struct sftp_call *look;  /* asks for that, and was not answered yet; or NULL */
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
    struct seen base;    /* what the writers saw; not known while there are none */
    unsigned generation; /* grows when the base is not what earlier writers saw */
    unsigned removals;   /* grows when the key is removed */
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
/* Takes what the server has answered by now about the time of the look. */
void seen_take_answer(struct seen *seen);

/* A commit of ours has found this text of a .vmx on the server (NULL: none). Where a writer that is
 * to be told what the file was at his look was told of this version, its value is what he saw: by
 * its attributes it will not be found any more. */
void key_states_see(struct vfs *vfs, const char *path, const struct document *before);

/* One writer of the key more: from now on our own commits move the base along. NULL: no memory. */
struct key_state *key_enter(struct request *rq, struct node *dir, const struct key_at *at,
                            unsigned long *ret_sets);

enum writing {
    WRITING,
    WRITING_ANEW,       /* truncates the draft */
    WRITING_FROM_CACHE, /* asked may be as old as the cache allows */
};
/* The key for a writer, as the server has it now, or an old foreign edit would look like a new one.
 * WRITING_ANEW: he sees nothing of it. His commit will have the answer (look), unless others write,
 * who share its base. As key_at. */
int key_at_to_write(struct request *rq, struct node *dir, const char *name, enum writing how,
                    struct key_at *ret);
/* Makes the handle a writer of the key, which saw what the server has (asked). */
int key_begin_writing(struct request *rq, struct node *dir, const char *name, struct key_at *asked,
                      enum writing how, struct handle *h);
void key_end_writing(struct request *rq, struct node *dir, struct handle *h);
