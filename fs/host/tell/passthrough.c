/* SPDX-License-Identifier: MIT */
/* What the host is told of its devices: which of them VMs may have. */
#include <errno.h>
#include <string.h>

#include "host/facts/facts_cache.h"
#include "vim_cmd.h"

static int check_device(const struct host_facts *facts, const struct vmx_pci *address, bool on,
                        bool force, struct diag *why)
{
    const struct vmx_host_pci *pci = vmx_host_find(&facts->host, address);
    const char *reason = pci ? vmx_host_needs(pci) : NULL;
    if (!pci) {
        diag_set(why, "the host has no such device");
        return -ENODEV;
    }
    if (on && pci->capable == VMX_NO) {
        diag_set(why, "the host says that the device is not capable of passthrough");
        return -EOPNOTSUPP;
    }
    if (on && !force && reason) {
        diag_set(why, "the host needs it (%s); write \"1 force\" to take it away nevertheless",
                 reason);
        return -EBUSY;
    }
    if (!on && !force && pci->user) {
        diag_set(why, "%s has it and is powered on; write \"0 force\" to take it away nevertheless",
                 pci->user);
        return -EBUSY;
    }
    return 0;
}

/* Applied at once where the host can; else it waits for a reboot. */
static int switch_device(struct host *host, const char *address, bool on, const struct wait *wait,
                         struct diag *why)
{
    enum { AT_ONCE = 9 };
    const char *words[] = {"esxcli", "hardware", "pci", "pcipassthru",         "set",
                           "-d",     address,    "-e",  on ? "true" : "false", [AT_ONCE] = "-a",
                           NULL};
    int r = host_command(host, words, wait, NULL, why);
    if (r == -EREMOTEIO && !strstr(why->text, "already configured")) {
        words[AT_ONCE] = NULL;
        r = host_command(host, words, wait, NULL, why);
    }
    return r == -EREMOTEIO && strstr(why->text, "already configured") ? 0 : r;
}

int host_passthrough_set(struct host *host, const struct vmx_pci *address, bool on, bool force,
                         const struct wait *wait, struct diag *why)
{
    const struct host_facts *facts = NULL;
    BUF_AUTO text = {0};
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    host_outdate(host, true);
    r = host_facts(host, 0, wait, &facts) ?: check_device(facts, address, on, force, why);
    host_facts_unref(facts);
    r = r ?: vmx_pci_add_address(address, &text) ?: switch_device(host, text.data, on, wait, why);
    host_outdate(host, true);
    host_done(host);
    return r;
}
