/* SPDX-License-Identifier: MIT */
/* The file with what waits for one VM: read, changed and applied, by any thread. */
#pragma once

#include "parser/next/next.h"
#include "vfs/vfs_private.h"

/* One VM, by its path, and who works for it. */
struct next_of {
    struct vfs *vfs;
    const char *path;
    const struct wait *wait;
};

/* *ret is all zeros before. 0; -ENOENT: nothing waits; -EBADMSG: the file cannot be read as one;
 * -EIO, -EINTR, ... */
int next_load(const struct next_of *of, struct vmx_next *ret);

/* Whether it was written for this VM, also if it was moved here by this mount. */
bool next_is_ours(const struct next_of *of, const struct vmx_next *next,
                  const struct vmx_dict *dict);

/* Whether it is as next_tidy would make it. *ret. 0, -ENOMEM. */
int next_is_tidy(const struct next_of *of, const struct vmx_next *next, const struct vmx_dict *dict,
                 bool *ret);

/* Leaves out what is done, and drops with a NOTE what was written for another VM. 0, -errno with
 * *diag. */
int next_tidy(const struct next_of *of, struct diag *diag);

/* Adds lines as for merge, of a local user. As next_tidy; -EINVAL, ... of the lines. */
int next_add(const struct next_of *of, struct span lines, uid_t uid, struct diag *diag);

/* Nothing waits any more. As next_tidy. */
int next_drop(const struct next_of *of, struct diag *diag);

/* The same with a NOTE, unless there is a .vmx. */
int next_drop_orphan(const struct next_of *of, struct diag *diag);

/* The file of the .vmx "from" becomes that of another path, which is its name now. *ret: there is
 * one. As next_tidy. */
int next_carry(const struct next_of *to, const char *from, bool *ret, struct diag *diag);

struct next_outcome {
    struct buf set, left; /* names of settings: those that were applied, and that have changed */
};
void next_outcome_done(struct next_outcome *outcome);
#define NEXT_OUTCOME_AUTO __attribute__((cleanup(next_outcome_done))) struct next_outcome

/* Applies what waits, in one commit. by: who applies it. 0, also if nothing does; as remote_commit,
 * with *diag; -EBADMSG. */
int next_apply(const struct next_of *of, const struct remote_by *by, struct next_outcome *ret,
               struct diag *diag);

/* Has the host read what was set, if there is one. -EBUSY: a VM that was switched on behind the
 * commit runs with what the host had read before, and the host writes that to the file, without our
 * record. So it may be, and the lines wait on; whoever looks at them finds out. -EIO, -EINTR:
 * nobody knows yet. */
int next_tell_host(const struct next_of *of);

/* Says what was applied, and what stays, as a NOTE; nothing if there is neither. */
void next_note(const struct next_of *of, const struct next_outcome *outcome);
