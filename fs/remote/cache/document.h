/* SPDX-License-Identifier: MIT */
/*
 * Documents: .vmx files, read whole and parsed, as immutable cached snapshots.
 *
 * Revalidation asks for the attributes only. SFTP 3 has times of one second, so an edit of the same
 * size within the second of the last one does not show: an unchanged time is trusted only if the
 * same time had been seen RACY_MS before the reading began (git's "racy" entries); otherwise the
 * file is read again. Writers need not wait for that where it is unlikely: a commit compares bytes.
 */
#pragma once

#include "cache.h"
#include "parser/document/dict.h"
#include "remote/remote.h"

struct document {
    struct cached cached;
    struct vmx_dict *dict;
    struct sftp_attrs attrs;
    int64_t time_seen;       /* clock_ms() when this mtime had first been seen */
    _Atomic int64_t read_at; /* clock_ms() when the last reading began that found this text */
};

enum { RACY_MS = 2000 };

/* In place of a max_age_ms. */
#define DOCUMENT_ANY_AGE (INT64_MAX / 2) /* what is cached, if anything is */
#define DOCUMENT_TO_WRITE (-1)           /* asks, but does not read again what looks unchanged */

/* The document at path, at most max_age_ms old (0: asks the server). *ret is a reference.
 * 0; -ENOENT; -EMEDIUMTYPE: it is no regular file of at most vmx_max bytes; -EIO, -EINTR, ... */
int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret);

/* Brings those of n documents into the cache that are not there, all in flight together. One that
 * cannot be loaded for a reason of its own is left out. 0; -ENOTCONN, -EIO, -EINTR, -ENOMEM. */
int remote_load_documents(struct remote *remote, char *const *paths, size_t n,
                          const struct wait *wait);

/* When (clock_ms()) the cached document of path was last known to be true; 0: it is not cached. */
int64_t remote_document_true_at(struct remote *remote, const char *path);

/* Makes a snapshot of text and attributes known at read_at. 0, -ENOMEM. */
int document_new(struct span text, const struct sftp_attrs *attrs, int64_t read_at,
                 struct document **ret);

/* Whether the server's attributes tell no difference. */
bool document_same_version(const struct sftp_attrs *a, const struct sftp_attrs *b);

/* Whether another text may have come to be in the second in which this one was read. */
static inline bool document_is_racy(const struct document *d)
{
    return d->read_at < d->time_seen + RACY_MS;
}

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

/* Appends what a file of settings holds, of the server's path full. size_hint: how much that seems
 * to be. 0, -errno. */
int remote_read_all(struct remote *remote, const char *full, uint64_t size_hint,
                    const struct wait *wait, struct buf *ret);
