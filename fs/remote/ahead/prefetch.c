/* SPDX-License-Identifier: MIT */
/*
 * Users' threads leave news; the thread turns them into walks (walk.h), and keeps as many loads of
 * the first walks in flight as the pipeline (pipeline.h) takes.
 *
 *      news of              what the thread does
 *      LISTED a directory   begins a wide walk through it
 *      USED                 tells the walks through the directory of what was used, and through the
 *                           one above that: somebody comes for what they find
 *      MISSED_DOCUMENT      the same; then compares it with the last document that was missed
 *      MISSED_LISTING       the same, with the last listing
 *      MISSED_ATTRS         the same, with the last attributes
 *      LOOKED_UP            guesses what the user will come for
 *
 * Two misses of one kind are a pattern when at most NEIGHBOURS_MS lie between them, and they are
 * neighbours:
 *
 *      documents in one directory               a walk ahead of the user through it
 *      documents in directories side by side    a walk ahead of him through the one above
 *      listings side by side                    the same; it loads old listings again, too
 *      attributes in one directory              no walk: the directory is listed again, and its
 *                                               listing answers for all names
 *
 * The life of a walk:
 *
 *      begun -------> first in the list -------> further behind -------> freed
 *                            ^       a newer one begins   |
 *                            '----------------------------'
 *                          it keeps ahead, and was used again
 *
 * A walk is freed when it has been through all, when nobody has come for IDLE_MS for what it finds,
 * when WALKS_MAX others stand before it, when another one of its kind through the same directory
 * begins, or when the link is lost. A walk waits where the caches have no room for what comes next
 * in it (room.h): until its user has come for some of what is there, which counts as used then, as
 * does the listing of the directory that he goes through.
 *
 * Invariants:
 *
 *   - all but the news is the thread's own, and no lock is held while it sends or waits;
 *   - users never wait for the thread: news beyond NEWS_MAX is lost, and costs only a load;
 *   - the thread waits in two places: in pipeline_step for a flight, and in await_news when
 *     nothing is in flight.
 */
#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guess.h"
#include "pipeline.h"
#include "remote/names/paths.h"
#include "room.h"
#include "walk.h"

enum {
    NEWS_MAX = 1024,      /* more are lost: the user loads by himself */
    WALKS_MAX = 64,       /* directories; the one that was thought of last comes first */
    IDLE_MS = 5000,       /* a walk whose findings nobody comes for is given up */
    NEIGHBOURS_MS = 1000, /* between two loads by a user that make a pattern */
};

enum topic { LISTED, USED, MISSED_DOCUMENT, MISSED_LISTING, MISSED_ATTRS, LOOKED_UP, TOPICS };

struct news {
    struct news *prev, *next;
    enum topic topic;
    char path[];
};

struct miss {
    char *path;
    int64_t at;
};

struct prefetch {
    struct remote *remote;
    pthread_t thread;
    struct lock lock;
    struct condition woken;
    struct news *news; /* protected by lock, and so are the next ones */
    size_t n_news;
    size_t found, loaded; /* by the wide walks since there was none: for people */
    atomic_bool stop;
    atomic_bool walking; /* somebody is interested in USED */
    atomic_bool guesses; /* somebody is interested in LOOKED_UP */

    /* the thread's own */
    struct pipeline pipeline;
    struct walk *walks;
    struct miss missed[TOPICS];
    struct guess guess;
    struct room room;
    size_t ended; /* what wide walks that are over were through with */
    bool link_lost;
};

static bool is_stopped(void *prefetch)
{
    return atomic_load(&((struct prefetch *)prefetch)->stop);
}

/* ---- walks */

static void end_walk(struct prefetch *prefetch, struct walk *walk)
{
    prefetch->ended += walk->wide ? walk->passed : 0;
    DL_DELETE(prefetch->walks, walk);
    walk_free(walk);
}

/* In place of one of its kind through the same directory. */
static void begin_walk(struct prefetch *prefetch, struct walk *walk)
{
    struct walk *old;
    struct walk *next;
    size_t n = 0;
    if (!walk)
        return;
    if (!prefetch->walks && !prefetch->pipeline.slots)
        prefetch->ended = 0;
    if (!walk->wide) /* what others went for is taken only if this one needs the room */
        room_all_spare(&prefetch->room);
    DL_FOREACH_SAFE(prefetch->walks, old, next)
    {
        bool same = old->wide == walk->wide && strcmp(old->dir, walk->dir) == 0;
        if (same || ++n >= WALKS_MAX)
            end_walk(prefetch, old);
    }
    DL_PREPEND(prefetch->walks, walk);
}

