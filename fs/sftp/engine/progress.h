/* SPDX-License-Identifier: MIT */
/* For a caller that has many calls under way: how far they are, without waiting for one of them. */
#pragma once

#include "sftp/sftp.h"

/* The most requests that are on the wire or with the server; more wait to be sent. */
enum { SFTP_UNDER_WAY_MAX = 4096 };

/* True when sftp_wait would not wait. */
bool sftp_call_has_ended(const struct sftp_call *call);

/* The number of requests that have not been sent yet, because something is in their way. */
unsigned sftp_unsent(struct sftp *sftp);
