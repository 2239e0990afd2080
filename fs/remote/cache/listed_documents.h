/* SPDX-License-Identifier: MIT */
/*
 * What a folder's listing tells of the documents in it. Its attributes are those that LSTAT would
 * bring, and no older than the listing. So a document that they show unchanged needs no request of
 * its own, as far as attributes prove anything of it (document.h).
 */
#pragma once

#include "listing.h"
#include "remote/remote_private.h"

/* The server's attributes of path were these at that time or later. True: the cached document is
 * another version. */
bool document_listed(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     int64_t true_at);

/* Tells (notes.h) of the .vmx that "before" shows (NULL: nothing is known), and of documents that
 * are cached, where "now" does not show them, or the folder that they are in (NULL: the folder
 * itself is not there); its reading began at began. */
void documents_tell_gone(struct remote *remote, const char *dir, const struct listing *before,
                         const struct listing *now, int64_t began);

/* The paths of the cached documents below a folder. 0, -ENOMEM. */
struct known_below {
    char **paths; /* each of them owned */
    size_t n;
};
int documents_known_below(struct remote *remote, const char *dir, struct known_below *ret);
/* Adds those that only listings show, which are cached. The same. */
int documents_listed_below(struct remote *remote, const char *dir, struct known_below *ret);
void known_below_done(struct known_below *known);

/* Whether a listing of its folder is under way that can tell of it. */
bool document_will_be_listed(struct remote *remote, const char *dir, const char *path);

/* Whether the listing of its folder, of any age, shows a .vmx at path. *ret_true_at: as of when. */
bool document_is_listed(struct remote *remote, const char *path, int64_t *ret_true_at);
