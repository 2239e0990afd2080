/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int load_new(const struct load_kind *kind, struct remote *remote, struct cache *cache,
             const char *path, const struct cache_ticket *ticket, struct cached *known,
             struct load **ret)
{
    struct load *load = calloc(1, kind->size);
    if (load) {
        *load = (struct load){.kind = kind,
                              .remote = remote,
                              .cache = cache,
                              .ticket = *ticket,
                              .path = strdup(path),
                              .full = remote_path(remote, path),
                              .known = known,
                              .result = 1};
        if (load->path && load->full) {
            *ret = load;
            return 0;
        }
        load_free(load);
    } else {
        cached_unref(known);
    }
    cache_end(cache, ticket, NULL, -EINTR);
    return -ENOMEM;
}

bool load_step(struct load *load, const struct wait *wait)
{
    if (load->result == 1)
        load->result = load->kind->step(load, wait);
    return load->result == 1;
}

static void finish(struct load *load, const struct wait *wait)
{
    if (load->result < 0)
        load->result = load->kind->explain(load, wait, load->result);
    int r = load->result;
    cache_end(load->cache, &load->ticket, r == 0 ? load->made : NULL, r);
    if (load->kind->loaded && r != -EINTR && r != -EIO)
        load->kind->loaded(load);
}

int load_run(struct load *load, const struct wait *wait, struct cached **ret,
             struct cached **ret_known)
{
    do {
        load->kind->restart(load);
        load->result = 1;
        while (load_step(load, wait))
            ;
    } while (remote_again(load->remote, wait, &load->result));
    finish(load, wait);
    int r = load->result;
    if (r == 0)
        *ret = cached_ref(load->made);
    if (ret_known)
        *ret_known = cached_ref(load->known);
    load_free(load);
    return r;
}

void load_begin(struct load *load, const struct wait *wait)
{
    load->kind->restart(load);
    load_step(load, wait);
}

struct sftp_call *load_last(const struct load *load)
{
    return load->kind->last(load);
}

void load_end(struct load *load, const struct wait *wait)
{
    /* No answer, and no error: who waits for it loads it. */
    if (load->result == 1 || load->result == -ENOTCONN)
        load->result = -EINTR;
    finish(load, wait);
    load_free(load);
}
