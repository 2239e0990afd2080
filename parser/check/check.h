/* SPDX-License-Identifier: MIT */
/*
 * The report on a document: one requirement a line, TAB-separated:
 *
 *     PASS|WARN|FAIL|UNKNOWN  rule  what was found  a command that mends it, or "-"
 *
 * and a last line that begins with "#" and sums up. Rule names are stable: scripts depend on them.
 * Rules and severities are those of the double-passthrough guide (docs/guide.md).
 */
#pragma once

#include "parser/plan/plan.h"

enum vmx_severity { VMX_PASS, VMX_UNKNOWN, VMX_WARN, VMX_FAIL, VMX_SEVERITIES };

struct vmx_check {
    size_t count[VMX_SEVERITIES];
    enum vmx_severity worst;
};

/* Reports on the active profile, or on all where none is active, and on the file itself. dir,
 * mount: how the mending commands name the VM's directory of settings ("." there), and the
 * mountpoint. What needs a host is UNKNOWN where there is none. Appends to *report (may be NULL:
 * count only). 0, -ENOMEM. */
int vmx_check_run(const struct vmx_dict *dict, const struct vmx_around *around, const char *dir,
                  const char *mount, struct buf *report, struct vmx_check *ret);
