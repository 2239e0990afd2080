/* SPDX-License-Identifier: MIT */
/*
 * A disk's descriptor: the text file that says of which files a disk is made. A name is absolute on
 * the server, or relative to the folder of the descriptor. A text that is not a descriptor names
 * nothing.
 */
#pragma once

#include "parser/text/buf.h"

/* Append names, each followed by a NUL. 0, -ENOMEM. */
int vmdk_parents(struct span descriptor, struct buf *ret); /* descriptors themselves */
int vmdk_extents(struct span descriptor, struct buf *ret); /* data, and the tracking of changes */
