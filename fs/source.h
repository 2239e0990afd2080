/* SPDX-License-Identifier: MIT */
/*
 * SOURCE, taken apart: [user@]host:[path] as scp has it, sftp://[user@]host[:port][/path] (or
 * ssh://) as other programs have it, or a local directory. Before it may stand "vmxfs#", as fstab
 * and autofs have it where the type is "fuse".
 */
#pragma once

#include "options.h"

/* Fills in host, user, path and, unless it was given as an option, port from o->source, of which it
 * takes off the "vmxfs#". -errno with *why. */
int source_parse(struct options *o, struct diag *why);
