/* SPDX-License-Identifier: MIT */
#include "late_requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"

struct late_entry {
    struct lock_paths paths;
    struct sftp_handle link; /* len 0: it is lost, and anything of the paths may come */
    int64_t until;           /* of clock_ms() */
    struct late_entry *prev, *next;
};

struct late {
    struct sftp *sftp;
    struct lock lock;
    struct condition moved; /* with lock */
    struct late_entry *entries GUARDED_BY(lock);
    bool started GUARDED_BY(lock); /* the thread, which was not waited for yet */
    bool ended GUARDED_BY(lock);   /* it has nothing to do, and will look no more */
    bool stop GUARDED_BY(lock);
    pthread_t thread;
};

int late_new(struct sftp *sftp, struct late **ret)
{
    struct late *late = calloc(1, sizeof(*late));
    if (!late)
        return -ENOMEM;
    late->sftp = sftp;
    lock_init(&late->lock);
    condition_init(&late->moved);
    *ret = late;
    return 0;
}

static void forget(struct late *late, struct late_entry *entry) REQUIRES(late->lock)
{
    DL_DELETE(late->entries, entry);
    lock_paths_done(&entry->paths);
    free(entry);
}

static void look(struct late *late) REQUIRES(late->lock)
{
    struct late_entry *entry;
    struct late_entry *next;
    DL_FOREACH_SAFE(late->entries, entry, next)
    {
        if (entry->link.len > 0 && sftp_handle_lives(late->sftp, &entry->link)) {
            forget(late, entry);
            continue;
        }
        entry->link.len = 0;
        lock_paths_clear(&entry->paths, late->sftp);
        if (entry->until <= clock_ms())
            forget(late, entry);
    }
}

static void *run(void *arg)
{
    struct late *late = arg;
    lock_take(&late->lock);
    while (late->entries && !late->stop) {
        struct wait wait = wait_for_ms(LATE_LOOK_MS);
        while (!late->stop && wait_on(&wait, &late->moved, &late->lock) == 0)
            ;
        look(late);
    }
    late->ended = true;
    lock_drop(&late->lock);
    return NULL;
}

/* A thread that has ended is waited for before there is another. */
static void start(struct late *late) REQUIRES(late->lock)
{
    if (late->started && late->ended) {
        pthread_join(late->thread, NULL);
        late->started = false;
    }
    if (!late->started) {
        late->ended = false;
        late->started = thread_start(&late->thread, run, late) == 0;
    }
}

void late_add(struct late *late, struct lock_paths *paths, const struct sftp_handle *link)
{
    struct late_entry *entry = calloc(1, sizeof(*entry));
    lock_paths_clear(paths, late->sftp);
    if (!entry)
        return; /* the next commit clears it away, or time does */
    entry->paths = *paths;
    if (link)
        entry->link = *link;
    entry->until = clock_ms() + LATE_MS;
    *paths = (struct lock_paths){0};
    lock_take(&late->lock);
    DL_APPEND(late->entries, entry);
    start(late);
    lock_drop(&late->lock);
}

void late_clear(struct late *late, const char *lock)
{
    struct late_entry *entry;
    lock_take(&late->lock);
    DL_FOREACH (late->entries, entry) {
        if (strcmp(entry->paths.lock, lock) == 0)
            lock_paths_clear(&entry->paths, late->sftp);
    }
    lock_drop(&late->lock);
}

void late_free(struct late *late)
{
    if (!late)
        return;
    lock_take(&late->lock);
    late->stop = true;
    condition_wake_all(&late->moved);
    bool started = late->started;
    lock_drop(&late->lock);
    if (started)
        pthread_join(late->thread, NULL);
    lock_take(&late->lock);
    look(late);
    while (late->entries)
        forget(late, late->entries);
    lock_drop(&late->lock);
    condition_done(&late->moved);
    lock_done(&late->lock);
    free(late);
}
