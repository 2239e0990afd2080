/* SPDX-License-Identifier: MIT */
/*
 * What a directory of settings has beside its document: texts that are being written, scratch
 * files. Protected by vfs->lock. What was a moment ago is in recent.h.
 */
#pragma once

#include <errno.h>

#include <uthash.h>

#include "internal.h"
#include "text.h"

#define PROFILE_NAME "passthrough-profile"

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
    struct text text;
    pid_t writer;        /* the process that changed the text last; 0: not known */
    unsigned writers;    /* open handles that may write, and running requests */
    unsigned closing;    /* those of them that are being closed: the last one commits */
    unsigned committing; /* our sets and removals under way */
    unsigned long sets;  /* how often we set or removed it */
    struct seen base;  /* what the writers saw: moved along by our own commits, unknown while there
                          are no writers */
    unsigned epoch;    /* grows when the base is not what earlier writers saw: they are too late */
    unsigned removals; /* the same when the key is unlinked */
    /* Versions of the text (0: none): */
    unsigned long begun;     /* what was written before this one is not in it any more */
    unsigned long sent;      /* the newest that was taken to be committed */
    unsigned long committed; /* the newest that is on the server */
    UT_hash_handle hh;
    char id[]; /* the key's bytes, folded */
};

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

struct scratch {
    struct buf bytes;
    bool is_link; /* a symbolic link (emacs' lock): bytes are its target */
    mode_t mode;
    int64_t changed_s;
    const struct node *removed; /* the node that is left of it: it has no name any more; or NULL */
    struct scratch *prev, *next;
    char name[256];
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

/* The extent of the key that a file name means, SIZE_MAX if there is none. */
size_t vmx_name_extent(const struct vmx_dict *dict, const char *name);

/* ---- one key of one document, looked up */

struct key_at {
    char *path; /* of the .vmx */
    struct document *doc;
    struct buf key;   /* bytes in the document's charset */
    size_t extent;    /* SIZE_MAX: the document has no such key */
    int64_t asked_at; /* clock_ms() before the document was asked for */
};

/* 0 (also where the document has no such key); -EINVAL: no key can have this name; -ENAMETOOLONG:
 * it is too long for one; -EILSEQ: the document's charset cannot hold it; -ENOENT: there is no
 * document; ... */
int key_at(struct call *c, struct node *dir, const char *name, int64_t max_age_ms,
           struct key_at *ret);
void key_at_done(struct key_at *at);
/* Whether key_at says so of a name that no key of this document can have. */
static inline bool is_no_key(int r)
{
    return r == -EINVAL || r == -ENAMETOOLONG || r == -EILSEQ;
}
/* Notes the refusal of such a name and returns r. Other errors are noted too. */
int refuse_name(struct call *c, struct node *dir, const char *name, int r);
#define KEY_AT_AUTO __attribute__((cleanup(key_at_done))) struct key_at

/* What the file of a key shows: the value and a newline. -ENOENT: the document has no such key. */
int key_text(const struct key_at *at, struct buf *ret);

/* What the file shows now: what is being written to it, or as key_text. */
int key_current_text(struct call *c, struct node *dir, const struct key_at *at, struct buf *ret);

/* ---- change.c: changes to keys, each one atomic rewrite (joined with others under way) */

/* ks: of the key, where the caller is a writer of it and has taken its text; NULL, both: what the
 * cached document shows is what the change was made from. Refusals are noted. */
int key_set(struct call *c, struct node *dir, const char *name, struct span value,
            struct key_state *ks, const struct taken *taken);
int key_remove(struct call *c, struct node *dir, const char *name);
int key_rename(struct call *c, struct node *dir, const char *name, const char *new_name,
               bool exclusive);

/* The text of a file as a value: less one newline at the end. */
static inline struct span text_value(struct span text)
{
    if (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    return text;
}

/* ---- key_text.c: the text that is being written; all under vfs->lock */

/* Edits the text for a handle. max: bytes. 0; -ECANCELED: it comes too late; -EFBIG, -ENOMEM: the
 * text is dropped, and the handle gets the same again until it cuts the key. */
int key_text_edit(struct vfs *vfs, struct handle *h, const struct text_edit *edit, size_t max)
    REQUIRES(vfs->lock);
/* Throws the text away. Who has written to it since the version that is kept is told when he goes
 * on, or closes it. */
void key_text_drop(struct vfs *vfs, struct key_state *ks, unsigned long kept) REQUIRES(vfs->lock);
/* A copy, to be committed. 0, -ENOMEM. */
int key_text_take(struct key_state *ks, struct taken *ret);
/* Whether the text has something of the handle's that is to be committed. */
bool key_text_is_due(const struct key_state *ks, const struct handle *h);
/* Whether what the handle has written was thrown away, or another one has begun anew, and that may
 * still come to nothing. */
bool key_text_is_lost(const struct key_state *ks, const struct handle *h);

/* ---- key.c */

int key_lookup(struct call *c, struct node *dir, const char *name, struct found *ret);
int key_create(struct call *c, struct node *dir, const char *name, int flags, struct handle *h,
               struct found *ret);

/* One writer of the key more: from now on our own commits move the base along. NULL: no memory. */
struct key_state *key_enter(struct call *c, struct node *dir, const struct key_at *at,
                            unsigned long *ret_sets);

enum writing {
    WRITING,
    WRITING_ANEW,       /* cuts the text */
    WRITING_FROM_CACHE, /* asked may be as old as the cache allows */
};
/* Makes the handle a writer of the key, who saw what the server has (asked). */
int key_begin_writing(struct call *c, struct node *dir, const char *name,
                      const struct key_at *asked, enum writing how, struct handle *h);
void key_uncreate(struct call *c, struct node *dir, struct handle *h); /* of ops.c */
void key_end_writing(struct call *c, struct node *dir, struct handle *h);

/* ---- vmx_registered.c: a registered VM is not emptied */

/* Whether a .vmx without this setting is none for the host. */
bool setting_makes_vm(struct span key);

/* 0: the setting may be removed; 1: it stays, and is hidden; -EBUSY: many are being removed, and
 * this is none of the first; -errno. Refusals are noted. */
int keep_setting(struct call *c, struct node *dir, const struct key_at *at, const char *name);

/* ---- scratch.c: files that live in memory only */

/* Whether a name, or the way a file is created, says that it is an editor's helper. */
bool scratch_is_name(const char *name);
bool scratch_is_create(mode_t mode, int flags);

int scratch_lookup(struct call *c, struct node *dir, const char *name, struct found *ret);
int scratch_list(struct call *c, struct node *dir, struct dir_names *ret);
int scratch_create(struct call *c, struct node *dir, const char *name, mode_t mode,
                   struct handle *h, struct found *ret);
int scratch_symlink(struct call *c, struct node *dir, const char *name, const char *target,
                    struct found *ret);
/* Removes one; who has it open keeps it. -ENOENT: none of this name. */
int scratch_unlink(struct call *c, struct node *dir, const char *name);
/* One whose bytes are elsewhere now, with all who have it open. */
void scratch_drop(struct call *c, struct node *dir, const char *name);
int scratch_rename(struct call *c, struct node *dir, const char *name, const char *new_name);
/* Makes one with this content, replacing one of the same name. */
int scratch_put(struct call *c, struct node *dir, const char *name, struct span bytes);
/* Frees those of a directory, with it. */
void scratches_free(struct vfs *vfs, struct node *dir) REQUIRES(vfs->lock);
/* Removes those of a directory that was removed, to which the caller holds a reference. */
void scratches_remove(struct vfs *vfs, struct node *dir);
/* Appends the content. -ENOENT: none of this name. */
int scratch_content(struct call *c, struct node *dir, const char *name, struct buf *ret);
