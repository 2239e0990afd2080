/* SPDX-License-Identifier: MIT */
/* Documents, or listings, that a caller needs all of: in flight together. */
#include <errno.h>

#include "base/clock.h"
#include "listing.h"
#include "remote/ahead/pipeline.h"
#include "remote/server_errors.h"

struct many {
    const struct wait *wait;
    int error;
};

static int wait_error(const struct wait *wait)
{
    if (wait->interrupted && wait->interrupted(wait->ctx))
        return -EINTR;
    return clock_ms() >= wait->deadline ? -EIO : 0;
}

static bool is_stopped(void *ctx)
{
    return wait_error(((const struct many *)ctx)->wait) < 0;
}

static void ending(void *ctx, const struct load *load)
{
    struct many *many = ctx;
    if (load->result == -EINTR) /* it was stopped, for either reason */
        many->error = wait_error(many->wait);
    else if (is_unanswered(load->result))
        many->error = load->result;
}

/* Loads it unless it is cached, or somebody does so already. 0, -ENOMEM. */
static int begin(struct pipeline *pipeline, const struct load_kind *kind, const char *path,
                 int64_t not_before)
{
    struct load *load;
    int r = load_new_ahead(kind, pipeline->remote, path, not_before, &load);
    return r == 0 && load ? pipeline_add(pipeline, load, 0) : r;
}

/* Others may be loading them, and began before. */
static int await(struct remote *remote, char *const *paths, size_t n, const struct wait *wait)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        DOCUMENT_AUTO *doc = NULL;
        if (cache_is_loading(remote->documents, paths[i]))
            r = without_answer(remote_document(remote, paths[i], DOCUMENT_ANY_AGE, wait, &doc));
    }
    return r;
}

static int load_all(struct remote *remote, const struct load_kind *kind, char *const *paths,
                    size_t n, int64_t not_before, const struct wait *wait)
{
    struct many many = {.wait = wait};
    struct pipeline pipeline = {.stopped = is_stopped, .ending = ending, .ctx = &many};
    int r = 0;
    pipeline_init(&pipeline, remote);
    for (size_t i = 0; i < n && r == 0 && many.error == 0; i++) {
        while (!pipeline_has_room(&pipeline) && (r = wait_error(wait)) == 0)
            pipeline_step(&pipeline);
        r = r ?: begin(&pipeline, kind, paths[i], not_before);
    }
    while (r == 0 && many.error == 0 && pipeline.slots && (r = wait_error(wait)) == 0)
        pipeline_step(&pipeline);
    pipeline_done(&pipeline);
    return r ?: many.error;
}

int remote_load_documents(struct remote *remote, char *const *paths, size_t n,
                          const struct wait *wait)
{
    return load_all(remote, &document_load_kind, paths, n, cache_not_before(DOCUMENT_ANY_AGE), wait)
               ?: await(remote, paths, n, wait);
}

int remote_load_listings(struct remote *remote, char *const *dirs, size_t n, int64_t max_age_ms,
                         const struct wait *wait)
{
    return load_all(remote, &listing_load_kind, dirs, n, cache_not_before(max_age_ms), wait);
}
