/* SPDX-License-Identifier: MIT */
/* Rules about the devices that the VM is given, and about them on the host. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/device/device_blocks.h"
#include "parser/text/text.h"

/* ---- rules for each device ---- */

/* For an address that was given in hex. */
static int decimal_command(const struct check *c, const struct check_device *d,
                           const struct vmx_pci *address, struct buf *ret)
{
    const struct device_key key = device_key(d->n, "id");
    BUF_AUTO id = {0};
    return vmx_pci_add_id(address, &id)
               ?: command_set(c->dict, c->dir, span_of(key.text), buf_span(&id), ret);
}

static bool chosen_by_host(const struct check_device *d)
{
    return d->kind == DEVICE_DYNAMIC || d->kind == DEVICE_VGPU;
}

static int device_without_id(struct check *c, const struct check_device *d)
{
    bool none = d->kind == DEVICE_FIXED || (d->kind == DEVICE_SRIOV && !d->has_address);
    return check_add(c, none ? VMX_FAIL : VMX_PASS, "device-id", NULL,
                     none ? "pciPassthru%zu has no id" : "pciPassthru%zu is chosen by the host",
                     d->n);
}

static int device_id(struct check *c, const struct check_device *d)
{
    BUF_AUTO id = {0};
    BUF_AUTO command = {0};
    struct vmx_pci address;
    int r = device_get(c->dict, d->n, "id", &id);
    if (r == 0 && chosen_by_host(d))
        r = -ENOENT;
    if (r == -ENOENT)
        return device_without_id(c, d);
    if (r == 0 && !d->has_address && vmx_pci_parse(buf_span(&id), &address))
        r = decimal_command(c, d, &address, &command);
    return r
               ?: check_add(c, d->has_address ? VMX_PASS : VMX_FAIL, "device-id", &command,
                            "pciPassthru%zu.id is " SPAN_FORMAT "%s", d->n,
                            SPAN_SHOWN(buf_span(&id)),
                            d->has_address ? "" : "; every field has to be decimal");
}

bool check_is_same(const struct check_device *device)
{
    const struct vmx_host_pci *host = device->host;
    if (device->kind == DEVICE_SRIOV)
        return host != NULL;
    return host && (host->vendor < 0 || host->vendor == device->vendor) &&
           (host->device < 0 || host->device == device->device);
}

/* An address that was copied in hex may be right in decimal too. */
static int meant_in_hex(const struct check *c, const struct check_device *d, struct buf *ret)
{
    struct check_device meant = *d;
    BUF_AUTO id = {0};
    int r = device_get(c->dict, d->n, "id", &id);
    if (r != 0 || !vmx_pci_parse(buf_span(&id), &meant.address))
        return r;
    meant.host = vmx_host_find(c->around->host, &meant.address);
    return check_is_same(&meant) ? decimal_command(c, d, &meant.address, ret) : 0;
}

static int not_on_host(struct check *c, const struct check_device *d, const char *address)
{
    BUF_AUTO command = {0};
    return meant_in_hex(c, d, &command)
               ?: check_add(c, VMX_FAIL, "device-on-host", &command,
                            "pciPassthru%zu is %s, which is not on this host: %s", d->n, address,
                            command.len > 0 ? "it was meant in hex" : "choose another one");
}

/* Passthrough goes by address, also when the hardware behind it is changed. */
static int other_on_host(struct check *c, const struct check_device *d, const char *address)
{
    const char *needed = vmx_host_needs(c->around->host, d->host);
    bool lost = needed && d->host->enabled == VMX_YES;
    return check_add(
        c, VMX_FAIL, "device-on-host", NULL,
        "pciPassthru%zu is %s %04llx:%04llx, but the host has %04llx:%04llx there: %s%s", d->n,
        address, d->vendor, d->device, d->host->vendor, d->host->device,
        lost ? "it is passed to VMs and the host needs it, perhaps to boot: "
             : "passthrough goes "
               "by address, and after a change of hardware may take what the host needs, such as "
               "the "
               "controller of its boot disk",
        lost ? needed : "");
}

