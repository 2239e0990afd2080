/* SPDX-License-Identifier: MIT */
/*
 * Myers' linear-space algorithm: find the middle of a shortest edit script by searching from both
 * ends at once, then do the same on either side of it. Where texts differ so much that this would
 * take long (COST_MAX), the rest counts as replaced, which is longer than need be and still right.
 */
#include "diff.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "list.h"
#include "safe_text.h"
#include "text.h"

enum { CONTEXT = 3, COST_MAX = 1500 };

struct line {
    struct span text; /* with its newline, if it has one */
    uint32_t hash;
    bool changed; /* removed, in the old text; added, in the new one */
};

struct side {
    struct line *lines;
    size_t n;
};

struct middle {
    size_t a, b;
};

enum end { FRONT, BACK };

struct search {
    struct line *a, *b;
    long n, m;
    /* From each end: the furthest x on each diagonal x - y; -1: out of reach. */
    long reached[2][2 * COST_MAX + 3];
};

/* ---- lines ---- */

static int split(struct span text, struct side *ret)
{
    while (text.n > 0) {
        struct line *lines = list_room(ret->lines, ret->n, sizeof(*lines));
        if (!lines)
            return -ENOMEM;
        size_t n = text_find(text, '\n');
        n += n < text.n;
        struct line *line = &lines[ret->n++];
        *line = (struct line){.text = span_head(text, n), .hash = 2166136261U};
        for (size_t i = 0; i < n; i++)
            line->hash = (line->hash ^ (unsigned char)text.p[i]) * 16777619U;
        ret->lines = lines;
        text = span_from(text, n);
    }
    return 0;
}

static bool same(const struct line *a, const struct line *b)
{
    return a->hash == b->hash && span_eq(a->text, b->text);
}

static void mark(struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        lines[i].changed = true;
}

/* ---- the middle ---- */

/* The furthest x on diagonal k after one more edit, or -1. v points at diagonal 0. */
static long edit(const struct search *s, const long *v, long k, long d)
{
    long x = -1;
    if (d == 0)
        return 0;
    if (k + 1 <= d - 1 && v[k + 1] >= 0 && v[k + 1] - k <= s->m)
        x = v[k + 1];
    if (k - 1 >= 1 - d && v[k - 1] >= 0 && v[k - 1] + 1 <= s->n && v[k - 1] + 1 > x)
        x = v[k - 1] + 1;
    return x;
}

/* Whether the lines x from the end of a and y from that of b are the same. */
static bool same_at(const struct search *s, enum end end, long x, long y)
{
    return end == FRONT ? same(&s->a[x], &s->b[y]) : same(&s->a[s->n - 1 - x], &s->b[s->m - 1 - y]);
}

/* One more edit from an end. True when it met those from the other end, at *ret. */
static bool advance(struct search *s, enum end end, long d, struct middle *ret)
{
    long *own = s->reached[end] + COST_MAX + 1;
    const long *others = s->reached[end == FRONT ? BACK : FRONT] + COST_MAX + 1;
    long others_d = end == FRONT ? d - 1 : d; /* the front goes first */
    long delta = s->n - s->m;
    for (long k = -d; k <= d; k += 2) {
        long x = edit(s, own, k, d);
        while (x >= 0 && x < s->n && x - k < s->m && same_at(s, end, x, x - k))
            x++;
        own[k] = x;
        long other = delta - k; /* the same diagonal, as it is counted from the other end */
        if ((other - others_d) % 2 == 0 && labs(other) <= others_d && x >= 0 &&
            others[other] >= 0 && x + others[other] >= s->n) {
            *ret = end == FRONT ? (struct middle){(size_t)x, (size_t)(x - k)}
                                : (struct middle){(size_t)(s->n - x), (size_t)(s->m - (x - k))};
            return true;
        }
    }
    return false;
}

static bool find_middle(struct search *s, struct middle *ret)
{
    for (long d = 0; d <= COST_MAX; d++) {
        if (advance(s, FRONT, d, ret) || advance(s, BACK, d, ret))
            return true;
    }
    return false;
}

/* The search is scratch space for all calls. */
static void compare(struct search *s, struct line *a, size_t n, struct line *b, size_t m)
{
    while (n > 0 && m > 0 && same(a, b))
        a++, b++, n--, m--;
    while (n > 0 && m > 0 && same(&a[n - 1], &b[m - 1]))
        n--, m--;
    s->a = a;
    s->b = b;
    s->n = (long)n;
    s->m = (long)m;
    struct middle middle;
    if (n == 0 || m == 0 || !find_middle(s, &middle)) {
        mark(a, n);
        mark(b, m);
        return;
    }
    compare(s, a, middle.a, b, middle.b);
    compare(s, a + middle.a, n - middle.a, b + middle.b, m - middle.b);
}

