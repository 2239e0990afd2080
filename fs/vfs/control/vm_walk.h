/* SPDX-License-Identifier: MIT */
/* All VMs below the root, one after the other, for the reports on all of them. */
#pragma once

#include "parser/document/dict.h"
#include "vfs/ops/request.h"

struct vm_walk {
    struct request *rq;
    /* Called for each .vmx that can be read. path: free of links; shown: with the names that people
     * use. An error ends the walk. */
    int (*see)(struct vm_walk *s, const char *path, const char *shown, const struct vmx_dict *dict);

    size_t seen, held; /* its own: what it has cost; 0 at first */
};

/* Waits for the server as long as it answers: many VMs may take longer than the timeout. 0; the
 * first error, but for what may not be read, or is gone; -EFBIG: the tree is larger than any real
 * one. */
int vm_walk_run(struct vm_walk *s);
