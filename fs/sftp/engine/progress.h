/* SPDX-License-Identifier: MIT */
/* What is looked at by who has many calls under way and does not want to wait for each in turn. */
#pragma once

#include "sftp/sftp.h"

/* So many requests are on the wire or with the server at most; more wait to be sent. */
enum { SFTP_UNDER_WAY_MAX = 4096 };

/* True when sftp_wait would not wait. */
bool sftp_call_has_ended(const struct sftp_call *call);

/* How many requests have not been sent yet: something is in their way. */
unsigned sftp_unsent(struct sftp *sftp);
