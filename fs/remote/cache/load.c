/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "remote/names/inaccessible.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"

static void load_free(struct load *load)
{
    load->kind->restart(load);
    cached_unref(load->known);
    cached_unref(load->made);
    free(load->path);
    free(load->full);
    free(load);
}

static struct cache *cache_of(const struct load_kind *kind, const struct remote *remote)
{
    return kind == &document_load_kind ? remote->documents : remote->listings;
}

/* -ENOMEM: the ticket is ended. */
static int load_new(const struct load_kind *kind, struct remote *remote, const char *path,
                    const struct cache_ticket *ticket, struct cached *known, struct load **ret)
{
    struct load *load = calloc(1, kind->size);
    if (load) {
        *load = (struct load){.kind = kind,
                              .remote = remote,
                              .ticket = *ticket,
                              .path = strdup(path),
                              .full = remote_path(remote, path),
                              .known = cached_ref(known),
                              .result = 1};
        kind->restart(load);
        if (load->path && load->full) {
            *ret = load;
            return 0;
        }
        load_free(load);
    }
    cache_end(cache_of(kind, remote), ticket, NULL, -EINTR);
    return -ENOMEM;
}

bool load_step(struct load *load, const struct wait *wait)
{
    if (load->result == 1)
        load->result = load->step(load, wait);
    return load->result == 1;
}

static int finish(struct load *load, const struct wait *wait)
{
    const struct load_kind *kind = load->kind;
    int r = load->result;
    if (r < 0 && kind->explain)
        r = kind->explain(load, wait, r);
    if (r == -EREMOTEIO || r == -EAGAIN)
        r = -EIO;
    cache_end(cache_of(kind, load->remote), &load->ticket, r == 0 ? load->made : NULL, r);
    if (kind->loaded && r != -EINTR && r != -EIO)
        kind->loaded(load);
    return r;
}

int load_run(const struct load_kind *kind, struct remote *remote, const char *path,
             const struct cache_ticket *ticket, const struct wait *wait, struct cached **object)
{
    struct load *load;
    int r = load_new(kind, remote, path, ticket, *object, &load);
    if (r < 0)
        return r;
    do {
        kind->restart(load);
        load->result = 1;
        while (load_step(load, wait))
            ;
    } while (remote_again(remote, wait, &load->result));
    r = finish(load, wait);
    if (r == 0) {
        cached_unref(*object);
        *object = cached_ref(load->made);
    }
    load_free(load);
    return r;
}

int load_new_ahead(const struct load_kind *kind, struct remote *remote, const char *path,
                   int64_t not_before, struct load **ret)
{
    struct cached *known;
    struct cache_ticket ticket;
    *ret = NULL;
    if (remote_check_accessible(remote, path) < 0 ||
        !cache_try_begin(cache_of(kind, remote), path, not_before, &known, &ticket))
        return 0;
    int r = load_new(kind, remote, path, &ticket, known, ret);
    cached_unref(known);
    return r;
}

void load_end(struct load *load, const struct wait *wait)
{
    /* No answer, and no error: a thread that waits for it loads it. */
    if (load->result == 1 || load->result == -ENOTCONN)
        load->result = -EINTR;
    finish(load, wait);
    load_free(load);
}
