/* SPDX-License-Identifier: MIT */
/* Telling the kernel what it should forget, by a thread that holds no lock. */
#pragma once

#include <stdbool.h>

#include "remote/cache/document.h"
#include "vfs_private.h"

struct fuse_session;
struct node;

int notifier_new(struct notifier **ret);
void notifier_free(struct notifier *t);
/* Before the session is served: tries whether the kernel can forget all names (struct vfs). */
void notifier_attach(struct vfs *vfs, struct fuse_session *session);
/* Begins nothing more. False: it is still talking to the kernel about the session. */
bool notifier_detach(struct notifier *t);
void notify_inode(struct vfs *vfs, const struct node *n);
/* At once, from a request's thread: the attributes alone are under no lock of the kernel's. */
void notify_attributes(struct vfs *vfs, const struct node *n);
/* At once, from any thread: all names, where the kernel can forget them (struct vfs). */
void notify_names(struct vfs *vfs);
/* One name; where all can be forgotten, all of them, at once. */
void notify_entry(struct vfs *vfs, const struct node *dir, const char *name);

/* Tells the kernel what differs between two documents; either may be NULL (unknown). */
void notify_document(struct vfs *vfs, const char *path, const struct document *before,
                     const struct document *after);

/* After each commit: tells the kernel of it, the writers of the .vmx's keys, and the host.
 * before == after: nothing was written. */
void notify_commit(struct vfs *vfs, const char *path, const struct document *before,
                   const struct document *after);
