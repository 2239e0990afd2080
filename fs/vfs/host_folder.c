/* SPDX-License-Identifier: MIT */
/* .vmxfs/host, and in it pci/ADDRESS: a directory for each PCI function of the host. */
#include <errno.h>
#include <string.h>

#include "host_views.h"

static const struct folder device_folder = {
    .controls =
        (const struct control *const[]){&device_vendor_control, &device_id_control,
                                        &device_class_control, &device_name_control,
                                        &device_owner_control, &device_passthrough_control, NULL},
};

/* The device of an address as it is listed, or NULL: another spelling is no name. */
static const struct vmx_host_pci *find_device(const struct host_facts *facts, const char *name)
{
    struct vmx_pci address;
    BUF_AUTO canonical = {0};
    if (!vmx_pci_parse(span_of(name), &address) || vmx_pci_add_address(&address, &canonical) < 0 ||
        strcmp(canonical.data, name) != 0)
        return NULL;
    return vmx_host_find(&facts->host, &address);
}

int host_device_of(struct call *c, struct node *n, const struct host_facts **ret_facts,
                   const struct vmx_host_pci **ret)
{
    FACTS_AUTO *facts = NULL;
    int r = host_said(c, HARDWARE_MAX_AGE_MS, &facts);
    const struct vmx_host_pci *device = r == 0 ? find_device(facts, n->parent->name) : NULL;
    if (r < 0)
        return r;
    if (!device)
        return -ENOENT;
    *ret = device;
    *ret_facts = host_facts_ref(facts);
    return 0;
}

static int pci_find(struct call *c, struct node *dir, const char *name, struct found *ret)
{
    FACTS_AUTO *facts = NULL;
    int r = host_said(c, HARDWARE_MAX_AGE_MS, &facts);
    if (r < 0)
        return r;
    return find_device(facts, name) ? folder_lookup(c, dir, &device_folder, ret) : -ENOENT;
}

static int pci_list(struct call *c, struct node *dir, struct dir_names *ret)
{
    (void)dir;
    FACTS_AUTO *facts = NULL;
    int r = host_said(c, HARDWARE_MAX_AGE_MS, &facts);
    for (size_t i = 0; r == 0 && i < facts->host.n_pci; i++) {
        BUF_AUTO address = {0};
        r = vmx_pci_add_address(&facts->host.pci[i].address, &address);
        if (r == 0)
            r = dir_names_add(ret, address.data, S_IFDIR);
    }
    return r;
}

static const struct folder pci_folder = {.name = "pci", .find = pci_find, .list = pci_list};

const struct folder host_folder = {
    .name = "host",
    .of_host = true,
    .controls = (const struct control *const[]){&host_version_control, &host_cpu_control,
                                                &host_uuid_control, NULL},
    .folders = (const struct folder *const[]){&pci_folder, &host_vms_folder, NULL},
};
