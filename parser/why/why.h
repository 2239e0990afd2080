/* SPDX-License-Identifier: MIT */
/*
 * Why a VM did not power on: what the host said of its last attempt, what is known to cause that,
 * and a command that mends it.
 *
 * A guest writes into vmware.log, too (parser/vm/vm_log.h), so nothing in a report's commands is
 * copied from there: they are made from a table, their numbers are checked as those of the setting,
 * and a device is one that the VM has.
 */
#pragma once

#include "parser/document/dict.h"

struct why_given {
    const struct vmx_dict *dict; /* the VM's settings */
    const char *dir;             /* its directory of settings, for the commands; "." there */
    const char *mount;           /* the mountpoint; NULL: there is no host below it */
    struct span log;             /* vmware.log, or its end; empty: there is none */
    const char *unread;          /* why there is one, and it could not be read; NULL: it could */
    struct span output;          /* what the command said that failed last; empty: not known */
    const char *output_at;       /* when, as "2026-11-29T10:30:05Z" */
};

/* Appends a line for each thing that was said, of four TAB-separated fields: the time, what was
 * said, its cause, a command ("-" where there is none); then one that begins with "#" and sums up.
 * 0, -ENOMEM. */
int vmx_why(const struct why_given *given, struct buf *ret);
