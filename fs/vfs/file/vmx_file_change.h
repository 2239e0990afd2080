/* SPDX-License-Identifier: MIT */
/*
 * The commit of a whole new text of a .vmx: made from what is still there, and no worse than it.
 */
#pragma once

#include "remote/cache/document.h"
#include "vfs/ops/request.h"
#include "vfs/recent.h"

/* Of a text on the server. */
struct fingerprint fingerprint_of(struct span text);
bool is_fingerprint_of(const struct fingerprint *f, struct span text);

/* Replaces (or creates) the file at path (remote) by text, in one commit, if it still is what base
 * says. 0; -ECANCELED, -EEXIST: it is not; -EINVAL, ... as vmx_replace_check. *diag: why. */
int vmx_file_replace(struct request *rq, const char *path, struct span text,
                     struct fingerprint base, struct diag *diag);

/* Remembers for a while what is at path (remote), if it is a .vmx: it is about to be removed or
 * renamed away, by an editor perhaps that will write a new one. */
void vmx_file_note_removal(struct request *rq, const char *path);
