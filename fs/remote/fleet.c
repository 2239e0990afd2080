/* SPDX-License-Identifier: MIT */
/*
 * OpenSSH answers in order, so that the vessel whose flight was sent first is the one to wait for.
 * Other servers may not: after a while all are looked at, and another one is waited for.
 */
#include "fleet.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "sftp/progress.h"

enum {
    /* The rest of what the engine has under way is for users, and for closes. */
    REQUESTS_MAX = SFTP_UNDER_WAY_MAX * 3 / 4,
    REQUESTS_FIRST = 128,
    REQUESTS_OF_A_LOAD = 2, /* in one flight of a document or a small listing */
    HANDLES_MAX = 512,
    HANDLES_UNKNOWN = 64, /* where the server does not say what it can */
    PATIENCE_MS = 100,
};

struct vessel {
    struct vessel *prev, *next;
    struct load *load;
    bool opens; /* a handle; else it is one LSTAT, as far as can be known */
    size_t bytes;
    int64_t deadline;
    int64_t asked_at; /* the flight under way */
};

struct look {
    const struct fleet *fleet;
    int64_t until;
};

void fleet_init(struct fleet *fleet, struct remote *remote)
{
    fleet->remote = remote;
    window_init(&fleet->window, REQUESTS_FIRST, REQUESTS_MAX);
}

static unsigned handles_max(const struct fleet *fleet)
{
    uint64_t max = sftp_features(fleet->remote->sftp).max_handles;
    if (max == 0)
        return HANDLES_UNKNOWN;
    return max / 2 < HANDLES_MAX ? (unsigned)(max / 2) : HANDLES_MAX;
}

bool fleet_has_room(const struct fleet *fleet)
{
    if (!fleet->vessels)
        return true;
    return !fleet->is_held_up && fleet->requests + REQUESTS_OF_A_LOAD <= fleet->window.size &&
           fleet->handles < handles_max(fleet);
}

static void count(struct fleet *fleet, const struct vessel *v)
{
    fleet->requests += v->opens ? REQUESTS_OF_A_LOAD : 1;
    fleet->handles += v->opens;
    fleet->bytes += v->bytes;
}

static void discount(struct fleet *fleet, const struct vessel *v)
{
    fleet->requests -= v->opens ? REQUESTS_OF_A_LOAD : 1;
    fleet->handles -= v->opens;
    fleet->bytes -= v->bytes;
}

static void end(struct fleet *fleet, struct vessel *v)
{
    const struct wait wait = {
        .deadline = v->deadline, .interrupted = fleet->stopped, .ctx = fleet->ctx};
    discount(fleet, v);
    DL_DELETE(fleet->vessels, v);
    fleet->ending(fleet->ctx, v->load);
    load_end(v->load, &wait);
    free(v);
}

void fleet_done(struct fleet *fleet)
{
    while (fleet->vessels)
        end(fleet, fleet->vessels);
}

void fleet_add(struct fleet *fleet, struct load *load, size_t bytes)
{
    const struct wait no_wait = {0};
    struct vessel *v = calloc(1, sizeof(*v));
    if (!v) {
        load_end(load, &no_wait);
        return;
    }
    v->load = load;
    v->bytes = bytes;
    v->asked_at = clock_ms();
    v->deadline = v->asked_at + fleet->remote->options.timeout_ms;
    load_begin(load, &no_wait);
    v->opens = !load->is_glance;
    DL_APPEND(fleet->vessels, v);
    count(fleet, v);
}

/* One step of a load that has been answered, or whose time is over. */
static void take_on(struct fleet *fleet, struct vessel *v, int64_t now)
{
    const struct wait wait = {
        .deadline = v->deadline, .interrupted = fleet->stopped, .ctx = fleet->ctx};
    bool more = load_step(v->load, &wait);
    int r = v->load->result;
    if (r != -ENOTCONN && r != -EIO && r != -EINTR)
        window_answered(&fleet->window, v->asked_at, fleet->requests, now);
    if (!more) {
        end(fleet, v);
        return;
    }
    v->asked_at = now;
    DL_DELETE(fleet->vessels, v);
    DL_APPEND(fleet->vessels, v);
}

static bool take_on_all(struct fleet *fleet)
{
    struct vessel *v;
    struct vessel *next;
    struct vessel *end_of_round = fleet->vessels ? fleet->vessels->prev : NULL;
    bool any = false;
    DL_FOREACH_SAFE(fleet->vessels, v, next)
    {
        int64_t now = clock_ms();
        bool last = v == end_of_round;
        if (now >= v->deadline || sftp_call_has_ended(load_last(v->load))) {
            any = true;
            take_on(fleet, v, now);
        }
        if (last)
            break;
    }
    return any;
}

static bool has_looked_long(void *look)
{
    const struct look *l = look;
    return clock_ms() >= l->until || l->fleet->stopped(l->fleet->ctx);
}

void fleet_step(struct fleet *fleet)
{
    struct vessel *oldest = fleet->vessels;
    if (!oldest)
        return;
    struct look look = {fleet, clock_ms() + PATIENCE_MS};
    const struct wait wait = {
        .deadline = oldest->deadline, .interrupted = has_looked_long, .ctx = &look};
    int r = sftp_wait(load_last(oldest->load), &wait);
    fleet->is_held_up = sftp_unsent(fleet->remote->sftp) > 0;
    if (!take_on_all(fleet) && r == -EINTR && fleet->vessels == oldest) {
        DL_DELETE(fleet->vessels, oldest);
        DL_APPEND(fleet->vessels, oldest);
    }
}
