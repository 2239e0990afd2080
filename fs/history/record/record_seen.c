/* SPDX-License-Identifier: MIT */
#include "record_seen.h"

#include <errno.h>
#include <stdlib.h>

#include "../file_path.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "others.h"
#include "parser/history/secret.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum {
    LOOK_AGAIN_MS = 1000, /* at one for whose file a change waits */
    CLOSE_MS = 500,
    CLOSE_MOST_MS = 5000,
};

struct firsts {
    struct recording_change *list;
    struct span *texts; /* one for each */
    size_t n;
    int64_t time_s;
};

static int64_t seconds(const struct sighting *s)
{
    return s->first_ms / 1000;
}

static const char *mount_of(const struct recording *rec)
{
    return rec->history->options.mountpoint;
}

/* Computes what is not needed before it is due. */
static int look_at(const struct recording *rec, struct sighting *s)
{
    const struct history *h = rec->history;
    struct secret_key key = h->key;
    BUF_AUTO file = {0};
    if (s->file)
        return 0;
    buf_clear(&s->hidden);
    const int r = history_file(h, s->path, &file)
        ?: vmx_hide_secrets(buf_span(&s->text), secret_key_mark, &key, &s->hidden)
        ?: recording_id(buf_span(&s->hidden), &s->id);
    if (r == 0)
        s->file = buf_steal(&file);
    return r ?: s->file ? 0 : -ENOMEM;
}

/* Two VMs may have the same text, as long as no host has given them a number. */
static bool has_uuid(struct span text)
{
    struct span line;
    while (text_line(&text, &line)) {
        if (span_starts_with_fold(text_trim(line), SPAN_LITERAL("uuid.bios")))
            return true;
    }
    return false;
}

/* Whether one file went and the other came with its text: 1, 0, -errno. */
static int is_renaming(const struct recording *rec, const struct sighting *gone,
                       const struct sighting *came)
{
    git_oid old;
    git_oid new;
    int r = recording_blob(rec, gone->file, &old);
    if (r == 0 && git_oid_equal(&old, &came->id) && has_uuid(buf_span(&came->hidden)))
        r = recording_blob(rec, came->file, &new) == -ENOENT;
    else if (r == 0)
        return 0;
    return r == -ENOENT ? 0 : r;
}

/* The other half of a renaming, due or not. */
static int find_other_half(const struct recording *rec, const struct sightings *sightings,
                           struct sighting *one, struct sighting **ret)
{
    *ret = NULL;
    for (struct sighting *s = sightings->by_path; s; s = s->hh.next) {
        if (s->settled || s->gone == one->gone)
            continue;
        const int r = look_at(rec, s) ?: is_renaming(rec, one->gone ? one : s, one->gone ? s : one);
        if (r > 0)
            *ret = s;
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return 0;
}

static bool any_is(const struct sightings *sightings, bool gone)
{
    for (const struct sighting *s = sightings->by_path; s; s = s->hh.next) {
        if (!s->settled && s->gone == gone)
            return true;
    }
    return false;
}

static int add_first(struct firsts *firsts, const struct sighting *s)
{
    struct recording_change *list = list_room(firsts->list, firsts->n, sizeof(*list));
    if (list)
        firsts->list = list;
    struct span *texts = list ? list_room(firsts->texts, firsts->n, sizeof(*texts)) : NULL;
    if (!texts)
        return -ENOMEM;
    firsts->texts = texts;
    texts[firsts->n] = buf_span(&s->hidden);
    list[firsts->n++].file = s->file;
    if (firsts->time_s < seconds(s))
        firsts->time_s = seconds(s);
    return 0;
}

/* A file came or went, of which the other is, or is not, recorded. */
static int settle_coming_or_going(struct recording *rec, const struct sightings *sightings,
                                  struct sighting *s, struct firsts *firsts)
{
    struct sighting *other = NULL;
    int r = any_is(sightings, !s->gone) ? find_other_half(rec, sightings, s, &other) : 0;
    if (r < 0)
        return r;
    if (!other)
        return s->gone ? others_commit(rec, s->file, NULL, seconds(s), mount_of(rec))
                       : add_first(firsts, s);
    const struct sighting *gone = s->gone ? s : other;
    const struct sighting *came = s->gone ? other : s;
    other->settled = true;
    return others_renamed(rec, gone->file, came->file, buf_span(&came->hidden), seconds(came),
                          mount_of(rec));
}

static int settle(struct recording *rec, const struct sightings *sightings, struct sighting *s,
                  struct firsts *firsts)
{
    git_oid recorded;
    const struct span after = buf_span(&s->hidden);
    const int r = recording_blob(rec, s->file, &recorded);
    if (r < 0 && r != -ENOENT)
        return r;
    s->settled = true;
    const int64_t changed = last_change_ns(&rec->last, s->file) / 1000000;
    if (changed > 0 && !sighting_is_after(s, changed))
        return 0; /* it was read before that change */
    const bool is_recorded = r == 0;
    if (is_recorded == s->gone)
        return settle_coming_or_going(rec, sightings, s, firsts);
    if (s->gone || git_oid_equal(&recorded, &s->id))
        return 0;
    return others_commit(rec, s->file, &after, seconds(s), mount_of(rec));
}

static int settle_firsts(struct recording *rec, struct firsts *firsts)
{
    for (size_t i = 0; i < firsts->n; i++)
        firsts->list[i].after = &firsts->texts[i];
    return firsts->n == 0
               ? 0
               : others_first(rec, firsts->list, firsts->n, firsts->time_s, mount_of(rec));
}

/* When they are looked at. What comes close behind one that is due is waited for, so that a crawl
 * becomes one commit. They are in the order in which they are due. */
static int64_t due_of_all(const struct sightings *sightings)
{
    int64_t first = -1;
    int64_t due = -1;
    for (const struct sighting *s = sightings->by_path; s; s = s->hh.next) {
        if (first < 0)
            first = due = s->due;
        if (s->due > due + CLOSE_MS || s->due > first + CLOSE_MOST_MS)
            break;
        if (s->due > due)
            due = s->due;
    }
    return due;
}

int64_t record_seen_next(const struct sightings *sightings)
{
    const int64_t now = clock_ms();
    const int64_t due = due_of_all(sightings);
    return due < 0 ? -1 : due > now ? due - now : 0;
}

int record_seen(struct recording *rec, struct sightings *sightings,
                const struct record_items *waiting, bool all)
{
    struct firsts firsts = {0};
    const int64_t now = clock_ms();
    const bool any = all || record_seen_next(sightings) == 0;
    int r = 0;
    for (struct sighting *s = sightings->by_path; r == 0 && any && s; s = s->hh.next) {
        if (s->settled || (s->due > now && !all))
            continue;
        r = look_at(rec, s);
        if (r == 0 && record_items_wait_for(waiting, s->file))
            s->due = now + LOOK_AGAIN_MS;
        else if (r == 0)
            r = settle(rec, sightings, s, &firsts);
    }
    r = r ?: settle_firsts(rec, &firsts);
    free(firsts.list);
    free(firsts.texts);
    return r;
}
