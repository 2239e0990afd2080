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

static int report(const struct why_given *given, const struct why_line *line, struct buf *ret)
{
    const struct why_cause *cause = why_cause_of(line->text);
    const struct span said =
        span_head(line->text, line->text.n < TEXT_MAX ? line->text.n : TEXT_MAX);
    BUF_AUTO command = {0};
    int r = add_time(line->time.n > 0 ? line->time : span_of(given->output_at), ret)
        ?: buf_add_char(ret, '\t')
        ?: safe_text_add(ret, said)
        ?: buf_addf(ret, "\t%s\t", cause ? cause->cause : "not known");
    if (r == 0 && cause && cause->mend)
        r = cause->mend(given, line->text, &command);
    return r ?: buf_addf(ret, "%s\n", command.len > 0 ? command.data : "-");
}

static int sum_up(const struct why_given *given, const struct vm_attempt *attempt, size_t said,
                  struct buf *ret)
{
    if (!attempt->begun && said == 0)
        return buf_add_str(ret, "# no power-on is known: there is no vmware.log\n");
    if (attempt->succeeded && said == 0)
        return buf_add_str(ret, "# the last power-on succeeded, ")
            ?: add_time(attempt->began, ret)
            ?: buf_add_char(ret, '\n');
    if (said == 0)
        return buf_add_str(ret, "# vmware.log does not say that the last power-on failed\n");
    return buf_add_str(ret, "# the last power-on failed, ")
        ?: add_time(given->output.n > 0 ? span_of(given->output_at) : attempt->began, ret)
        ?: buf_addf(ret, "; %zu line%s, the most special one first\n", said, said == 1 ? "" : "s");
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
    WHY_LINES_AUTO in_log = {0};
    WHY_LINES_AUTO said = {0};
    struct vm_attempt attempt;
    struct why_given now = *given;
    int r = why_read_log(given->log, &in_log, &attempt);
    if (is_later(&attempt, given))
        now.output = (struct span){0};
    if (r == 0 && now.output.n > 0)
        r = why_read_output(now.output, &said);
    for (size_t i = 0; r == 0 && !attempt.succeeded && i < in_log.n; i++)
        r = why_add(&said, in_log.items[i].time, in_log.items[i].text);
    for (size_t i = 0; r == 0 && i < said.n; i++)
        r = report(&now, &said.items[i], ret);
    return r ?: sum_up(&now, &attempt, said.n, ret);
}
