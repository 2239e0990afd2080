/* SPDX-License-Identifier: MIT */
/*
 * The first use of a mount that was made before its connection (delay_connect). Whatever needs the
 * server comes through the root of the tree, by a lookup there, its list, a change of it, or
 * through a control: these begin with first_use. What the mount says of itself needs no server.
 */
#pragma once

#include "request.h"

/* Connects, unless that was done. 0; -EIO, with the reason in the journal; -EINTR. */
int first_use(struct request *rq);

/* Whether that was done. */
bool is_used(const struct vfs *vfs);
