/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told (remote_listen). */
#pragma once

#include <stdbool.h>

struct remote;

/* Says that the document at path was found changed, or gone; no lock is held. */
void remote_tell_change(struct remote *remote, const char *path, bool gone);

/* Says that a listing shows what waits for the .vmx of path; no lock is held. */
void remote_tell_waiting(struct remote *remote, const char *path);

/* Tells what a user should know of a path (struct remote_listener); no lock is held. */
void remote_note(struct remote *remote, const char *path, const char *key, const char *reason);
