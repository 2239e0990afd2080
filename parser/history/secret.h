/* SPDX-License-Identifier: MIT */
/*
 * A text without its secrets (parser/document/secret_name.h): each value is replaced by "(secret
 * XXXXXXXX)", by which one sees whether it changed and not what it is.
 */
#pragma once

#include <stdint.h>

#include "parser/text/buf.h"

/* Whether a value is what has been put in the place of one, and nothing else. */
bool vmx_is_hidden(struct span value);

/* Whether something has been hidden anywhere in a text. */
bool vmx_has_hidden(struct span text);

/* Whether the value of vmxfs.profile is, or could be, what was recorded of it. */
bool vmx_is_recorded_as(struct span value, struct span recorded);

/* Gives 32 bits that tell values apart and that nobody can find who has no key: an HMAC. name: in
 * lower case; empty where a line goes on with a value that began on another. value: unescaped. 0;
 * a failure is handed on. */
typedef int vmx_secret_mark(void *ctx, struct span name, struct span value, uint32_t *ret);

/* Appends a whole .vmx text with each secret's value replaced, in comments and in lines that are no
 * settings too; all other bytes stay. A setting stays a setting, and what is none becomes none. A
 * value that is replaced already stays as it is. 0; -ENOMEM; -EFBIG for 4 GiB and more; what mark
 * failed with. *ret is as it was on failure. */
int vmx_hide_secrets(struct span text, vmx_secret_mark *mark, void *ctx, struct buf *ret);
