/* SPDX-License-Identifier: MIT */
/*
 * Directories that a link beside them stands for: a datastore, whose directory has a UUID for a
 * name, and which people know by the name of the link. Inside vmxfs, such a directory has only its
 * own name, so that a file has one path, one document and one lock; people are shown the link's.
 *
 * A link stands for the directory if its text is the directory's name and nothing else, the name is
 * one that VMware makes of a UUID, and no such link comes before it in byte order. The host's own
 * volumes (BOOTBANK1, OSDATA-..., LOCKER-...) are not datastores: links to them stay links.
 */
#pragma once

#include "remote/cache/listing.h"

/* The names that people know directories by, as far as listings have told. */
struct aliases;
int aliases_new(struct aliases **ret);
void aliases_free(struct aliases *aliases); /* accepts NULL */

/* Reads the links of a listing that is being made, all at once, if any may stand for a directory,
 * and sets shown_as and stands_for of its entries. 0; -EIO, -EINTR, -ENOTCONN, -ENOMEM. */
int aliases_find(struct remote *remote, const char *dir, const struct wait *wait,
                 struct listing *l);

/* Remembers the names in a complete listing. */
void aliases_learn(struct remote *remote, const char *dir, const struct listing *l);

/* Whether a name is one that VMware makes of a UUID. */
bool aliases_is_uuid(const char *name);

/* Whether the name is one that VMware makes of an NFS mount: its server may hang whoever looks. */
bool aliases_is_nas(const char *name);

/* Whether the name is that of a vSAN datastore's directory. */
bool aliases_is_vsan(const char *name);

/* Whether a link is the host's own. */
bool aliases_is_of_host(const char *link);
