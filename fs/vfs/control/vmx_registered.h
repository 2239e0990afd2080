/* SPDX-License-Identifier: MIT */
/* The files of a VM that the host has registered: it is not emptied. */
#pragma once

#include "vfs/key/key_at.h"

/* Whether a file, no folder, may be removed as far as VMs that the host has registered need it.
 * -EBUSY with *diag and *ret_vm, as refuse_removal takes them; -EIO, ... */
int check_unregistered(struct request *rq, const char *path, struct diag *diag, char **ret_vm);

/* Whether a .vmx without this setting is none for the host. */
bool setting_makes_vm(struct span key);

/* 0: the setting may be removed; 1: it stays, and is hidden; -EBUSY: many are being removed, and
 * this is none of the first; -errno. Refusals are noted. */
int keep_setting(struct request *rq, struct node *dir, const struct key_at *at, const char *name);
