/* SPDX-License-Identifier: MIT */
/* What others have where our lock or its parts would be: whose it is, and whether it is over. */
#pragma once

#include "lock.h"

/* The server's clock, in seconds: the time of what has just been made. 0, -EAGAIN, -errno. */
int other_lock_clock(struct vmx_lock *lock, const struct wait *wait, uint32_t *ret);

/* The lock is there, as attrs say. Breaks what is over. 0: nobody else is in it any more; -EAGAIN:
 * somebody or something is, and diag tells; -errno. */
int other_lock_meet(struct vmx_lock *lock, const struct sftp_attrs *attrs, const struct wait *wait,
                    struct diag *diag);

/* Whether a name in a lock is that of a .vmx which was set aside there. */
bool other_lock_is_aside(const char *name);

/* A name beside the .vmx. Removes what nobody will use any more (server_now: its clock, seconds):
 * the folder of a token that is over, or what vmxfs 0.1 left of a commit of this .vmx. */
void other_lock_clear_leftover(struct vmx_lock *lock, const struct sftp_name *name,
                               uint32_t server_now);