/* ---- writing ---- */

struct hunk {
    size_t a, a_end, b, b_end;
};

/* Lines that are the same in both from here on. */
static size_t same_run(const struct side *a, const struct side *b, size_t i, size_t j)
{
    size_t n = 0;
    while (i + n < a->n && j + n < b->n && !a->lines[i + n].changed && !b->lines[j + n].changed)
        n++;
    return n;
}

static void skip_changes(const struct side *a, const struct side *b, struct hunk *h)
{
    while (h->a_end < a->n && a->lines[h->a_end].changed)
        h->a_end++;
    while (h->b_end < b->n && b->lines[h->b_end].changed)
        h->b_end++;
}

/* The next hunk from where the last one ended; false when there is none. */
static bool next_hunk(const struct side *a, const struct side *b, struct hunk *h)
{
    size_t run = same_run(a, b, h->a_end, h->b_end);
    if (h->a_end + run == a->n && h->b_end + run == b->n)
        return false;
    size_t lead = run < CONTEXT ? run : CONTEXT;
    h->a_end += run;
    h->b_end += run;
    h->a = h->a_end - lead;
    h->b = h->b_end - lead;
    for (;;) {
        skip_changes(a, b, h);
        run = same_run(a, b, h->a_end, h->b_end);
        bool last = h->a_end + run == a->n && h->b_end + run == b->n;
        size_t tail = run < CONTEXT ? run : CONTEXT;
        if (last || run > (size_t)2 * CONTEXT) {
            h->a_end += tail;
            h->b_end += tail;
            return true;
        }
        h->a_end += run;
        h->b_end += run;
    }
}

static int add_range(struct buf *ret, char sign, size_t start, size_t end)
{
    size_t n = end - start;
    int r = buf_addf(ret, "%c%zu", sign, n == 0 ? start : start + 1);
    return r == 0 && n != 1 ? buf_addf(ret, ",%zu", n) : r;
}

static int add_line(struct buf *ret, char sign, const struct line *line)
{
    int r = buf_add_char(ret, sign) ?: buf_add(ret, line->text);
    if (r == 0 && line->text.p[line->text.n - 1] != '\n')
        r = buf_add_str(ret, "\n\\ No newline at end of file\n");
    return r;
}

static int add_hunk(const struct side *a, const struct side *b, const struct hunk *h,
                    struct buf *ret)
{
    size_t i = h->a;
    size_t j = h->b;
    int r = buf_add_str(ret, "@@ ")
        ?: add_range(ret, '-', h->a, h->a_end)
        ?: buf_add_char(ret, ' ')
        ?: add_range(ret, '+', h->b, h->b_end)
        ?: buf_add_str(ret, " @@\n");
    while (r == 0 && (i < h->a_end || j < h->b_end)) {
        if (i < h->a_end && a->lines[i].changed) {
            r = add_line(ret, '-', &a->lines[i++]);
        } else if (j < h->b_end && b->lines[j].changed) {
            r = add_line(ret, '+', &b->lines[j++]);
        } else {
            r = add_line(ret, ' ', &a->lines[i++]);
            j++;
        }
    }
    return r;
}

/* A name with a space needs a TAB behind it to be taken as a whole. */
static int add_name(struct buf *ret, const char *marker, const char *name)
{
    return buf_add_str(ret, marker)
        ?: safe_text_add(ret, span_of(name))
        ?: buf_add_str(ret, strchr(name, ' ') ? "\t\n" : "\n");
}

static int add_all(const struct side *a, const struct side *b, const char *before_name,
                   const char *after_name, struct buf *ret)
{
    struct hunk h = {0};
    int r = add_name(ret, "--- ", before_name) ?: add_name(ret, "+++ ", after_name);
    while (r == 0 && next_hunk(a, b, &h))
        r = add_hunk(a, b, &h, ret);
    return r;
}

int vmx_diff(struct span before, struct span after, const char *before_name, const char *after_name,
             struct buf *ret)
{
    struct side a = {0};
    struct side b = {0};
    BUF_AUTO out = {0};
    if (span_eq(before, after))
        return 0;
    struct search *search = malloc(sizeof(*search));
    int r = search ? split(before, &a) : -ENOMEM;
    r = r ?: split(after, &b);
    if (r == 0) {
        compare(search, a.lines, a.n, b.lines, b.n);
        r = add_all(&a, &b, before_name, after_name, &out);
    }
    r = r ?: buf_add(ret, buf_span(&out));
    free(a.lines);
    free(b.lines);
    free(search);
    return r;
}
