/* SPDX-License-Identifier: MIT */
/*
 * A kernel for the tests of the tree: it makes requests of a session that has no device, one at a
 * time, and takes the answers. The server is a folder's (unit/remote/rig.h).
 */
#pragma once

#include "unit/remote/rig.h"

#include <linux/fuse.h>

#include "base/journal.h"
#include "vfs/node/node_path.h"
#include "vfs/key/key_state.h"
#include "vfs/vmx/scratch.h"

struct kernel {
    struct folder folder; /* holds vm.vmx: memSize = "4096" */
    struct mount mount;
    struct host *host; /* there is none behind it */
    struct journal *journal;
    struct vfs *vfs;
    struct fuse_session *session;
    uint64_t unique; /* of the last request */
    uint32_t caller; /* who makes the requests; this process at first */
};

/* As cmocka wants them; *state is a struct kernel. */
int kernel_set_up(void **state);
int kernel_tear_down(void **state);

/* Makes a request. The error of its reply: 0 or -errno; what comes behind the header is at *ret
 * until the next one. */
int kernel_ask(struct kernel *k, uint32_t opcode, uint64_t node, struct span head, struct span rest,
               const void **ret);

/* Says that the caller of the last request, which is not answered yet, has got a signal. */
void kernel_interrupt(struct kernel *k);

/* 0 and the node's number, or the error. */
int kernel_look_up(struct kernel *k, uint64_t dir, const char *name, uint64_t *ret);

/* Says that the kernel does not know a node any more. */
void kernel_forget(struct kernel *k, uint64_t node, uint64_t lookups);

/* A name as requests hold it. */
struct span kernel_name(const char *name);
