/* SPDX-License-Identifier: MIT */
/*
 * The report on a document: one requirement a line, TAB-separated:
 *
 *     PASS|WARN|FAIL|UNKNOWN|NOTE  rule  what was found  a command that mends it, or "-"
 *
 * and a last line that begins with "#" and sums up. Rule names are stable: scripts depend on them.
 * Rules and severities are those of the double-passthrough guide (docs/guide.md).
 * UNKNOWN is what a command could tell; a NOTE is advice that no command mends, so it has none, and
 * a report is never worse for it.
 */
#pragma once

#include "parser/plan/plan.h"

enum vmx_severity { VMX_PASS, VMX_NOTE, VMX_UNKNOWN, VMX_WARN, VMX_FAIL, VMX_SEVERITIES };

struct vmx_check {
    size_t count[VMX_SEVERITIES];
    enum vmx_severity worst; /* never VMX_NOTE */
};

/* "PASS". */
const char *vmx_severity_name(enum vmx_severity severity);

/* Appends "3 PASS, 1 WARN, 0 FAIL, 2 UNKNOWN, 1 NOTE". 0, -ENOMEM. */
int vmx_check_add_counts(const struct vmx_check *check, struct buf *ret);

/* Reports on the file itself, on the devices that the VM has, and on the active profile. dir,
 * mount: how the mending commands name the VM's directory of settings ("." there), and the
 * mountpoint. What needs a host is UNKNOWN where there is none. Appends to *report (may be NULL:
 * count only). 0, -ENOMEM. */
int vmx_check_run(const struct vmx_dict *dict, const struct vmx_around *around, const char *dir,
                  const char *mount, struct buf *report, struct vmx_check *ret);

/* What reports say of one device of a host. */
struct vmx_card_check {
    enum vmx_severity worst; /* never VMX_NOTE */
    char rule[64];           /* the one that it is of; "" for VMX_PASS */
    long long memory_gb;     /* of a graphics card; 0: not known */
    bool unfit;              /* there is nothing to judge: vmx_check_card */
};

/* The worst finding of the report on a VM that has the device, without what that says of other
 * devices; of equal ones the device's own, then the first. 0, -ENOMEM. */
int vmx_check_of_card(const struct vmx_dict *dict, const struct vmx_around *around,
                      const struct vmx_pci *address, struct vmx_card_check *ret);

/* The same of a device that no VM has: what can be said of it alone. One that the host cannot pass,
 * and an integrated Intel GPU, which cannot be passed on, are unfit: nobody wants them, so that it
 * is no fault. 0, -ENOMEM. */
int vmx_check_card(const struct vmx_around *around, const struct vmx_host_pci *pci,
                   struct vmx_card_check *ret);

/* Whether a report has a use for what vmware.log shows (vmx_around.start): only one on a VM with a
 * graphics card, and logs are long. 0, -ENOMEM. */
int vmx_check_needs_log(const struct vmx_dict *dict, const struct vmx_around *around, bool *ret);
