/* SPDX-License-Identifier: MIT */
/* "web: memSize 4096 -> 8192 and 3 more", on one line that a terminal and git's lists have room
 * for. */
#include "changes.h"

#include "parser/text/columns.h"
#include "parser/text/text.h"

enum { COMMON_MIN = 8 /* columns that two values begin with, from which on they are left out */ };

enum part { VM, KEY, OLD, NEW, PARTS };

struct subject {
    struct buf parts[PARTS];
    size_t columns[PARTS]; /* that a part may take */
    struct buf more;
};

static void subject_done(struct subject *s)
{
    for (size_t i = 0; i < PARTS; i++)
        buf_done(&s->parts[i]);
    buf_done(&s->more);
}

static int add_value(struct buf *ret, const char *value)
{
    if (!value)
        return buf_add_str(ret, "(unset)");
    return value[0] ? columns_add_clean(ret, span_of(value)) : buf_add_str(ret, "\"\"");
}

/* ---- what is cut */

static size_t excess(const struct subject *s)
{
    size_t columns = sizeof(":   -> ") - 1 + s->more.len;
    for (size_t i = 0; i < PARTS; i++)
        columns += s->columns[i];
    return columns > VMX_SUBJECT_COLUMNS ? columns - VMX_SUBJECT_COLUMNS : 0;
}

/* The longer one of two parts loses columns, but keeps so many. */
static void shorten(struct subject *s, enum part a, enum part b, size_t keeps)
{
    for (size_t n = excess(s); n > 0; n--) {
        enum part longer = s->columns[a] >= s->columns[b] ? a : b;
        if (s->columns[longer] <= keeps)
            break;
        s->columns[longer]--;
    }
}

/* Values first, and the key last: it says most. */
static void share(struct subject *s)
{
    for (size_t i = 0; i < PARTS; i++)
        s->columns[i] = columns_of(buf_span(&s->parts[i]));
    shorten(s, OLD, NEW, 12);
    shorten(s, VM, VM, 16);
    shorten(s, KEY, KEY, 30);
    shorten(s, OLD, NEW, 7);
    shorten(s, VM, VM, 10);
    shorten(s, KEY, KEY, 10);
}

static bool is_cut(const struct subject *s, enum part part)
{
    return s->columns[part] < columns_of(buf_span(&s->parts[part]));
}

/* How many bytes two values begin with that are the same, up to a path's last component. */
static size_t common(struct span a, struct span b)
{
    size_t at = 0;
    while (at < a.n && at < b.n) {
        size_t n = columns_first(span_from(a, at));
        if (at + n > b.n || memcmp(a.p + at, b.p + at, n) != 0)
            break;
        at += n;
    }
    const char *slash = at > 0 ? memrchr(a.p, '/', at) : NULL;
    return slash ? (size_t)(slash - a.p) : at;
}

static int drop_head(struct buf *text, size_t n)
{
    BUF_AUTO rest = {0};
    int r = buf_add_str(&rest, COLUMNS_CUT) ?: buf_add(&rest, span_from(buf_span(text), n));
    buf_clear(text);
    return r ?: buf_add(text, buf_span(&rest));
}

/* Long values that begin alike would be cut where they are the same. */
static int drop_common(struct subject *s)
{
    const struct span old = buf_span(&s->parts[OLD]);
    size_t n = common(old, buf_span(&s->parts[NEW]));
    if (columns_of(span_head(old, n)) < COMMON_MIN || (!is_cut(s, OLD) && !is_cut(s, NEW)))
        return 0;
    int r = drop_head(&s->parts[OLD], n) ?: drop_head(&s->parts[NEW], n);
    share(s);
    return r;
}

/* ---- the line */

static int add_part(const struct subject *s, enum part part, struct buf *ret)
{
    return columns_add_cut(ret, buf_span(&s->parts[part]), s->columns[part]);
}

static int write_subject(struct subject *s, struct buf *ret)
{
    share(s);
    return drop_common(s)
        ?: add_part(s, VM, ret)
        ?: buf_add_str(ret, ": ")
        ?: add_part(s, KEY, ret)
        ?: buf_add_char(ret, ' ')
        ?: add_part(s, OLD, ret)
        ?: buf_add_str(ret, " -> ")
        ?: add_part(s, NEW, ret)
        ?: buf_add(ret, buf_span(&s->more));
}

static int write_no_setting(struct span vm, struct buf *ret)
{
    struct subject s = {.columns = {[VM] = VMX_SUBJECT_COLUMNS - (sizeof(": text changed") - 1)}};
    int r = columns_add_clean(&s.parts[VM], vm)
        ?: add_part(&s, VM, ret)
        ?: buf_add_str(ret, ": text changed");
    subject_done(&s);
    return r;
}

static const struct vmx_changed *first(const struct vmx_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++) {
        if (!changes->list[i].by_host)
            return &changes->list[i];
    }
    return &changes->list[0];
}

int vmx_changes_subject(const struct vmx_changes *changes, struct span vm, struct buf *ret)
{
    BUF_AUTO text = {0};
    struct subject s = {0};
    if (changes->n == 0)
        return write_no_setting(vm, &text) ?: buf_add(ret, buf_span(&text));
    const struct vmx_changed *shown = first(changes);
    int r = changes->n > 1 ? buf_addf(&s.more, " and %zu more", changes->n - 1) : 0;
    r = r
        ?: columns_add_clean(&s.parts[VM], vm)
        ?: columns_add_clean(&s.parts[KEY], span_of(shown->key))
        ?: add_value(&s.parts[OLD], shown->old_value)
        ?: add_value(&s.parts[NEW], shown->new_value)
        ?: write_subject(&s, &text);
    subject_done(&s);
    return r ?: buf_add(ret, buf_span(&text));
}