static int device_on_host(struct check *c, const struct check_device *d)
{
    const struct vmx_host *host = c->around->host;
    BUF_AUTO address = {0};
    if (!d->has_address)
        return 0;
    int r = vmx_pci_add_address(&d->address, &address);
    if (r != 0)
        return r;
    if (!host || host->n_pci == 0)
        return check_add(c, VMX_UNKNOWN, "device-on-host", NULL,
                         "the host's list of PCI devices would tell whether %s is there",
                         address.data);
    if (!d->host)
        return not_on_host(c, d, address.data);
    if (!check_is_same(d))
        return other_on_host(c, d, address.data);
    return check_add(c, VMX_PASS, "device-on-host", NULL, "pciPassthru%zu is %s, %s", d->n,
                     address.data, d->host->name[0] ? d->host->name : "on this host");
}

/* ---- passthrough on the host ---- */

static int enable_command(const struct check *c, const struct vmx_pci *address, struct buf *ret)
{
    BUF_AUTO name = {0};
    return buf_add_str(&name, ".vmxfs/host/pci/")
        ?: vmx_pci_add_address(address, &name)
        ?: buf_add_str(&name, "/passthrough")
        ?: command_echo(c->mount, buf_span(&name), SPAN_LITERAL("1"), ret);
}

static int passthrough_enabled(struct check *c, const struct check_device *d)
{
    static const char rule[] = "passthrough-enabled";
    const struct vmx_host_pci *pci = d->host;
    const char *reason = pci ? vmx_host_needs(c->around->host, pci) : NULL;
    BUF_AUTO command = {0};
    if (!d->has_address || (!pci && c->around->host && c->around->host->n_pci > 0))
        return 0;
    if (d->kind == DEVICE_SRIOV)
        return check_add(c, VMX_PASS, rule, NULL,
                         "pciPassthru%zu is a function of an adapter that the host keeps (SR-IOV)",
                         d->n);
    if (!pci || (pci->capable != VMX_NO && pci->enabled == VMX_NOT_KNOWN))
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "the host would tell whether it lets pciPassthru%zu go", d->n);
    if (pci->capable == VMX_NO)
        return check_add(c, VMX_FAIL, rule, NULL,
                         "pciPassthru%zu cannot be passed to a VM, the host says", d->n);
    if (pci->enabled == VMX_NO && reason)
        return check_add(c, VMX_FAIL, rule, NULL,
                         "pciPassthru%zu is not enabled on the host, which needs it: %s", d->n,
                         reason);
    if (pci->enabled == VMX_NO) {
        return enable_command(c, &d->address, &command)
                   ?: check_add(c, VMX_FAIL, rule, &command,
                                "pciPassthru%zu is not enabled on the host", d->n);
    }
    if (pci->active == VMX_NO)
        return check_add(c, VMX_WARN, rule, NULL,
                         "pciPassthru%zu is enabled once the host has been rebooted", d->n);
    return check_add(c, VMX_PASS, rule, NULL, "pciPassthru%zu is enabled on the host", d->n);
}

/* ---- the host that it is bound to ---- */

/* Applying the profile again binds its devices to this host. */
static int system_by_profile(const struct check *c, struct span key, struct buf *ret)
{
    bool given = plan_line_param(&c->active.line, SPAN_LITERAL("system"));
    struct vmx_dict *after = NULL;
    BUF_AUTO line = {0};
    BUF_AUTO value = {0};
    int r = buf_addf(&line, "%s%s", vmx_profile_name(c->active.profile), given ? " system=" : "")
        ?: check_after(c, line.data, &after)
        ?: vmx_dict_get(after, key, &value);
    if (r == 0 && span_eq_fold(buf_span(&value), span_of(c->around->host->uuid)))
        r = command_profile(c->dir, line.data, ret);
    vmx_dict_free(after);
    return r == -ENOMEM ? r : 0;
}

