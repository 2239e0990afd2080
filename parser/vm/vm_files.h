/* SPDX-License-Identifier: MIT */
/*
 * Which files are a VM's: those that its .vmx names, and those that VMware puts beside it. A name
 * is absolute on the server, or relative to the folder of the .vmx.
 */
#pragma once

#include "parser/document/dict.h"

/* Append names, each followed by a NUL. 0, -ENOMEM. */
int vm_files_disks(const struct vmx_dict *dict, struct buf *ret);  /* each may be a descriptor */
int vm_files_others(const struct vmx_dict *dict, struct buf *ret); /* nvram, swap, suspend image */

/* Whether a file beside a .vmx is its VM's by its name alone. vmx: the name of the .vmx. */
bool vm_files_has(const char *vmx, const char *name);

/* Whether a name is that of a lock: any VM of the folder may hold it. */
bool vm_files_is_lock(const char *name);

/* Whether a name is that of a disk, or of one of its extents. */
bool vm_files_is_disk(const char *name);

/* Whether a name is that of what is written since a snapshot: "web-000001.vmdk". */
bool vm_files_is_delta(struct span name);

/* Whether one disk has had both names, one of them because of a snapshot; in whatever folders. */
bool vm_files_are_of_one_disk(struct span a, struct span b);
