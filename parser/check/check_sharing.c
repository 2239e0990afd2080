/* SPDX-License-Identifier: MIT */
/* Rules about how many devices a VM has, and who else has them. */
#include <errno.h>
#include <stdlib.h>

#include "check_private.h"
#include "parser/document/value.h"

/* ---- how many ---- */

/* What ESXi powers on. Of hardware versions before 13 only the most for any is known. */
static size_t devices_allowed(const struct check *c, long long version)
{
    static const unsigned update1[3] = {8, 0, 1};
    const struct vmx_host *host = c->around->host;
    bool known = host && host->version[0] > 0;
    if (version >= 21)
        return DEVICES_AT_MOST;
    if (version == 20) /* 8.0 allows half of what its Update 1 does */
        return known && vmx_host_is_before(host, update1, 0) ? 32 : 64;
    return version >= 13 ? 16 : DEVICES_AT_MOST;
}

static int device_count(struct check *c)
{
    BUF_AUTO value = {0};
    long long version = 0;
    int r = check_get(c, "virtualHW.version", &value);
    if (r != 0 || c->n_devices == 0)
        return r;
    if (!vmx_value_int(buf_span(&value), &version))
        version = 0;
    size_t most = devices_allowed(c, version);
    return check_add(
        c, c->n_devices <= most ? VMX_PASS : VMX_FAIL, "device-count", NULL,
        "the VM has %zu of the %zu devices that hardware version %lld allows at most%s",
        c->n_devices, most, version,
        c->n_devices > DEVICES_AT_MOST ? "; those behind the first 128 are judged, but "
                                         "not shown"
                                       : "");
}

/* ---- twice in this VM ---- */

static unsigned long key_of(const struct check_device *d)
{
    const struct vmx_pci *at = &d->address;
    return (unsigned long)at->domain << 16 | at->bus << 8 | at->slot << 3 | at->function;
}

static int compare(const void *a, const void *b)
{
    const struct check_device *const *x = a;
    const struct check_device *const *y = b;
    if (key_of(*x) != key_of(*y))
        return key_of(*x) < key_of(*y) ? -1 : 1;
    return (*x)->n < (*y)->n ? -1 : 1;
}

static int report_twice(struct check *c, const struct check_device *a, const struct check_device *b)
{
    BUF_AUTO address = {0};
    return vmx_pci_add_address(&a->address, &address)
               ?: check_add(c, VMX_FAIL, "device-twice", NULL,
                            "%s is both pciPassthru%zu and pciPassthru%zu", address.data, a->n,
                            b->n);
}

static int device_twice(struct check *c)
{
    size_t n = 0;
    size_t found = 0;
    int r = 0;
    const struct check_device **sorted = calloc(c->n_devices + 1, sizeof(*sorted));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_devices; i++) {
        if (c->devices[i].kind == DEVICE_FIXED && c->devices[i].has_address)
            sorted[n++] = &c->devices[i];
    }
    qsort(sorted, n, sizeof(*sorted), compare);
    for (size_t i = 1; r == 0 && i < n && found < CHECK_SHOWN_MAX; i++) {
        if (vmx_pci_eq(&sorted[i - 1]->address, &sorted[i]->address)) {
            c->judged = sorted[i];
            r = report_twice(c, sorted[i - 1], sorted[i]);
            c->judged = NULL;
            found++;
        }
    }
    if (r == 0 && n > 1 && found == 0)
        r = check_add(c, VMX_PASS, "device-twice", NULL, "each device is passed once");
    free(sorted);
    return r;
}

/* ---- in a VM that runs ---- */

/* A VM that is off and names the same device is in nobody's way. */
static int device_shared(struct check *c, const struct check_device *d)
{
    const char *own = c->around->vm ? c->around->vm->path : NULL;
    const char *user = d->host ? d->host->user : NULL;
    BUF_AUTO address = {0};
    if (d->kind != DEVICE_FIXED || !user || !own || strcmp(user, own) == 0)
        return 0;
    return vmx_pci_add_address(&d->address, &address)
               ?: check_add(c, VMX_NOTE, "device-shared", NULL,
                            "pciPassthru%zu is %s, which %.200s has, and that is powered on: this "
                            "VM cannot be powered on until it is off",
                            d->n, address.data, user);
}

int check_sharing(struct check *check)
{
    int r = device_count(check) ?: device_twice(check);
    for (size_t i = 0; r == 0 && i < check->n_devices && i < DEVICES_AT_MOST; i++)
        r = device_shared(check, &check->devices[i]);
    return r;
}
