/* SPDX-License-Identifier: MIT */
/*
 * Documents that have just been removed or renamed away, by path. An editor may move a file out of
 * its way before it writes the new one, which is then judged like a replacement.
 */
#pragma once

#include "internal.h"

/* Remembers for a short while what is at path (remote) now, if it is a document. */
void removed_note(struct call *c, const char *path);

/* What was at path a short while ago: a reference, or NULL. */
struct document *removed_find(struct vfs *vfs, const char *path);

void removed_free_all(struct vfs *vfs);
