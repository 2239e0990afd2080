/* SPDX-License-Identifier: MIT */
/* Public key authentication: the agent's keys, then key files. Private to ssh_auth. */
#pragma once

#include "ssh_answer.h"

/* 0; -EACCES: the server wants none of the keys (see a->foreign_key); -EINPROGRESS: it took one and
 * wants another step; -errno: the connection is gone. */
int ssh_keys_try(struct ssh_auth *a);
