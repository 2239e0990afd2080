/* SPDX-License-Identifier: MIT */
/* Names of local users and of this machine. */
#pragma once

#include <sys/types.h>

#include "parser/text/buf.h"

/* Appends the login name, or the number of a user who has none. -ENOMEM. */
int user_name_add(struct buf *ret, uid_t uid);

/* Appends the machine's name. -ENOMEM. */
int user_name_add_machine(struct buf *ret);
