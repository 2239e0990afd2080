/* SPDX-License-Identifier: MIT */
#pragma once

#include "remote/cache/document.h"

struct remote;

/* Notes each setting that the document has and before had not, and whose name looks like a slip. */
void new_settings_note(struct remote *remote, const char *path, const struct document *before,
                       const struct document *after);
