/* SPDX-License-Identifier: MIT */
/* The facts that are known of the host: one thread asks, and the others wait for its answer. */
#include "facts_cache.h"

#include <errno.h>

#include "base/clock.h"
#include "collect.h"
#include "stores.h"

enum {
    SILENT_MS = 30 * 1000, /* so long a caller that can do without does not wait again */
    HALF_MAX_MS = 10 * 1000,
};

/* Drops the lock while it waits: what is known may be another thing then. */
static int begin_asking_locked(struct host *host, const struct wait *wait) REQUIRES(&host->lock)
{
    lock_drop(&host->lock);
    int r = turn_take(&host->asking, wait);
    lock_take(&host->lock);
    return r;
}

static void end_asking_locked(struct host *host, int r, const struct diag *why)
    REQUIRES(&host->lock)
{
    host->asked_at = clock_ms();
    host->silent = r == -EINTR ? host->silent : r < 0;
    if (r == -EOPNOTSUPP)
        host->kind = HOST_NONE;
    if (r == 0)
        host->why.text[0] = '\0';
    bool plain = r == -EOPNOTSUPP && !why->text[0]; /* a server without datastores */
    if (r < 0 && r != -EINTR && !plain)
        diag_set(&host->why, "%s", why->text[0] ? why->text : strerror(-r));
    turn_give(&host->asking);
}

int host_identify_locked(struct host *host, int up_to, const struct wait *wait)
{
    int r = 0;
    if (!host->options.connect)
        host->kind = HOST_NONE;
    while (r == 0 && (int)host->kind < up_to) {
        struct diag why = {0};
        r = begin_asking_locked(host, wait);
        if (r < 0)
            return r;
        int kind = (int)host->kind;
        if (kind < up_to) {
            lock_drop(&host->lock);
            r = kind == HOST_NOT_KNOWN ? ask_volumes(host, wait) : ask_who(host, wait, &why);
            lock_take(&host->lock);
            if (r == 0)
                host->kind = kind == HOST_NOT_KNOWN ? HOST_POSSIBLE : HOST_THERE;
        }
        end_asking_locked(host, r, &why);
    }
    return r == 0 && host->kind == HOST_NONE ? -EOPNOTSUPP : r;
}

static bool is_known_locked(const struct host *host, int64_t since) REQUIRES(&host->lock)
{
    return host->facts && host->facts->at >= since;
}

static int refresh_locked(struct host *host, int64_t since, const struct wait *wait)
    REQUIRES(&host->lock)
{
    const struct host_facts *facts = NULL;
    struct diag why = {0};
    int r = begin_asking_locked(host, wait);
    if (r < 0)
        return r;
    if (!is_known_locked(host, since)) {
        lock_drop(&host->lock);
        r = ask_facts(host, wait, &facts, &why);
        lock_take(&host->lock);
    }
    if (facts) {
        host_facts_unref(host->facts);
        host->facts = facts;
    }
    end_asking_locked(host, r, &why);
    return r;
}

int host_facts(struct host *host, int max_age_ms, const struct wait *wait,
               const struct host_facts **ret)
{
    int64_t since = clock_ms() - max_age_ms;
    lock_take(&host->lock);
    int r = host_identify_locked(host, HOST_THERE, wait);
    if (since < host->changed_at)
        since = host->changed_at;
    while (r == 0 && !is_known_locked(host, since))
        r = refresh_locked(host, since, wait);
    if (r == 0)
        *ret = host_facts_ref(host->facts);
    lock_drop(&host->lock);
    return r == -EACCES ? -EIO : r;
}

struct wait host_half_of(const struct wait *wait)
{
    return wait_half(wait, HALF_MAX_MS);
}

const struct host_facts *host_facts_soon(struct host *host, int max_age_ms, const struct wait *wait)
{
    const struct host_facts *facts = NULL;
    int64_t now = clock_ms();
    struct wait half = host_half_of(wait);
    lock_take(&host->lock);
    bool silent = host->silent && now - host->asked_at < SILENT_MS;
    if (silent && is_known_locked(host, now - max_age_ms) &&
        is_known_locked(host, host->changed_at))
        facts = host_facts_ref(host->facts);
    lock_drop(&host->lock);
    if (!silent && host_facts(host, max_age_ms, &half, &facts) < 0)
        return NULL;
    return facts;
}

int host_stores(struct host *host, int max_age_ms, const struct wait *wait,
                const struct host_facts **ret)
{
    int64_t since = clock_ms() - max_age_ms;
    lock_take(&host->lock);
    int r = host_identify_locked(host, HOST_THERE, wait);
    lock_drop(&host->lock);
    r = r ?: stores_ask(host, since, wait);
    if (r == 0)
        *ret = stores_known(host);
    return r == -EACCES ? -EIO : r;
}

void host_expect_store(struct host *host, const struct wait *wait)
{
    struct wait half = host_half_of(wait);
    lock_take(&host->lock);
    bool silent = host->silent && clock_ms() - host->asked_at < SILENT_MS;
    int r = silent ? -EIO : host_identify_locked(host, HOST_THERE, &half);
    lock_drop(&host->lock);
    if (r == 0)
        stores_expect(host, wait);
}

bool host_exists(struct host *host, const struct wait *wait)
{
    lock_take(&host->lock);
    int r = host_identify_locked(host, HOST_THERE, wait);
    lock_drop(&host->lock);
    return r == 0;
}

/* The path as the users of devices are named. */
static const char *shown_path(const struct host_facts *facts, const char *path)
{
    for (size_t i = 0; i < facts->n_vms; i++) {
        const struct host_vm *vm = &facts->vms[i];
        if (vm->path && strcmp(vm->path, path) == 0)
            return vm->shown;
    }
    return path;
}

void host_about_vm(const struct host_facts *facts, const char *path, struct vmx_host_vm *ret)
{
    const struct host_vm *vm = host_facts_vm(facts, path);
    *ret = (struct vmx_host_vm){.path = shown_path(facts, path)};
    if (facts->vms_known)
        ret->listed = vm ? VMX_YES : VMX_NO;
    if (vm && facts->running_known)
        ret->power = vm->running ? VMX_POWER_ON : VMX_POWER_OFF;
}

void host_outdate(struct host *host, bool hardware)
{
    if (hardware)
        atomic_store(&host->hardware_again, true);
    lock_take(&host->lock);
    host->changed_at = clock_ms() + 1;
    lock_drop(&host->lock);
}
