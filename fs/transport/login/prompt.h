/* SPDX-License-Identifier: MIT */
/* Asking the person: at the terminal, or by the program that SSH_ASKPASS names, as ssh does
 * (ssh(1), ENVIRONMENT). */
#pragma once

#include <stdbool.h>

#include "secret.h"

/* The secret for a purpose: a known one, else, if may_ask, one that is typed, which is known then.
 * Shows text on the terminal (control characters in it as "?": it may come from a server) and reads
 * a line, hidden unless echo. 0; -ENOKEY: there is nobody to ask, or SSH_ASKPASS gave no answer;
 * -ECANCELED after Ctrl-C or Ctrl-D; -errno. */
int prompt_find(struct keyring *ring, const char *purpose, const char *text, bool echo,
                bool may_ask, const struct secret **ret);
