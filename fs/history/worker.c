/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "parser/text/list.h"
#include "record/record.h"
#include "spool/spool.h"

enum {
    LOCK_POLL_MS = 30, /* another process records */
    OWN_POLL_MS = 250, /* it may have recorded what this one has spooled */
    NEVER_MS = 3600 * 1000,
};

struct own_file {
    char *name;
    size_t bytes;
    uint64_t nth; /* counted as told is */
};

struct worker {
    const struct history *history;
    pthread_t thread;
    struct lock lock;
    struct condition woken;    /* with lock: something is told, or it ends */
    struct condition settled;  /* with lock: recorded has grown */
    struct told *first, **end; /* protected by lock */
    size_t bytes;              /* protected by lock; of the queue and of what is not spooled yet */
    size_t lost;               /* protected by lock */
    uint64_t told, recorded;   /* protected by lock; changes, counted */
    bool began, ending;        /* protected by lock */

    /* the thread's own */
    struct spool spool;
    struct own_file *own; /* what this process has put into the spool and is not known to be gone */
    size_t own_first, own_n, own_bytes;
    struct sightings sightings;
    struct told *unspooled, **unspooled_end;
    uint64_t spooled;   /* counted as told is */
    int64_t next;       /* clock_ms(): when there is something to record */
    int64_t not_before; /* clock_ms(): after a try that has failed, whatever is due */
    struct diag note;   /* "": all is well */
    struct diag remark; /* on a recording that went well; the last */
};

static bool is_change(const struct told *told)
{
    return told->kind != TOLD_SEEN && told->kind != TOLD_GONE;
}

/* ---- notes */

static void say(struct worker *worker, const char *path, const char *text)
{
    const struct history_options *o = &worker->history->options;
    o->note(o->ctx, path, text);
}

/* Whether this is not what was said last; it is now. */
static bool is_news(struct diag *last, const char *text)
{
    if (strcmp(last->text, text) == 0)
        return false;
    diag_set(last, "%s", text);
    return true;
}

static void say_trouble(struct worker *worker, const char *why)
{
    BUF_AUTO text = {0};
    if (is_news(&worker->note, why) && buf_addf(&text, "the history is not written: %s", why) == 0)
        say(worker, NULL, text.data);
}

/* What cannot be read is found again by each recording. */
static void say_remark(struct worker *worker, const char *remark)
{
    if (is_news(&worker->remark, remark))
        say(worker, NULL, remark);
}

static void say_lost(struct worker *worker, size_t lost, const char *why)
{
    BUF_AUTO text = {0};
    if (lost > 0 && buf_addf(&text, "%zu changes are missing in the history: %s", lost, why) == 0)
        say(worker, NULL, text.data);
}

/* ---- to the spool */

static int open_spool(struct worker *worker)
{
    if (worker->spool.dir)
        return 0;
    FREE_AUTO char *git_dir = path_join(worker->history->options.dir, ".git");
    struct spool spool;
    const int r = git_dir ? spool_open(&spool, git_dir, worker->history->branch) : -ENOMEM;
    if (r < 0) {
        if (git_dir)
            spool_close(&spool);
        return r;
    }
    worker->spool = spool;
    return 0;
}

/* A sighting of the file that a change is of: the change says what was there before, but for a
 * renaming and a removal. */
static int take_sighting(struct worker *worker, struct told *told, const char *path)
{
    struct sighting *s = sightings_find(&worker->sightings, path);
    if (!s || sighting_is_after(s, told->time_ns / 1000000))
        return 0;
    if (told->kind != TOLD_COMMITTED && !s->gone && strcmp(path, told->from ?: told->path) == 0) {
        const int r = buf_add(&told->before, buf_span(&s->text));
        if (r < 0)
            return r;
        told->existed = true;
    }
    sightings_drop(&worker->sightings, s);
    return 0;
}

/* One that cannot be noted is recorded all the same. */
static int note_own(struct worker *worker, char *name, size_t bytes)
{
    struct own_file *list = list_room(worker->own, worker->own_n, sizeof(*list));
    if (!list) {
        free(name);
        return 0;
    }
    worker->own = list;
    list[worker->own_n++] = (struct own_file){name, bytes, worker->spooled};
    worker->own_bytes += bytes;
    return 0;
}

