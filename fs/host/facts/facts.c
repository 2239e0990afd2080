/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include "lines.h"

struct host_facts *host_facts_new(void)
{
    struct host_facts *facts = calloc(1, sizeof(*facts));
    if (!facts)
        return NULL;
    atomic_init(&facts->refs, 1);
    facts->hv_support = -1;
    facts->version_line = strdup("");
    facts->host.uuid = strdup("");
    if (!facts->version_line || !facts->host.uuid) {
        host_facts_unref(facts);
        return NULL;
    }
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

/* The parser's structures borrow their strings, here they are ours. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void host_facts_done_pci(struct vmx_host_pci *pci)
{
    free_text(pci->vendor_name);
    free_text(pci->name);
    free_text(pci->vmkernel_name);
    free_text(pci->configured_owner);
    free_text(pci->owner);
}

void host_facts_done_vm(struct host_vm *vm)
{
    free(vm->name);
    free(vm->datastore);
    free(vm->file);
    free(vm->path);
    free(vm->shown);
}

static void destroy(struct host_facts *facts)
{
    for (size_t i = 0; i < facts->host.n_pci; i++)
        host_facts_done_pci(&facts->host.pci[i]);
    for (size_t i = 0; i < facts->n_vms; i++)
        host_facts_done_vm(&facts->vms[i]);
    for (size_t i = 0; i < facts->n_running; i++)
        free(facts->running[i]);
    free(facts->host.pci);
    free_text(facts->host.uuid);
    free(facts->vms);
    free(facts->running);
    free(facts->version_line);
    free(facts->cpu_brand);
    free(facts);
}

void host_facts_unref(const struct host_facts *facts)
{
    if (facts && atomic_fetch_sub(&own(facts)->refs, 1) == 1)
        destroy(own(facts));
}

const struct host_vm *host_facts_vm(const struct host_facts *facts, const char *path)
{
    const struct host_vm *found = NULL;
    for (size_t i = 0; i < facts->n_vms; i++) {
        const struct host_vm *vm = &facts->vms[i];
        if (!vm->valid || !vm->path || strcmp(vm->path, path) != 0)
            continue;
        if (found)
            return NULL;
        found = vm;
    }
    return found;
}
