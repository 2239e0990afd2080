/* SPDX-License-Identifier: MIT */
/* The vmxfs mounts of this machine. */
#pragma once

#include <stddef.h>

#include "parser/text/diag.h"

struct fleet_mount {
    char *path;
    char *host; /* of its source, without the user; "localhost" for a directory of this machine */
};

struct fleet_mounts {
    struct fleet_mount *list;
    size_t n;
};

/* Those at the given mount points, in this order, or all of them, in that of their paths. Asks the
 * kernel alone, and no mount, which might hang. 0; -ENOENT with *why: at one is no vmxfs; -ENOMEM,
 * -errno. The caller ends them with fleet_mounts_done. */
int fleet_mounts_read(char *const *at, size_t n, struct fleet_mounts *ret, struct diag *why);
void fleet_mounts_done(struct fleet_mounts *mounts);
