/* SPDX-License-Identifier: MIT */
#include "listed_documents.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "listing.h"
#include "remote/names/paths.h"

/* A reference, or NULL. */
static struct document *can_be_told_of(struct remote *remote, const char *path)
{
    DOCUMENT_AUTO *known = (struct document *)cache_peek(remote->documents, path, NULL);
    return known && !document_is_racy(known) ? document_ref(known) : NULL;
}

bool document_listed(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                     int64_t true_at)
{
    DOCUMENT_AUTO *known = can_be_told_of(remote, path);
    const bool same = known && document_same_version(&known->attrs, attrs);
    if (same)
        cache_confirm(remote->documents, path, &known->cached, true_at);
    return known && !same;
}

bool document_will_be_listed(struct remote *remote, const char *dir, const char *path)
{
    DOCUMENT_AUTO *known = can_be_told_of(remote, path);
    return known && cache_is_loading(remote->listings, dir);
}

bool document_is_listed(struct remote *remote, const char *path, int64_t *ret_true_at)
{
    FREE_AUTO char *dir = path_dir(path);
    LISTING_AUTO *l = dir ? (struct listing *)cache_peek(remote->listings, dir, ret_true_at) : NULL;
    const struct listing_entry *e = l ? listing_find(l, path_name(path)) : NULL;
    return e && remote_is_vmx(remote, e->name, &e->attrs);
}
