/* SPDX-License-Identifier: MIT */
/* Locks of other owners in the place of our lock or its parts: their owners, and whether they are
 * over. */
#pragma once

#include "lock.h"

/* The server's clock, in seconds: the time of a file just made. 0, -EAGAIN, -errno. */
int other_lock_clock(struct vmx_lock *lock, const struct wait *wait, uint32_t *ret);

/* The lock is there, as attrs say. Breaks it if it is over. 0: no other owner is in it any more;
 * -EAGAIN: something is, and diag tells; -errno. */
int other_lock_meet(struct vmx_lock *lock, const struct sftp_attrs *attrs, const struct wait *wait,
                    struct diag *diag);

/* Whether a name in a lock is that of a .vmx that was set aside there. */
bool other_lock_is_aside(const char *name);

/* Removes a name beside the .vmx that nobody will use any more (server_now: the server's clock,
 * seconds): the folder of a token that is over, or what vmxfs 0.1 left of a commit of this .vmx. */
void other_lock_clear_leftover(struct vmx_lock *lock, const struct sftp_name *name,
                               uint32_t server_now);
