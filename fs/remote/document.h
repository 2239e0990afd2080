/* SPDX-License-Identifier: MIT */
/*
 * Documents: .vmx files, read whole and parsed, as immutable cached snapshots.
 *
 * Revalidation asks for the attributes only. SFTP 3 has times of one second, so an edit of the same
 * size within the second of the last one does not show: an unchanged time is trusted only if the
 * same time had been seen RACY_MS before the reading began (git's "racy" entries); otherwise the
 * file is read again.
 */
#pragma once

#include "cache.h"
#include "parser/dict.h"
#include "remote.h"

struct document {
    struct cached cached;
    struct vmx_dict *dict;
    struct sftp_attrs attrs;
    int64_t time_seen; /* clock_ms() when this mtime was first seen */
    int64_t read_at;   /* clock_ms() when the reading began */
};

/* The document at path, at most max_age_ms old (0: asks the server). *ret is a reference.
 * 0; -ENOENT; -EMEDIUMTYPE: it is no regular file of at most vmx_max bytes; -EIO, -EINTR, ... */
int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret);

/* When (clock_ms()) the cached document of path was last known to be true; 0: it is not cached. */
int64_t remote_document_true_at(struct remote *remote, const char *path);

/* Makes a snapshot of text and attributes known at read_at. 0, -ENOMEM. */
int document_new(struct span text, const struct sftp_attrs *attrs, int64_t read_at,
                 struct document **ret);

static inline void document_unref(struct document **d)
{
    if (*d)
        cached_unref(&(*d)->cached);
    *d = NULL;
}
static inline struct document *document_ref(struct document *d)
{
    cached_ref(&d->cached);
    return d;
}
#define DOCUMENT_AUTO __attribute__((cleanup(document_unref))) struct document