static void end_all_walks(struct prefetch *prefetch)
{
    while (prefetch->walks)
        end_walk(prefetch, prefetch->walks);
}

/* Tells the walks through dir, and puts the one that keeps ahead first. The listing, by which
 * others may begin, is in use. */
static void use(struct prefetch *prefetch, const char *dir, const char *name)
{
    struct walk *walk;
    struct walk *ahead = NULL;
    (void)cache_touch(prefetch->remote->listings, dir);
    DL_FOREACH (prefetch->walks, walk) {
        if (strcmp(walk->dir, dir) == 0) {
            walk_used(walk, prefetch->remote, name);
            if (!walk->wide)
                ahead = walk;
        }
    }
    if (ahead) {
        DL_DELETE(prefetch->walks, ahead);
        DL_PREPEND(prefetch->walks, ahead);
    }
}

static void used(struct prefetch *prefetch, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *above = dir ? path_dir(dir) : NULL;
    if (!above || !path[0])
        return;
    use(prefetch, dir, path_name(path));
    if (dir[0])
        use(prefetch, above, path_name(dir));
}

/* ---- loads */

static void begin_load(struct prefetch *prefetch, const struct wanted *wanted, bool spare)
{
    struct load *load;
    int r = load_new_ahead(wanted->kind, prefetch->remote, wanted->path, wanted->not_before, &load);
    if (r == 0 && load) { /* without memory its user loads it */
        load->ticket.spare = spare;
        (void)pipeline_add(&prefetch->pipeline, load, wanted->bytes);
    }
}

/* Something that the walk wants, and that there is room for. */
static enum walk_state next_that_fits(const struct prefetch *prefetch, struct walk *walk,
                                      struct wanted *ret)
{
    enum walk_state state = walk_next(walk, prefetch->remote, ret);
    if (state == WALK_WANTS && ret->kind == &listing_load_kind) {
        if (room_for(&prefetch->room, walk, ret))
            return state;
        free(ret->path);
        state = walk_next_document(walk, prefetch->remote, ret);
    }
    if (state != WALK_WANTS || room_for(&prefetch->room, walk, ret))
        return state;
    free(ret->path);
    return WALK_WAITS;
}

/* True: it is over. */
static bool go_on(struct prefetch *prefetch, struct walk *walk)
{
    if (clock_ms() > walk->used_at + IDLE_MS)
        return true;
    while (pipeline_has_room(&prefetch->pipeline)) {
        struct wanted wanted;
        enum walk_state state = next_that_fits(prefetch, walk, &wanted);
        if (state != WALK_WANTS)
            return state == WALK_OVER;
        begin_load(prefetch, &wanted, walk->wide);
        walk_passed(walk, &wanted);
        free(wanted.path);
    }
    return false;
}

static void go_on_all(struct prefetch *prefetch)
{
    struct walk *walk;
    struct walk *next;
    if (prefetch->link_lost)
        end_all_walks(prefetch);
    prefetch->link_lost = false;
    DL_FOREACH_SAFE(prefetch->walks, walk, next)
    {
        if (!pipeline_has_room(&prefetch->pipeline))
            break;
        if (go_on(prefetch, walk))
            end_walk(prefetch, walk);
    }
    atomic_store(&prefetch->walking, prefetch->walks || prefetch->guess.path);
    atomic_store(&prefetch->guesses, prefetch->guess.from);
}

/* What is given up is not to be loaded any more: of walks that are over nothing is left. */
static void tell_progress(struct prefetch *prefetch)
{
    const struct walk *walk;
    size_t passed = prefetch->ended;
    size_t to_come = 0;
    DL_FOREACH (prefetch->walks, walk) {
        passed += walk->wide ? walk->passed : 0;
        to_come += walk->wide ? walk->found - walk->passed : 0;
    }
    const size_t under_way = prefetch->pipeline.loads < passed ? prefetch->pipeline.loads : passed;
    lock_take(&prefetch->lock);
    prefetch->found = passed + to_come;
    prefetch->loaded = passed - under_way;
    lock_drop(&prefetch->lock);
}

static bool brings_documents(const struct remote *remote, const struct listing *known,
                             const struct listing *made)
{
    if (made->shows_changes)
        return true;
    for (size_t i = 0; i < made->n; i++) {
        const struct listing_entry *e = &made->entries[i];
        if (remote_is_vmx(remote, e->name, &e->attrs) && !listing_find(known, e->name))
            return true;
    }
    return false;
}

/* The known names of a listing have been walked through while it was loaded again, but for the
 * documents that it was to tell of. */
