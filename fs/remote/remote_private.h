/* SPDX-License-Identifier: MIT */
/* What a remote has. */
#pragma once

#include <errno.h>

#include "base/path.h"
#include "base/turn.h"
#include "remote/cache/document.h"
#include "remote/cache/listing.h"
#include "remote/cache/server_clock.h"
#include "remote/in_use/evidence.h"
#include "remote/lock/token.h"
#include "remote/path_table.h"
#include "remote/root.h"

struct aliases;
struct commit_queue;
struct bulk_connections;
struct late;
struct prefetch;
struct unsure;
struct used_files;
struct vmx_lock;

struct remote {
    struct sftp *sftp;
    struct remote_options options;
    char *given_root;        /* absolute, as the user wrote it */
    char *root;              /* absolute, links resolved; "/" is "" here; both NULL until used */
    atomic_bool has_root;    /* root.h */
    atomic_bool is_thin;     /* the line to the server, as measured: compression.h */
    struct remote_user user; /* root.h */
    struct sftp_attrs root_attrs; /* the same */
    struct turn beginning;        /* of the thread that finds the root */
    struct aliases *aliases;
    struct cache *listings;
    struct cache *documents;
    struct prefetch *prefetch;     /* NULL: off */
    struct listing *measured;      /* the root's when the line was measured, or NULL: its names are
                                      for the first walk of prefetch, whose thread owns it */
    struct bulk_connections *bulk; /* for large files; NULL: off */
    struct used_files *used;
    struct server_clock clock;
    struct remote_evidence evidence;
    struct token_owner owner;     /* names this process in locks */
    struct late *late;            /* what may still be made of requests that were lost */
    struct lock lock;             /* of all below; taken before no other lock */
    struct condition queue_moved; /* with lock; also when telling gets less */
    struct remote_listener listener GUARDED_BY(lock);
    unsigned telling GUARDED_BY(lock); /* threads in the listener */
    struct commit_queue *queues GUARDED_BY(lock);
    struct vmx_lock *attempts GUARDED_BY(lock);       /* under way */
    struct path_item *wrong_guesses GUARDED_BY(lock); /* open_ahead.c */
    struct remote_file *open_files GUARDED_BY(lock);
    struct unsure *unsure_names GUARDED_BY(lock); /* unsure_names.c */
    struct path_item *inaccessible GUARDED_BY(lock);
    uint64_t copy_piece GUARDED_BY(lock); /* file_copy.c */
    atomic_bool any_inaccessible;         /* changes with lock held */
    atomic_ulong commits, commits_joined, commits_failed;
    atomic_uint serial;           /* of tokens */
    atomic_int folder_renames;    /* enum folder_renames, as far as it is known */
    atomic_size_t listings_bytes; /* of listings that are being loaded */
};
