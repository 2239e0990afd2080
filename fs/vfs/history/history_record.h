/* SPDX-License-Identifier: MIT */
/* What the remote tells is handed on to the history. */
#pragma once

#include "remote/remote.h"

struct vfs;

/* A listener that records, with the vfs as its ctx. */
struct remote_listener history_listener(struct vfs *vfs);
