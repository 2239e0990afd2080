/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "parser/safe_text.h"
#include "sync.h"

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
    int r = lock_init(&journal->lock);
    if (r < 0) {
        free(journal);
        return r;
    }
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

void journal_add(struct journal *journal, int error, const char *file, const char *key,
                 const char *reason)
{
    char when[32];
    struct tm tm;
    time_t now = time(NULL);
    char safe_file[512];
    char safe_key[256];
    char safe_reason[512];
    BUF_AUTO shown = {0};
    const char *name = error ? strerrorname_np(error < 0 ? -error : error) : "NOTE";
    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    bool named = journal->show && journal->show(journal->show_ctx, file, &shown) == 0 && shown.data;
    snprintf(safe_file, sizeof(safe_file), "%s", named ? shown.data : file);
    snprintf(safe_key, sizeof(safe_key), "%s", key && key[0] ? key : "-");
    snprintf(safe_reason, sizeof(safe_reason), "%s", reason);
    safe_text_make(safe_file, strlen(safe_file));
    safe_text_make(safe_key, strlen(safe_key));
    safe_text_make(safe_reason, strlen(safe_reason));
    log_warning("%s: %s: %s: %s", safe_file, safe_key, name ? name : "?", safe_reason);
    char *line;
    if (asprintf(&line, "%s\t%s\t%s\t%s\t%s\n", when, name ? name : "?", safe_file, safe_key,
                 safe_reason) < 0)
        return;
    lock_take(&journal->lock);
    free(journal->lines[journal->next]);
    journal->lines[journal->next] = line;
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
