/* SPDX-License-Identifier: MIT */
/* Refusals: what a user is told in .vmxfs/errors, and the errno that the kernel is told. */
#pragma once

#include "vfs/ops/request.h"

struct node;

/* Notes a refusal in the journal and returns r. path: of the file; key: or NULL. diag may be empty:
 * the errno is explained then. Only r < 0 is noted; -EINTR and -ENOENT are not. */
int refuse(struct request *rq, const char *path, const char *key, int r, const struct diag *diag);

/* The same for what was written, and what its user believes to be there: -ENOENT is noted, too. A
 * name that is looked up, opened or removed and is not there is nothing to tell of. */
int refuse_change(struct request *rq, const char *path, const char *key, int r,
                  const struct diag *diag);

/* As refuse; of what one thread is refused for one reason only the first is noted. */
int refuse_once(struct request *rq, const char *path, int r, const struct diag *diag);

/* As refuse_change, with a reason of any length. */
int refuse_text(struct request *rq, const char *path, const char *key, int r, const char *reason);

/* The same of what is written to an open file of the server's, or to that of a setting. */
int refuse_written(struct request *rq, struct node *n, int r, const struct diag *diag);

/* Says that a change finds no .vmx to be made in. -ENOENT. */
int refuse_gone(struct diag *diag);

/* Says that the VM is encrypted. -EPERM. */
int refuse_encrypted(struct diag *diag);

/* Says that vmxfs makes a name up, and it is not to be changed. -EPERM. */
int refuse_made_up(struct diag *diag);

/* As refuse, for a removal. Of all that one process may not remove of one VM in use ("rm -r") only
 * the first is noted. vm: the path of its .vmx. */
int refuse_removal(struct request *rq, const char *path, const char *key, int r,
                   const struct diag *diag, const char *vm);

/* Notes that in this directory nothing of the name can be made, renamed or removed, whatever the
 * server would say; of what one thread tries only the first for each reason. -EPERM. */
int refuse_here(struct request *rq, struct node *dir, const char *name);

/* Notes what a change is refused with, before its reply, where nobody has noted a reason: the errno
 * is explained. Not of ordinary answers, such as -EEXIST. n: its file, or the directory of a name.
 */
void refuse_rest(struct request *rq, struct node *n, const char *name, int r);

/* Refuses, and notes, a change to a file of a VM in use. 0, -EBUSY, -EIO, ... */
int check_unused(struct request *rq, const char *path);

/* Refuses, and notes, to open a file for reading that the server does not open for a reason that it
 * does not say. -EBUSY: a VM that runs holds it; of what one process may not read of one VM ("cp
 * -r") only the first is noted. -EIO, ... */
int refuse_unread(struct request *rq, const char *path);

/* The errno that the kernel is told. ENOSYS and ESTALE have side effects there (docs), and what is
 * only ours must not leak. */
int errno_for_kernel(int r);
