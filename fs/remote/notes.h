/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told (remote_listen). */
#pragma once

#include "remote.h"

/* Says that the document at path was found changed, or gone; no lock is held. */
void remote_tell_change(struct remote *remote, const char *path, bool gone);

/* What was made here (struct remote_listener). by: NULL: nobody is told. No lock is held. */
void remote_tell_committed(struct remote *remote, const char *path, bool existed,
                           struct span before, struct span after, const struct remote_by *by);
/* Whether somebody wants to be told of it. */
bool remote_is_recorded(struct remote *remote);
/* A file has another name, or none any more (NULL). Names that are no .vmx's are passed over. */
void remote_tell_moved(struct remote *remote, const char *path, const char *to,
                       const struct remote_by *by);

/* What was found by a reading that began at began (clock_ms()). The same. */
void remote_tell_seen(struct remote *remote, const char *path, struct span text, int64_t began);
void remote_tell_gone(struct remote *remote, const char *path, int64_t began);

/* Says that a listing shows what waits for the .vmx of path; no lock is held. */
void remote_tell_waiting(struct remote *remote, const char *path);

/* Tells what a user should know of a path (struct remote_listener); no lock is held. */
void remote_note(struct remote *remote, const char *path, const char *key, const char *reason);
