/* SPDX-License-Identifier: MIT */
#include "argv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the word, whatever happens. */
static const char *add_owned(struct words *w, char *word)
{
    char **grown = word && !w->error ? realloc(w->list, (w->n + 2) * sizeof(*grown)) : NULL;
    if (!grown) {
        w->error = -ENOMEM;
        free(word);
        return NULL;
    }
    grown[w->n++] = word;
    grown[w->n] = NULL;
    w->list = grown;
    return word;
}

const char *words_add(struct words *w, const char *word)
{
    return add_owned(w, strdup(word));
}

const char *words_addf(struct words *w, const char *format, ...)
{
    char *word;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&word, format, args);
    va_end(args);
    return add_owned(w, n < 0 ? NULL : word);
}

void words_split(struct words *w, const char *text, const char *separators)
{
    while (*(text += strspn(text, separators))) {
        size_t n = strcspn(text, separators);
        add_owned(w, strndup(text, n));
        text += n;
    }
}

void words_done(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->list[i]);
    free(w->list);
    *w = (struct words){0};
}
