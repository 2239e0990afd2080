/* SPDX-License-Identifier: MIT */
#include "fuse_words.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fuse_log.h>

#include "parser/text/text.h"

enum { SAID_MAX = 256, HEARD_MAX = 4096 };

/* libfuse's last complaint. */
static char said[SAID_MAX];

__attribute__((format(printf, 2, 0))) static void hear(enum fuse_log_level level,
                                                       const char *format, va_list args)
{
    if (level <= FUSE_LOG_WARNING)
        vsnprintf(said, sizeof(said), format, args);
    said[strcspn(said, "\n")] = '\0';
}

void fuse_words_begin(struct fuse_words *words)
{
    said[0] = '\0';
    fuse_set_log_func(hear);
    words->heard = memfd_create("fuse-words", MFD_CLOEXEC);
    words->saved = words->heard < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (words->saved >= 0)
        dup2(words->heard, STDERR_FILENO);
}

/* Standard error is as before. Returns the number of bytes that were heard meanwhile. */
static size_t end(struct fuse_words *words, char heard[HEARD_MAX])
{
    ssize_t n = 0;
    if (words->saved >= 0) {
        dup2(words->saved, STDERR_FILENO);
        close(words->saved);
        n = pread(words->heard, heard, HEARD_MAX, 0);
    }
    if (words->heard >= 0)
        close(words->heard);
    return n > 0 ? (size_t)n : 0;
}

static bool is_of_fuse(struct span line)
{
    return span_starts_with(line, SPAN_LITERAL("fusermount")) ||
           span_starts_with(line, SPAN_LITERAL("fuse:"));
}

/* What to do about words that do not say it themselves. */
static const char *hint(struct span words)
{
    static const struct {
        const char *words, *hint;
    } hints[] = {
        {"failed to exec", "; install the package fuse3"},
        {"for fusermount3 failed", "; install the package fuse3"}, /* libfuse since 3.17 */
        {"mount failed: Operation not permitted",
         "; fusermount3 must belong to root and be setuid (chmod u+s)"},
    };
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (memmem(words.p, words.n, hints[i].words, strlen(hints[i].words)))
            return hints[i].hint;
    }
    return "";
}

/* The program's last line tells most: the ones before it are warnings. */
int fuse_words_end(struct fuse_words *words, struct buf *ret)
{
    char heard[HEARD_MAX];
    struct span rest = {heard, end(words, heard)};
    struct span line;
    struct span last = span_of(said);
    while (text_line(&rest, &line)) {
        if (is_of_fuse(line))
            last = line;
        else
            dprintf(STDERR_FILENO, "%.*s\n", (int)line.n, line.p);
    }
    if (last.n == 0)
        return buf_add_str(ret, "libfuse does not say why");
    return buf_add(ret, text_trim(last)) ?: buf_add_str(ret, hint(last));
}
