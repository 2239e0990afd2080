/* SPDX-License-Identifier: MIT */
/*
 * vmware.log. Each power-on begins a new one; the forms of its lines are recorded of
 *
 *      6.x   2020-03-01T10:00:00.123Z| vmx| I125: text
 *      7.x   2022-04-22T03:04:15.771Z| vmx| | I005: text
 *      8.x   2023-07-21T09:40:52.413Z In(05) vmx - text
 *
 * where an operation's id may stand between the last two "|", or for the "-".
 * A message of several lines goes on with a "+" (I125+, In(05)+).
 *
 * A guest can have its words logged, by any thread. They stand behind a word that says whose they
 * are ("Guest: "), or go on from such a line. So a line is believed only as far as its first words
 * are the host's, one that goes on only as the one that it goes on from, and of what the VM was
 * powered on with only the lines of the thread vmx before it was.
 */
#pragma once

#include "parser/text/buf.h"

/* A line; its spans are of the log. */
struct vm_log_line {
    struct span time; /* as it was written; any text */
    struct span thread;
    struct span text;
    bool goes_on; /* from the line before of the thread */
};

/* Takes lines off the front, up to the next one of a recorded form. False: there is none left. */
bool vm_log_next(struct span *log, struct vm_log_line *ret);

/* Whether it is a line that the thread vmx begins. */
bool vm_log_is_vmx(const struct vm_log_line *line);

/* Whether what stands at the offset in the text of a line are the host's own words: nothing
 * precedes them, or words by which messages of the host begin. */
bool vm_log_is_message(struct span text, size_t at);

/* The last power-on that a log, or its end, tells of. */
struct vm_attempt {
    bool begun;        /* there is one */
    bool whole;        /* ... with its first line: the VM was off before, and no guest wrote */
    bool succeeded;    /* the VM was powered on */
    struct span began; /* its first time */
    struct span lines; /* of the log, up to where the VM was powered on */
    struct span since; /* of the log, from there on */
};

void vm_log_last_attempt(struct span log, struct vm_attempt *ret);

/* Whether it is a time as VMware writes it: its first n bytes are "2026-11-29T10:30:05". */
enum { VM_LOG_TIME = 19 };
bool vm_log_is_time(struct span time);
