/* SPDX-License-Identifier: MIT */
/* The file in which the host keeps what it has registered: of an invalid VM getallvms tells only
 * the id, and this file its path. */
#pragma once

#include "facts.h"
#include "host/host_private.h"

/* Fills in the entry of each invalid VM of the facts, as far as the file tells it. 0; -EIO, -EINTR,
 * ...: the host does not answer; -ENOMEM. */
int inventory_ask(struct host *host, struct span volumes, const struct wait *wait,
                  struct host_facts *ret, struct diag *why);

/* The same of the file's text. 0, -ENOMEM. */
int inventory_parse(struct span text, struct host_facts *ret);
