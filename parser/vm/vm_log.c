/* SPDX-License-Identifier: MIT */
#include "vm_log.h"

#include "parser/text/text.h"

/* Takes what stands before c off the front, and c; all of it where there is no c. */
static struct span take(struct span *rest, char c)
{
    size_t n = text_find(*rest, c);
    struct span word = span_head(*rest, n);
    *rest = span_from(*rest, n < rest->n ? n + 1 : n);
    return text_trim(word);
}

/* False: it is not a line of the thread vmx. */
static bool split(struct span line, struct vm_log_line *ret)
{
    struct span rest = line;
    bool old = text_find(line, '|') < text_find(line, ' ');
    ret->time = take(&rest, old ? '|' : ' ');
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
    ret->text = text_trim(rest);
    return true;
}

bool vm_log_next(struct span *log, struct vm_log_line *ret)
{
    struct span line;
    while (text_line(log, &line)) {
        if (split(line, ret))
            return true;
    }
    return false;
}

/* What a guest has written stands behind words of the host's, so the beginning of a text is the
 * host's own. */
void vm_log_last_attempt(struct span log, struct vm_attempt *ret)
{
    *ret = (struct vm_attempt){0};
    struct vm_log_line line;
    for (struct span at = log; vm_log_next(&log, &line); at = log) {
        bool first = span_starts_with(line.text, SPAN_LITERAL("Log for VMware ESX"));
        if (first || !ret->begun)
            *ret = (struct vm_attempt){
                .begun = true, .whole = first, .began = line.time, .lines = {at.p, 0}};
        if (ret->succeeded)
            continue;
        ret->succeeded = span_starts_with(
            line.text, SPAN_LITERAL("Transitioned vmx/execState/val to poweredOn"));
        if (!ret->succeeded)
            ret->lines.n = (size_t)(line.text.p + line.text.n - ret->lines.p);
    }
}

bool vm_log_is_time(struct span time)
{
    static const char form[VM_LOG_TIME + 1] = "0000-00-00T00:00:00";
    bool is = time.n >= VM_LOG_TIME;
    for (size_t i = 0; is && i < VM_LOG_TIME; i++)
        is = form[i] == '0' ? text_digit(time.p[i]) < 10 : time.p[i] == form[i];
    return is;
}
