/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "parser/text/safe_text.h"
#include "sync.h"

/* Bytes: more than the longest value of a setting takes with its escapes. Three of them are less
 * than JOURNAL_BYTES. */
enum { FIELD_MAX = 256 << 10 };

struct line {
    char *text;   /* with its newline */
    size_t len;   /* of the text */
    size_t words; /* what it says begins there, behind the time */
    char *file;   /* as it was given; or NULL */
    int64_t at;   /* clock_ms() */
    uint64_t nth; /* of all that was said */
    /* The same was said so often since, and no line tells of it yet, ... */
    size_t again;
    int64_t again_at;   /* ... for the last time then: clock_wall_s(), ... */
    uint64_t again_nth; /* ... as the nth of all */
};

/* Invariants: counts are in the last JOURNAL_NEAR lines only; the bytes of all lines are at most
 * JOURNAL_BYTES; behind the lines that were given out, each line's nth is greater than that of the
 * one before it, so that the last refusal is the last line. */
struct journal {
    struct lock lock;                                          /* protects all that follows */
    int (*show)(void *ctx, const char *file, struct buf *ret); /* or NULL */
    void *show_ctx;
    struct line *lines;
    size_t n, capacity, bytes;
    size_t given;  /* so many lines were given out */
    uint64_t said; /* by all */
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

void journal_name_files(struct journal *journal,
                        int (*show)(void *ctx, const char *file, struct buf *ret), void *ctx)
{
    lock_take(&journal->lock);
    journal->show = show;
    journal->show_ctx = ctx;
    lock_drop(&journal->lock);
}

static void line_done(struct line *line)
{
    free(line->text);
    free(line->file);
}

/* ---- lines */

/* At least half of the bytes, and no more than a line beyond that. */
static void drop_older_half(struct journal *j) REQUIRES(j->lock)
{
    size_t n = 0;
    const size_t half = j->bytes / 2;
    while (n < j->n && j->bytes > half) {
        j->bytes -= j->lines[n].len;
        line_done(&j->lines[n++]);
    }
    j->n -= n;
    j->given -= j->given < n ? j->given : n;
    memmove(j->lines, j->lines + n, j->n * sizeof(*j->lines));
}

static int make_room(struct journal *j) REQUIRES(j->lock)
{
    if (j->n < j->capacity)
        return 0;
    const size_t capacity = j->capacity > 0 ? 2 * j->capacity : JOURNAL_NEAR;
    struct line *lines = realloc(j->lines, capacity * sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    j->lines = lines;
    j->capacity = capacity;
    return 0;
}

static int add_time(struct buf *ret, int64_t wall_s)
{
    char when[CLOCK_UTC_SIZE];
    clock_utc(wall_s, when);
    return buf_add_str(ret, when);
}

/* Takes the text and the file over. */
static void put(struct journal *j, struct buf *text, size_t words, char *file, uint64_t nth)
    REQUIRES(j->lock)
{
    while (j->n > 0 && j->bytes + text->len > JOURNAL_BYTES)
        drop_older_half(j);
    struct line line = {
        .len = text->len, .words = words, .file = file, .at = clock_ms(), .nth = nth};
    line.text = buf_steal(text);
    if (make_room(j) < 0) {
        line_done(&line);
        return;
    }
    size_t place = j->n;
    while (place > j->given && j->lines[place - 1].nth > nth)
        place--;
    memmove(j->lines + place + 1, j->lines + place, (j->n - place) * sizeof(line));
    j->lines[place] = line;
    j->n++;
    j->bytes += line.len;
}

/* ---- what is said again */

/* Makes a line of the count that a line has. Without memory the count is lost. */
static void tell_again(struct journal *j, size_t i) REQUIRES(j->lock)
{
    BUF_AUTO text = {0};
    struct line *first = &j->lines[i];
    const size_t again = first->again;
    const uint64_t nth = first->again_nth;
    first->again = 0;
    char *file = first->file ? strdup(first->file) : NULL;
    int r = first->file && !file ? -ENOMEM : add_time(&text, first->again_at);
    const size_t words = text.len;
    const struct span said = {first->text + first->words, first->len - first->words - 1};
    r = r
        ?: buf_add(&text, said)
        ?: buf_addf(&text, " (%zu time%s more)\n", again, again > 1 ? "s" : "");
    if (r < 0)
        free(file);
    else
        put(j, &text, words, file, nth);
}

/* The first line that may have a count. */
static size_t near_from(const struct journal *j) REQUIRES(j->lock)
{
    return j->n > JOURNAL_NEAR ? j->n - JOURNAL_NEAR : 0;
}

/* Of all lines that were written up to then; the oldest first, so that none is pushed away with its
 * count by what this adds. */
static void tell_all_again(struct journal *j, int64_t until) REQUIRES(j->lock)
{
    size_t i = near_from(j);
    while (i < j->n) {
        if (j->lines[i].again == 0 || j->lines[i].at > until) {
            i++;
        } else {
            tell_again(j, i);
            i = near_from(j); /* they may have moved */
        }
    }
}

/* Counts it where the same was said a moment ago. */
static bool join(struct journal *j, struct span words, int64_t now) REQUIRES(j->lock)
{
    for (size_t i = near_from(j); i < j->n; i++) {
        struct line *line = &j->lines[i];
        if (line->at <= now - JOURNAL_JOIN_MS ||
            !span_eq((struct span){line->text + line->words, line->len - line->words}, words))
            continue;
        line->again++;
        line->again_at = clock_wall_s();
        line->again_nth = j->said;
        return true;
    }
    return false;
}

/* ---- the journal */

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t i = 0; i < journal->n; i++)
        line_done(&journal->lines[i]);
    free(journal->lines);
    lock_done(&journal->lock);
    free(journal);
}

