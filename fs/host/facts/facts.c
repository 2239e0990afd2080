/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <stdlib.h>

#include <utlist.h>

struct host_text {
    struct host_text *next;
    char bytes[];
};

struct host_facts *host_facts_new(void)
{
    struct host_facts *facts = calloc(1, sizeof(*facts));
    if (!facts)
        return NULL;
    atomic_init(&facts->refs, 1);
    facts->hv_support = -1;
    facts->version_line = facts->host.uuid = "";
    return facts;
}

/* Shared facts are constant but for their references, and nobody sees them after the last one. */
static struct host_facts *own(const struct host_facts *facts)
{
    return (struct host_facts *)(uintptr_t)facts;
}

const struct host_facts *host_facts_ref(const struct host_facts *facts)
{
    atomic_fetch_add(&own(facts)->refs, 1);
    return facts;
}

const char *host_facts_text(struct host_facts *facts, struct span text)
{
    if (text.n == 0)
        return "";
    struct host_text *t = malloc(sizeof(*t) + text.n + 1);
    if (!t) {
        facts->no_memory = true;
        return "";
    }
    memcpy(t->bytes, text.p, text.n);
    t->bytes[text.n] = '\0';
    LL_PREPEND(facts->texts, t);
    return t->bytes;
}

static void destroy(struct host_facts *facts)
{
    struct host_text *t, *next;
    LL_FOREACH_SAFE(facts->texts, t, next)
    {
        free(t);
    }
    free(facts->host.pci);
    free(facts->vms);
    free(facts->running);
    free(facts->stores);
    free(facts);
}

void host_facts_unref(const struct host_facts *facts)
{
    if (facts && atomic_fetch_sub(&own(facts)->refs, 1) == 1)
        destroy(own(facts));
}

/* Only if there is one. */
static const struct host_vm *find(const struct host_facts *facts, const char *path, bool valid)
{
    const struct host_vm *found = NULL;
    for (size_t i = 0; i < facts->n_vms; i++) {
        const struct host_vm *vm = &facts->vms[i];
        if (vm->valid != valid || !vm->path || strcmp(vm->path, path) != 0)
            continue;
        if (found)
            return NULL;
        found = vm;
    }
    return found;
}

const struct host_vm *host_facts_vm(const struct host_facts *facts, const char *path)
{
    return find(facts, path, true);
}

const struct host_vm *host_facts_invalid(const struct host_facts *facts, const char *path)
{
    return find(facts, path, false);
}
