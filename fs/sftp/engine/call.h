/* SPDX-License-Identifier: MIT */
/* The life of a call, and the state of the link, which ends all of them. */
#pragma once

#include "engine.h"

/* A call whose packet is begun: arguments are put to call->request, which keeps errors. */
struct sftp_call *call_new(struct sftp *s, enum call_kind kind);

/* Queues a call, or finishes it at once when it cannot be sent. handle: what it needs, or NULL.
 * NULL for NULL, and without memory. */
struct sftp_call *call_submit(struct sftp_call *call, const struct sftp_handle *handle);

void call_unref_locked(struct sftp *s, struct sftp_call *call) REQUIRES(&s->lock);
void call_send_locked(struct sftp *s, struct sftp_call *call) REQUIRES(&s->lock);
void call_unsend_locked(struct sftp *s, struct sftp_call *call) REQUIRES(&s->lock);
void call_finish_locked(struct sftp *s, struct sftp_call *call, int result) REQUIRES(&s->lock);

/* Lets the I/O thread look at what there is to do. */
void engine_wake(struct sftp *s);
void engine_destroy(struct sftp *s); /* accepts NULL */

/* The next caller that looks finds a loss that lasts too long. */
enum sftp_state link_state_locked(struct sftp *s) REQUIRES(&s->lock);

/* Remembers that a link that was up is lost, and why. */
void link_lost_locked(struct sftp *s) REQUIRES(&s->lock);

/* Leaves SFTP_UP (or goes from one bad state to another): all calls fail with result. */
void link_fail_locked(struct sftp *s, enum sftp_state state, int result, const char *why)
    REQUIRES(&s->lock);
