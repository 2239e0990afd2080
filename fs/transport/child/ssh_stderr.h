/* SPDX-License-Identifier: MIT */
/* Understanding what the ssh program says. Pure; private to transport. */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"
#include "parser/text/diag.h"

/* words: all that ssh wrote at its log level DEBUG1; NUL-terminated. A question about a host key
 * that it asked may follow in a line that begins so. */
#define CHILD_WORDS_ASKED "debug1: asked: "

/* True when it says that it is authenticated, or that it uses another one's connection. */
bool child_words_connected(const char *words);

/* How many steps of a login the server has taken that were not the last one. */
unsigned child_words_steps(const char *words);

/* The command that leads to the host, for a jump host or as a ProxyCommand; NULL: there is none. */
const char *child_words_way(const char *words, struct buf *scratch);

/* True when it says that the server refused the command that it was to run, or that the command has
 * ended; not when the connection was lost. */
bool child_words_ended(const char *words);

/* Appends what it says that it and the server agreed on, as lines of .vmxfs/status: server,
 * host-key, key-exchange, cipher, mac, compression, login. 0, -ENOMEM. */
int child_words_describe(const char *words, struct buf *ret);

/* Why it ended. host: for the sentence. 0 when it said nothing of use; else a fitting -errno (see
 * connector_connect) with *why. */
int child_words_explain(const char *words, const char *host, struct diag *why);
