/* SPDX-License-Identifier: MIT */
/* Rules about the devices that the VM is given. */
#include <errno.h>

#include "check_private.h"
#include "text.h"
#include "value.h"

enum { VENDOR_INTEL = 0x8086, VENDOR_AMD = 0x1002, VENDOR_NVIDIA = 0x10de };

/* GB of memory on cards that are known. No command of a host tells it. */
static const struct {
    long long vendor, device, gb;
} cards[] = {
    {VENDOR_INTEL, 0x5690, 16},  {VENDOR_INTEL, 0x5691, 12},  {VENDOR_INTEL, 0x5692, 8},
    {VENDOR_INTEL, 0x5693, 4},   {VENDOR_INTEL, 0x5694, 4},   {VENDOR_INTEL, 0x56a0, 16},
    {VENDOR_INTEL, 0x56a1, 8},   {VENDOR_INTEL, 0x56a2, 8},   {VENDOR_INTEL, 0x56a5, 6},
    {VENDOR_INTEL, 0xe20b, 12},  {VENDOR_INTEL, 0xe20c, 10},  {VENDOR_NVIDIA, 0x1b38, 24},
    {VENDOR_NVIDIA, 0x1c82, 4},  {VENDOR_NVIDIA, 0x1cb2, 2},  {VENDOR_NVIDIA, 0x1eb8, 16},
    {VENDOR_NVIDIA, 0x20b5, 80}, {VENDOR_NVIDIA, 0x20f1, 40}, {VENDOR_NVIDIA, 0x2204, 24},
    {VENDOR_NVIDIA, 0x2235, 48}, {VENDOR_NVIDIA, 0x2236, 24}, {VENDOR_NVIDIA, 0x2331, 80},
    {VENDOR_NVIDIA, 0x2684, 24}, {VENDOR_NVIDIA, 0x26b5, 48}, {VENDOR_NVIDIA, 0x26b9, 48},
    {VENDOR_NVIDIA, 0x27b8, 24},
};

/* ---- reading ---- */

static int read_number(const struct check *c, size_t n, const char *name, long long *ret)
{
    BUF_AUTO value = {0};
    long long number = 0;

    int r = device_get(c->dict, n, name, &value);
    if (r == 0 && vmx_value_pci_number(buf_span(&value), &number))
        *ret = number;
    return r == -ENOENT ? 0 : r;
}

static int read_device(const struct check *c, size_t n, struct check_device *ret)
{
    BUF_AUTO id = {0};

    *ret = (struct check_device){.n = n};
    int r = device_get(c->dict, n, "id", &id);
    if (r == 0)
        ret->has_address = vmx_pci_parse_id(buf_span(&id), &ret->address);
    if (r == 0 || r == -ENOENT)
        r = read_number(c, n, "vendorId", &ret->vendor);
    if (r == 0)
        r = read_number(c, n, "deviceId", &ret->device);
    return r == 0 ? read_number(c, n, "class", &ret->class) : r;
}

int check_device_nth(const struct check *check, size_t nth, struct check_device *ret)
{
    size_t extent = vmx_dict_key_extent(check->dict, nth);
    BUF_AUTO value = {0};
    struct span rest = {0};
    bool truth = false;
    size_t n = 0;

    if (!vmx_pci_key(vmx_dict_name(check->dict, extent), &n, &rest) ||
        !span_eq_fold(rest, SPAN_LITERAL("present")))
        return -ENOENT;
    int r = vmx_dict_value(check->dict, extent, &value);
    if (r != 0)
        return r;
    if (!vmx_value_bool(buf_span(&value), &truth) || !truth)
        return -ENOENT;
    return read_device(check, n, ret);
}

int check_has_device(const struct check *check, bool *ret)
{
    struct check_device device;

    for (size_t i = 0; i < vmx_dict_keys(check->dict); i++) {
        int r = check_device_nth(check, i, &device);
        if (r != -ENOENT) {
            *ret = r == 0;
            return r;
        }
    }
    *ret = false;
    return 0;
}