static void ending(void *ctx, const struct load *load)
{
    struct prefetch *prefetch = ctx;
    prefetch->link_lost |= load->result == -ENOTCONN || load->result == -EIO;
    if (load->result < 0 && guess_is(&prefetch->guess, load->path))
        guess_was_wrong(&prefetch->guess);
    room_learn(&prefetch->room, load);
    if (load->kind == &listing_load_kind && load->known && load->made &&
        brings_documents(prefetch->remote, (const struct listing *)load->known,
                         (const struct listing *)load->made))
        prefetch_listed(prefetch, load->path);
}

/* ---- news */

static void relist(struct prefetch *prefetch, const char *dir)
{
    struct remote *remote = prefetch->remote;
    FREE_AUTO char *path = strdup(dir);
    const struct wanted wanted = {
        .kind = &listing_load_kind,
        .path = path,
        .not_before = cache_not_before(remote->options.cache_timeout_ms),
    };
    if (path && pipeline_has_room(&prefetch->pipeline))
        begin_load(prefetch, &wanted, false);
}

static void compare(struct prefetch *prefetch, enum topic topic, const char *before,
                    const char *path)
{
    struct remote *remote = prefetch->remote;
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *other_dir = path_dir(before);
    FREE_AUTO char *above = dir ? path_dir(dir) : NULL;
    FREE_AUTO char *other_above = other_dir ? path_dir(other_dir) : NULL;
    if (!above || !other_above || strcmp(before, path) == 0)
        return;
    bool beside = strcmp(dir, other_dir) == 0;
    if (beside && topic == MISSED_ATTRS)
        relist(prefetch, dir);
    else if (beside)
        begin_walk(prefetch, walk_new_ahead(remote, dir, topic == MISSED_LISTING, path_name(before),
                                            path_name(path)));
    else if (topic == MISSED_DOCUMENT && strcmp(above, other_above) == 0)
        begin_walk(prefetch,
                   walk_new_ahead(remote, above, false, path_name(other_dir), path_name(dir)));
}

static void missed(struct prefetch *prefetch, enum topic topic, const char *path)
{
    struct miss *last = &prefetch->missed[topic];
    int64_t now = clock_ms();
    used(prefetch, path);
    if (topic == MISSED_DOCUMENT)
        guess_learn(&prefetch->guess, path);
    if (last->path && now - last->at <= NEIGHBOURS_MS)
        compare(prefetch, topic, last->path, path);
    free(last->path);
    *last = (struct miss){strdup(path), now};
}

/* The document that a user will come for who looks its folder up. */
static void look_ahead(struct prefetch *prefetch, const char *folder)
{
    struct cache *documents = prefetch->remote->documents;
    const char *from = prefetch->guess.from;
    struct cached *there = from ? cache_peek(documents, from, NULL) : NULL;
    char *path = there ? guess_of(&prefetch->guess, folder) : NULL;
    const struct wanted wanted = {
        .kind = &document_load_kind, .path = path, .not_before = INT64_MIN};
    if (path && pipeline_has_room(&prefetch->pipeline))
        begin_load(prefetch, &wanted, false);
    cached_unref(there);
}

/* What was only guessed would have been missed. */
static void came_for(struct prefetch *prefetch, const char *path)
{
    if (guess_is(&prefetch->guess, path))
        missed(prefetch, MISSED_DOCUMENT, path);
    else
        used(prefetch, path);
}

static void listed(struct prefetch *prefetch, const char *dir)
{
    struct walk *walk = walk_new_wide(prefetch->remote, dir);
    const int64_t round_trip_ms = sftp_round_trip_ms(prefetch->remote->sftp);
    if (walk && round_trip_ms >= 0) {
        const struct listing *l = walk->listing;
        window_listed(&prefetch->pipeline.window, l->n, l->took_ms - l->trips * round_trip_ms,
                      round_trip_ms);
    }
    begin_walk(prefetch, walk);
}

static void hear(struct prefetch *prefetch, const struct news *news)
{
    switch (news->topic) {
    case LISTED:
        listed(prefetch, news->path);
        break;
    case USED:
        came_for(prefetch, news->path);
        break;
    case LOOKED_UP:
        look_ahead(prefetch, news->path);
        break;
    case MISSED_DOCUMENT:
    case MISSED_LISTING:
    case MISSED_ATTRS:
        missed(prefetch, news->topic, news->path);
        break;
    case TOPICS:
        break;
    }
}

