/* SPDX-License-Identifier: MIT */
#include "vm_devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parser/device/passed.h"
#include "parser/text/list.h"
#include "vfs/control/vm_walk.h"

struct search {
    struct vm_walk walk;
    const struct host_facts *facts;
    struct vm_devices *found;
};

static int add_device(struct vm_devices *found, const struct vm_device *device, const char *path,
                      const char *shown)
{
    struct vm_device *items = list_room(found->items, found->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    found->items = items;
    struct vm_device *added = &items[found->n++];
    *added = *device;
    added->path = strdup(path);
    added->shown = strdup(shown);
    return added->path && added->shown ? 0 : -ENOMEM;
}

static int see_vmx(struct vm_walk *walk, const char *path, const char *shown,
                   const struct vmx_dict *dict)
{
    const struct search *s = (const struct search *)walk;
    const struct host_vm *vm = s->facts ? host_facts_vm(s->facts, path) : NULL;
    PASSED_AUTO passed = {0};
    int r = vmx_passed_find(dict, &passed);
    for (size_t i = 0; r == 0 && i < passed.n; i++) {
        const struct vm_device device = {
            .address = passed.items[i].address,
            .power = vm_power_word(s->facts, vm, dict),
            .runs = vm && vm->running,
        };
        if (passed.items[i].has_address && vmx_passed_is_first(&passed, i))
            r = add_device(s->found, &device, path, shown);
    }
    return r;
}

static int by_use(const void *a, const void *b)
{
    const struct vm_device *x = a;
    const struct vm_device *y = b;
    return x->runs != y->runs ? y->runs - x->runs : strcmp(x->shown, y->shown);
}

int vm_devices_find(struct request *rq, const struct host_facts *facts, struct vm_devices *ret)
{
    struct vm_devices found = {0};
    struct search search = {.walk = {.rq = rq, .see = see_vmx}, .facts = facts, .found = &found};
    int r = vm_walk_run(&search.walk);
    if (r < 0) {
        vm_devices_done(&found);
        return r;
    }
    if (found.n > 0)
        qsort(found.items, found.n, sizeof(*found.items), by_use);
    *ret = found;
    return 0;
}

void vm_devices_done(struct vm_devices *devices)
{
    for (size_t i = 0; i < devices->n; i++) {
        free(devices->items[i].path);
        free(devices->items[i].shown);
    }
    free(devices->items);
    *devices = (struct vm_devices){0};
}

bool vm_devices_name(const struct vm_devices *devices, const struct vmx_pci *address)
{
    for (size_t i = 0; i < devices->n; i++) {
        if (vmx_pci_eq(&devices->items[i].address, address))
            return true;
    }
    return false;
}
