/* SPDX-License-Identifier: MIT */
#include "device_users.h"

#include <errno.h>

#include "host/host_private.h"
#include "parser/device/passed.h"
#include "remote/cache/document.h"

static int refuse(const struct vmx_host_pci *pci, struct diag *why)
{
    BUF_AUTO address = {0};
    int r = vmx_pci_add_address(&pci->address, &address);
    if (r < 0)
        return r;
    diag_set(why, "%s has %s and is powered on", pci->user, address.data);
    return -EBUSY;
}

/* own: as the users are named. */
static int judge(const struct host_facts *facts, const struct vmx_dict *dict, const char *own,
                 struct diag *why)
{
    PASSED_AUTO passed = {0};
    int r = vmx_passed_find(dict, &passed);
    for (size_t i = 0; r == 0 && i < passed.n; i++) {
        const struct vmx_passed_device *device = &passed.items[i];
        bool own_only = device->kind == DEVICE_FIXED && device->has_address;
        const struct vmx_host_pci *pci =
            own_only ? vmx_host_find(&facts->host, &device->address) : NULL;
        if (pci && pci->user && !(own && strcmp(pci->user, own) == 0))
            r = refuse(pci, why);
    }
    return r;
}

/* What cannot be found out refuses nothing: the host itself will say it. */
int host_check_device_users(struct host *host, const char *path, const struct wait *wait,
                            struct diag *why)
{
    const struct host_facts *facts = NULL;
    struct vmx_host_vm vm = {0};
    DOCUMENT_AUTO *doc = NULL;
    int r = remote_document(host->remote, path, DOCUMENT_TO_WRITE, wait, &doc)
                ?: host_facts(host, 0, wait, &facts);
    if (r == 0) {
        host_about_vm(facts, path, &vm);
        r = judge(facts, doc->dict, vm.path, why);
    } else if (r != -EINTR && r != -ENOMEM) {
        r = 0;
    }
    host_facts_unref(facts);
    return r;
}
