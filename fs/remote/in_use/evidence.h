/* SPDX-License-Identifier: MIT */
/* Evidence of a VM's use besides the files beside it: its host. */
#pragma once

#include "base/sync.h"
#include "parser/vm/host.h"

struct remote;

/* Evidence of a VM's use besides the files beside it: its host. */
struct remote_evidence {
    /* True, with a sentence for people, if it is known that the VM runs. */
    bool (*runs)(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size);
    /* True if an authority says that the VM's lock file (an absolute path) has no holder. */
    bool (*lock_is_stale)(void *ctx, const char *path, const char *lock, const struct wait *wait);
    /* Whether the VM is registered. NOT_KNOWN: there is a host, and it does not say. */
    enum vmx_truth (*is_registered)(void *ctx, const char *path, const struct wait *wait);
    /* Hands the paths of all registered VMs below the root to see. Whether any VM is registered, as
     * of is_registered. */
    enum vmx_truth (*each_registered)(void *ctx, const struct wait *wait,
                                      void (*see)(void *see_ctx, const char *path), void *see_ctx);
    void *ctx;
};

/* NULL: no other evidence. Call before the first commit and after the last one. */
void remote_set_evidence(struct remote *remote, const struct remote_evidence *evidence);