/* Makes a line's text, with no lock held: show may take one. */
static int make_text(struct journal *j, const char *const fields[4], struct buf *ret,
                     size_t *ret_words)
{
    BUF_AUTO shown = {0};
    lock_take(&j->lock);
    int (*show)(void *ctx, const char *file, struct buf *to) = j->show;
    void *ctx = j->show_ctx;
    lock_drop(&j->lock);
    int r = add_time(ret, clock_wall_s());
    *ret_words = ret->len;
    for (size_t i = 0; i < 4 && r == 0; i++) {
        const char *field = fields[i] && fields[i][0] ? fields[i] : "-";
        if (i == 1 && fields[i] && show && show(ctx, field, &shown) == 0 && shown.data)
            field = shown.data;
        r = buf_add_char(ret, '\t')
                ?: safe_text_add(ret, (struct span){field, strnlen(field, FIELD_MAX)});
    }
    return r ?: buf_add_char(ret, '\n');
}

/* Takes the text and the file over, or leaves them, where it is counted. */
static void add(struct journal *j, bool refusal, struct buf *text, size_t words, char **file)
    REQUIRES(j->lock)
{
    const int64_t now = clock_ms();
    j->said++;
    tell_all_again(j, now - JOURNAL_JOIN_MS);
    if (refusal && join(j, (struct span){text->data + words, text->len - words}, now))
        return;
    while (j->n >= JOURNAL_NEAR && j->lines[j->n - JOURNAL_NEAR].again > 0)
        tell_again(j, j->n - JOURNAL_NEAR);
    put(j, text, words, *file, j->said);
    *file = NULL;
}

void journal_add(struct journal *journal, int error, const char *file, const char *key,
                 const char *reason)
{
    BUF_AUTO text = {0};
    size_t words;
    const char *name = error ? strerrorname_np(error < 0 ? -error : error) : "NOTE";
    const char *const fields[] = {name ?: "?", file, key, reason};
    log_warning("%s: %s: %s: %s", file ?: "-", key && key[0] ? key : "-", fields[0], reason);
    FREE_AUTO char *own = file ? strdup(file) : NULL;
    if ((file && !own) || make_text(journal, fields, &text, &words) < 0)
        return;
    lock_take(&journal->lock);
    add(journal, error != 0, &text, words, &own);
    lock_drop(&journal->lock);
}

int journal_print(struct journal *journal, bool (*pick)(const void *ctx, const char *file),
                  const void *ctx, struct buf *ret)
{
    int r = 0;
    lock_take(&journal->lock);
    tell_all_again(journal, INT64_MAX);
    for (size_t i = 0; i < journal->n && r == 0; i++) {
        const struct line *line = &journal->lines[i];
        if (!pick || pick(ctx, line->file))
            r = buf_add(ret, (struct span){line->text, line->len});
    }
    journal->given = journal->n;
    lock_drop(&journal->lock);
    return r;
}
