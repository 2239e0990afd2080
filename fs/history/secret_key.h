/* SPDX-License-Identifier: MIT */
/*
 * The key by which secrets are told apart without being recorded: DIR.key beside the repository, so
 * that a push or a copy of the repository does not take it along.
 */
#pragma once

#include <stdint.h>

#include "parser/text/diag.h"
#include "parser/text/text.h"

enum { SECRET_KEY_BYTES = 32 };

struct secret_key {
    unsigned char bytes[SECRET_KEY_BYTES];
};

/* Reads the key of this repository's folder; makes it where it is missing. dir: its real path, so
 * that it has one key. 0, -errno with *why. */
int secret_key_get(const char *dir, struct secret_key *ret, struct diag *why);

/* A vmx_secret_mark; key: a const struct secret_key. */
int secret_key_mark(void *key, struct span name, struct span value, uint32_t *ret);
