/* SPDX-License-Identifier: MIT */
/* The history of a mount (history/history.h): where it is, and what the .vmx are called in it. */
#pragma once

#include "mount.h"

/* Makes m->history, if there is to be one, and begins it. After mount_open_remote. A history that
 * nobody asked for does not keep a mount from being made. 0; -errno with *why. */
int mount_open_history(struct mount *m, struct diag *why);
