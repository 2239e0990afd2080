/* SPDX-License-Identifier: MIT */
/* What the parts of vmx_why share. */
#pragma once

#include <stdlib.h>

#include "parser/device/pci.h"
#include "parser/vm/vm_log.h"
#include "why.h"

/* Something that was said. The spans are the log's or the output's. */
struct why_line {
    struct span time; /* as it was written; empty: the output's */
    struct span key;  /* the host's name of the message; empty: it is in the text, or not known */
    struct span text;
};

struct why_lines {
    struct why_line *items;
    size_t n;
};

static inline void why_lines_done(struct why_lines *lines)
{
    free(lines->items);
}
#define WHY_LINES_AUTO __attribute__((cleanup(why_lines_done))) struct why_lines

/* Adds a line, unless its text is there already. 0, -ENOMEM. */
int why_add(struct why_lines *lines, const struct why_line *line);

/* What a log says of the last power-on. */
struct why_log {
    struct vm_attempt attempt;
    bool failed;             /* ... it says so; never if the attempt succeeded */
    struct why_lines before; /* up to where the VM was powered on */
    struct why_lines since;  /* what ended or hindered the VM from there on */
};

/* ret is the caller's to free, with why_log_done. 0, -ENOMEM. */
int why_read_log(struct span log, struct why_log *ret);

static inline void why_log_done(struct why_log *log)
{
    why_lines_done(&log->before);
    why_lines_done(&log->since);
}
#define WHY_LOG_AUTO __attribute__((cleanup(why_log_done))) struct why_log

/* Adds what "vim-cmd vmsvc/power.on" said. 0, -ENOMEM. */
int why_read_output(struct span output, struct why_lines *lines);

/* What a message is. */
enum why_kind {
    WHY_FAULT,
    WHY_STAGE,    /* where it went wrong, not what */
    WHY_QUESTION, /* it waits for an answer */
    WHY_RUNNING,  /* it comes when the VM is on */
};

/* A message that is known. */
struct why_cause {
    const char *text;  /* stands in it, or in its key */
    const char *cause; /* for people */
    /* Appends the command that mends it; nothing where there is none. 0, -ENOMEM. */
    int (*mend)(const struct why_given *given, struct span said, struct buf *ret);
    enum why_kind kind;
    bool decimal; /* it names a device as nothing else does: in decimal */
};

/* The cause of what was said, or NULL. ret_at (may be NULL): where what tells it stands. */
const struct why_cause *why_cause_of(struct span said, size_t *ret_at);

/* The device that a message names in decimal ("97:0.0", "013:00.3"). False: none. */
bool why_device_of(struct span said, struct vmx_pci *ret);