static int system_command(const struct check *c, const struct check_device *d, struct buf *ret)
{
    const struct device_key key = device_key(d->n, "systemId");
    if (!c->report || !check_is_same(d))
        return 0;
    if (check_is_of_profile(c, span_of(key.text)))
        return system_by_profile(c, span_of(key.text), ret);
    return command_set(c->dict, c->dir, span_of(key.text), span_of(c->around->host->uuid), ret);
}

static int device_system(struct check *c, const struct check_device *d)
{
    static const char rule[] = "device-system";
    const char *uuid = c->around->host ? c->around->host->uuid : "";
    BUF_AUTO system = {0};
    BUF_AUTO command = {0};
    int r = device_get(c->dict, d->n, "systemId", &system);
    if (r != 0 && r != -ENOENT)
        return r;
    bool missing = system.len == 0 && d->has_address && d->kind == DEVICE_FIXED;
    if (!missing && (system.len == 0 || span_eq_fold(buf_span(&system), SPAN_LITERAL("BYPASS"))))
        return check_add(c, VMX_PASS, rule, NULL, "pciPassthru%zu is bound to no host", d->n);
    bool same = span_eq_fold(buf_span(&system), span_of(uuid));
    r = uuid[0] && !same ? system_command(c, d, &command) : 0;
    if (r != 0)
        return r;
    if (missing)
        return check_add(c, VMX_FAIL, rule, &command,
                         "pciPassthru%zu.systemId is missing: \"esxcli system uuid get\" prints it",
                         d->n);
    if (!uuid[0])
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "pciPassthru%zu is bound to host " SPAN_FORMAT ": is it this one?", d->n,
                         SPAN_SHOWN(buf_span(&system)));
    return check_add(c, same ? VMX_PASS : VMX_FAIL, rule, &command,
                     "pciPassthru%zu is bound to host " SPAN_FORMAT "%s%s", d->n,
                     SPAN_SHOWN(buf_span(&system)), same ? "" : ", but this one is ",
                     same ? "" : uuid);
}

/* What is there in its place is not this VM's, and nothing to enable. */
static int one_device(struct check *c, const struct check_device *d)
{
    int r = device_id(c, d) ?: device_on_host(c, d) ?: device_system(c, d);
    if (r != 0 || (d->host && !check_is_same(d)))
        return r;
    return passthrough_enabled(c, d) ?: check_gpu(c, d);
}

/* Whether it is to be passed to VMs at all is its owner's choice. */
int check_card(struct check *check, const struct check_device *device)
{
    int r = device->host->enabled == VMX_YES ? passthrough_enabled(check, device) : 0;
    return r ?: check_gpu_alone(check, device);
}

/* ---- all of them ---- */

/* A profile of the user's own may have nothing to do with devices. */
static bool profile_wants_one(const struct check *check)
{
    return check->active.profile && profile_param(check->active.profile, SPAN_LITERAL("device"));
}

/* All are judged, but no more are shown than a VM may have (check_sharing.c says so). */
static int each_device(struct check *check)
{
    struct buf *report = check->report;
    int r = 0;
    for (size_t i = 0; r == 0 && i < check->n_devices; i++) {
        if (i == DEVICES_AT_MOST)
            check->report = NULL;
        check->judged = &check->devices[i];
        r = one_device(check, check->judged);
    }
    check->judged = NULL;
    check->report = report;
    return r;
}

int check_device(struct check *check)
{
    bool any = check->n_devices > 0;
    int r = each_device(check);
    if (r != 0 || (!any && !profile_wants_one(check)))
        return r;
    return check_add(check, any ? VMX_PASS : VMX_FAIL, "device-present", NULL,
                     any ? "a device is passed to the VM" : "no device is passed to the VM");
}
