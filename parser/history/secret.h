/* SPDX-License-Identifier: MIT */
/*
 * Which settings hold secrets, and a text without them: each value is replaced by "(secret
 * XXXXXXXX)", by which one sees whether it changed and not what it is.
 */
#pragma once

#include "parser/text/text.h"

/* Whether the value of a setting of this name is recorded nowhere. */
bool vmx_is_secret(struct span name);

/* Gives 32 bits that tell values apart and that nobody can find who has no key: an HMAC. */
typedef int vmx_secret_mark(void *ctx, struct span name, struct span value, uint32_t *ret);

/* Appends a whole .vmx text with each secret's value replaced, in comments and in lines that are no
 * settings too; all other bytes stay. A value that is replaced already stays as it is. 0; -ENOMEM;
 * what mark failed with. */
int vmx_hide_secrets(struct span text, vmx_secret_mark *mark, void *ctx, struct buf *ret);
