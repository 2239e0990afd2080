/* SPDX-License-Identifier: MIT */
/* What the commits of a history say. */
#pragma once

#include <git2.h>

#include "parser/history/changes.h"

struct message_person {
    const char *name, *mail; /* as they come: what git cannot hold is replaced */
};

struct message {
    struct message_person author;
    int64_t time_s; /* when it happened */
    const char *subject;
    const char *program; /* NULL or "": not known */
    const char *mount;
    const char *by;     /* "vmxfs", "others", "host" */
    const char *undoes; /* NULL or "": nothing */
    bool undoes_since;
};

/* Appends a commit as git stores it. parent: NULL: none. -ENOMEM. */
int message_commit(const struct message *message, const git_oid *tree, const git_oid *parent,
                   const struct message_person *committer, struct buf *ret);

/* Append a subject for a .vmx, by its path in the repository: at most 72 characters. */
int message_subject(const char *file, const char *what, struct buf *ret);
int message_renamed(const char *from, const char *file, struct buf *ret);

/* The subject of a change of a text, and whether a host makes such changes by itself. */
int message_changed(const char *file, struct span before, struct span after, struct buf *ret,
                    bool *ret_by_host);