static bool is_gpu(const struct check_device *d)
{
    if (d->class != 0)
        return d->class >> 8 == 0x03;
    return d->address.function == 0 &&
           (d->vendor == VENDOR_INTEL || d->vendor == VENDOR_AMD || d->vendor == VENDOR_NVIDIA);
}

/* ---- framebuffers ---- */

/* What the profile was told of this device ("vram=16"). */
static long long told(const struct check *c, const struct check_device *d)
{
    const struct buf *device = plan_line_param(check_line(c), SPAN_LITERAL("device"));
    const struct buf *vram = plan_line_param(check_line(c), SPAN_LITERAL("vram"));
    struct vmx_pci address;
    long long gb = 0;

    if (!device || !vram || !d->has_address || !vmx_pci_parse(buf_span(device), &address) ||
        !vmx_pci_eq(&address, &d->address) || !vmx_value_int(buf_span(vram), &gb))
        return 0;
    return gb;
}

static long long framebuffer(const struct check *c, const struct check_device *d)
{
    long long gb = told(c, d);

    for (size_t i = 0; gb == 0 && i < sizeof(cards) / sizeof(cards[0]); i++)
        if (cards[i].vendor == d->vendor && cards[i].device == d->device)
            gb = cards[i].gb;
    return gb;
}

int check_framebuffers(const struct check *check, long long *ret, bool *ret_known)
{
    struct check_device device;
    long long sum = 0;
    bool known = true;

    for (size_t i = 0; i < vmx_dict_keys(check->dict); i++) {
        int r = check_device_nth(check, i, &device);
        if (r == -ENOENT || (r == 0 && !is_gpu(&device)))
            continue;
        if (r != 0)
            return r;
        long long gb = framebuffer(check, &device);
        known = known && gb > 0;
        sum += gb;
    }
    *ret = sum;
    *ret_known = known;
    return 0;
}

/* ---- rules for each device ---- */

static int device_id(struct check *c, const struct check_device *d)
{
    BUF_AUTO id = {0};
    BUF_AUTO key = {0};
    BUF_AUTO right = {0};
    BUF_AUTO command = {0};
    BUF_AUTO other = {0};
    struct vmx_pci address;

    int r = device_get(c->dict, d->n, "id", &id);
    if (r == -ENOENT) {
        /* Dynamic DirectPath and virtual GPUs are chosen by the host. */
        r = device_get(c->dict, d->n, "allowedDevices", &other);
        if (r == -ENOENT)
            r = device_get(c->dict, d->n, "vgpu", &other);
        if (r != 0 && r != -ENOENT)
            return r;
        return check_add(c, r == 0 ? VMX_PASS : VMX_FAIL, "device-id", NULL, "pciPassthru%zu %s",
                         d->n, r == 0 ? "is chosen by the host" : "has no id");
    }
    if (r == 0)
        r = buf_addf(&key, "pciPassthru%zu.id", d->n);
    if (r == 0 && !d->has_address && vmx_pci_parse(buf_span(&id), &address)) {
        r = vmx_pci_add_id(&address, &right);
        if (r == 0)
            r = check_command_set(c, buf_span(&key), buf_span(&right), &command);
    }
    if (r != 0)
        return r;
    return check_add(c, d->has_address ? VMX_PASS : VMX_FAIL, "device-id", &command,
                     "%s is " SPAN_FORMAT "%s", key.data, SPAN_SHOWN(buf_span(&id)),
                     d->has_address ? "" : "; every field has to be decimal");
}

