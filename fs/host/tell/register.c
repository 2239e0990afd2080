/* SPDX-License-Identifier: MIT */
/* Which VMs the host is to know. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "host/facts/parse.h"
#include "reload.h"
#include "remote/names/paths.h"
#include "vim_cmd.h"

int host_registered(struct host *host, const char *path, const struct wait *wait, bool *ret,
                    struct diag *why)
{
    const struct host_facts *facts = NULL;
    int r = host_facts(host, 0, wait, &facts);
    if (r == 0 && !facts->vms_known) {
        diag_set(why, "the host does not list its VMs");
        r = -EREMOTEIO;
    }
    if (r == 0)
        *ret = host_facts_vm(facts, path) != NULL;
    host_facts_unref(facts);
    return r;
}

/* -EREMOTEIO: it failed, and said so; -EIO: the connection was lost, and it is not known. */
static int unregister(struct host *host, const char *id, const struct wait *wait, struct diag *why)
{
    const char *const words[] = {"vim-cmd", "vmsvc/unregister", id, NULL};
    return host_command(host, words, wait, NULL, why);
}

/* Whether an id is that of a VM of which the host can tell nothing else. */
static bool is_invalid(struct host *host, unsigned long id, const struct wait *wait)
{
    const struct host_facts *facts = NULL;
    bool is = false;
    if (host_facts(host, 0, wait, &facts) < 0)
        return false;
    for (size_t i = 0; i < facts->n_vms && !is; i++)
        is = facts->vms[i].id == id && !facts->vms[i].valid;
    host_facts_unref(facts);
    return is;
}

/* An invalid entry of the same .vmx is in the way, and goes. */
static int enter(struct host *host, const char *full, const struct wait *wait, struct diag *why)
{
    const char *const words[] = {"vim-cmd", "solo/registervm", full, NULL};
    BUF_AUTO said = {0};
    unsigned long id = 0;
    char text[24];
    int r = host_command(host, words, wait, &said, why);
    if (r != -EREMOTEIO || parse_exists(buf_span(&said), &id) < 0 || !is_invalid(host, id, wait))
        return r;
    snprintf(text, sizeof(text), "%lu", id);
    return unregister(host, text, wait, why) ?: host_command(host, words, wait, NULL, why);
}

static int drop(struct host *host, const char *path, const struct wait *wait, struct diag *why)
{
    char id[24];
    return host_vm_off(host, path, wait, id, "; power it off first", why)
               ?: unregister(host, id, wait, why);
}

int host_register(struct host *host, const char *path, bool on, const struct wait *wait,
                  struct diag *why)
{
    bool is = false;
    FREE_AUTO char *full = remote_path(host->remote, path);
    int r = full ? host_begin(host, wait) : -ENOMEM;
    if (r < 0)
        return r;
    r = host_registered(host, path, wait, &is, why);
    if (r == 0 && is != on) {
        r = on ? enter(host, full, wait, why) : drop(host, path, wait, why);
        host_outdate(host, false);
        /* The answer was lost, and perhaps nothing else was. */
        if (r == -EIO && clock_ms() < wait->deadline &&
            host_registered(host, path, wait, &is, why) == 0 && is == on)
            r = 0;
    }
    if (r == 0 && !on)
        reload_forget(host, path);
    host_done(host);
    return r;
}
