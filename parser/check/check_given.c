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
    if (d->class == 0 && d->host->class > 0)
        d->class = d->host->class;
}

static int read_device(const struct check *c, size_t n, struct check_device *ret)
{
    BUF_AUTO id = {0};
    *ret = (struct check_device){.n = n};
    int r = device_get(c->dict, n, "id", &id);
    if (r == 0)
        ret->has_address = vmx_pci_parse_id(buf_span(&id), &ret->address);
    if (ret->has_address && c->around->host)
        ret->host = vmx_host_find(c->around->host, &ret->address);
    if (r == 0 || r == -ENOENT)
        r = read_number(c, n, "vendorId", &ret->vendor);
    r = r ?: read_number(c, n, "deviceId", &ret->device) ?: read_number(c, n, "class", &ret->class);
    if (r == 0 && ret->host)
        ask_host(ret);
    return r;
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
