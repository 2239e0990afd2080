/* SPDX-License-Identifier: MIT */
/*
 * The remote tree as vmxfs sees it: directories, documents (parsed .vmx files) and plain files
 * below one root, and a cache of them.
 *
 * Paths are relative to the root ("" is the root itself, "vm/vm.vmx"), never begin or end with a
 * slash, and go through no link: a file has one path. All functions may be called from any thread,
 * with no lock of the caller held, and block as the wait says. They start over by themselves when
 * the link was lost and came back in time; -EIO says that it did not come back. They never return
 * SFTP's bare "failure", but ask the server again for its meaning.
 */
#pragma once

#include "sftp/sftp.h"

struct remote_options {
    const char *root; /* of the server; "" is where it puts us; borrowed, as the next one, until
                             remote_use has succeeded */
    const char *root_if_there; /* the root instead of "", where this is a directory; or NULL */
    bool find_user;            /* for remote_user */
    int timeout_ms;            /* how long a system call may wait */
    int cache_timeout_ms;      /* how long an answer is trusted */
    size_t cache_size;         /* bytes of documents and listings */
    size_t vmx_max;            /* bytes; a larger .vmx is a plain file */
    bool prefetch;             /* read ahead of the user */
    bool ignore_running;       /* commit also where the VM is in use */
    bool unsafe_rename;        /* in two steps, where the server has no posix-rename */
    bool absolute_links; /* absolute links are shown as relative ones where they lead below root */
    bool no_hard_links;  /* as if the server could make none */
    bool any_links;      /* links are shown as they are, wherever they lead */

    /* Makes a further connection for the data of large files; from a thread of its own. As
     * connector_connect_bulk. NULL: it goes with the rest. */
    int (*connect_bulk)(void *ctx, struct transport **ret, struct diag *why);
    /* Has connections that are made from now on compressed. False: they are already, or cannot be,
     * or no other one can be made. NULL: never. */
    bool (*compress)(void *ctx);
    void *connect_ctx;
    int bulk_idle_ms;     /* bulk connections unused for so long are closed; 0: a minute */
    unsigned bulk_number; /* so many bulk connections; 0: as many as are worth it, but ... */
    unsigned bulk_max;    /* ... no more than these; 0: no such bound */
};

struct remote;

/* sftp is borrowed and must outlive the remote. Unless it is unused the root is found (root.h). 0;
 * -ENOENT, -ENOTDIR, -EACCES, ... with *why. */
int remote_new(struct sftp *sftp, const struct remote_options *options, struct remote **ret,
               struct diag *why);

/* Waits until all sent requests are done (bounded by the timeout), then frees. */
void remote_free(struct remote *remote);

struct sftp *remote_sftp(struct remote *remote);
const struct remote_options *remote_options(const struct remote *remote);

/* The server's host, asked by another way than SFTP, gave its date as host_s, in seconds since
 * 1970, a moment ago. */
void remote_tell_date(struct remote *remote, int64_t host_s);

/* What the caches hold, as "key: value" lines. -ENOMEM. */
int remote_describe(struct remote *remote, struct buf *ret);

/* Who asked for a change, for those who are told of it. */
struct remote_by {
    uid_t uid;        /* a local user */
    char program[16]; /* as proc(5) has it in "comm"; "" where it is not known */
    const char
        *undoes; /* the earlier change that it takes back, as the listener calls it; or NULL */
    bool undoes_since; /* it takes back all that came after that one */
};

/* Hears what happens on the server. Each function is called by any thread, with no lock held, and
 * may be NULL. None of them waits: commits and readings wait for them. */
struct remote_listener {
    /* A fact about a path that the user should know, and that is not the user's error; key may be
     * NULL. */
    void (*note)(void *ctx, const char *path, const char *key, const char *reason);
    /* The document at path was found changed by others. gone: it cannot be had any more, and its
     * path may be that of something else. */
    void (*changed)(void *ctx, const char *path, bool gone);

    /* What was made here of the document at path, one call for each change, in their order. Texts
     * are borrowed. existed: a file was there before. */
    void (*committed)(void *ctx, const char *path, bool existed, struct span before,
                      struct span after, const struct remote_by *by);
    void (*renamed)(void *ctx, const char *from, const char *to, const struct remote_by *by);
    void (*removed)(void *ctx, const char *path, const struct remote_by *by);
    /* A text was read that was not known here, and that none of our commits made, as far as is
     * known; or no file was found where there was one. wall_ms: clock_wall_ms() when the reading
     * began. */
    void (*seen)(void *ctx, const char *path, struct span text, int64_t wall_ms);
    void (*gone)(void *ctx, const char *path, int64_t wall_ms);
    void *ctx;
};

/* Sets the only listener, or none (NULL). When this returns, the listener before is not called any
 * more, so a listener must not call this itself. */
void remote_listen(struct remote *remote, const struct remote_listener *listener);
