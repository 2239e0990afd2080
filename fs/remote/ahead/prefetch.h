/* SPDX-License-Identifier: MIT */
/*
 * Reads ahead of the user, on a thread of its own, many loads in flight together. It is best
 * effort: a caller that needs what failed loads it again.
 *
 * When a directory has been listed, users will ask for its contents next. So prefetch loads the
 * listings of its sub-directories and the documents in it and in them, as long as users come for
 * them. The same serves revalidation: all that is cached below a directory that is listed again is
 * checked in one go.
 *
 * A user may load objects one after the other, because their directory was not listed, or too long
 * ago. The second such load of neighbours within a second makes prefetch keep ahead of the user.
 *
 * ESXi names a .vmx like its folder. Where a user came for X/X.vmx last, and looks Y beside X up,
 * prefetch loads Y/Y.vmx meanwhile, until there is none. A server that keeps a log of openings
 * (sftp-server -l INFO) has a line then of a file that is not there, and none is opened twice.
 *
 * None of these functions blocks; all take NULL for a prefetch that is off.
 */
#pragma once

#include "remote/remote_private.h"

struct prefetch;

/* 0, -errno. */
int prefetch_new(struct remote *remote, struct prefetch **ret);
void prefetch_free(struct prefetch *prefetch);

/* How far it is, as a "key: value" line. -ENOMEM. */
int prefetch_describe(struct prefetch *prefetch, struct buf *ret);

/* The directory at path was just listed anew for a user, or is being listed. */
void prefetch_listed(struct prefetch *prefetch, const char *path);

/* A user came for a document or a listing that had been loaded ahead, for the first time. */
void prefetch_used(struct prefetch *prefetch, const char *path);

/* A user had to load this document, this listing, or these attributes by himself. */
void prefetch_missed_document(struct prefetch *prefetch, const char *path);
void prefetch_missed_listing(struct prefetch *prefetch, const char *path);
void prefetch_missed_attrs(struct prefetch *prefetch, const char *path);

/* A user asks the server what is at a path of whose directory nothing is known. */
void prefetch_looked_up(struct prefetch *prefetch, const char *path);
