/* SPDX-License-Identifier: MIT */
/*
 * Tasks and guests, in the form in which the host prints its objects:
 *
 *     (vim.TaskInfo) {
 *        name = "vim.VirtualMachine.powerOn",
 *        error = (vmodl.fault.RequestCanceled) {
 *           msg = "The task was canceled by a user.",
 *
 * A field of the object itself is indented by three blanks; what is in it by more.
 */
#include "parse_vm.h"

#include <errno.h>
#include <stdio.h>

#include "lines.h"
#include "parser/text/text.h"

/* The value of a line "NAME = VALUE, ", without its quotes. */
static bool value_of(struct span line, const char *name, struct span *ret)
{
    if (!line_skip(&line, span_of(name)) || !line_skip(&line, SPAN_LITERAL(" = ")))
        return false;
    line = text_trim(line);
    if (line.n > 0 && line.p[line.n - 1] == ',')
        line.n--;
    if (line.n > 0 && line.p[0] == '"') {
        line = span_from(line, 1);
        line = span_head(line, text_find(line, '"'));
    }
    *ret = line;
    return true;
}

/* ---- tasks */

static bool is_task_name(struct span name)
{
    bool is = name.n > 0 && name.n < TASK_NAME_MAX;
    for (size_t i = 0; is && i < name.n; i++)
        is = text_name_char(name.p[i]);
    return is;
}

size_t parse_task_names(struct span text, char ret[TASKS_MAX][TASK_NAME_MAX])
{
    struct span line;
    size_t n = 0;
    while (line_next(&text, &line)) {
        line = text_trim(line);
        if (!line_skip(&line, SPAN_LITERAL("'vim.Task:")))
            continue;
        const struct span name = span_head(line, text_find(line, '\''));
        if (!is_task_name(name))
            continue;
        if (n == TASKS_MAX)
            memmove(ret[0], ret[1], --n * sizeof(ret[0]));
        snprintf(ret[n++], TASK_NAME_MAX, "%.*s", (int)name.n, name.p);
    }
    return n;
}

/* "power-on" of "vim.VirtualMachine.powerOn". */
static void name_task(struct span method, char *ret, size_t size)
{
    size_t n = 0;
    const char *dot = method.n ? memrchr(method.p, '.', method.n) : NULL;
    if (dot)
        method = span_from(method, (size_t)(dot - method.p) + 1);
    for (size_t i = 0; i < method.n && n + 2 < size; i++) {
        const char c = method.p[i];
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper && i > 0)
            ret[n++] = '-';
        if (text_letter(c))
            ret[n++] = upper ? (char)(c - 'A' + 'a') : c;
    }
    ret[n] = '\0';
}

/* 2010-06-30T08:48:44.187347Z, which is UTC. */
static time_t read_time(struct span text)
{
    char copy[32];
    struct tm tm = {0};
    snprintf(copy, sizeof(copy), "%.*s", (int)(text.n < 19 ? text.n : 19), text.n ? text.p : "");
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    return end && !*end ? timegm(&tm) : 0;
}

static int add_error(struct span text, struct buf *ret)
{
    struct span line;
    struct span value;
    while (line_next(&text, &line)) {
        if (value_of(text_trim(line), "msg", &value) && value.n > 0)
            return buf_add(ret, value);
    }
    return 0;
}

int parse_task(struct span text, struct vm_task *ret)
{
    const struct span whole = text;
    struct span state = {0};
    struct span line;
    struct span value;
    *ret = (struct vm_task){0};
    while (line_next(&text, &line)) {
        if (value_of(line, "   name", &value))
            name_task(value, ret->what, sizeof(ret->what));
        else if (value_of(line, "   queueTime", &value))
            ret->began = read_time(value);
        else
            value_of(line, "   state", &state);
    }
    ret->has_failed = span_eq(state, SPAN_LITERAL("error"));
    ret->is_under_way =
        span_eq(state, SPAN_LITERAL("queued")) || span_eq(state, SPAN_LITERAL("running"));
    if (state.n == 0 || ret->what[0] == '\0')
        return -EBADMSG;
    return ret->has_failed ? add_error(whole, &ret->error) : 0;
}

/* ---- guests */

/* "not-running" of "guestToolsNotRunning". */
static bool name_tools(struct span value, const char *before, char *ret, size_t size)
{
    if (!line_skip(&value, span_of(before)))
        return false;
    name_task(value, ret, size);
    return true;
}

static void copy(struct span value, char *ret, size_t size)
{
    const bool unset = value.n == 0 || value.p[0] == '<';
    snprintf(ret, size, "%.*s", unset || value.n >= size ? 0 : (int)value.n,
             value.n ? value.p : "");
}

int parse_guest(struct span text, struct vm_guest *ret)
{
    struct span line;
    struct span value;
    bool is = false;
    bool installed = true;
    *ret = (struct vm_guest){0};
    while (line_next(&text, &line)) {
        is = is || span_starts_with(line, SPAN_LITERAL("(vim.vm.GuestInfo)"));
        if (value_of(line, "   toolsStatus", &value))
            installed = !span_eq(value, SPAN_LITERAL("toolsNotInstalled"));
        else if (value_of(line, "   toolsRunningStatus", &value))
            name_tools(value, "guestTools", ret->tools, sizeof(ret->tools));
        else if (value_of(line, "   hostName", &value))
            copy(value, ret->host_name, sizeof(ret->host_name));
        else if (value_of(line, "   ipAddress", &value))
            copy(value, ret->address, sizeof(ret->address));
    }
    if (!installed)
        snprintf(ret->tools, sizeof(ret->tools), "not-installed");
    return is ? 0 : -EBADMSG;
}
