/* SPDX-License-Identifier: MIT */
/* Understanding what the ssh program says. Pure; private to transport. */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"
#include "parser/text/diag.h"

/* words: all that ssh wrote at its log level DEBUG1; NUL-terminated. */

/* True when it says that it is authenticated. */
bool child_words_connected(const char *words);

/* True when it says that the server refused the command that it was to run, or that the command has
 * ended; not when the connection was lost. */
bool child_words_ended(const char *words);

/* Appends what it says that it and the server agreed on, as lines of .vmxfs/status: server,
 * host-key, key-exchange, cipher, mac. 0, -ENOMEM. */
int child_words_describe(const char *words, struct buf *ret);

/* Why it ended. host: for the sentence. 0 when it said nothing of use; else a fitting -errno (see
 * connector_connect) with *why. */
int child_words_explain(const char *words, const char *host, struct diag *why);
