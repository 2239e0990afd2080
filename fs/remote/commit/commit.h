/* SPDX-License-Identifier: MIT */
/*
 * Commits: changes to one document, made durable by one atomic rewrite of the remote file.
 *
 * A change says how to make the new text from what is there; a commit takes the lock file, looks at
 * what the server really has, applies the change to that, writes it to a temporary file, syncs, and
 * renames it over the target. Changes that arrive while a commit of the same file is under way are
 * joined into the next one; an error belongs to its own change, and the others go on without it.
 * docs/architecture.md draws the flights of requests and tells why nothing can be lost.
 */
#pragma once

#include "remote/cache/document.h"

/* What the server has, when a change is applied to it. */
struct server_text {
    const struct document *doc; /* an empty one, when there is no such file */
    bool exists;                /* there, or made by a change before this one in the same commit */
    uint32_t clock_s; /* what its clock showed when a commit had begun, seconds; 0: not known */
};

struct change {
    /* Appends the whole new text to *ret. current: what the server has, with the changes before
     * this one applied. They are committed if this one is, so that current, not the server's text,
     * is what a change must agree with. Called by one thread at a time, several times when the
     * server's text was not the expected one. 0 (equal to current: nothing to do); -ECANCELED when
     * somebody else changed what this change is about; another -errno, with *diag. */
    int (*apply)(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag);

    /* Called after this change is on the server and before any later one is applied; also where
     * there was nothing to do (then before == after). May be NULL. */
    void (*committed)(struct change *change, const struct document *before,
                      const struct document *after);

    struct remote_by by; /* who asked for it */
    struct diag diag;    /* why it failed */

    /* Private to the queue. */
    struct buf text; /* that it made */
    bool existed;    /* there was a file before it */
    int result;
    bool done;
    bool unsure; /* a commit of it was sent, and its outcome is unknown */
    struct change *prev, *next;
};

/* While a change is applied: the one before it in the same commit, or NULL. It may have failed. */
const struct change *change_before(const struct change *change);

/* Applies the change and waits until it is on the server, synced. 0; the change's own error;
 * -EBUSY: the VM is in use; -ENOLCK: another vmxfs holds the lock; -EFBIG; -EOPNOTSUPP: the server
 * cannot rename atomically; -EIO (it may or may not be there), -EINTR (it is not), -ENOSPC, ... */
int remote_commit(struct remote *remote, const char *path, struct change *change,
                  const struct wait *wait);

/* Removes a .vmx under its lock, if the VM is not in use. by: who asked for it, as in the next two;
 * NULL: no listener is told. diag: why it is refused. 0, -EBUSY, -ENOLCK, ... */
int remote_remove_vmx(struct remote *remote, const char *path, const struct remote_by *by,
                      const struct wait *wait, struct diag *diag);

/* What a moved file may replace. */
enum move_onto {
    MOVE_ONTO_ANY,
    MOVE_ONTO_EMPTY,   /* a .vmx without settings; else -ENOTEMPTY */
    MOVE_ONTO_OTHER,   /* a link, or another file that is not a .vmx in spite of its name; else
                          -EEXIST */
    MOVE_ONTO_NOTHING, /* else -EEXIST */
};

/* Renames a .vmx, or another file to the name of a .vmx: a change of both, so each that is a .vmx
 * is locked, and refused if its VM is in use. *ret_refused (may be NULL): path or to, the one that
 * an error is about. 0, -EBUSY, -ENOLCK, -EEXIST, -ENOTEMPTY, -EXDEV, ... */
int remote_rename_vmx(struct remote *remote, const char *path, const char *to, enum move_onto onto,
                      const struct remote_by *by, const struct wait *wait, struct diag *diag,
                      const char **ret_refused);

/* Creates an empty .vmx. 0, -EEXIST, ... */
int remote_create_vmx(struct remote *remote, const char *path, const struct remote_by *by,
                      const struct wait *wait);
