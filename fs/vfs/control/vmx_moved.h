/* SPDX-License-Identifier: MIT */
/*
 * The VMs of which a host knows the .vmx by its path: where one is moved, the host goes on with the
 * old path, and lists the VM as invalid before long. Which commands mend that is a line in errors.
 */
#pragma once

#include "vfs/ops/request.h"

struct host_facts;

/* What the host lists, before something is moved: a reference. NULL: there is no host, or it does
 * not say so soon. */
const struct host_facts *moved_before(struct request *rq);

/* Notes it of each VM whose .vmx was at from, or in this folder, and now is at to, or in that. */
void moved_note(struct request *rq, const struct host_facts *before, const char *from,
                const char *to);
