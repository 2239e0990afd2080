/* SPDX-License-Identifier: MIT */
/*
 * The remote tree as vmxfs sees it: directories, documents (parsed .vmx files) and plain files
 * below one root, with what is known about them cached.
 *
 * Paths are relative to the root ("" is the root itself, "vm/vm.vmx"), never begin or end with a
 * slash, and go through no link: a file has one. All functions may be called from any thread and
 * block, with no lock of the caller held, as the wait says. They start over by themselves when the
 * link was lost and came back in time; -EIO says that it did not. SFTP's bare "failure" is never
 * returned: it is asked again for what it means.
 */
#pragma once

#include "base/why.h"
#include "parser/vm/host.h"
#include "sftp/sftp.h"

struct remote_options {
    const char *root;     /* of the server; "" is where it puts us */
    int timeout_ms;       /* how long a system call may wait */
    int cache_timeout_ms; /* how long an answer is trusted */
    size_t cache_size;    /* bytes of documents and listings */
    size_t vmx_max;       /* bytes; a larger .vmx is a plain file */
    bool prefetch;        /* read ahead of the user */
    bool ignore_running;  /* commit also where the VM is in use */
    bool unsafe_rename;   /* in two steps, where the server has no posix-rename */
    bool absolute_links;  /* absolute links are shown as relative ones where they lead below root */
    bool any_links;       /* links are shown as they are, wherever they lead */

    /* Makes a further connection for the data of large files; from a thread of its own. As
     * connector_connect_bulk. NULL: it goes with the rest. */
    int (*connect_bulk)(void *ctx, struct transport **ret, struct why *why);
    void *connect_ctx;
    int bulk_idle_ms; /* they are closed when unused for so long; 0: a minute */
    int bulk_far_ms;  /* two instead of one from this round trip on; 0: that of a wide network */
};

struct remote;

/* Finds the root and checks that it is a directory. sftp is borrowed and must outlive the remote.
 * 0; -ENOENT, -ENOTDIR, -EACCES, ... with *why. */
int remote_new(struct sftp *sftp, const struct remote_options *options, struct remote **ret,
               struct why *why);

/* Waits until what was sent has been done (bounded by the timeout), then frees. */
void remote_free(struct remote *remote);

struct sftp *remote_sftp(struct remote *remote);
const struct remote_options *remote_options(const struct remote *remote);

/* True for a name that is shown as a directory of settings when it is a regular file of at most
 * vmx_max bytes: *.vmx and *.vmtx, whatever the case. */
bool remote_is_vmx_name(const char *name);
bool remote_is_vmx(const struct remote *remote, const char *name, const struct sftp_attrs *attrs);

/* True for our own lock and temporary files, which nobody is shown. */
bool remote_is_hidden_name(const char *name);

/* The path of the directory beside it that a link stands for: a datastore, which people know by the
 * name of the link (aliases.h). Inside, only the directory's own path is used. *ret: a string of
 * the caller's; NULL: the link is shown as a link. 0; -EIO, -EINTR, -ENOMEM. */
int remote_stands_for(struct remote *remote, const char *link, int64_t max_age_ms,
                      const struct wait *wait, char **ret);

/* Appends a path with the names that people know its directories by, as far as they have been
 * learned: from listings, or by remote_learn_shown. Waits for nothing. -ENOMEM. */
int remote_add_shown(struct remote *remote, const char *path, struct buf *ret);

/* Lists the directories of a path in which names may differ, if that was not done. 0; -EIO, -EINTR,
 * -ENOMEM. */
int remote_learn_shown(struct remote *remote, const char *path, const struct wait *wait);

/* Whether people know the directory at path by another name. */
bool remote_is_shown_otherwise(struct remote *remote, const char *path);

/* What the caches hold, as "key: value" lines. -ENOMEM. */
int remote_describe(struct remote *remote, struct buf *ret);

/* The root's absolute path on the server, free of links; "" is "/". Valid as long as the remote. */
const char *remote_root(const struct remote *remote);

/* Where absolute paths of the server are below the root, free of links: as strings of the caller's,
 * NULL for what is outside, or is not there, or is NULL itself. All are asked for at once. 0; -EIO,
 * -EINTR, -ENOMEM (then none is set). */
int remote_locate(struct remote *remote, const char *const *paths, size_t n,
                  const struct wait *wait, char **ret);

/* The path, free of links, that a link leads to on the server. What is outside of the root is
 * called by a path that begins with ".."; all functions take it. *ret: a string of the caller's;
 * NULL: it leads nowhere. 0; -EIO, -EINTR, -ENOMEM. */
int remote_follow(struct remote *remote, const char *path, const struct wait *wait, char **ret);

/* The server's absolute path of a path, the caller's to free. NULL: no memory. */
char *remote_path(const struct remote *remote, const char *path);

/* Whether a path is that of the root: one that begins with ".." may be, too. */
bool remote_is_root(const struct remote *remote, const char *path);

/* What tells of a VM's use besides the files beside it: its host. */
struct remote_evidence {
    /* True, with a sentence for people, if it is known that the VM runs. */
    bool (*runs)(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size);
    /* True if somebody who must know says that nobody holds the VM's lock file (an absolute path).
     */
    bool (*lock_is_stale)(void *ctx, const char *path, const char *lock, const struct wait *wait);
    /* Whether the VM is registered. NOT_KNOWN: there is a host, and it does not say. */
    enum vmx_truth (*is_registered)(void *ctx, const char *path, const struct wait *wait);
    /* Hands the paths of all that are registered, and below the root, to see. Whether any VM is
     * registered, as of is_registered. */
    enum vmx_truth (*each_registered)(void *ctx, const struct wait *wait,
                                      void (*see)(void *see_ctx, const char *path), void *see_ctx);
    void *ctx;
};

/* NULL: nothing else tells. Before the first commit and after the last one. */
void remote_set_evidence(struct remote *remote, const struct remote_evidence *evidence);

/* note is called (with no lock held, by any thread) with what a user should know of a path and is
 * no error of his; key may be NULL. As remote_on_foreign_change. */
void remote_on_note(struct remote *remote,
                    void (*note)(void *ctx, const char *path, const char *key, const char *reason),
                    void *ctx);

/* changed is called (with no lock held, by any thread) with the path of a document that was found
 * changed on the server. NULL: nobody is told. When this returns, what was set before is not called
 * any more, so it must not call this itself. */
void remote_on_foreign_change(struct remote *remote, void (*changed)(void *ctx, const char *path),
                              void *ctx);
