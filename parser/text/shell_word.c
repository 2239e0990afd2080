/* SPDX-License-Identifier: MIT */
#include "shell_word.h"

#include <errno.h>

#include "safe_text.h"
#include "text.h"

/* What printf(1) prints as it is, and no shell reads in its own way between quotes of any kind; a
 * "-" could begin an option, and an interactive shell looks for "!" even here. */
static bool is_literal(char c)
{
    return text_name_char(c) ? c != '-' : memchr(" /:=,+@", c, 7) != NULL;
}

static int add_printed(struct buf *ret, struct span word)
{
    int r = buf_add_str(ret, "\"$(printf '");
    for (size_t i = 0; r == 0 && i < word.n; i++) {
        const char c = word.p[i];
        r = is_literal(c) ? buf_add_char(ret, c) : buf_addf(ret, "\\%03o", (unsigned char)c);
    }
    return r ?: buf_add_str(ret, "')\"");
}

int shell_word_add(struct buf *ret, struct span word)
{
    const size_t before = ret->len;
    if (safe_text_is(word))
        return buf_add_quoted(ret, word);
    if (text_find(word, '\0') < word.n || word.p[word.n - 1] == '\n')
        return -EINVAL;
    int r = add_printed(ret, word);
    if (r < 0 && ret->data)
        ret->data[ret->len = before] = '\0';
    return r;
}

int shell_word_add_echo(struct buf *ret, const char *text, const char *file)
{
    const size_t before = ret->len;
    int r = buf_addf(ret, "echo %s > ", text) ?: shell_word_add(ret, span_of(file));
    if (r < 0 && ret->data)
        ret->data[ret->len = before] = '\0';
    return r;
}
