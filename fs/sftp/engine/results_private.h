/* SPDX-License-Identifier: MIT */
/* What the engine does to calls that their callers have let go of. */
#pragma once

#include "engine.h"

/* As sftp_call_free, but a call that is still queued is sent whatever its kind. */
void call_detach(struct sftp_call *call);

/* Closes what an open brought that nobody waits for any more. */
void call_close_unwanted(struct sftp *s, struct answer *answer, enum call_kind kind,
                         uint64_t epoch);
