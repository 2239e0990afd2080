/* SPDX-License-Identifier: MIT */
/*
 * Documents: .vmx files, read whole and parsed, as immutable cached snapshots.
 *
 * Revalidation asks for the attributes only. SFTP 3 has times of one second, so an edit that keeps
 * the size, within the second of the last edit, does not show. So vmxfs trusts an unchanged time
 * only if it was old when the file was read (server_clock.h), or if it first saw that time RACY_MS
 * before the reading began (git's "racy" entries); otherwise it reads the file again. Writers need
 * not wait for that where it is unlikely: a commit compares bytes.
 */
#pragma once

#include "cache.h"
#include "parser/document/dict.h"
#include "remote/remote.h"

struct document {
    struct cached cached;
    struct vmx_dict *dict;
    struct sftp_attrs attrs;
    int64_t time_seen;       /* clock_ms() when this mtime was first seen */
    bool was_old;            /* this mtime, when the text was read first */
    _Atomic int64_t read_at; /* clock_ms() when the last reading that found this text began */
};

enum { RACY_MS = 2000 };

/* In place of a max_age_ms. */
#define DOCUMENT_ANY_AGE (INT64_MAX / 2) /* any cached document */
#define DOCUMENT_TO_WRITE (-1)           /* asks, but keeps a document that looks unchanged */

/* The document at path, at most max_age_ms old (0: asks the server). *ret is a reference. 0;
 * -ENOENT; -EMEDIUMTYPE: not a regular file of at most vmx_max bytes; -EACCES, -EBUSY: it is there
 * and cannot be read, the latter because another host seems to have locked it; -EIO, -EINTR, ... */
int remote_document(struct remote *remote, const char *path, int64_t max_age_ms,
                    const struct wait *wait, struct document **ret);

/* Asks for the attributes of a document's file, by LSTAT, without waiting: for a writer whose
 * commit has the answer before it needs it. An edit that the server gets before the question, half
 * a round trip from now, counts as one of before. The call is the caller's. NULL: remote_document
 * is to be asked, because the server is near, or the link is not up, or there is no memory. */
struct sftp_call *remote_ask_document(struct remote *remote, const char *path);

/* Whether that is the result for a .vmx that cannot be read: it can be looked at, perhaps. */
static inline bool document_is_unread(int r)
{
    return r == -EACCES || r == -EBUSY;
}

/* Whether a report on many VMs leaves out the one of this result: it is none any more, or cannot be
 * read. */
static inline bool document_is_left_out(int r)
{
    return r == -ENOENT || r == -EMEDIUMTYPE || document_is_unread(r);
}

/* Loads those of n documents that are not in the cache, all in flight together. A document that
 * cannot be loaded for a reason of its own is left out. 0; -ENOTCONN, -EIO, -EINTR, -ENOMEM. */
int remote_load_documents(struct remote *remote, char *const *paths, size_t n,
                          const struct wait *wait);

/* When (clock_ms()) the cached document of path was last known to be true; 0: it is not cached. */
int64_t remote_document_true_at(struct remote *remote, const char *path);

/* Whether a listing at most max_age_ms old shows a .vmx at path, and no document that young is
 * cached: remote_getattr tells what is there, then, without a request and without its text. */
bool remote_document_is_listed(struct remote *remote, const char *path, int64_t max_age_ms);

/* Makes a snapshot of text and attributes known at read_at. 0, -ENOMEM. */
int document_new(struct span text, const struct sftp_attrs *attrs, int64_t read_at,
                 struct document **ret);

/* Whether the server's attributes show no difference. */
bool document_same_version(const struct sftp_attrs *a, const struct sftp_attrs *b);

/* Whether the file may have got another text in the second in which this one was read. */
static inline bool document_is_racy(const struct document *d)
{
    return !d->was_old && d->read_at < d->time_seen + RACY_MS;
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

/* Appends the text of a file of settings at the server's path full. size_hint: its apparent size.
 * 0, -errno. */
int remote_read_all(struct remote *remote, const char *full, uint64_t size_hint,
                    const struct wait *wait, struct buf *ret);
