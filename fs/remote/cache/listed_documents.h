/* SPDX-License-Identifier: MIT */
/*
 * What a folder's listing tells of the documents in it. Its attributes are those that LSTAT would
 * bring, and no older than the listing. So a document that they show unchanged needs no request of
 * its own, as far as attributes prove anything of it (document.h).
 */
#pragma once

#include "remote/remote_private.h"

/* The server's attributes of path were these at that time or later. True: the cached document is
 * another version. */
bool document_listed(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     int64_t true_at);

/* Whether a listing of its folder is under way that can tell of it. */
bool document_will_be_listed(struct remote *remote, const char *dir, const char *path);

/* Whether the listing of its folder, of any age, shows a .vmx at path. *ret_true_at: as of when. */
bool document_is_listed(struct remote *remote, const char *path, int64_t *ret_true_at);