/* Forgets those that are recorded, up to the first one that is not. True: all are. */
static bool forget_recorded(struct worker *worker)
{
    while (worker->own_first < worker->own_n) {
        struct own_file *own = &worker->own[worker->own_first];
        if (spool_has(&worker->spool, own->name))
            return false;
        worker->own_bytes -= own->bytes;
        free(steal(own->name));
        worker->own_first++;
    }
    free(steal(worker->own));
    worker->own_first = worker->own_n = 0;
    return true;
}

static int spool_one(struct worker *worker, struct told *told)
{
    struct item item;
    int r = open_spool(worker)
        ?: take_sighting(worker, told, told->path)
        ?: (told->from ? take_sighting(worker, told, told->from) : 0);
    if (r < 0)
        return r;
    r = told_item(told, worker->history, &item);
    if (r < 0 && r != -ENOMEM) {
        say(worker, told->path, "a change is missing in the history: the file has no name there");
        return 0;
    }
    if (r < 0)
        return r;
    char *name = NULL;
    r = spool_put(&worker->spool, &item, &name);
    item_done(&item);
    return r ?: note_own(worker, name, told_bytes(told));
}

static int see(struct worker *worker, struct told *told)
{
    return sightings_see(&worker->sightings, told->path, told->kind == TOLD_GONE, &told->after,
                         told->time_ns / 1000000);
}

/* 0; -errno: it stays where it is, and what comes after it too. Nothing is spooled either while too
 * much of this process waits there: the spool takes more of the disk than what is recorded. But
 * what is not spooled while it ends is lost. */
static int spool_all(struct worker *worker, bool ending)
{
    int r = 0;
    while (r == 0 && worker->unspooled && (ending || worker->own_bytes < WORKER_SPOOL_BYTES)) {
        struct told *told = worker->unspooled;
        const size_t bytes = told->counted;
        r = is_change(told) ? spool_one(worker, told) : see(worker, told);
        if (r < 0)
            break;
        if (is_change(told)) {
            worker->spooled++;
            worker->next = worker->not_before = 0;
        }
        worker->unspooled = told->next;
        if (!worker->unspooled)
            worker->unspooled_end = &worker->unspooled;
        told_free(told);
        lock_take(&worker->lock);
        worker->bytes -= bytes;
        lock_drop(&worker->lock);
    }
    return r;
}

/* ---- from the spool */

static void note_recorded(struct worker *worker)
{
    const bool all = forget_recorded(worker);
    const int64_t soon = clock_ms() + OWN_POLL_MS;
    if ((!all || worker->unspooled) && worker->next > soon)
        worker->next = soon;
    lock_take(&worker->lock);
    worker->recorded = all ? worker->spooled : worker->own[worker->own_first].nth;
    condition_wake_all(&worker->settled);
    lock_drop(&worker->lock);
}

/* In ms at the soonest, but for what is told and spooled before. */
static void try_again(struct worker *worker, int64_t ms)
{
    worker->next = worker->not_before = clock_ms() + ms;
}

static void record_locked(struct worker *worker, bool all)
{
    struct diag why = {0};
    int64_t next = -1;
    const int r = record(worker->history, &worker->spool, &worker->sightings, all, &next, &why);
    spool_unlock(&worker->spool);
    worker->next = clock_ms() + (next < 0 ? NEVER_MS : next);
    if (r < 0) {
        try_again(worker, WORKER_RETRY_MS);
        say_trouble(worker, why.text);
        return;
    }
    worker->note.text[0] = '\0';
    if (why.text[0])
        say_remark(worker, why.text);
}

/* 0: it has recorded, or has failed to; -EAGAIN: another process records. */
static int try_to_record(struct worker *worker, bool all)
{
    int r = open_spool(worker) ?: spool_lock(&worker->spool);
    if (r == 0) {
        record_locked(worker, all);
    } else if (r == -EAGAIN) {
        try_again(worker, LOCK_POLL_MS);
    } else {
        say_trouble(worker, strerror(-r));
        try_again(worker, WORKER_RETRY_MS);
        return 0;
    }
    note_recorded(worker);
    return r;
}

/* ---- the thread */

static int64_t next_due(const struct worker *worker)
{
    const int64_t seen = record_seen_next(&worker->sightings);
    const int64_t at = seen < 0 ? INT64_MAX : clock_ms() + seen;
    const int64_t due = at < worker->next ? at : worker->next;
    return due > worker->not_before ? due : worker->not_before;
}

