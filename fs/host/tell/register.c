/* SPDX-License-Identifier: MIT */
#include "register.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "host/facts/parse.h"
#include "reload.h"
#include "remote/names/paths.h"
#include "vim_cmd.h"

/* What the host lists, asked now. */
static int list(struct host *host, const struct wait *wait, const struct host_facts **ret,
                struct diag *why)
{
    int r = host_facts(host, 0, wait, ret);
    if (r < 0 || (*ret)->vms_known)
        return r;
    diag_set(why, "the host does not list its VMs");
    host_facts_unref(*ret);
    return -EREMOTEIO;
}

/* ret_id: of an invalid entry. */
static int find(struct host *host, const char *path, const struct wait *wait,
                enum host_registration *ret, unsigned long *ret_id, struct diag *why)
{
    const struct host_facts *facts = NULL;
    int r = list(host, wait, &facts, why);
    if (r < 0)
        return r;
    const struct host_vm *invalid = host_facts_invalid(facts, path);
    *ret = host_facts_vm(facts, path) ? HOST_REGISTERED
           : invalid                  ? HOST_INVALID
                                      : HOST_NOT_REGISTERED;
    *ret_id = invalid ? invalid->id : 0;
    host_facts_unref(facts);
    return 0;
}

int host_registered(struct host *host, const char *path, const struct wait *wait,
                    enum host_registration *ret, struct diag *why)
{
    unsigned long id;
    return find(host, path, wait, ret, &id, why);
}

/* -EREMOTEIO: it failed, and said so; -EIO: the connection was lost, and it is not known. */
static int unregister(struct host *host, unsigned long id, const struct wait *wait,
                      struct diag *why)
{
    char text[24];
    snprintf(text, sizeof(text), "%lu", id);
    const char *const words[] = {"vim-cmd", "vmsvc/unregister", text, NULL};
    return host_command(host, words, wait, NULL, why);
}

/* Whether an id is that of an invalid VM. */
static int is_invalid(struct host *host, unsigned long id, const struct wait *wait, bool *ret,
                      struct diag *why)
{
    const struct host_facts *facts = NULL;
    int r = list(host, wait, &facts, why);
    if (r < 0)
        return r;
    *ret = false;
    for (size_t i = 0; i < facts->n_vms; i++)
        *ret = *ret || (facts->vms[i].id == id && !facts->vms[i].valid);
    host_facts_unref(facts);
    return 0;
}

/* An invalid entry of the same .vmx is in the way, and goes. */
static int enter(struct host *host, const char *full, const struct wait *wait, struct diag *why)
{
    const char *const words[] = {"vim-cmd", "solo/registervm", full, NULL};
    BUF_AUTO said = {0};
    unsigned long id = 0;
    bool invalid = false;
    struct diag asked = {0};
    int r = host_command(host, words, wait, &said, why);
    if (r != -EREMOTEIO || parse_exists(buf_span(&said), &id) < 0 ||
        is_invalid(host, id, wait, &invalid, &asked) < 0 || !invalid)
        return r;
    return unregister(host, id, wait, why) ?: host_command(host, words, wait, NULL, why);
}

static int drop(struct host *host, const char *path, unsigned long invalid, const struct wait *wait,
                struct diag *why)
{
    char text[24];
    unsigned long id = invalid;
    if (!invalid) {
        int r = host_vm_off(host, path, wait, text, "; power it off first", why);
        if (r < 0)
            return r;
        id = strtoul(text, NULL, 10);
    }
    return unregister(host, id, wait, why);
}

int host_register(struct host *host, const char *path, bool on, const struct wait *wait,
                  struct diag *why)
{
    const enum host_registration wanted = on ? HOST_REGISTERED : HOST_NOT_REGISTERED;
    enum host_registration is = HOST_NOT_REGISTERED;
    unsigned long invalid = 0;
    FREE_AUTO char *full = remote_path(host->remote, path);
    int r = full ? host_begin(host, wait) : -ENOMEM;
    if (r < 0)
        return r;
    r = find(host, path, wait, &is, &invalid, why);
    if (r == 0 && is != wanted) {
        r = on ? enter(host, full, wait, why) : drop(host, path, invalid, wait, why);
        host_outdate(host, false);
        /* The answer was lost, and perhaps nothing else was. */
        if (r == -EIO && clock_ms() < wait->deadline &&
            find(host, path, wait, &is, &invalid, why) == 0 && is == wanted)
            r = 0;
    }
    if (r == 0 && !on)
        reload_forget(host, path);
    host_done(host);
    return r;
}

int host_unregister_id(struct host *host, unsigned long id, const struct wait *wait,
                       struct diag *why)
{
    bool invalid = false;
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    r = is_invalid(host, id, wait, &invalid, why);
    if (r == 0 && !invalid)
        r = diag_set(why,
                     "%lu is not the id of an invalid VM; a VM that is valid is taken off by "
                     "writing 0 to its .vmxfs/registered",
                     id);
    r = r ?: unregister(host, id, wait, why);
    host_outdate(host, false);
    host_done(host);
    return r;
}
