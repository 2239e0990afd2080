/* SPDX-License-Identifier: MIT */
#include "vm_start.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/text/list.h"
#include "parser/text/text.h"
#include "vm_log.h"

/* A hostile log must not become a large memory, nor an absurd command: a VM has at most 128 devices
 * of six BARs each, and no BAR has more than 1 TiB. */
enum { BARS_MAX = 768, WINDOW_MAX = 1 << 20 /* GB */ };
static const unsigned long long bar_max = 1ULL << 40;

/* ---- numbers */

/* A whole number that fits; nothing larger is a size or an address. */
static bool number(struct span word, unsigned base, unsigned long long *ret)
{
    const unsigned long long max = 1ULL << 56;
    *ret = 0;
    for (size_t i = 0; i < word.n; i++) {
        unsigned digit = text_digit(word.p[i]);
        if (digit >= base || *ret > max / base)
            return false;
        *ret = *ret * base + digit;
    }
    return word.n > 0;
}

/* The number that stands between two texts. 0: there is none. */
static unsigned long long number_between(struct span said, const char *before, const char *after)
{
    const char *at = memmem(said.p, said.n, before, strlen(before));
    unsigned long long n = 0;
    if (!at)
        return 0;
    struct span rest = span_from(said, (size_t)(at - said.p) + strlen(before));
    struct span digits = span_head(rest, text_find(rest, after[0]));
    return span_starts_with(span_from(rest, digits.n), span_of(after)) && number(digits, 10, &n)
               ? n
               : 0;
}

/* GB that hold more than n units; 0 for none, and for what no window holds. */
static unsigned long long window_of(unsigned long long n, unsigned long long units_per_gb)
{
    unsigned long long gb = 1;
    while (gb <= WINDOW_MAX && gb * units_per_gb <= n)
        gb *= 2;
    return n > 0 && gb <= WINDOW_MAX ? gb : 0;
}

unsigned long long vm_start_window(struct span text)
{
    const unsigned long long pages_per_gb = 1ULL << 18;
    const unsigned long long kb_per_gb = 1ULL << 20;
    unsigned long long pages = number_between(text, "total number of pages needed (", ")");
    if (pages > 0)
        return window_of(pages, pages_per_gb);
    return window_of(number_between(text, "could not allocate ", " KB of PCI MMIO"), kb_per_gb);
}

/* ---- lines */

/* "Device 0000:42:00.0 barIndex 1 type 3 realaddr 0x3b800000000 size 34359738368 flags 12" */
static bool parse_bar(struct span text, struct vm_start_bar *ret)
{
    static const struct span begin = SPAN_LITERAL("PCIPassthru: Device ");
    static const char *const names[] = {"barIndex", "type", "realaddr", "size"};
    unsigned long long values[4];
    struct span word;
    if (!span_starts_with(text, begin))
        return false;
    text = span_from(text, begin.n);
    if (!text_word(&text, &word) || !vmx_pci_parse(word, &ret->address))
        return false;
    for (size_t i = 0; i < 4; i++) {
        bool hex = i == 2;
        if (!text_word(&text, &word) || !span_eq(word, span_of(names[i])) ||
            !text_word(&text, &word) || (hex && !span_starts_with(word, SPAN_LITERAL("0x"))) ||
            !number(span_from(word, hex ? 2 : 0), hex ? 16 : 10, &values[i]))
            return false;
    }
    ret->wide = values[1] == 3;
    ret->at = values[2];
    ret->size = values[3];
    return ret->size <= bar_max;
}

static int add_bar(struct vm_start *start, const struct vm_start_bar *bar)
{
    if (start->n_bars == BARS_MAX)
        return 0;
    struct vm_start_bar *bars = list_room(start->bars, start->n_bars, sizeof(*bars));
    if (!bars)
        return -ENOMEM;
    start->bars = bars;
    bars[start->n_bars++] = *bar;
    return 0;
}

/* The settings are logged, too, and other people's words with them. */
static unsigned long long window_in_log(const struct vm_log_line *line)
{
    bool is = vm_log_is_vmx(line) && vm_log_is_message(line->text, line->text.n);
    return is ? vm_start_window(line->text) : 0;
}

int vm_start_read(struct span log, struct vm_start *ret)
{
    struct vm_attempt attempt;
    struct vm_log_line line;
    int r = 0;
    *ret = (struct vm_start){0};
    vm_log_last_attempt(log, &attempt);
    if (!attempt.whole || !vm_log_is_time(attempt.began))
        return 0;
    memcpy(ret->date, attempt.began.p, sizeof(ret->date) - 1);
    ret->succeeded = attempt.succeeded;
    while (r == 0 && vm_log_next(&attempt.lines, &line)) {
        struct vm_start_bar bar;
        unsigned long long window = window_in_log(&line);
        if (window > 0)
            ret->wanted_gb = window;
        else if (vm_log_is_vmx(&line) && parse_bar(line.text, &bar))
            r = add_bar(ret, &bar);
    }
    return r;
}

void vm_start_done(struct vm_start *start)
{
    free(start->bars);
}