static void await_news(struct prefetch *prefetch)
{
    const struct wait for_ever = {.deadline = INT64_MAX / 2};
    lock_take(&prefetch->lock);
    while (!prefetch->news && !atomic_load(&prefetch->stop))
        wait_on(&for_ever, &prefetch->woken, &prefetch->lock);
    lock_drop(&prefetch->lock);
}

static void hear_all(struct prefetch *prefetch)
{
    lock_take(&prefetch->lock);
    struct news *all = prefetch->news;
    prefetch->news = NULL;
    prefetch->n_news = 0;
    lock_drop(&prefetch->lock);
    struct news *news;
    struct news *next;
    DL_FOREACH_SAFE(all, news, next)
    {
        hear(prefetch, news);
        free(news);
    }
}

static void *run(void *arg)
{
    struct prefetch *prefetch = arg;
    while (!atomic_load(&prefetch->stop)) {
        hear_all(prefetch);
        go_on_all(prefetch);
        tell_progress(prefetch);
        if (prefetch->pipeline.slots)
            pipeline_step(&prefetch->pipeline);
        else
            await_news(prefetch);
    }
    pipeline_done(&prefetch->pipeline);
    return NULL;
}

static void tell(struct prefetch *prefetch, enum topic topic, const char *path)
{
    if (!prefetch)
        return;
    size_t len = strlen(path);
    struct news *news = calloc(1, sizeof(*news) + len + 1);
    if (!news)
        return;
    news->topic = topic;
    memcpy(news->path, path, len);
    lock_take(&prefetch->lock);
    if (prefetch->n_news < NEWS_MAX) {
        DL_APPEND(prefetch->news, news);
        prefetch->n_news++;
        news = NULL;
        condition_wake_all(&prefetch->woken);
    }
    lock_drop(&prefetch->lock);
    free(news);
}

void prefetch_listed(struct prefetch *prefetch, const char *path)
{
    tell(prefetch, LISTED, path);
}

void prefetch_used(struct prefetch *prefetch, const char *path)
{
    if (prefetch && atomic_load(&prefetch->walking))
        tell(prefetch, USED, path);
}

void prefetch_missed_document(struct prefetch *prefetch, const char *path)
{
    tell(prefetch, MISSED_DOCUMENT, path);
}

void prefetch_missed_listing(struct prefetch *prefetch, const char *path)
{
    tell(prefetch, MISSED_LISTING, path);
}

void prefetch_missed_attrs(struct prefetch *prefetch, const char *path)
{
    tell(prefetch, MISSED_ATTRS, path);
}

void prefetch_looked_up(struct prefetch *prefetch, const char *path)
{
    if (prefetch && atomic_load(&prefetch->guesses))
        tell(prefetch, LOOKED_UP, path);
}

/* ---- */

int prefetch_describe(struct prefetch *prefetch, struct buf *ret)
{
    if (!prefetch)
        return buf_add_str(ret, "prefetch: off\n");
    lock_take(&prefetch->lock);
    int r = buf_addf(ret, "prefetch: %zu/%zu\n", prefetch->loaded, prefetch->found);
    lock_drop(&prefetch->lock);
    return r;
}

int prefetch_new(struct remote *remote, struct prefetch **ret)
{
    struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
    if (!prefetch)
        return -ENOMEM;
    prefetch->remote = remote;
    room_init(&prefetch->room, remote, &prefetch->pipeline);
    prefetch->pipeline =
        (struct pipeline){.stopped = is_stopped, .ending = ending, .ctx = prefetch};
    pipeline_init(&prefetch->pipeline, remote);
    lock_init(&prefetch->lock);
    condition_init(&prefetch->woken);
    int r = thread_start(&prefetch->thread, run, prefetch);
    if (r == 0) {
        *ret = prefetch;
        return 0;
    }
    condition_done(&prefetch->woken);
    lock_done(&prefetch->lock);
    free(prefetch);
    return r;
}

void prefetch_free(struct prefetch *prefetch)
{
    struct news *news;
    struct news *next;
    if (!prefetch)
        return;
    lock_take(&prefetch->lock);
    atomic_store(&prefetch->stop, true);
    condition_wake_all(&prefetch->woken);
    lock_drop(&prefetch->lock);
    pthread_join(prefetch->thread, NULL);
    DL_FOREACH_SAFE(prefetch->news, news, next) free(news);
    end_all_walks(prefetch);
    for (size_t i = 0; i < TOPICS; i++)
        free(prefetch->missed[i].path);
    guess_done(&prefetch->guess);
    condition_done(&prefetch->woken);
    lock_done(&prefetch->lock);
    free(prefetch);
}
