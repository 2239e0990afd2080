/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdlib.h>

int load_init(struct load *load, struct remote *remote, struct cache *cache, const char *path,
              const struct cache_ticket *ticket, struct cached *known)
{
    load->remote = remote;
    load->cache = cache;
    load->ticket = *ticket;
    load->known = known;
    load->full = remote_path(remote, path);
    load->result = 1;
    return load->full ? 0 : -ENOMEM;
}

void load_done(struct load *load)
{
    cached_unref(load->known);
    cached_unref(load->made);
    free(load->full);
}

/* One step; true while another one is due. */
static bool advance(struct load *load, const struct wait *wait)
{
    if (load->result == 1)
        load->result = load->step(load, wait);
    return load->result == 1;
}

static void finish(struct load *load, const struct wait *wait)
{
    if (load->result < 0)
        load->result = load->explain(load, wait, load->result);
    int r = load->result;
    cache_end(load->cache, &load->ticket, r == 0 ? load->made : NULL, r);
    if (r != -EINTR && r != -EIO)
        load->loaded(load);
}

int load_run(struct load *load, const struct wait *wait, struct cached **ret,
             struct cached **ret_known)
{
    do {
        load->restart(load);
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
    load->free(load);
    return r;
}

void load_run_all(struct load **loads, size_t n, const struct wait *wait)
{
    for (size_t i = 0; i < n; i++)
        loads[i]->restart(loads[i]);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n; i++)
            more |= advance(loads[i], wait);
    }
    for (size_t i = 0; i < n; i++) {
        if (loads[i]->result == -ENOTCONN)
            loads[i]->result = -EINTR; /* no answer, and no error: who waits for it loads it */
        finish(loads[i], wait);
        loads[i]->free(loads[i]);
    }
}
