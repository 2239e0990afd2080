/* SPDX-License-Identifier: MIT */
/* What only a try tells: in a folder of ours on the server, which is removed after. */
#pragma once

#include "remote/remote.h"
#include "report.h"

struct tries {
    struct vmx_check *report;
    const struct wait *wait;
    bool read_only;     /* nothing may be written */
    bool unsafe_rename; /* a file may be replaced in two steps */
};

/* Reports on posix-rename, folder-rename, fsync and clock. */
void tries_make(struct remote *remote, const struct tries *tries);
