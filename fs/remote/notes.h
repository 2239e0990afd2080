/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told (remote_listen). */
#pragma once

struct remote;

/* Says that the document at path was found changed; no lock is held. */
void remote_tell_change(struct remote *remote, const char *path);

/* Tells what a user should know of a path (struct remote_listener); no lock is held. */
void remote_note(struct remote *remote, const char *path, const char *key, const char *reason);
