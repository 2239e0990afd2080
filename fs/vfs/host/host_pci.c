/* SPDX-License-Identifier: MIT */
/* .vmxfs/host/pci: a directory for each PCI function of the host, with the files that say what it
 * is, which VM has it, and whether it is passed through. */
#include <errno.h>
#include <string.h>

#include "host_view.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "vfs/node/dir_names.h"
#include "vfs/refuse.h"
#include "vm_devices.h"

/* The device of an address as it is listed, or NULL: another spelling is not a name. */
static const struct vmx_host_pci *find_device(const struct host_facts *facts, const char *name)
{
    struct vmx_pci address;
    BUF_AUTO canonical = {0};
    if (!vmx_pci_parse(span_of(name), &address) || vmx_pci_add_address(&address, &canonical) < 0 ||
        strcmp(canonical.data, name) != 0)
        return NULL;
    return vmx_host_find(&facts->host, &address);
}

/* The device whose directory n is in. 0 or -ENOENT, it is not there any more, with a reference in
 * *ret_facts; ... */
static int device_of(struct request *rq, struct node *n, const struct host_facts **ret_facts,
                     const struct vmx_host_pci **ret)
{
    int r = host_said(rq, HARDWARE_MAX_AGE_MS, ret_facts);
    if (r < 0)
        return r;
    *ret = find_device(*ret_facts, n->parent->name);
    return *ret ? 0 : -ENOENT;
}

/* As the host writes vendors, devices and classes. */
static int add_id(struct buf *ret, long long id)
{
    return id < 0 ? host_add_line(ret, NULL) : buf_addf(ret, "0x%04llx\n", (unsigned long long)id);
}

static int attribute_show(struct request *rq, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct vmx_host_pci *device = NULL;
    const struct control *which = n->detail;
    int r = device_of(rq, n, &facts, &device);
    if (r < 0)
        return r;
    if (strcmp(which->name, "vendor") == 0)
        return add_id(ret, device->vendor);
    if (strcmp(which->name, "device") == 0)
        return add_id(ret, device->device);
    if (strcmp(which->name, "class") == 0)
        return add_id(ret, device->class);
    return host_add_line(ret, strcmp(which->name, "name") == 0 ? device->name : device->owner);
}

/* The VMs that name it, one a line, those that run first. */
static int user_show(struct request *rq, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct vmx_host_pci *device = NULL;
    VM_DEVICES_AUTO devices = {0};
    int r = device_of(rq, n, &facts, &device) ?: vm_devices_find(rq, facts, &devices);
    for (size_t i = 0; r == 0 && i < devices.n; i++) {
        if (vmx_pci_eq(&devices.items[i].address, &device->address))
            r = safe_text_add(ret, span_of(devices.items[i].shown)) ?: buf_add_char(ret, '\n');
    }
    return r;
}

/* What is configured, and whether that waits for a reboot. */
static int passthrough_show(struct request *rq, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct vmx_host_pci *device = NULL;
    int r = device_of(rq, n, &facts, &device);
    if (r < 0 || device->enabled == VMX_NOT_KNOWN)
        return r < 0 ? r : host_add_line(ret, NULL);
    bool pending = device->active != VMX_NOT_KNOWN && device->active != device->enabled;
    return buf_addf(ret, "%d%s\n", device->enabled == VMX_YES, pending ? " (reboot pending)" : "");
}

/* "1", or "0 alone": a number, then words in any order. */
static bool parse_command(struct span line, struct vmx_passthrough *ret)
{
    struct span word;
    if (!text_word(&line, &word) || word.n != 1 || (word.p[0] != '0' && word.p[0] != '1'))
        return false;
    *ret = (struct vmx_passthrough){.on = word.p[0] == '1'};
    while (text_word(&line, &word)) {
        bool *which = span_eq(word, SPAN_LITERAL("force"))   ? &ret->force
                      : span_eq(word, SPAN_LITERAL("alone")) ? &ret->alone
                                                             : NULL;
        if (!which || *which)
            return false;
        *which = true;
    }
    return true;
}

static bool is_named(void *ctx, const struct vmx_pci *address)
{
    return vm_devices_name(ctx, address);
}

/* *said: what there is to tell, whatever comes of it. */
static int switch_it(struct request *rq, const char *name, struct span line, struct buf *said)
{
    struct vmx_pci address;
    struct vmx_passthrough how;
    VM_DEVICES_AUTO devices = {0};
    if (!parse_command(line, &how))
        return buf_add_str(said,
                           "write 1 or 0; \"1 alone\" for just this one, \"1 force\" for "
                           "what the host needs, too")
                   ?: -EINVAL;
    if (!vmx_pci_parse(span_of(name), &address))
        return -ENODEV;
    FACTS_AUTO *facts = NULL;
    int r = 0;
    if (!how.on && !how.alone) {
        r = host_said(rq, cache_ms(rq), &facts) ?: vm_devices_find(rq, facts, &devices);
        how.is_named = is_named;
        how.ctx = &devices;
    }
    return r ?: host_passthrough_set(rq->vfs->host, &address, &how, &rq->wait, said);
}

static int passthrough_store(struct request *rq, struct node *n, struct span line)
{
    static const struct diag nothing = {0};
    BUF_AUTO path = {0};
    BUF_AUTO said = {0};
    int r = buf_addf(&path, CONTROL_NAME "/host/pci/%s", n->parent->name);
    if (r < 0)
        return r;
    r = switch_it(rq, n->parent->name, line, &said);
    if (r == 0 && said.len > 0)
        journal_add(rq->vfs->journal, 0, path.data, "passthrough", said.data);
    if (r == -EREMOTEIO)
        r = -EIO;
    return said.len > 0 ? refuse_text(rq, path.data, "passthrough", r, said.data)
                        : refuse_host(rq, path.data, "passthrough", r, &nothing);
}

static const struct control controls[] = {
    {.name = "vendor", .show = attribute_show},
    {.name = "device", .show = attribute_show},
    {.name = "class", .show = attribute_show},
    {.name = "name", .show = attribute_show},
    {.name = "owner", .show = attribute_show},
    {.name = "user", .show = user_show},
    {.name = "passthrough", .by_line = true, .show = passthrough_show, .store = passthrough_store},
    {0},
};

static const struct folder device_folder = {.controls = controls};

static int pci_find(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    (void)dir;
    FACTS_AUTO *facts = NULL;
    int r = host_said(rq, HARDWARE_MAX_AGE_MS, &facts);
    if (r < 0)
        return r;
    return find_device(facts, name) ? folder_found(rq, &device_folder, ret) : -ENOENT;
}

static int pci_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    (void)dir;
    FACTS_AUTO *facts = NULL;
    int r = host_said(rq, HARDWARE_MAX_AGE_MS, &facts);
    for (size_t i = 0; r == 0 && i < facts->host.n_pci; i++) {
        BUF_AUTO address = {0};
        r = vmx_pci_add_address(&facts->host.pci[i].address, &address)
                ?: dir_names_add(ret, address.data, S_IFDIR, NULL);
    }
    return r;
}

const struct folder host_pci_folder = {.name = "pci", .find = pci_find, .list = pci_list};
