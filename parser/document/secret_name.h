/* SPDX-License-Identifier: MIT */
/* Which settings hold secrets. */
#pragma once

#include "parser/text/buf.h"

/* Whether the value of a setting of this name is recorded nowhere, and in no message. */
bool vmx_is_secret(struct span name);

/* The length of the word at the beginning of a text that makes a secret of each setting that has it
 * in its name; 0: none stands there. */
size_t vmx_secret_word(struct span text);

/* Whether the value of a profile's parameter is recorded nowhere: those that the profiles of
 * vmxfs's own have are known, and a user's profile can make a secret of any other. */
bool vmx_is_secret_param(struct span name);
