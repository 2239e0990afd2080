/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* One step; true while another one is due. */
static bool advance(struct load *load, const struct wait *wait)
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
        while (advance(load, wait))
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

void load_run_all(struct load **loads, size_t n, const struct wait *wait)
{
    for (size_t i = 0; i < n; i++)
        loads[i]->kind->restart(loads[i]);
    for (size_t left = n; left > 0;) {
        for (size_t i = 0; i < n; i++) {
            if (!loads[i] || advance(loads[i], wait))
                continue;
            /* At once: a user may wait for it. */
            if (loads[i]->result == -ENOTCONN)
                loads[i]->result = -EINTR; /* no answer, and no error: who waits for it loads it */
            finish(loads[i], wait);
            load_free(loads[i]);
            loads[i] = NULL;
            left--;
        }
    }
}
