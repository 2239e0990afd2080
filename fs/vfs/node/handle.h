/* SPDX-License-Identifier: MIT */
/* Open files and directories. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vfs/vfs_private.h"

struct dir_names;
struct key_state;
struct remote_file;
struct unsaved_text;

/* An open file or directory. */
struct handle {
    struct node *node;
    bool reads;
    bool writes;
    bool append;
    int64_t opened_at;       /* clock_ms(), of a plain file; 0: unknown */
    struct buf content;      /* what reads give, where it was made at open; or what was written
                              and not carried out yet */
    struct key_state *key;   /* keys that are open for writing: counted as a writer there */
    unsigned key_generation; /* the key's, when it was opened, ... */
    unsigned removals;       /* ... and this one */
    bool truncated;      /* what it writes next does not go into the old value: it truncated that,
                              and nothing came of it yet */
    bool wrote;          /* keys, with vfs->lock: a write of it was taken, ... */
    unsigned long edit;  /* ... and the version of the text that its last one made; 0: none */
    bool lost;           /* that was thrown away with what others had written */
    int refused;         /* with vfs->lock: why what it wrote was lost (plain files) or thrown away
                          (keys, texts of .vmx, controls). Of a plain file each close is told, until
                          a sync was. The others get it until they truncate the text: they would go
                          on in the middle of another. It is told again when it is closed: of a
                          large write, which the kernel splits, it knows only that it was short. */
    struct remote_by by; /* who opened it to write */
    pid_t writer;        /* the same: the process that wrote last; 0: not known */
    bool carrying;       /* controls, with vfs->lock: what was written is being carried out, ... */
    int carried;         /* ... and what came of it the last time */
    bool closing;        /* keys, with vfs->lock: counted as such there */
    unsigned changing;   /* changes that are under way with it; protected by vfs->lock */
    enum handle_io {     /* keys: how it is counted in its node's pages (key_pages.h) */
                     IO_NONE,
                     IO_DIRECT,
                     IO_PAGED,
    } io;
    bool keep;                    /* files: the kernel's pages are good */
    bool direct;                  /* plain files: it goes past the kernel's pages (file_pages.h) */
    bool has_pages;               /* plain files: it is counted in its node's file_pages */
    struct unsaved_text *unsaved; /* a .vmx as a file, of who writes it (unsaved_text.h) */
    struct remote_file *file;     /* plain files */
    struct handle *before, *behind; /* plain files: in node->open_files */
    struct dir_names *names;        /* directories */
    struct handle *prev, *next;
};

/* flags: of open(2). n may be NULL: it is to be filled in. NULL: no memory. */
struct handle *handle_new(struct vfs *vfs, struct node *n, int flags);
void handle_free(struct vfs *vfs, struct handle *h); /* accepts NULL */
/* Why what it wrote was thrown away: h->refused. */
int handle_refused(struct vfs *vfs, const struct handle *h);
/* Frees those whose release never came: an unmounting kernel drops what it has not sent. */
void handle_free_all(struct vfs *vfs);
