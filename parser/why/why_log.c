/* SPDX-License-Identifier: MIT */
/* A failure in a vmware.log is a stack of lines "[msg.id] text" between "Msg_Post: Error" and
 * dashes, then the module that failed. */
#include <errno.h>
#include <stdlib.h>

#include "parser/text/list.h"
#include "parser/text/text.h"
#include "why_private.h"

enum { LINES_MAX = 64 }; /* of one attempt; a log that has more is not one of a failed power-on */

/* Behind "[msg.id] ", which the log has and the command has not. */
static struct span bare(struct span text)
{
    size_t end = text_find(text, ']');
    return text.n > 0 && text.p[0] == '[' && end < text.n ? text_trim(span_from(text, end + 1))
                                                          : text;
}

/* What stands below every failure. */
static bool says_nothing(struct span text)
{
    return text.n == 0 || span_eq(text, SPAN_LITERAL("Failed to start the virtual machine.")) ||
           span_eq(text, SPAN_LITERAL("Failed to start the virtual machine"));
}

int why_add(struct why_lines *lines, struct span time, struct span text)
{
    for (size_t i = 0; i < lines->n; i++) {
        if (span_eq(bare(lines->items[i].text), bare(text)))
            return 0;
    }
    if (says_nothing(bare(text)) || lines->n == LINES_MAX)
        return 0;
    struct why_line *items = list_room(lines->items, lines->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    lines->items = items;
    items[lines->n++] = (struct why_line){time, text};
    return 0;
}

static bool has(struct span s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool is_of_stack(struct span text)
{
    return span_starts_with(text, SPAN_LITERAL("[msg.")) ||
           span_starts_with(text, SPAN_LITERAL("[vob."));
}

int why_read_log(struct span log, struct why_lines *lines, struct vm_attempt *ret)
{
    vm_log_last_attempt(log, ret);
    struct span rest = ret->lines;
    struct vm_log_line line;
    int r = 0;
    while (r == 0 && vm_log_next(&rest, &line)) {
        if (is_of_stack(line.text) || has(line.text, "power on failed") || why_cause_of(line.text))
            r = why_add(lines, line.time, line.text);
    }
    return r;
}
