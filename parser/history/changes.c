/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/document/names.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

static void changed_done(struct vmx_changed *changed)
{
    free(changed->key);
    free(changed->old_value);
    free(changed->new_value);
}

void vmx_changes_done(struct vmx_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++)
        changed_done(&changes->list[i]);
    free(changes->list);
    *changes = (struct vmx_changes){0};
}

bool vmx_changes_are_by_host(const struct vmx_changes *changes)
{
    bool all = changes->n > 0 && !changes->other;
    for (size_t i = 0; i < changes->n; i++)
        all &= changes->list[i].by_host;
    return all;
}

/* ---- settings */

struct texts {
    struct vmx_dict *before, *after;
};

/* The value of a key, NULL where it has none. */
static int read_value(const struct vmx_dict *dict, struct span key, char **ret)
{
    BUF_AUTO value = {0};
    int r = vmx_dict_get(dict, key, &value);
    if (r != 0)
        return r == -ENOENT ? 0 : r;
    *ret = buf_steal(&value);
    return *ret ? 0 : -ENOMEM;
}

/* A key that can have no file is shown as it is. */
static int read_key(const struct vmx_dict *dict, struct span key, char **ret)
{
    BUF_AUTO name = {0};
    int r = vmx_name_from_key(vmx_dict_charset(dict), key, &name);
    if (r == -ENAMETOOLONG)
        r = buf_add(&name, key);
    if (r == 0)
        *ret = buf_steal(&name);
    return r ?: *ret ? 0 : -ENOMEM;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Takes *changed over, if the values differ and there is memory. */
static int append(struct vmx_changes *changes, struct vmx_changed *changed)
{
    struct vmx_changed *list = list_room(changes->list, changes->n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    changes->list = list;
    list[changes->n++] = *changed;
    *changed = (struct vmx_changed){0};
    return 0;
}

static int compare_key(const struct texts *t, const struct vmx_dict *named_in, struct span key,
                       struct vmx_changes *changes)
{
    struct vmx_changed changed = {.by_host = vmx_is_written_by_host(key)};
    int r = read_value(t->before, key, &changed.old_value)
                ?: read_value(t->after, key, &changed.new_value);
    if (r == 0 && !same(changed.old_value, changed.new_value))
        r = read_key(named_in, key, &changed.key) ?: append(changes, &changed);
    changed_done(&changed);
    return r;
}

static int compare_settings(const struct texts *t, struct vmx_changes *changes)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(t->after); i++) {
        struct span key = vmx_dict_name(t->after, vmx_dict_key_extent(t->after, i));
        r = compare_key(t, t->after, key, changes);
    }
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(t->before); i++) {
        struct span key = vmx_dict_name(t->before, vmx_dict_key_extent(t->before, i));
        if (vmx_dict_find(t->after, key) == SIZE_MAX)
            r = compare_key(t, t->before, key, changes);
    }
    return r;
}

/* ---- all else */

static struct span line_of(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    return (struct span){vmx_dict_text(dict).p + e->at, e->line.len};
}

/* The next line from *at on that both texts have, or could have: no setting that only one has. */
static bool next_line(const struct vmx_dict *dict, const struct vmx_dict *other, size_t *at)
{
    for (; *at < vmx_dict_extents(dict); (*at)++) {
        if (!vmx_dict_counts(dict, *at) ||
            vmx_dict_find(other, vmx_dict_name(dict, *at)) != SIZE_MAX)
            return true;
    }
    return false;
}

/* The last line may have got an ending, because lines were added, or lost it. */
static bool same_bytes(const struct texts *t, size_t before, size_t after)
{
    struct span old = line_of(t->before, before);
    struct span new = line_of(t->after, after);
    const struct vmx_line *o = &vmx_dict_extent(t->before, before)->line;
    const struct vmx_line *n = &vmx_dict_extent(t->after, after)->line;
    if (o->len == o->body_len || n->len == n->body_len) {
        old.n = o->body_len;
        new.n = n->body_len;
    }
    return span_eq(old, new);
}

/* NAME = "VALUE", as VMware writes a line anew. */
static bool is_vmwares(const struct vmx_line *line)
{
    return line->quoted && line->name_at == 0 && line->value_at == line->name_len + 4 &&
           line->value_at + line->value_len + 1 == line->body_len;
}

static bool same_but_value(const struct texts *t, size_t before, size_t after)
{
    const struct vmx_line *o = &vmx_dict_extent(t->before, before)->line;
    const struct vmx_line *n = &vmx_dict_extent(t->after, after)->line;
    const struct span old = line_of(t->before, before);
    const struct span new = line_of(t->after, after);
    const size_t old_end = o->value_at + o->value_len + o->quoted;
    const size_t new_end = n->value_at + n->value_len + n->quoted;
    if (is_vmwares(n) && span_eq(vmx_dict_name(t->before, before), vmx_dict_name(t->after, after)))
        return true;
    return span_eq(span_head(old, o->value_at - o->quoted),
                   span_head(new, n->value_at - n->quoted)) &&
           span_eq((struct span){old.p + old_end, o->body_len - old_end},
                   (struct span){new.p + new_end, n->body_len - new_end});
}

static bool same_line(const struct texts *t, size_t before, size_t after)
{
    const bool old_counts = vmx_dict_counts(t->before, before);
    if (old_counts != vmx_dict_counts(t->after, after))
        return false;
    if (!old_counts ||
        span_eq(vmx_dict_raw_value(t->before, before), vmx_dict_raw_value(t->after, after)))
        return same_bytes(t, before, after);
    return span_eq_fold(vmx_dict_name(t->before, before), vmx_dict_name(t->after, after)) &&
           same_but_value(t, before, after);
}

/* Whether the lines that both have are the same and in the same order, but for values. */
static bool same_lines(const struct texts *t)
{
    size_t before = 0;
    size_t after = 0;
    for (;; before++, after++) {
        bool old = next_line(t->before, t->after, &before);
        bool new = next_line(t->after, t->before, &after);
        if (!old || !new)
            return old == new;
        if (!same_line(t, before, after))
            return false;
    }
}

int vmx_changes_between(struct span before, struct span after, struct vmx_changes *ret)
{
    struct texts t = {0};
    VMX_CHANGES_AUTO changes = {0};
    int r = vmx_dict_parse(before, &t.before)
        ?: vmx_dict_parse(after, &t.after)
        ?: compare_settings(&t, &changes);
    if (r == 0) {
        changes.other = changes.n == 0 ? !span_eq(before, after) : !same_lines(&t);
        *ret = changes;
        changes = (struct vmx_changes){0};
    }
    vmx_dict_free(t.before);
    vmx_dict_free(t.after);
    return r;
}
