/* SPDX-License-Identifier: MIT */
/*
 * .vmxfs/gpus: a line for each display or 3D controller of the host. Its first line names the
 * columns. What is not known is "-", of power "unknown".
 */
#include <errno.h>

#include "parser/check/check.h"
#include "parser/text/safe_text.h"
#include "remote/cache/document.h"
#include "vfs/control/vmx_log.h"
#include "vm_devices.h"

static const char columns[] =
    "# address\tcard\tmemory-gb\tpassthrough\tvms\tpower\tworst-finding\n";

/* What the report on the VM says of the card. -errno as of remote_document. */
static int check_in_vm(struct request *rq, const struct host_facts *facts,
                       const struct vm_device *vm, struct vmx_card_check *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    START_AUTO start = {0};
    struct vmx_host_vm about = {0};
    struct vmx_around around = around_vm(rq->vfs, facts, vm->path, &about);
    go_on_waiting(rq);
    int r = remote_document(rq->vfs->remote, vm->path, cache_ms(rq), &rq->wait, &doc);
    return r
        ?: vmx_log_start(rq, vm->path, doc->dict, &around, &start)
        ?: vmx_check_of_card(doc->dict, &around, &vm->address, ret);
}

static const char *passthrough_word(const struct vmx_host_pci *pci)
{
    if (pci->enabled == VMX_NOT_KNOWN)
        return "-";
    if (pci->enabled == VMX_NO)
        return "0";
    return pci->active == VMX_NO ? "1-reboot" : "1";
}

/* The VMs that name the card, joined by ",". *ret_first: the first of them, or NULL. */
static int add_vms(const struct vm_devices *devices, const struct vmx_host_pci *pci,
                   struct buf *ret, const struct vm_device **ret_first)
{
    int r = 0;
    *ret_first = NULL;
    for (size_t i = 0; r == 0 && i < devices->n; i++) {
        const struct vm_device *vm = &devices->items[i];
        if (!vmx_pci_eq(&vm->address, &pci->address))
            continue;
        r = buf_add_str(ret, *ret_first ? "," : "") ?: safe_field_add(ret, span_of(vm->shown), ',');
        *ret_first = *ret_first ? *ret_first : vm;
    }
    return r == 0 && !*ret_first ? buf_add_char(ret, '-') : r;
}

static int add_card(struct request *rq, const struct host_facts *facts,
                    const struct vm_devices *devices, const struct vmx_host_pci *pci,
                    struct buf *ret)
{
    const struct vmx_around around = {.profiles = &rq->vfs->profiles, .host = &facts->host};
    const struct vm_device *first = NULL;
    struct vmx_card_check check = {0};
    BUF_AUTO vms = {0};
    BUF_AUTO memory = {0};
    int r = add_vms(devices, pci, &vms, &first);
    if (r == 0 && first)
        r = check_in_vm(rq, facts, first, &check);
    if (document_is_left_out(r) || (r == 0 && !first))
        r = vmx_check_card(&around, pci, &check);
    if (r == 0 && check.memory_gb > 0)
        r = buf_addf(&memory, "%lld", check.memory_gb);
    return r
        ?: vmx_pci_add_address(&pci->address, ret)
        ?: buf_add_char(ret, '\t')
        ?: safe_text_add(ret, span_of(pci->name[0] ? pci->name : "-"))
        ?: buf_addf(ret, "\t%s\t%s\t%s\t%s\t%s%s%s\n", memory.len > 0 ? memory.data : "-",
                   passthrough_word(pci), vms.data, first ? first->power : "-",
                   check.unfit ? "-" : vmx_severity_name(check.worst), check.rule[0] ? " " : "",
                   check.rule);
}

int root_gpus_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    VM_DEVICES_AUTO devices = {0};
    int r = host_said(rq, cache_ms(rq), &facts)
        ?: vm_devices_find(rq, facts, &devices)
        ?: buf_add_str(ret, columns);
    for (size_t i = 0; r == 0 && i < facts->host.n_pci; i++) {
        if (vmx_host_is_display(&facts->host.pci[i]))
            r = add_card(rq, facts, &devices, &facts->host.pci[i], ret);
    }
    return r;
}
