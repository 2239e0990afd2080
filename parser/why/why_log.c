/* SPDX-License-Identifier: MIT */
/*
 * vmware.log. Each power-on begins a new one; the forms of its lines are recorded of
 *
 *      6.x   2020-03-01T10:00:00.123Z| vmx| I125: text
 *      7.x   2022-04-22T03:04:15.771Z| vmx| | I005: text
 *      8.x   2023-07-21T09:40:52.413Z In(05) vmx - text         or an operation's id for the "-"
 *
 * A failure is a stack of lines "[msg.id] text" between "Msg_Post: Error" and dashes, then the
 * module that failed. Only lines of the thread vmx count, and none after the VM was powered on:
 * the others are where a guest can write.
 */
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

/* Takes what stands before c off the front, and c; all of it where there is no c. */
static struct span take(struct span *rest, char c)
{
    size_t n = text_find(*rest, c);
    struct span word = span_head(*rest, n);
    *rest = span_from(*rest, n < rest->n ? n + 1 : n);
    return text_trim(word);
}

/* False: it is not a line of the thread vmx. */
static bool split(struct span line, struct span *ret_time, struct span *ret_text)
{
    struct span rest = line;
    bool old = text_find(line, '|') < text_find(line, ' ');
    *ret_time = take(&rest, old ? '|' : ' ');
    if (old) {
        if (!span_eq(take(&rest, '|'), SPAN_LITERAL("vmx")))
            return false;
        if (text_find(rest, '|') < text_find(rest, ':'))
            take(&rest, '|');
        take(&rest, ':');
    } else {
        take(&rest, ' ');
        if (!span_eq(take(&rest, ' '), SPAN_LITERAL("vmx")))
            return false;
        take(&rest, ' ');
    }
    *ret_text = text_trim(rest);
    return true;
}

static bool is_of_stack(struct span text)
{
    return span_starts_with(text, SPAN_LITERAL("[msg.")) ||
           span_starts_with(text, SPAN_LITERAL("[vob."));
}

static void begin(struct why_lines *lines, struct why_attempt *attempt, struct span time)
{
    lines->n = 0;
    *attempt = (struct why_attempt){.begun = true, .began = time};
}

int why_read_log(struct span log, struct why_lines *lines, struct why_attempt *ret)
{
    *ret = (struct why_attempt){0};
    struct span line;
    while (text_line(&log, &line)) {
        struct span time;
        struct span text;
        if (!split(line, &time, &text))
            continue;
        if (!ret->begun || has(line, "Log for VMware ESX"))
            begin(lines, ret, time);
        if (ret->succeeded)
            continue;
        if (has(text, "execState/val to poweredOn"))
            ret->succeeded = true;
        else if ((is_of_stack(text) || has(text, "power on failed") || why_cause_of(text)) &&
                 why_add(lines, time, text) != 0)
            return -ENOMEM;
    }
    return 0;
}
