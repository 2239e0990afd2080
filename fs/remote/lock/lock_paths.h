/* SPDX-License-Identifier: MIT */
/* The paths of a token, and the requests that remove all that is there. */
#pragma once

#include "sftp/sftp.h"

#define LOCK_SUFFIX ".vmxfs-lock"
#define LOCK_ASIDE "old-" /* no token begins so */

/* The server's paths, all of them of one token. */
struct lock_paths {
    char *lock;      /* LOCK */
    char *temp;      /* LOCK/TOKEN */
    char *made;      /* .vmxfs-TOKEN */
    char *made_temp; /* .vmxfs-TOKEN/TOKEN */
    char *name;      /* LOCK/TOKEN/../../NAME; NULL: TOKEN is a file */
    char *target;    /* the .vmx, and ... */
    char *aside;     /* ... LOCK/old-TOKEN */
    enum { ASIDE_NONE, ASIDE_NEEDED, ASIDE_OVER } has_aside; /* what may be there is ... */
};

/* Joins three strings; the caller frees the result. NULL: no memory. */
char *lock_join(const char *a, const char *b, const char *c);

/* Sends requests that remove all that is the token's, wherever it is by now, and nothing else. */
void lock_paths_clear(const struct lock_paths *paths, struct sftp *sftp);
void lock_paths_done(struct lock_paths *paths);
