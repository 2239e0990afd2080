/* SPDX-License-Identifier: MIT */
/* What the parts of vmx_why share. */
#pragma once

#include <stdlib.h>

#include "parser/vm/vm_log.h"
#include "why.h"

/* Something that was said. The text is the log's or the output's. */
struct why_line {
    struct span time; /* as it was written; empty: the output's */
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
int why_add(struct why_lines *lines, struct span time, struct span text);

/* Adds what the last attempt in a log said, up to where the VM was powered on. 0, -ENOMEM. */
int why_read_log(struct span log, struct why_lines *lines, struct vm_attempt *ret);

/* Adds what "vim-cmd vmsvc/power.on" said. 0, -ENOMEM. */
int why_read_output(struct span output, struct why_lines *lines);

/* A message that is known. */
struct why_cause {
    const char *text;  /* stands in it */
    const char *cause; /* for people */
    /* Appends the command that mends it; nothing where there is none. 0, -ENOMEM. */
    int (*mend)(const struct why_given *given, struct span said, struct buf *ret);
};

/* The cause of what was said, or NULL. */
const struct why_cause *why_cause_of(struct span said);
