/* SPDX-License-Identifier: MIT */
#include "sightings.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

struct sighting *sightings_find(const struct sightings *sightings, const char *path)
{
    struct sighting *s;
    HASH_FIND_STR(sightings->by_path, path, s);
    return s;
}

bool sighting_is_after(const struct sighting *s, int64_t ms)
{
    return s->last_ms > ms && s->last_ms <= clock_wall_ms();
}

static void sighting_free(struct sighting *s)
{
    free(s->path);
    free(s->file);
    buf_done(&s->text);
    buf_done(&s->hidden);
    free(s);
}

void sightings_drop(struct sightings *sightings, struct sighting *sighting)
{
    HASH_DEL(sightings->by_path, sighting);
    sightings->bytes -= sighting->text.len;
    sighting_free(sighting);
}

static void hasten(struct sightings *sightings)
{
    const int64_t now = clock_ms();
    size_t bytes = sightings->bytes;
    for (struct sighting *s = sightings->by_path; s && bytes > SIGHTINGS_BYTES; s = s->hh.next) {
        s->due = s->due < now ? s->due : now;
        bytes -= s->text.len;
    }
}

int sightings_see(struct sightings *sightings, const char *path, bool gone, struct buf *text,
                  int64_t read_ms)
{
    struct sighting *old = sightings_find(sightings, path);
    if (old && old->gone == gone && span_eq(buf_span(&old->text), buf_span(text))) {
        if (!sighting_is_after(old, read_ms))
            old->last_ms = read_ms;
        return 0;
    }
    if (old && sighting_is_after(old, read_ms))
        return 0; /* read before that one */
    struct sighting *s = calloc(1, sizeof(*s));
    if (!s || !(s->path = strdup(path))) {
        free(s);
        return -ENOMEM;
    }
    s->gone = gone;
    s->text = *text;
    *text = (struct buf){0};
    s->first_ms = s->last_ms = read_ms;
    s->due = clock_ms() + SIGHTINGS_MS;
    if (old)
        sightings_drop(sightings, old);
    HASH_ADD_KEYPTR(hh, sightings->by_path, s->path, strlen(s->path), s);
    if (!s->hh.tbl) {
        sighting_free(s);
        return -ENOMEM;
    }
    sightings->bytes += s->text.len;
    hasten(sightings);
    return 0;
}

void sightings_end(struct sightings *sightings, bool recorded)
{
    struct sighting *s;
    struct sighting *next;
    HASH_ITER (hh, sightings->by_path, s, next) {
        if (s->settled && recorded)
            sightings_drop(sightings, s);
        else
            s->settled = false;
    }
}

void sightings_done(struct sightings *sightings)
{
    struct sighting *s;
    struct sighting *next;
    HASH_ITER (hh, sightings->by_path, s, next)
        sightings_drop(sightings, s);
}
