/* SPDX-License-Identifier: MIT */
/*
 * What is listed to measure the line is what a user asks for next who waits for this
 * (delay_connect), so where the server is far away it stays in the cache, as something that was
 * loaded ahead of its use. Of a long listing only the beginning is asked for, and nothing is kept.
 */
#include "compression.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/load.h"
#include "names/aliases.h"
#include "sftp/results.h"

enum {
    FAR_MS = 5,         /* round trip: nearer than that no line is thin */
    THIN = 2000 * 1000, /* bytes a second */
    ENOUGH = 8 << 10,   /* bytes to tell by */
    TIMES = 2,          /* it is measured, if it is thin */
    DIRECTORIES = 2,    /* below the root, which are listed where it is too short to tell */
};

struct measure {
    struct remote *remote;
    const struct wait *wait;
    int64_t round_trip_us; /* the shortest */
    int64_t us;            /* in which so many ... */
    uint64_t bytes;        /* ... came, besides the round trips */
};

/* Waits for the flight under way; the next step only takes what it brought, or asks for more. */
static void measure_flight(struct measure *m, const struct load *load, bool opens)
{
    const uint64_t before = sftp_received(m->remote->sftp);
    const int64_t begin = clock_us();
    if (sftp_wait(load->kind->last(load), m->wait) == -EINTR)
        return;
    const int64_t us = clock_us() - begin;
    if (opens) {
        m->round_trip_us = us < m->round_trip_us ? us : m->round_trip_us;
    } else {
        m->us += us > m->round_trip_us ? us - m->round_trip_us : 0;
        m->bytes += sftp_received(m->remote->sftp) - before;
    }
}

static void measure_directory(struct measure *m, const char *path)
{
    struct load *load;
    int r = load_new_ahead(&listing_measure_kind, m->remote, path, cache_not_before(0), &load);
    if (r < 0 || !load)
        return;
    bool more = load_step(load, m->wait);
    for (bool opens = true; more; opens = false) {
        measure_flight(m, load, opens);
        more = load_step(load, m->wait);
    }
    load_end(load, m->wait);
}

/* The first directories of the root, if it is known. */
static void measure_below(struct measure *m)
{
    LISTING_AUTO *root = (struct listing *)cache_peek(m->remote->listings, "", NULL);
    unsigned measured = 0;
    for (size_t i = 0; root && i < root->n && measured < DIRECTORIES && m->bytes < ENOUGH; i++) {
        const struct listing_entry *e = &root->entries[i];
        if (S_ISDIR(e->attrs.mode) && !aliases_is_nas(e->name)) {
            measure_directory(m, e->name);
            measured++;
        }
    }
}

static bool seems_thin(struct remote *remote, const struct wait *wait)
{
    /* The first trip of a listing is a long one where this machine is busy. */
    const int64_t least_ms = sftp_least_trip_ms(remote->sftp);
    const int64_t known_us = least_ms < 0 ? INT64_MAX : (least_ms + 1) * 1000;
    struct measure m = {.remote = remote, .wait = wait, .round_trip_us = known_us};
    measure_directory(&m, "");
    measure_below(&m);
    log_debug("%llu bytes of a listing took %lld us", (unsigned long long)m.bytes, (long long)m.us);
    const bool far = m.round_trip_us >= FAR_MS * 1000;
    if (!far)
        cache_drop_below(remote->listings, "");
    return far && m.bytes >= ENOUGH && m.bytes * 1000000 < (uint64_t)m.us * THIN;
}

/* A delay of the server's, or of ours, comes once. */
static bool is_thin(struct remote *remote, const struct wait *wait)
{
    bool thin = true;
    for (int i = 0; thin && i < TIMES; i++)
        thin = seems_thin(remote, wait);
    return thin;
}

void compress_if_thin(struct remote *remote, const struct wait *wait)
{
    const struct remote_options *o = &remote->options;
    if (!o->compress || sftp_round_trip_ms(remote->sftp) < FAR_MS || !is_thin(remote, wait))
        return;
    atomic_store(&remote->is_thin, true);
    if (o->compress(o->connect_ctx))
        sftp_renew(remote->sftp, wait);
}
