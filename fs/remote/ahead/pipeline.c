/* SPDX-License-Identifier: MIT */
/*
 * OpenSSH answers in order, so that the slot whose flight was sent first is the one to wait for.
 * Other servers may not: after a while all are looked at, and another one is waited for.
 */
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    /* The rest of what the engine has under way is for users, and for closes. */
    REQUESTS_MAX = SFTP_UNDER_WAY_MAX * 3 / 4,
    REQUESTS_FIRST = 128,
    REQUESTS_OF_A_LOAD = 2, /* in one flight of a document or a small listing */
    HANDLES_MAX = 2048,
    HANDLES_UNKNOWN = 64, /* where the server does not say what it can */
    PATIENCE_MS = 100,
};

struct slot {
    struct slot *prev, *next;
    struct load *load;
    bool opens; /* a handle; else it is one LSTAT, as far as can be known */
    size_t bytes;
    int64_t deadline;
    int64_t asked_at; /* the flight under way */
};

struct look {
    const struct pipeline *pipeline;
    int64_t until;
};

void pipeline_init(struct pipeline *pipeline, struct remote *remote)
{
    pipeline->remote = remote;
    window_init(&pipeline->window, REQUESTS_FIRST, REQUESTS_MAX);
}

static unsigned handles_max(const struct pipeline *pipeline)
{
    uint64_t max = sftp_features(pipeline->remote->sftp).max_handles;
    if (max == 0)
        return HANDLES_UNKNOWN;
    return max / 2 < HANDLES_MAX ? (unsigned)(max / 2) : HANDLES_MAX;
}

bool pipeline_has_room(const struct pipeline *pipeline)
{
    if (!pipeline->slots)
        return true;
    return !pipeline->is_held_up &&
           pipeline->requests + REQUESTS_OF_A_LOAD <= pipeline->window.size &&
           pipeline->handles < handles_max(pipeline);
}

static size_t *bytes_like(struct pipeline *pipeline, const struct slot *slot)
{
    return slot->load->kind == &document_load_kind ? &pipeline->document_bytes
                                                   : &pipeline->listing_bytes;
}

static void count(struct pipeline *pipeline, const struct slot *slot)
{
    pipeline->loads++;
    pipeline->requests += slot->opens ? REQUESTS_OF_A_LOAD : 1;
    pipeline->handles += slot->opens;
    *bytes_like(pipeline, slot) += slot->bytes;
}

static void discount(struct pipeline *pipeline, const struct slot *slot)
{
    pipeline->loads--;
    pipeline->requests -= slot->opens ? REQUESTS_OF_A_LOAD : 1;
    pipeline->handles -= slot->opens;
    *bytes_like(pipeline, slot) -= slot->bytes;
}

static void end(struct pipeline *pipeline, struct slot *slot)
{
    const struct wait wait = {
        .deadline = slot->deadline, .interrupted = pipeline->stopped, .ctx = pipeline->ctx};
    discount(pipeline, slot);
    DL_DELETE(pipeline->slots, slot);
    pipeline->ending(pipeline->ctx, slot->load);
    load_end(slot->load, &wait);
    free(slot);
}

void pipeline_done(struct pipeline *pipeline)
{
    while (pipeline->slots)
        end(pipeline, pipeline->slots);
}

int pipeline_add(struct pipeline *pipeline, struct load *load, size_t bytes)
{
    const struct wait no_wait = {0};
    struct slot *slot = calloc(1, sizeof(*slot));
    if (!slot) {
        load_end(load, &no_wait);
        return -ENOMEM;
    }
    slot->load = load;
    slot->bytes = bytes;
    slot->asked_at = clock_ms();
    slot->deadline = slot->asked_at + pipeline->remote->options.timeout_ms;
    load_step(load, &no_wait);
    slot->opens = !load->is_glance;
    DL_APPEND(pipeline->slots, slot);
    count(pipeline, slot);
    return 0;
}

/* One step of a load that has been answered, or whose time is over. */
static void take_on(struct pipeline *pipeline, struct slot *slot, int64_t now)
{
    const struct wait wait = {
        .deadline = slot->deadline, .interrupted = pipeline->stopped, .ctx = pipeline->ctx};
    bool more = load_step(slot->load, &wait);
    int r = slot->load->result;
    if (r != -ENOTCONN && r != -EIO && r != -EINTR)
        window_answered(&pipeline->window, slot->asked_at, pipeline->requests, now);
    if (!more) {
        end(pipeline, slot);
        return;
    }
    slot->asked_at = now;
    DL_DELETE(pipeline->slots, slot);
    DL_APPEND(pipeline->slots, slot);
}

static bool take_on_all(struct pipeline *pipeline)
{
    struct slot *slot;
    struct slot *next;
    struct slot *end_of_round = pipeline->slots ? pipeline->slots->prev : NULL;
    bool any = false;
    DL_FOREACH_SAFE(pipeline->slots, slot, next)
    {
        int64_t now = clock_ms();
        bool last = slot == end_of_round;
        if (now >= slot->deadline || sftp_call_has_ended(slot->load->kind->last(slot->load))) {
            any = true;
            take_on(pipeline, slot, now);
        }
        if (last)
            break;
    }
    return any;
}

static bool has_looked_long(void *look)
{
    const struct look *l = look;
    return clock_ms() >= l->until || l->pipeline->stopped(l->pipeline->ctx);
}

void pipeline_step(struct pipeline *pipeline)
{
    struct slot *oldest = pipeline->slots;
    if (!oldest)
        return;
    struct look look = {pipeline, clock_ms() + PATIENCE_MS};
    const struct wait wait = {
        .deadline = oldest->deadline, .interrupted = has_looked_long, .ctx = &look};
    int r = sftp_wait(oldest->load->kind->last(oldest->load), &wait);
    pipeline->is_held_up = sftp_unsent(pipeline->remote->sftp) > 0;
    if (!take_on_all(pipeline) && r == -EINTR && pipeline->slots == oldest) {
        DL_DELETE(pipeline->slots, oldest);
        DL_APPEND(pipeline->slots, oldest);
    }
}
