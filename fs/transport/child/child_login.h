/* SPDX-License-Identifier: MIT */
/* The time between the ssh program's start and its being authenticated. Private to child. */
#pragma once

#include "child.h"
#include "transport/fd_transport.h"
#include "transport/login/askpass.h"

/* ssh: with its process, which has just been started. Answers its questions. 0 when it is
 * authenticated; see child_ssh. */
int child_login_wait(const struct child_login *login, struct askpass *askpass,
                     const struct fd_transport *ssh, struct diag *why);
