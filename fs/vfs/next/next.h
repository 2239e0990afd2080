/* SPDX-License-Identifier: MIT */
/*
 * What waits until a VM is off: NAME.vmx/.vmxfs/next. The lines are in a file beside the .vmx
 * (remote/commit/beside.h, parser/next/next.h), for all mounts to see.
 *
 *     who applies it                            when
 *     a "power on" through vmxfs                before it
 *     the thread of a mount that knows of it    the host has said for 10 s that the VM is off, and
 *                                               that nothing is under way with it
 *     "echo apply > next"                       at once
 *
 * None of them where the VM is in use, which its commit finds under the lock of the .vmx; and no
 * mount with "ro" or "running=allow". The commit records the token of the file that it applied.
 * Whoever finds the record leaves the file's lines out, whatever has become of the one that
 * applied them. A file of another token than was read is not applied: it is read anew under the
 * lock of the .vmx, and whoever writes it holds the same lock.
 */
#pragma once

#include "vfs/ops/request.h"

struct next_known;
struct vmx_dict;
struct vmx_next;

/* What the mount knows of, and the thread that looks at it. Begins no thread. 0, -ENOMEM. */
int next_watch_new(struct vfs *vfs, struct next_known **ret);
/* Ends the thread: before nobody may talk to the kernel any more. Any number of times. */
void next_watch_end(struct next_known *known);
void next_watch_free(struct next_known *known); /* accepts NULL */

/* A listing shows that something waits for the .vmx of this path. Any thread. */
void next_seen(struct vfs *vfs, const char *path);
/* The VM's power was changed through this mount: it is looked at soon, if something waits for it.
 */
void next_power_changed(struct vfs *vfs, const char *path);

/* The control, as in struct control; clear: nothing waits any more. */
int next_show(struct request *rq, struct node *n, struct buf *ret);
int next_store(struct request *rq, struct node *n, struct span text);
int next_clear(struct request *rq, struct node *n);

/* Applies what waits for a VM that is about to be powered on. 0, also where it is in use, or
 * nothing waits; -errno with *diag. */
int next_before_power_on(struct request *rq, const char *path, struct diag *diag);

/* A .vmx, or a folder, was renamed: what waits goes along. */
void next_moved(struct request *rq, bool folder, const char *from, const char *to);

/* For reports: what waits for the VM of this document; *ret is all zeros if nothing does, or it
 * cannot be read. known: only if the mount knows that something waits. 0, -EINTR, -ENOMEM. */
int next_of_vm(struct request *rq, const char *path, const struct vmx_dict *dict, bool known,
               struct vmx_next *ret);
