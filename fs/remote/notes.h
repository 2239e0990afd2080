/* SPDX-License-Identifier: MIT */
/* What those are told who asked to be (remote_on_note, remote_on_foreign_change). */
#pragma once

struct remote;

/* Says that the document at path was found changed; no lock is held. */
void remote_tell_change(struct remote *remote, const char *path);

/* Tells what a user should know of a path (remote_on_note); no lock is held. */
void remote_note(struct remote *remote, const char *path, const char *key, const char *reason);
