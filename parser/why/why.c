/* SPDX-License-Identifier: MIT */
#include "why.h"

#include <stdlib.h>

#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "why_private.h"

enum { TEXT_MAX = 400 }; /* of a line that was said */

/* "2026-11-29T10:30:05Z" of a time with fractions of a second; "-" if it is not one. */
static int add_time(struct span time, struct buf *ret)
{
    return vm_log_is_time(time)
               ? buf_add(ret, span_head(time, VM_LOG_TIME)) ?: buf_add_char(ret, 'Z')
               : buf_add_char(ret, '-');
}

/* One field: a message of several lines becomes one. */
static int add_said(struct span said, struct buf *ret)
{
    BUF_AUTO line = {0};
    int r = buf_add(&line, span_head(said, said.n < TEXT_MAX ? said.n : TEXT_MAX));
    for (size_t i = 0; r == 0 && i < line.len; i++) {
        if (line.data[i] == '\n')
            line.data[i] = ' ';
    }
    return r ?: safe_text_add(ret, buf_span(&line));
}

static int add_cause(const struct why_cause *cause, struct span said, struct buf *ret)
{
    struct vmx_pci device;
    int r = buf_add_str(ret, cause ? cause->cause : "not known");
    if (r != 0 || !cause || !cause->decimal || !why_device_of(said, &device))
        return r;
    return buf_add_str(ret, " (in pci/ the device is ")
        ?: vmx_pci_add_address(&device, ret)
        ?: buf_add_char(ret, ')');
}

static const struct why_cause *cause_of(const struct why_line *line)
{
    return why_cause_of(line->text, NULL) ?: why_cause_of(line->key, NULL);
}

static int report(const struct why_given *given, const struct why_line *line, struct buf *ret)
{
    const struct why_cause *cause = cause_of(line);
    BUF_AUTO command = {0};
    int r = add_time(line->time.n > 0 ? line->time : span_of(given->output_at), ret)
        ?: buf_add_char(ret, '\t')
        ?: add_said(line->text, ret)
        ?: buf_add_char(ret, '\t')
        ?: add_cause(cause, line->text, ret)
        ?: buf_add_char(ret, '\t');
    if (r == 0 && cause && cause->mend)
        r = cause->mend(given, line->text, &command);
    return r ?: buf_addf(ret, "%s\n", command.len > 0 ? command.data : "-");
}

/* Stages come last: they tell less than all else. */
static int report_all(const struct why_given *given, const struct why_lines *said, struct buf *ret)
{
    int r = 0;
    for (int stages = 0; stages < 2; stages++) {
        for (size_t i = 0; r == 0 && i < said->n; i++) {
            const struct why_cause *cause = cause_of(&said->items[i]);
            bool is_stage = cause && cause->kind == WHY_STAGE;
            if (is_stage == (stages == 1))
                r = report(given, &said->items[i], ret);
        }
    }
    return r;
}

static int sum_up(const struct why_given *given, const struct why_log *log, size_t said,
                  struct buf *ret)
{
    const char *const plural = said == 1 ? "" : "s";
    bool failed = given->output.n > 0 || log->failed;
    if (given->output.n > 0 && said == 0)
        return buf_addf(ret, "# the last power-on failed, %s; the host gives no reason\n",
                        given->output_at);
    if (given->unread && said == 0)
        return buf_addf(ret, "# vmware.log could not be read: %s\n", given->unread);
    if (!log->attempt.begun && said == 0)
        return buf_add_str(ret, "# no power-on is known: there is no vmware.log\n");
    if (failed && said > 0)
        return buf_add_str(ret, "# the last power-on failed, ")
            ?: add_time(given->output.n > 0 ? span_of(given->output_at) : log->attempt.began, ret)
            ?: buf_addf(ret, "; %zu line%s, the most special one first\n", said, plural);
    int r = log->attempt.succeeded ? buf_add_str(ret, "# the last power-on succeeded, ")
                                         ?: add_time(log->attempt.began, ret)
                                   : buf_add_str(ret,
                                                 "# vmware.log does not say that the last "
                                                 "power-on failed");
    if (r == 0 && said > 0)
        r = buf_addf(ret, "; %zu line%s%s", said, plural,
                     log->attempt.succeeded ? " since then" : "");
    return r ?: buf_add_char(ret, '\n');
}

/* A log that was begun after the command failed is of a later attempt. */
static bool is_later(const struct vm_attempt *attempt, const struct why_given *given)
{
    const struct span at = span_of(given->output_at ? given->output_at : "");
    size_t n = at.n < attempt->began.n ? at.n : attempt->began.n;
    n = n < VM_LOG_TIME ? n : VM_LOG_TIME;
    return n > 0 && memcmp(attempt->began.p, at.p, n) > 0;
}

int vmx_why(const struct why_given *given, struct buf *ret)
{
    WHY_LOG_AUTO log = {0};
    WHY_LINES_AUTO said = {0};
    struct why_given now = *given;
    int r = why_read_log(given->log, &log);
    if (is_later(&log.attempt, given))
        now.output = (struct span){0};
    if (r == 0 && now.output.n > 0)
        r = why_read_output(now.output, &said);
    /* The log of a power-on that succeeded is older than what the command said, if that said
     * something. */
    const struct why_lines *more = !log.attempt.succeeded ? &log.before
                                   : now.output.n == 0    ? &log.since
                                                          : NULL;
    for (size_t i = 0; r == 0 && more && i < more->n; i++)
        r = why_add(&said, &more->items[i]);
    return r ?: report_all(&now, &said, ret) ?: sum_up(&now, &log, said.n, ret);
}
