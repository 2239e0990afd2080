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

/* Where a string ends: at the first quote that is followed as a string is. Those that stand in it
 * are not escaped. */
static size_t string_end(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        size_t next = i + 1;
        if (s.p[i] != '"')
            continue;
        while (next < s.n && text_blank(s.p[next]))
            next++;
        if (next == s.n || memchr(",\r\n}]", s.p[next], 5))
            return i;
    }
    return s.n;
}

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
    *ret_string = span_head(*rest, string_end(*rest));
    *rest = span_from(*rest, ret_string->n);
    return true;
}

/* The key precedes the message; between them are its arguments, which have keys of their own. */
static bool is_message_key(struct span string)
{
    return span_starts_with(string, SPAN_LITERAL("msg.")) ||
           span_starts_with(string, SPAN_LITERAL("vob.")) ||
           span_starts_with(string, SPAN_LITERAL("vpxd."));
}

static struct span without_end(struct span string)
{
    while (string.n > 0 && memchr("\r\n ", string.p[string.n - 1], 3))
        string.n--;
    return string;
}

static int add_strings(struct span output, const char *name, struct why_lines *lines)
{
    struct span found;
    struct span string;
    struct span key = {0};
    int r = 0;
    while (r == 0 && next_string(&output, &found, &string)) {
        const struct why_line line = {.key = key, .text = without_end(string)};
        if (span_eq(found, SPAN_LITERAL("key")) && is_message_key(string))
            key = string;
        if (!span_eq(found, span_of(name)))
            continue;
        /* What begins with vpxd says once more that there was an error. */
        if (!span_starts_with(key, SPAN_LITERAL("vpxd.")))
            r = why_add(lines, &line);
        key = (struct span){0};
    }
    return r;
}

/* Takes off what precedes each answer, and what of it. Empty: it says nothing more. */
static struct span behind_the_command(struct span line)
{
    static const char *const begins[] = {
        "Powering on VM:", "Power on failed", "Powering off VM:", "Power off failed",
        "Reset VM:",       "Reset failed",    "Suspending VM:",   "Suspend failed"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (!span_starts_with(line, span_of(begins[i])))
            continue;
        line = span_from(line, strlen(begins[i]));
        return text_trim(span_from(line, line.n > 0 && line.p[0] == ':' ? 1 : 0));
    }
    return line;
}

static int add_lines(struct span output, struct why_lines *lines)
{
    struct span line;
    int r = 0;
    while (r == 0 && text_line(&output, &line)) {
        line = behind_the_command(text_trim(without_end(line)));
        if (line.n > 0)
            r = why_add(lines, &(struct why_line){.text = line});
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

bool vmx_says_failed(struct span output)
{
    static const char *const begins[] = {"Power on failed", "Power off failed", "Reset failed",
                                         "Suspend failed",  "(vim.fault.",      "(vmodl.fault."};
    struct span line;
    bool failed = false;
    while (!failed && text_line(&output, &line)) {
        for (size_t i = 0; !failed && i < sizeof(begins) / sizeof(begins[0]); i++)
            failed = span_starts_with(line, span_of(begins[i]));
    }
    return failed;
}
