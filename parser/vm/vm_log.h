/* SPDX-License-Identifier: MIT */
/*
 * vmware.log. Each power-on begins a new one; the forms of its lines are recorded of
 *
 *      6.x   2020-03-01T10:00:00.123Z| vmx| I125: text
 *      7.x   2022-04-22T03:04:15.771Z| vmx| | I005: text
 *      8.x   2023-07-21T09:40:52.413Z In(05) vmx - text         or an operation's id for the "-"
 *
 * Only lines of the thread vmx count, and none after the VM was powered on: the others are where a
 * guest can write. Spans are of the log.
 */
#pragma once

#include "parser/text/buf.h"

struct vm_log_line {
    struct span time; /* as it was written; any text */
    struct span text;
};

/* Takes lines off the front, up to the next one of the thread vmx. False: there is none left. */
bool vm_log_next(struct span *log, struct vm_log_line *ret);

/* The last power-on that a log, or its end, tells of. */
struct vm_attempt {
    bool begun;        /* there is one */
    bool whole;        /* ... with its first line: the VM was off before, and no guest wrote */
    bool succeeded;    /* the VM was powered on */
    struct span began; /* its first time */
    struct span lines; /* of the log, up to where the VM was powered on */
};

void vm_log_last_attempt(struct span log, struct vm_attempt *ret);

/* Whether it is a time as VMware writes it: its first n bytes are "2026-11-29T10:30:05". */
enum { VM_LOG_TIME = 19 };
bool vm_log_is_time(struct span time);
