/* SPDX-License-Identifier: MIT */
#include "compression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "call_group.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    FAR_MS = 5,         /* round trip: nearer than that no line is thin */
    THIN = 2000 * 1000, /* bytes a second */
    ENOUGH = 8 << 10,   /* bytes to tell by */
    ENTRY = 100,        /* bytes of an entry besides its name, which comes twice */
    TIMES = 2,          /* it is measured, if it is thin */
    READDIRS = 4,       /* in the last flight */
    DIRECTORIES = 2,    /* below the root, which are listed where it is too short to tell */
};

struct measure {
    struct remote *remote;
    const struct wait *wait;
    int64_t round_trip_us;    /* the shortest */
    int64_t us;               /* in which so many ... */
    uint64_t bytes;           /* ... came, besides the round trips */
    char *below[DIRECTORIES]; /* the first directories of the root, as the server's paths */
    size_t n_below;
};

/* What an answer holds, and which directories it names. 0, or what the answer is. */
static int take_names(struct measure *m, const char *dir, struct sftp_call *call, uint64_t *bytes)
{
    int r = sftp_wait(call, m->wait);
    size_t n = 0;
    const struct sftp_name *names = r == 0 ? sftp_call_names(call, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        *bytes += ENTRY + 2 * strlen(names[i].name);
        if (S_ISDIR(names[i].attrs.mode) && m->n_below < DIRECTORIES &&
            asprintf(&m->below[m->n_below], "%s/%s", dir[1] ? dir : "", names[i].name) >= 0)
            m->n_below++;
    }
    return r;
}

/* Asks for so many answers at once. 0; -ENODATA after the last one; -errno. */
static int measure_flight(struct measure *m, const char *dir, const struct sftp_handle *handle,
                          size_t answers)
{
    struct flight flight = {0};
    uint64_t bytes = 0;
    const int64_t begin = clock_us();
    for (size_t i = 0; i < answers; i++)
        flight_add(&flight, sftp_readdir(m->remote->sftp, handle));
    int r = flight.error;
    for (size_t i = 0; r == 0 && i < flight.n; i++)
        r = take_names(m, dir, flight.calls[i], &bytes);
    const int64_t us = clock_us() - begin - m->round_trip_us;
    flight_done(&flight);
    if (r == 0 || r == -ENODATA) {
        m->us += us > 0 ? us : 0;
        m->bytes += bytes;
    }
    return r;
}

static int measure_directory(struct measure *m, const char *dir)
{
    const int64_t begin = clock_us();
    SFTP_CALL_AUTO *open = sftp_opendir(m->remote->sftp, dir);
    int r = sftp_wait(open, m->wait);
    const int64_t us = clock_us() - begin;
    if (r < 0)
        return r;
    if (us < m->round_trip_us)
        m->round_trip_us = us;
    for (size_t answers = 1; r == 0 && answers <= READDIRS; answers *= 2)
        r = measure_flight(m, dir, sftp_call_handle(open), answers);
    sftp_forget(sftp_close(m->remote->sftp, sftp_call_handle(open)));
    return r;
}

static bool seems_thin(struct remote *remote, const struct wait *wait)
{
    struct measure m = {.remote = remote, .wait = wait, .round_trip_us = INT64_MAX};
    measure_directory(&m, remote->root[0] ? remote->root : "/");
    for (size_t i = 0; m.bytes < ENOUGH && i < m.n_below; i++)
        measure_directory(&m, m.below[i]);
    for (size_t i = 0; i < m.n_below; i++)
        free(m.below[i]);
    log_debug("%llu bytes of a listing took %lld us", (unsigned long long)m.bytes, (long long)m.us);
    return m.round_trip_us >= FAR_MS * 1000 && m.bytes >= ENOUGH &&
           m.bytes * 1000000 < (uint64_t)m.us * THIN;
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
    if (o->compress && sftp_round_trip_ms(remote->sftp) >= FAR_MS && is_thin(remote, wait) &&
        o->compress(o->connect_ctx))
        sftp_renew(remote->sftp, wait);
}
