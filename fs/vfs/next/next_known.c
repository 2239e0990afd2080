/* SPDX-License-Identifier: MIT */
#include "next_known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "parser/text/buf.h"

/* A hostile server can show any number. */
enum { WAITING_MAX = 4096, MOVES_MAX = 64, SPARED_MS = 60 * 1000 };

static struct next_waiting *find(struct next_known *known, const char *path) REQUIRES(&known->lock)
{
    struct next_waiting *w;
    HASH_FIND(hh, known->waiting, path, strlen(path), w);
    return w;
}

static void add(struct next_known *known, const char *path) REQUIRES(&known->lock)
{
    const size_t n = strlen(path);
    struct next_waiting *w =
        HASH_COUNT(known->waiting) < WAITING_MAX ? calloc(1, sizeof(*w) + n + 1) : NULL;
    if (!w)
        return;
    memcpy(w->path, path, n);
    w->look_at = clock_ms();
    HASH_ADD_KEYPTR(hh, known->waiting, w->path, n, w);
    if (!w->hh.tbl)
        free(w);
}

/* The thread begins with the first VM. */
static void wake(struct next_known *known) REQUIRES(&known->lock)
{
    if (known->run && known->waiting && !known->begun && !atomic_load(&known->stop))
        known->begun = thread_start(&known->thread, known->run, known) == 0;
    condition_wake_all(&known->woken);
}

void next_known_seen(struct next_known *known, const char *path)
{
    lock_take(&known->lock);
    if (!find(known, path)) {
        add(known, path);
        wake(known);
    }
    lock_drop(&known->lock);
}

void next_known_forget(struct next_known *known, const char *path)
{
    lock_take(&known->lock);
    struct next_waiting *w = find(known, path);
    if (w)
        HASH_DEL(known->waiting, w);
    lock_drop(&known->lock);
    free(w);
}

bool next_known_has(struct next_known *known, const char *path)
{
    lock_take(&known->lock);
    bool has = find(known, path) != NULL;
    lock_drop(&known->lock);
    return has;
}

bool next_known_spares(struct next_known *known, const char *path)
{
    next_known_seen(known, path);
    lock_take(&known->lock);
    struct next_waiting *w = find(known, path);
    if (w && w->foreign_since == 0)
        w->foreign_since = clock_ms();
    const bool spares = w && clock_ms() - w->foreign_since < SPARED_MS;
    lock_drop(&known->lock);
    return spares;
}

void next_known_hurry(struct next_known *known, const char *path)
{
    lock_take(&known->lock);
    struct next_waiting *w = find(known, path);
    if (w) {
        w->look_at = clock_ms();
        w->off_since = 0;
        w->hurried = true;
        wake(known);
    }
    lock_drop(&known->lock);
}

void next_known_below(struct next_known *known, const char *folder,
                      void (*see)(void *ctx, const char *path), void *ctx)
{
    BUF_AUTO paths = {0};
    struct next_waiting *w;
    struct next_waiting *next;
    lock_take(&known->lock);
    HASH_ITER (hh, known->waiting, w, next) {
        if (path_below(folder, w->path))
            (void)buf_add_name(&paths, span_of(w->path)); /* without memory: a look finds it */
    }
    lock_drop(&known->lock);
    for (size_t at = 0; at < paths.len; at += strlen(paths.data + at) + 1)
        see(ctx, paths.data + at);
}

static void free_move(struct next_move *move)
{
    free(move->from);
    free(move->to);
    free(move);
}

void next_known_note_move(struct next_known *known, const char *from, const char *to)
{
    struct next_move *move = calloc(1, sizeof(*move));
    if (!move)
        return;
    move->from = strdup(from);
    move->to = strdup(to);
    if (!move->from || !move->to) {
        free_move(move);
        return;
    }
    lock_take(&known->lock);
    DL_APPEND(known->moves, move);
    struct next_move *oldest = known->n_moves >= MOVES_MAX ? known->moves : NULL;
    if (oldest)
        DL_DELETE(known->moves, oldest);
    else
        known->n_moves++;
    lock_drop(&known->lock);
    if (oldest)
        free_move(oldest);
}

char *next_known_moved_to(struct next_known *known, const char *from)
{
    char *path = strdup(from);
    struct next_move *move;
    bool moved = false;
    lock_take(&known->lock);
    DL_FOREACH (known->moves, move) { /* in their order: it may have been moved on */
        const char *rest = path ? path_below(move->from, path) : NULL;
        char *now = NULL;
        if (!rest)
            continue;
        if (asprintf(&now, "%s%s%s", move->to, rest[0] ? "/" : "", rest) < 0)
            now = NULL;
        free(path);
        path = now;
        moved = true;
    }
    lock_drop(&known->lock);
    if (!moved)
        free(steal(path));
    return path;
}
