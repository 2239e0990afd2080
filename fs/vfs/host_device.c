/* SPDX-License-Identifier: MIT */
/* The files of one PCI function of the host: what it is, who has it, and its passthrough. */
#include <errno.h>
#include <string.h>

#include "host_views.h"
#include "vmx.h"

/* As the host writes vendors, devices and classes. */
static int add_id(struct buf *ret, long long id)
{
    return id < 0 ? host_add_line(ret, NULL) : buf_addf(ret, "0x%04llx\n", (unsigned long long)id);
}

static int attribute_show(struct call *c, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct vmx_host_pci *device = NULL;
    const struct control *which = n->detail;
    int r = host_device_of(c, n, &facts, &device);
    if (r < 0)
        return r;
    if (which == &device_vendor_control)
        return add_id(ret, device->vendor);
    if (which == &device_id_control)
        return add_id(ret, device->device);
    if (which == &device_class_control)
        return add_id(ret, device->class);
    return host_add_line(ret, which == &device_name_control ? device->name : device->owner);
}

const struct control device_vendor_control = {
    .name = "vendor", .mode = 0444, .show = attribute_show};
const struct control device_id_control = {.name = "device", .mode = 0444, .show = attribute_show};
const struct control device_class_control = {.name = "class", .mode = 0444, .show = attribute_show};
const struct control device_name_control = {.name = "name", .mode = 0444, .show = attribute_show};
const struct control device_owner_control = {.name = "owner", .mode = 0444, .show = attribute_show};

/* What is configured, and whether that waits for a reboot. */
static int passthrough_show(struct call *c, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct vmx_host_pci *device = NULL;
    int r = host_device_of(c, n, &facts, &device);
    if (r < 0 || device->enabled == VMX_NOT_KNOWN)
        return r < 0 ? r : host_add_line(ret, NULL);
    bool pending = device->active != VMX_NOT_KNOWN && device->active != device->enabled;
    return buf_addf(ret, "%d%s\n", device->enabled == VMX_YES, pending ? " (reboot pending)" : "");
}

static bool parse_command(struct span line, bool *ret_on, bool *ret_force)
{
    bool force = span_ends_with(line, SPAN_LITERAL(" force"));
    if (force)
        line.n -= strlen(" force");
    if (line.n != 1 || (line.p[0] != '0' && line.p[0] != '1'))
        return false;
    *ret_on = line.p[0] == '1';
    *ret_force = force;
    return true;
}

static int switch_it(struct call *c, const char *name, struct span line, struct why *why)
{
    struct vmx_pci address;
    bool on;
    bool force;
    if (!parse_command(line, &on, &force)) {
        why_set(why, "write 1 or 0, or \"1 force\" for a device that the host needs");
        return -EINVAL;
    }
    if (!c->vfs->host)
        return -EOPNOTSUPP;
    if (!vmx_pci_parse(span_of(name), &address))
        return -ENODEV;
    return host_passthrough_set(c->vfs->host, &address, on, force, &c->wait, why);
}

static int passthrough_store(struct call *c, struct node *n, struct span line)
{
    struct why why = {{0}};
    BUF_AUTO path = {0};
    int r = buf_addf(&path, CONTROL_NAME "/host/pci/%s", n->parent->name);
    if (r < 0)
        return r;
    r = switch_it(c, n->parent->name, line, &why);
    return refuse_host(c, path.data, device_passthrough_control.name, r, &why);
}

const struct control device_passthrough_control = {
    .name = "passthrough",
    .mode = 0644,
    .by_line = true,
    .show = passthrough_show,
    .store = passthrough_store,
};
