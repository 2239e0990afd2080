/* SPDX-License-Identifier: MIT */
/*
 * Documents that have just been removed or renamed away, by path. An editor may move a file out of
 * its way before it writes the new one, which is then judged like a replacement. What was wrong
 * with a text is all that is kept of it.
 */
#pragma once

#include "internal.h"

/* Remembers for a short while what is at path (remote) now, if it is a document. */
void removed_note(struct call *c, const char *path);

/* Whether a text is no worse than what was at path a short while ago (vmx_replace_check). -ENOENT:
 * nothing was. */
int removed_check(struct vfs *vfs, const char *path, const struct vmx_dict *text,
                  struct vmx_diag *diag);

void removed_free_all(struct vfs *vfs);