static int device_system(struct check *c, const struct check_device *d)
{
    BUF_AUTO system = {0};

    int r = device_get(c->dict, d->n, "systemId", &system);
    if (r != 0 && r != -ENOENT)
        return r;
    if (system.len == 0 && d->has_address)
        return check_add(c, VMX_FAIL, "device-system", NULL,
                         "pciPassthru%zu.systemId is missing: \"esxcli system uuid get\" tells it",
                         d->n);
    if (system.len == 0 || span_eq_fold(buf_span(&system), SPAN_LITERAL("BYPASS")))
        return check_add(c, VMX_PASS, "device-system", NULL, "pciPassthru%zu is bound to no host",
                         d->n);
    return check_add(c, VMX_UNKNOWN, "device-system", NULL,
                     "pciPassthru%zu is bound to host " SPAN_FORMAT ": is it this one?", d->n,
                     SPAN_SHOWN(buf_span(&system)));
}

static int integrated_gpu(struct check *c, const struct check_device *d)
{
    static const struct vmx_pci integrated = {0, 0, 2, 0};
    bool is = d->vendor == VENDOR_INTEL && d->has_address && is_gpu(d) &&
              vmx_pci_eq(&d->address, &integrated);

    if (!check_profiles_set(c, "vvtd.enable"))
        return 0;
    return check_add(c, is ? VMX_FAIL : VMX_PASS, "integrated-gpu", NULL,
                     is ? "pciPassthru%zu is an integrated Intel GPU: it cannot be passed on"
                        : "pciPassthru%zu is no integrated Intel GPU",
                     d->n);
}

static int gpu(struct check *c, const struct check_device *d)
{
    bool tried = d->vendor == VENDOR_INTEL && d->device == 0x5690;

    int r =
        check_add(c, d->vendor == VENDOR_AMD ? VMX_WARN : VMX_PASS, "gpu-reset", NULL,
                  d->vendor == VENDOR_AMD
                      ? "pciPassthru%zu is an AMD GPU: the host may hang when the guest restarts"
                      : "pciPassthru%zu is no AMD GPU",
                  d->n);
    if (r != 0)
        return r;
    return check_add(c, tried ? VMX_PASS : VMX_WARN, "gpu-tested", NULL,
                     "pciPassthru%zu is %04llx:%04llx%s", d->n, d->vendor, d->device,
                     tried ? "" : ": untested, the guide was tried with an Arc A770M (8086:5690)");
}

static int audio_function(struct check *c, const struct check_device *d)
{
    struct vmx_pci audio = d->address;
    struct check_device other;

    audio.function = 1;
    for (size_t i = 0; i < vmx_dict_keys(c->dict); i++) {
        int r = check_device_nth(c, i, &other);
        if (r == 0 && other.has_address && vmx_pci_eq(&other.address, &audio))
            return check_add(c, VMX_PASS, "audio-function", NULL,
                             "pciPassthru%zu is the second function of pciPassthru%zu", other.n,
                             d->n);
        if (r != 0 && r != -ENOENT)
            return r;
    }
    return check_add(
        c, VMX_UNKNOWN, "audio-function", NULL,
        "the host would tell whether pciPassthru%zu has an audio function to pass along", d->n);
}

static int one_device(struct check *c, const struct check_device *d)
{
    int r = device_id(c, d);
    if (r == 0)
        r = device_system(c, d);
    if (r == 0)
        r = integrated_gpu(c, d);
    if (r == 0 && is_gpu(d))
        r = gpu(c, d);
    if (r == 0 && is_gpu(d) && d->has_address)
        r = audio_function(c, d);
    return r;
}

/* ---- all of them ---- */

enum { DEVICES_MAX = 32 }; /* more than any VM may have */

int check_device(struct check *check)
{
    struct check_device device;
    size_t shown = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && shown < DEVICES_MAX && i < vmx_dict_keys(check->dict); i++) {
        r = check_device_nth(check, i, &device);
        if (r == -ENOENT) {
            r = 0;
            continue;
        }
        if (r == 0)
            r = one_device(check, &device);
        shown++;
    }
    if (r != 0)
        return r;
    return check_judge(check, shown > 0, VMX_FAIL, "device-present", NULL,
                       shown > 0 ? "a device is passed to the VM"
                                 : "no device is passed to the VM");
}
