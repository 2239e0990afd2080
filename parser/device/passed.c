/* SPDX-License-Identifier: MIT */
#include "passed.h"

#include <errno.h>
#include <stdlib.h>

#include "device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/list.h"

static int read_device(const struct vmx_dict *dict, size_t n, struct vmx_passed_device *ret)
{
    BUF_AUTO id = {0};
    *ret = (struct vmx_passed_device){0};
    int r = device_kind(dict, n, &ret->kind) ?: device_get(dict, n, "id", &id);
    if (r == 0)
        ret->has_address = vmx_pci_parse_id(buf_span(&id), &ret->address);
    if (r == 0 || r == -ENOENT)
        r = device_get(dict, n, "vgpu", &ret->vgpu);
    return r == -ENOENT ? 0 : r;
}

static int add_device(const struct vmx_dict *dict, size_t n, struct vmx_passed *ret)
{
    struct vmx_passed_device *items = list_room(ret->items, ret->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    ret->items = items;
    return read_device(dict, n, &items[ret->n++]);
}

int vmx_passed_find(const struct vmx_dict *dict, struct vmx_passed *ret)
{
    struct vmx_passed found = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(dict); i++) {
        size_t extent = vmx_dict_key_extent(dict, i);
        BUF_AUTO value = {0};
        bool truth = false;
        size_t n = 0;
        if (!vmx_pci_key_is(vmx_dict_name(dict, extent), "present", &n))
            continue;
        r = vmx_dict_value(dict, extent, &value);
        if (r == 0 && vmx_value_bool(buf_span(&value), &truth) && truth)
            r = add_device(dict, n, &found);
    }
    if (r == 0)
        *ret = found;
    else
        vmx_passed_done(&found);
    return r;
}

void vmx_passed_done(struct vmx_passed *passed)
{
    for (size_t i = 0; i < passed->n; i++)
        buf_done(&passed->items[i].vgpu);
    free(passed->items);
    *passed = (struct vmx_passed){0};
}

static bool is_same(const struct vmx_passed_device *a, const struct vmx_passed_device *b)
{
    if (a->vgpu.len > 0 || b->vgpu.len > 0)
        return span_eq(buf_span(&a->vgpu), buf_span(&b->vgpu));
    return a->has_address && b->has_address && vmx_pci_eq(&a->address, &b->address);
}

bool vmx_passed_is_first(const struct vmx_passed *passed, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (is_same(&passed->items[k], &passed->items[i]))
            return false;
    }
    return true;
}
