/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#pragma once

#include <errno.h>

#include "base/path.h"
#include "parser/text/diag.h"
#include "remote.h"
#include "remote/cache/cache.h"
#include "remote/cache/document.h"
#include "remote/cache/listing.h"
#include "remote/lock/token.h"

struct aliases;
struct commit_queue;
struct lanes;
struct late;
struct prefetch;
struct unsure_name;
struct used_files;
struct vmx_lock;
struct wrong_guess;

struct remote {
    struct sftp *sftp;
    struct remote_options options;
    char *given_root; /* absolute, as the user wrote it */
    char *root;       /* absolute, links resolved; "/" is "" here */
    struct aliases *aliases;
    struct cache *listings;
    struct cache *documents;
    struct prefetch *prefetch; /* NULL: off */
    struct lanes *lanes;       /* for large files; NULL: off */
    struct used_files *used;
    struct remote_evidence evidence;
    struct token_owner owner;     /* names this process in locks */
    struct late *late;            /* what may still be made of requests that were lost */
    struct lock lock;             /* of all below; taken before no other lock */
    struct condition queue_moved; /* with lock; also when telling gets less */
    void (*changed)(void *ctx, const char *path) GUARDED_BY(lock);
    void *changed_ctx GUARDED_BY(lock);
    void (*note)(void *ctx, const char *path, const char *key, const char *reason) GUARDED_BY(lock);
    void *note_ctx GUARDED_BY(lock);
    unsigned telling GUARDED_BY(lock); /* threads in changed or note */
    struct commit_queue *queues GUARDED_BY(lock);
    struct vmx_lock *attempts GUARDED_BY(lock);         /* under way */
    struct wrong_guess *wrong_guesses GUARDED_BY(lock); /* open_ahead.c */
    struct remote_file *writers GUARDED_BY(lock);       /* all open plain files */
    struct unsure_name *unsure_names GUARDED_BY(lock);  /* unsure_names.c */
    atomic_ulong commits, commits_joined, commits_failed;
    atomic_uint serial;           /* of tokens */
    atomic_int folder_renames;    /* enum folder_renames, as far as it is known */
    atomic_size_t listings_bytes; /* of listings that are being loaded */
};

/* Whether an error tells nothing of the file that was asked for: it is the link's, the caller's or
 * this machine's. */
static inline bool is_unanswered(int r)
{
    return r == -ENOTCONN || r == -EIO || r == -EINTR || r == -ENOMEM;
}

/* True for a regular file of at most vmx_max bytes. One whose size the server does not tell is
 * none: it would be taken for empty. */
bool remote_can_be_vmx(const struct remote *remote, const struct sftp_attrs *attrs);

/* What a link in dir shows of the text that it has on the server. 0; -EPERM, as remote_readlink. */
int remote_show_link(const struct remote *remote, const char *dir, const char *text,
                     struct buf *ret);

/* Says that the document at path was found changed; no lock is held. */
void remote_tell_change(struct remote *remote, const char *path);

/* Tells what a user should know of a path (remote_on_note); no lock is held. */
void remote_note(struct remote *remote, const char *path, const char *key, const char *reason);

/* Waits until what was written to path through an open plain file is on the server. *ret_any (may
 * be NULL): there is such a file, and cached attributes are not to be trusted. 0; -EIO, -EINTR: the
 * wait. Data that was lost is its writer's to know. */
int remote_settle(struct remote *remote, const char *path, const struct wait *wait, bool *ret_any);

/* True when the operation that ended with r may be started over: the link was lost and is up again
 * within the wait. Otherwise *r is what to return: -ENOTCONN has become -EIO or -EINTR. */
bool remote_again(struct remote *remote, const struct wait *wait, int *r);

/* 0, or -EOPNOTSUPP, with *diag, where the server cannot rename as a commit needs it. */
int remote_check_rename(struct remote *remote, struct vmx_diag *diag);

/* Appends what a file of settings holds, of the server's path full. size_hint: how much that seems
 * to be. 0, -errno. */
int remote_read_all(struct remote *remote, const char *full, uint64_t size_hint,
                    const struct wait *wait, struct buf *ret);

/* Finds out what a bare "failure" (-EREMOTEIO) of writing at path meant: -ENOSPC when the server's
 * filesystem is full, -EROFS when it is mounted so, else -EIO. Other errors are returned as is. */
int remote_write_error(struct remote *remote, const char *path, const struct wait *wait, int r);

/* The same of what would make a file so large: -EFBIG, also of -EINVAL, when the server's whole
 * filesystem is smaller. */
int remote_size_error(struct remote *remote, const char *path, uint64_t size,
                      const struct wait *wait, int r);

/* The same of a rename: -EXDEV when its names lie in two filesystems of the server's, and -ENOENT,
 * -EISDIR, -ENOTDIR, -ENOTEMPTY by what has them; as remote_write_error for the new name otherwise.
 * lost: it was sent before, unanswered. Then it is never -EXDEV, upon which programs copy and
 * remove. */
int remote_rename_error(struct remote *remote, const char *from, const char *to, bool lost,
                        const struct wait *wait, int r);
