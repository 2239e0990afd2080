/* SPDX-License-Identifier: MIT */
/* The devices that the VM is given, as its file and its host tell. */
#include <errno.h>

#include "check_private.h"
#include "parser/device/device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/list.h"

static int read_number(const struct check *c, size_t n, const char *name, long long *ret)
{
    BUF_AUTO value = {0};
    long long number = 0;
    int r = device_get(c->dict, n, name, &value);
    if (r == 0 && vmx_value_pci_number(buf_span(&value), &number))
        *ret = number;
    return r == -ENOENT ? 0 : r;
}

/* The facts that the file does not give. */
static void ask_host(struct check_device *d)
{
    if (d->vendor == 0 && d->host->vendor > 0)
        d->vendor = d->host->vendor;
    if (d->device == 0 && d->host->device > 0)
        d->device = d->host->device;
    if (d->class == 0 && d->host->class > 0 && check_is_same(d))
        d->class = d->host->class;
}

/* The card that there is most to be said of: one of unknown memory, or else the largest. */
static int read_allowed(const struct check *c, struct check_device *d)
{
    const struct vmx_host *host = c->around->host;
    BUF_AUTO text = {0};
    long long vendor = 0;
    long long device = 0;
    long long most = -1;
    int r = device_get(c->dict, d->n, "allowedDevices", &text);
    struct span rest = buf_span(&text);
    while (r == 0 && most != 0 && device_allowed_next(&rest, &vendor, &device)) {
        long long gb = check_card_memory(vendor, device);
        if (gb > 0 && gb <= most)
            continue;
        d->vendor = vendor;
        d->device = device;
        most = gb;
    }
    for (size_t i = 0; r == 0 && host && d->class == 0 && i < host->n_pci; i++) {
        if (host->pci[i].vendor == d->vendor && host->pci[i].device == d->device)
            d->class = host->pci[i].class > 0 ? host->pci[i].class : 0;
    }
    return r;
}

/* What the block says of the device at its address. */
static int read_id(const struct check *c, struct check_device *d)
{
    BUF_AUTO id = {0};
    int r = device_get(c->dict, d->n, "id", &id);
    if (r == -ENOENT && d->kind == DEVICE_SRIOV)
        r = device_get(c->dict, d->n, "pfId", &id);
    if (r == 0)
        d->has_address = vmx_pci_parse_id(buf_span(&id), &d->address);
    if (d->has_address && c->around->host)
        d->host = vmx_host_find(c->around->host, &d->address);
    if (r == 0 || r == -ENOENT)
        r = read_number(c, d->n, "vendorId", &d->vendor);
    r = r ?: read_number(c, d->n, "deviceId", &d->device)
          ?: read_number(c, d->n, "class", &d->class);
    if (r == 0 && d->host)
        ask_host(d);
    return r;
}

static int read_device(const struct check *c, size_t n, struct check_device *ret)
{
    *ret = (struct check_device){.n = n};
    int r = device_kind(c->dict, n, &ret->kind);
    if (r != 0 || ret->kind == DEVICE_VGPU)
        return r;
    return ret->kind == DEVICE_DYNAMIC ? read_allowed(c, ret) : read_id(c, ret);
}

static int add_device(struct check *c, size_t n)
{
    struct check_device *devices = list_room(c->devices, c->n_devices, sizeof(*devices));
    if (!devices)
        return -ENOMEM;
    c->devices = devices;
    return read_device(c, n, &devices[c->n_devices++]);
}

int check_given(struct check *check)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(check->dict); i++) {
        size_t extent = vmx_dict_key_extent(check->dict, i);
        BUF_AUTO value = {0};
        bool truth = false;
        size_t n = 0;
        if (!vmx_pci_key_is(vmx_dict_name(check->dict, extent), "present", &n))
            continue;
        r = vmx_dict_value(check->dict, extent, &value);
        if (r == 0 && vmx_value_bool(buf_span(&value), &truth) && truth)
            r = add_device(check, n);
    }
    return r;
}
