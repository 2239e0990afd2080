/* SPDX-License-Identifier: MIT */
/* The time between the ssh program's start and its being authenticated. Private to child. */
#pragma once

#include "child.h"
#include "transport/login/askpass.h"

/* stream: the socket to ssh (ready when it ends); words: its messages. Answers its questions. 0
 * when it is authenticated; see child_ssh. */
int child_login_wait(const struct child_login *login, struct askpass *askpass, int stream,
                     int words, struct diag *why);
