/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "parser/text/safe_text.h"
#include "sync.h"

/* Bytes: more than the longest value of a setting takes with its escapes. */
enum { FIELD_MAX = 256 << 10 };

struct journal {
    int (*show)(void *ctx, const char *file, struct buf *ret); /* NULL: files as they are named */
    void *show_ctx;
    struct lock lock;
    char *lines[JOURNAL_LINES]; /* protected by lock, and so is next */
    size_t next;
};

int journal_new(struct journal **ret)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return -ENOMEM;
    lock_init(&journal->lock);
    *ret = journal;
    return 0;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t i = 0; i < JOURNAL_LINES; i++)
        free(journal->lines[i]);
    lock_done(&journal->lock);
    free(journal);
}

void journal_name_files(struct journal *journal,
                        int (*show)(void *ctx, const char *file, struct buf *ret), void *ctx)
{
    journal->show = show;
    journal->show_ctx = ctx;
}

static int make_line(const struct journal *journal, const char *error, const char *file,
                     const char *key, const char *reason, struct buf *ret)
{
    char when[32];
    struct tm tm;
    time_t now = time(NULL);
    BUF_AUTO shown = {0};
    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    bool named = journal->show && journal->show(journal->show_ctx, file, &shown) == 0 && shown.data;
    const char *fields[] = {error, named ? shown.data : file, key, reason};
    int r = buf_add_str(ret, when);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && r == 0; i++) {
        r = buf_add_char(ret, '\t')
                ?: safe_text_add(ret, (struct span){fields[i], strnlen(fields[i], FIELD_MAX)});
    }
    return r ?: buf_add_char(ret, '\n');
}

void journal_add(struct journal *journal, int error, const char *file, const char *key,
                 const char *reason)
{
    BUF_AUTO line = {0};
    const char *name = error ? strerrorname_np(error < 0 ? -error : error) : "NOTE";
    name = name ? name : "?";
    key = key && key[0] ? key : "-";
    log_warning("%s: %s: %s: %s", file, key, name, reason);
    if (make_line(journal, name, file, key, reason, &line) < 0)
        return;
    lock_take(&journal->lock);
    free(journal->lines[journal->next]);
    journal->lines[journal->next] = buf_steal(&line);
    journal->next = (journal->next + 1) % JOURNAL_LINES;
    lock_drop(&journal->lock);
}

int journal_print(struct journal *journal, struct buf *ret)
{
    int r = 0;
    lock_take(&journal->lock);
    for (size_t i = 0; i < JOURNAL_LINES && r == 0; i++) {
        const char *line = journal->lines[(journal->next + i) % JOURNAL_LINES];
        if (line)
            r = buf_add_str(ret, line);
    }
    lock_drop(&journal->lock);
    return r;
}
