/* SPDX-License-Identifier: MIT */
/* Asking the person at the terminal. */
#pragma once

#include <stdbool.h>

#include "secret.h"

/* Shows text on the terminal (control characters in it as "?": it may come from a server) and reads
 * a line, hidden unless echo. 0; -ENOTTY without a terminal; -ECANCELED after Ctrl-C or Ctrl-D. */
int prompt_secret(const char *text, bool echo, struct secret **ret);
