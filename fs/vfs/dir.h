/* SPDX-License-Identifier: MIT */
/* What a name in a directory of the server is. */
#pragma once

#include "internal.h"

int dir_lookup(struct call *c, struct node *dir, const char *name, struct found *ret);

/* In a mount that shows .vmx only, other files are not there. */
bool dir_shows(const struct vfs *vfs, const char *name, const struct sftp_attrs *attrs);
