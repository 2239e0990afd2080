/* SPDX-License-Identifier: MIT */
/*
 * Text of others (a server, a host, a .vmx) on its way to a terminal. A terminal obeys control
 * characters: they can move the cursor, rewrite what stands there, or make it send keys. They are
 * ASCII's (below 20, and 7F) and C1 (80 to 9F), which comes as UTF-8 (C2 80 to C2 9F) or as bytes
 * that belong to no character. Line breaks and TABs are among them, so that a text that is one
 * field or one line stays one. So are Unicode's (2028, 2029), and the characters that turn the
 * direction of a text around: behind one, a command looks like another than is pasted.
 */
#pragma once

#include "buf.h"

/* Whether there is none in the text. */
bool safe_text_is(struct span text);

/* Puts "?" in the place of each of their bytes. */
void safe_text_make(char *text, size_t n);

/* Appends one line's or one field's text, made safe. -ENOMEM. */
int safe_text_add(struct buf *ret, struct span text);

/* The same of a field that is one of several: "?" is in the place of what separates them, too. */
int safe_field_add(struct buf *ret, struct span text, char separator);
