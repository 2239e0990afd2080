/* SPDX-License-Identifier: MIT */
/*
 * What vim-cmd says when a command fails, "vmsvc/power.on" above all: a fault, in the form in which
 * the host prints its objects, or lines of text. In a fault the strings called message are what
 * happened, the most special one first; where there is none, the one called reason or msg is. A
 * string may go over several lines, and the texts around it differ from release to release, so that
 * only names and strings are looked for.
 */
#include <errno.h>

#include "fault.h"
#include "parser/text/text.h"
#include "why_private.h"

/* Takes the next NAME = "STRING" off the front. False: there is none. */
static bool next_string(struct span *rest, struct span *ret_name, struct span *ret_string)
{
    static const char mark[] = " = \"";
    const char *at = memmem(rest->p, rest->n, mark, sizeof(mark) - 1);
    if (!at)
        return false;
    const char *name = at;
    while (name > rest->p && text_name_char(name[-1]))
        name--;
    *ret_name = (struct span){name, (size_t)(at - name)};
    *rest = span_from(*rest, (size_t)(at - rest->p) + sizeof(mark) - 1);
    *ret_string = span_head(*rest, text_find(*rest, '"'));
    *rest = span_from(*rest, ret_string->n);
    return true;
}

static int add_strings(struct span output, const char *name, struct why_lines *lines)
{
    struct span found;
    struct span string;
    int r = 0;
    while (r == 0 && next_string(&output, &found, &string)) {
        while (string.n > 0 && (string.p[string.n - 1] == '\n' || string.p[string.n - 1] == ' '))
            string.n--;
        if (span_eq(found, span_of(name)))
            r = why_add(lines, (struct span){0}, string);
    }
    return r;
}

/* What precedes and follows each answer. */
static bool says_nothing(struct span line)
{
    static const char *const lines[] = {
        "Power on failed",  "Power off failed", "Reset failed",  "Suspend failed",
        "Powering off VM:", "Reset VM:",        "Suspending VM:"};
    bool is = line.n == 0 || span_starts_with(line, SPAN_LITERAL("Powering on VM:"));
    for (size_t i = 0; !is && i < sizeof(lines) / sizeof(lines[0]); i++)
        is = span_eq(line, span_of(lines[i]));
    return is;
}

static int add_lines(struct span output, struct why_lines *lines)
{
    struct span line;
    int r = 0;
    while (r == 0 && text_line(&output, &line)) {
        if (!says_nothing(text_trim(line)))
            r = why_add(lines, (struct span){0}, text_trim(line));
    }
    return r;
}

int why_read_output(struct span output, struct why_lines *lines)
{
    static const char *const names[] = {"message", "reason", "msg"};
    size_t before = lines->n;
    int r = 0;
    for (size_t i = 0; r == 0 && lines->n == before && i < sizeof(names) / sizeof(*names); i++)
        r = add_strings(output, names[i], lines);
    return r == 0 && lines->n == before ? add_lines(output, lines) : r;
}

int vmx_fault_reason(struct span output, struct buf *ret)
{
    WHY_LINES_AUTO lines = {0};
    int r = why_read_output(output, &lines);
    if (r < 0)
        return r;
    return lines.n > 0 ? buf_add(ret, lines.items[0].text) : -ENOENT;
}
