/* SPDX-License-Identifier: MIT */
/* Words of commands that people paste into a shell: sh, bash, dash, busybox. */
#pragma once

#include "buf.h"

/* Appends the word in quotes, as one that a terminal shows as it is: where it has characters that a
 * terminal would obey, or bytes of no character, printf(1) makes it: "$(printf 'a\012b')". 0;
 * -EINVAL: no shell can say it so (a NUL; such a word that ends in a newline), and nothing is
 * appended; -ENOMEM. */
int shell_word_add(struct buf *ret, struct span word);

/* Appends "echo TEXT > " and the file's path as such a word. text: of letters, digits and spaces.
 * As shell_word_add. */
int shell_word_add_echo(struct buf *ret, const char *text, const char *file);
