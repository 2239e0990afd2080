/* SPDX-License-Identifier: MIT */
/*
 * Files of a VM in use, which must not be removed, replaced, renamed, truncated or opened for
 * writing; some of them a host does not even let be read. They are the VM's by their names beside
 * its .vmx (parser/vm/vm_files.h), or because it names them (named_files.h), wherever they lie.
 *
 * vmxfs judges the VMs in the file's own folder, and all whose .vmx is cached. The answer "not in
 * use" is good for USED_MS; before a file is refused its VM is looked at again.
 */
#pragma once

#include "remote/remote.h"

enum { USED_MS = 5000 };

enum used_what {
    USED_FILE,
    USED_FOLDER, /* which is to be removed: it goes only if it is empty */
    USED_TREE,   /* a folder which is to be moved, with all below it */
};

/* -EBUSY, with *diag, if path is a file of a VM in use, or such a folder or one that holds such a
 * file. *ret_vm: the path of that VM's .vmx, a string of the caller's. 0; -EIO, -EINTR, -ENOMEM. */
int remote_check_unused(struct remote *remote, const char *path, enum used_what what,
                        const struct wait *wait, struct diag *diag, char **ret_vm);

/* Why a server refuses to open path, and does not say: -EBUSY, with *diag, if it is a file of a VM
 * that runs, as far as is known. 0: that is not the reason; -EIO, -EINTR, -ENOMEM. */
int remote_check_held(struct remote *remote, const char *path, const struct wait *wait,
                      struct diag *diag);

/* Whether removing path, not a folder, would lose what its host has registered: a VM's .vmx, or a
 * disk that a VM names. -EBUSY: *ret_vm is as above; -ENODATA: it would, if the VM of *ret_vm is
 * registered, which the host does not say now. 0; -EIO, -EINTR, -ENOMEM. */
int remote_check_unregistered(struct remote *remote, const char *path, const struct wait *wait,
                              char **ret_vm);

/* A VM has come into use, or may have: all earlier findings about the use of VMs are void. */
void remote_use_changed(struct remote *remote);

struct used_files;
int used_files_new(struct used_files **ret);
void used_files_free(struct used_files *used); /* accepts NULL */