/* Waits for something to do, and takes what was told. True: it is to end. */
static bool take_told(struct worker *worker)
{
    const struct wait wait = {.deadline = next_due(worker)};
    lock_take(&worker->lock);
    while (!worker->first && worker->lost == 0 && !worker->ending &&
           wait_on(&wait, &worker->woken, &worker->lock) == 0)
        ;
    const bool ending = worker->ending;
    const size_t lost = worker->lost;
    worker->lost = 0;
    if (worker->first) {
        *worker->unspooled_end = worker->first;
        worker->unspooled_end = worker->end;
        worker->first = NULL;
        worker->end = &worker->first;
    }
    lock_drop(&worker->lock);
    say_lost(worker, lost, "there was no room for them");
    return ending;
}

static void spool_or_say(struct worker *worker, bool ending)
{
    const int r = spool_all(worker, ending);
    if (r == 0)
        return;
    say_trouble(worker, strerror(-r));
    if (worker->next > clock_ms() + WORKER_RETRY_MS)
        worker->next = clock_ms() + WORKER_RETRY_MS;
}

static size_t count_changes(const struct told *told)
{
    size_t n = 0;
    for (; told; told = told->next)
        n += is_change(told);
    return n;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    while (!take_told(worker)) {
        spool_or_say(worker, false);
        if (next_due(worker) <= clock_ms())
            try_to_record(worker, false);
    }
    const struct wait wait = wait_for_ms(WORKER_END_MS);
    int r;
    do {
        spool_or_say(worker, true);
        r = try_to_record(worker, true);
    } while ((r == -EAGAIN && wait_sleep(&wait, LOCK_POLL_MS) == 0) ||
             (r == 0 && worker->note.text[0] == '\0' &&
              (worker->unspooled || worker->next <= clock_ms())));
    say_lost(worker, count_changes(worker->unspooled), "they could not be written");
    return NULL;
}

/* ---- for others */

int worker_new(const struct history *history, struct worker **ret)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    worker->history = history;
    worker->end = &worker->first;
    worker->unspooled_end = &worker->unspooled;
    worker->spool.lock = -1;
    lock_init(&worker->lock);
    condition_init(&worker->woken);
    condition_init(&worker->settled);
    *ret = worker;
    return 0;
}

int worker_begin(struct worker *worker)
{
    worker->next = 0; /* what ended processes have left in the spool */
    worker->began = true;
    const int r = thread_start(&worker->thread, run, worker);
    if (r < 0)
        worker->began = false;
    return r;
}

static void free_list(struct told *told)
{
    while (told) {
        struct told *next = told->next;
        told_free(told);
        told = next;
    }
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->began) {
        lock_take(&worker->lock);
        worker->ending = true;
        condition_wake_all(&worker->woken);
        lock_drop(&worker->lock);
        pthread_join(worker->thread, NULL);
    }
    free_list(worker->first);
    free_list(worker->unspooled);
    sightings_done(&worker->sightings);
    while (worker->own_first < worker->own_n)
        free(worker->own[worker->own_first++].name);
    free(worker->own);
    spool_close(&worker->spool);
    condition_done(&worker->settled);
    condition_done(&worker->woken);
    lock_done(&worker->lock);
    free(worker);
}

void worker_tell(struct worker *worker, struct told *told)
{
    const size_t bytes = told ? told_bytes(told) : 0;
    lock_take(&worker->lock);
    if (told && worker->bytes + bytes <= WORKER_QUEUE_BYTES) {
        worker->bytes += bytes;
        told->counted = bytes;
        worker->told += is_change(told);
        told->next = NULL;
        *worker->end = told;
        worker->end = &told->next;
        told = NULL;
    } else {
        worker->lost++;
    }
    condition_wake_all(&worker->woken);
    lock_drop(&worker->lock);
    told_free(told);
}

int worker_settle(struct worker *worker, const struct wait *wait)
{
    int r = 0;
    lock_take(&worker->lock);
    const uint64_t told = worker->told;
    while (r == 0 && worker->recorded < told)
        r = wait_on(wait, &worker->settled, &worker->lock);
    lock_drop(&worker->lock);
    return r;
}
