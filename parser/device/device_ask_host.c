/* SPDX-License-Identifier: MIT */
/* Asking the host for a device: which functions it has, and whether it lets them go. */
#include "device_ask_host.h"

#include <errno.h>

#include "device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/shell_word.h"
#include "parser/text/text.h"

enum {
    VENDOR_INTEL = 0x8086,
    COMMAND_MAX = 400, /* bytes: a part of struct diag */
};

/* "0000:03:00.0 CONTINUATION" */
static int refuse_device(struct diag *diag, const struct vmx_pci *pci, const char *why)
{
    BUF_AUTO text = {0};
    return vmx_pci_add_address(pci, &text) ?: diag_set(diag, "%s %s", text.data, why);
}

static bool is_integrated(const struct vmx_host_pci *pci)
{
    static const struct vmx_pci integrated = {0, 0, 2, 0};
    return pci->vendor == VENDOR_INTEL && pci->class >= 0 && pci->class >> 8 == 0x03 &&
           vmx_pci_eq(&pci->address, &integrated);
}

/* By another VM that is powered on. */
static bool is_in_use(const struct vmx_around *around, const struct vmx_host_pci *pci)
{
    const char *own = around->vm ? around->vm->path : NULL;
    return pci->user && own && strcmp(pci->user, own) != 0;
}

/* ---- whether the host lets it go ---- */

/* The command that makes it let go, if it fits a reason. */
static int add_enabling(const struct plan_on *on, const struct vmx_host_pci *pci, struct buf *ret)
{
    BUF_AUTO file = {0};
    BUF_AUTO command = {0};
    int r = buf_addf(&file, "%s/.vmxfs/host/pci/", on->around->mountpoint)
        ?: vmx_pci_add_address(&pci->address, &file)
        ?: buf_add_str(&file, "/passthrough")
        ?: shell_word_add_echo(&command, "1", file.data);
    if (r == -EINVAL || command.len > COMMAND_MAX)
        return buf_add_str(ret, "write 1 to its passthrough, below .vmxfs/host/pci");
    return r ?: buf_add(ret, buf_span(&command));
}

static int refuse_disabled(const struct plan_on *on, const struct vmx_host_pci *pci,
                           struct diag *diag)
{
    const char *owner = pci->owner[0] ? pci->owner : "the host";
    const char *reason = vmx_host_needs(on->around->host, pci);
    BUF_AUTO text = {0};
    int r = buf_addf(&text, "belongs to %s", owner);
    if (r == 0 && reason)
        r = buf_addf(&text, ", and the host needs it: %s", reason);
    else if (r == 0)
        r = buf_add_str(&text, ": ") ?: add_enabling(on, pci, &text);
    return r ?: refuse_device(diag, &pci->address, text.data);
}

/* A device is passed on where the VM is to pass it on, or the host is a VM itself. */
static bool is_nested_hop(const struct plan_on *on)
{
    return on->around->host->nested == VMX_YES ||
           profile_sets(on->profile, SPAN_LITERAL("vvtd.enable")) ||
           profile_sets(on->profile, SPAN_LITERAL("vhv.enable"));
}

static int judge_function(const struct plan_on *on, const struct vmx_host_pci *pci,
                          struct diag *diag)
{
    BUF_AUTO text = {0};
    if (is_integrated(pci) && is_nested_hop(on))
        return refuse_device(diag, &pci->address,
                             "is an integrated Intel GPU: it cannot be passed on");
    if (pci->capable == VMX_NO)
        return refuse_device(diag, &pci->address,
                             "cannot be passed to a VM: the host says it is not capable of it");
    if (pci->enabled == VMX_NO)
        return refuse_disabled(on, pci, diag);
    if (pci->active == VMX_NO)
        return refuse_device(
            diag, &pci->address,
            "is to be passed through only after the host was restarted: reboot it");
    if (!is_in_use(on->around, pci))
        return 0;
    return buf_addf(&text, "is used by %.150s, which is powered on", pci->user)
               ?: refuse_device(diag, &pci->address, text.data);
}

/* ---- whether it is what was recorded ---- */

static int recorded_number(const struct vmx_dict *dict, const struct vmx_pci *pci, const char *name,
                           long long *ret)
{
    BUF_AUTO value = {0};
    int r = device_recorded_get(dict, pci, name, &value);
    if (r == 0 && !vmx_value_pci_number(buf_span(&value), ret))
        r = -ENOENT;
    return r;
}

/* Whether the profile was applied with this very device. 0, -ENOMEM. */
static int is_known(const struct vmx_dict *dict, const struct vmx_host_pci *pci, bool *ret)
{
    long long vendor = -1;
    long long device = -1;
    int r = recorded_number(dict, &pci->address, "vendorId", &vendor)
                ?: recorded_number(dict, &pci->address, "deviceId", &device);
    *ret = r == 0 && vendor == pci->vendor && device == pci->device;
    return r == -ENOENT ? 0 : r;
}

/* ---- whether the line says the same ---- */

static int contradict(const struct buf *given, const char *param, const char *known,
                      struct diag *diag)
{
    return diag_set(diag, "%s=%s, but the host says %s: leave it out (%s=)", param, given->data,
                    known, param);
}

static int judge_number(const struct plan_on *on, const char *param, long long known,
                        struct diag *diag)
{
    const struct buf *given = plan_line_param(on->line, span_of(param));
    long long number = 0;
    BUF_AUTO text = {0};
    if (!given || known < 0 || !vmx_value_pci_number(buf_span(given), &number) || number == known)
        return 0;
    return buf_addf(&text, "0x%04llx", (unsigned long long)known)
               ?: contradict(given, param, text.data, diag);
}

static int judge_line(const struct plan_on *on, const struct vmx_host_pci *pci, struct diag *diag)
{
    const struct buf *system = plan_line_param(on->line, SPAN_LITERAL("system"));
    const char *uuid = on->around->host->uuid;
    int r = judge_number(on, "vendor", pci->vendor, diag)
                ?: judge_number(on, "deviceid", pci->device, diag);
    if (r == 0 && system && uuid[0] && !span_eq_fold(buf_span(system), span_of(uuid)) &&
        !span_eq(buf_span(system), SPAN_LITERAL("BYPASS")))
        r = contradict(system, "system", uuid, diag);
    return r;
}

/* ---- all of it ---- */

/* A function that cannot be passed stays behind; that is no reason to refuse the others. */
static void find_functions(const struct vmx_host *host, const struct vmx_pci *pci,
                           struct device_functions *ret)
{
    size_t n = vmx_host_functions(host, pci, ret->items, DEVICE_FUNCTIONS_MAX);
    ret->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || ret->items[i]->capable != VMX_NO)
            ret->items[ret->n++] = ret->items[i];
    }
}

int device_ask(const struct plan_on *on, const struct vmx_pci *pci,
               struct device_functions *functions, struct diag *diag)
{
    find_functions(on->around->host, pci, functions);
    if (functions->n == 0)
        return refuse_device(diag, pci, "is not on this host: .vmxfs/host/pci has what is");
    int r = judge_line(on, functions->items[0], diag);
    for (size_t i = 0; r == 0 && i < functions->n; i++) {
        bool known = false;
        r = is_known(on->dict, functions->items[i], &known);
        if (r == 0 && !known)
            r = judge_function(on, functions->items[i], diag);
    }
    return r;
}
