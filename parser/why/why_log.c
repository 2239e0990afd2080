/* SPDX-License-Identifier: MIT */
/*
 * A failure in a vmware.log is a stack of lines "[msg.id] text" between "Msg_Post: Error" and
 * dashes, then the module that failed; what is most special may stand before it. What the VM itself
 * met with once it was on stands behind, and may be of any thread.
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

int why_add(struct why_lines *lines, const struct why_line *line)
{
    for (size_t i = 0; i < lines->n; i++) {
        if (span_eq(bare(lines->items[i].text), bare(line->text)))
            return 0;
    }
    if (says_nothing(bare(line->text)) || lines->n == LINES_MAX)
        return 0;
    struct why_line *items = list_room(lines->items, lines->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    lines->items = items;
    items[lines->n++] = *line;
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

static bool is_stage(struct span text)
{
    return span_starts_with(bare(text), SPAN_LITERAL("Module '")) && has(text, "power on failed");
}

/* The cause that the host's own words in a line of its log tell, or NULL. */
static const struct why_cause *cause_in_log(struct span text)
{
    size_t at = 0;
    const struct why_cause *cause = why_cause_of(text, &at);
    return cause && vm_log_is_message(text, at) ? cause : NULL;
}

/* What goes on from a message is one only if that is, and of the same thread. */
struct reader {
    struct span thread;
    bool is_message; /* the last line that did not go on */
};

static bool is_believed(struct reader *reader, const struct vm_log_line *line)
{
    if (line->goes_on)
        return reader->is_message && span_eq(reader->thread, line->thread);
    reader->thread = line->thread;
    reader->is_message = is_of_stack(line->text) ||
                         span_starts_with(line->text, SPAN_LITERAL("VMware ESX unrecoverable"));
    return true;
}

static int read_before(struct why_log *log)
{
    struct reader reader = {0};
    struct span rest = log->attempt.lines;
    struct vm_log_line line;
    int r = 0;
    while (r == 0 && vm_log_next(&rest, &line)) {
        if (!is_believed(&reader, &line) || !span_eq(line.thread, SPAN_LITERAL("vmx")))
            continue;
        const struct why_cause *cause = cause_in_log(line.text);
        bool stage = is_stage(line.text);
        if (!cause && !stage && !is_of_stack(line.text))
            continue;
        bool may_be_of_a_failure = cause ? cause->kind <= WHY_STAGE : log->attempt.whole;
        log->failed = log->failed || stage || may_be_of_a_failure;
        r = why_add(&log->before, &(struct why_line){.time = line.time, .text = line.text});
    }
    return r;
}

static int read_since(struct why_log *log)
{
    struct reader reader = {0};
    struct span rest = log->attempt.since;
    struct vm_log_line line;
    int r = 0;
    while (r == 0 && vm_log_next(&rest, &line)) {
        if (!is_believed(&reader, &line))
            continue;
        const struct why_cause *cause = cause_in_log(line.text);
        if (cause && cause->kind == WHY_RUNNING)
            r = why_add(&log->since, &(struct why_line){.time = line.time, .text = line.text});
    }
    return r;
}

int why_read_log(struct span log, struct why_log *ret)
{
    *ret = (struct why_log){0};
    vm_log_last_attempt(log, &ret->attempt);
    int r = read_before(ret) ?: read_since(ret);
    ret->failed = ret->failed && !ret->attempt.succeeded;
    return r;
}
