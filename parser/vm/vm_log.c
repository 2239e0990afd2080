/* SPDX-License-Identifier: MIT */
#include "vm_log.h"

#include "parser/text/text.h"

/* Takes what stands before c off the front, and c. False: there is no c. */
static bool take(struct span *rest, char c, struct span *ret)
{
    size_t n = text_find(*rest, c);
    if (n == rest->n)
        return false;
    *ret = text_trim(span_head(*rest, n));
    *rest = span_from(*rest, n + 1);
    return true;
}

/* The "I125:" or "I125+" that a text stands behind. */
static bool take_level(struct span *rest, bool *ret_goes_on)
{
    struct span s = text_trim(*rest);
    size_t n = 1;
    while (n < s.n && text_digit(s.p[n]) < 10)
        n++;
    if (n == 1 || n >= s.n || !text_letter(s.p[0]) || (s.p[n] != ':' && s.p[n] != '+'))
        return false;
    *ret_goes_on = s.p[n] == '+';
    *rest = span_from(s, n + 1);
    return true;
}

static bool split_old(struct span rest, struct vm_log_line *ret)
{
    struct span operation;
    if (!take(&rest, '|', &ret->time) || !take(&rest, '|', &ret->thread))
        return false;
    if (!take_level(&rest, &ret->goes_on) &&
        (!take(&rest, '|', &operation) || !take_level(&rest, &ret->goes_on)))
        return false;
    ret->text = text_trim(rest);
    return true;
}

/* "In(05)", or "In(05)+". */
static bool is_level(struct span word, bool *ret_goes_on)
{
    *ret_goes_on = word.n > 0 && word.p[word.n - 1] == '+';
    if (*ret_goes_on)
        word.n--;
    bool is = word.n > 4 && text_letter(word.p[0]) && text_letter(word.p[1]) && word.p[2] == '(' &&
              word.p[word.n - 1] == ')';
    for (size_t i = 3; is && i < word.n - 1; i++)
        is = text_digit(word.p[i]) < 10;
    return is;
}

static bool split_new(struct span rest, struct vm_log_line *ret)
{
    struct span level;
    struct span operation;
    if (!take(&rest, ' ', &ret->time) || !take(&rest, ' ', &level) ||
        !is_level(level, &ret->goes_on) || !take(&rest, ' ', &ret->thread) ||
        !take(&rest, ' ', &operation))
        return false;
    ret->text = text_trim(rest);
    return true;
}

bool vm_log_next(struct span *log, struct vm_log_line *ret)
{
    struct span line;
    while (text_line(log, &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        bool old = text_find(line, '|') < text_find(line, ' ');
        if (old ? split_old(line, ret) : split_new(line, ret))
            return true;
    }
    return false;
}

bool vm_log_is_vmx(const struct vm_log_line *line)
{
    return !line->goes_on && span_eq(line->thread, SPAN_LITERAL("vmx"));
}

bool vm_log_is_message(struct span text, size_t at)
{
    static const char *const begins[] = {"[msg.",      "[vob.",        "msg.",
                                         "vob.",       "PCI",          "AH ",
                                         "Invalid ",   "IntrVector: ", "Skipping device ",
                                         "Unable to ", "Cannot ",      "AIO",
                                         "Device ",    "VMware ESX ",  "The ",
                                         "This ",      "Reason: "};
    bool is = at == 0;
    for (size_t i = 0; !is && i < sizeof(begins) / sizeof(begins[0]); i++)
        is = span_starts_with(text, span_of(begins[i]));
    return is;
}

static void add_line(struct vm_attempt *attempt, const struct vm_log_line *line, struct span from,
                     struct span rest)
{
    bool first =
        vm_log_is_vmx(line) && span_starts_with(line->text, SPAN_LITERAL("Log for VMware ESX"));
    if (first || (!attempt->begun && vm_log_is_vmx(line)))
        *attempt = (struct vm_attempt){
            .begun = true, .whole = first, .began = line->time, .lines = {from.p, 0}};
    if (!attempt->begun || attempt->succeeded)
        return;
    attempt->succeeded =
        vm_log_is_vmx(line) &&
        span_starts_with(line->text, SPAN_LITERAL("Transitioned vmx/execState/val to poweredOn"));
    if (attempt->succeeded)
        attempt->since = rest;
    else
        attempt->lines.n = (size_t)(line->text.p + line->text.n - attempt->lines.p);
}

void vm_log_last_attempt(struct span log, struct vm_attempt *ret)
{
    *ret = (struct vm_attempt){0};
    struct vm_log_line line;
    for (struct span from = log; vm_log_next(&log, &line); from = log)
        add_line(ret, &line, from, log);
}

bool vm_log_is_time(struct span time)
{
    static const char form[VM_LOG_TIME + 1] = "0000-00-00T00:00:00";
    bool is = time.n >= VM_LOG_TIME;
    for (size_t i = 0; is && i < VM_LOG_TIME; i++)
        is = form[i] == '0' ? text_digit(time.p[i]) < 10 : time.p[i] == form[i];
    return is;
}
