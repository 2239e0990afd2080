/* SPDX-License-Identifier: MIT */
#include "draft.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "parser/text/encoding.h"
#include "parser/text/text.h"

/* The ending of most lines; LF where there are none. */
static struct span usual_ending(const struct vmx_dict *dict)
{
    const struct span endings[] = {SPAN_LITERAL("\n"), SPAN_LITERAL("\r\n"), SPAN_LITERAL("\r")};
    size_t count[3] = {0};
    size_t most = 0;
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        const struct vmx_extent *e = vmx_dict_extent(dict, i);
        if (e->line.len == e->line.body_len)
            continue;
        bool lf = vmx_dict_text(dict).p[e->at + e->line.len - 1] == '\n';
        count[!lf ? 2 : e->line.len - e->line.body_len - 1]++;
    }
    for (size_t i = 1; i < 3; i++) {
        if (count[i] > count[most])
            most = i;
    }
    return endings[most];
}

int draft_init(struct draft *draft, const struct vmx_dict *dict, size_t edits)
{
    size_t n = vmx_dict_extents(dict);
    *draft = (struct draft){.dict = dict, .n_lines = n, .ending = usual_ending(dict)};
    draft->lines = calloc(n + edits + 1, sizeof(*draft->lines));
    if (!draft->lines)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct vmx_extent *e = vmx_dict_extent(dict, i);
        struct draft_line *l = &draft->lines[i];
        l->text = (struct span){vmx_dict_text(dict).p + e->at, e->line.len};
        l->line = e->line;
        l->current = vmx_dict_counts(dict, i);
        DL_APPEND(draft->head, l);
    }
    return 0;
}

void draft_done(struct draft *draft)
{
    for (size_t i = 0; draft->lines && i < draft->n_lines; i++)
        buf_done(&draft->lines[i].own);
    free(draft->lines);
    keymap_done(&draft->touched);
    *draft = (struct draft){0};
}

static struct span name_of(const struct draft_line *l)
{
    return (struct span){l->text.p + l->line.name_at, l->line.name_len};
}

struct draft_line *draft_find(const struct draft *draft, struct span key)
{
    const struct keymap_item *item = keymap_find(&draft->touched, key);
    if (item)
        return item->pointer;
    size_t extent = vmx_dict_find(draft->dict, key);
    return extent == SIZE_MAX ? NULL : &draft->lines[extent];
}

static void drop_other_lines(struct draft *draft, struct span key)
{
    struct draft_line *l = NULL;
    struct draft_line *next = NULL;
    if (vmx_dict_duplicates(draft->dict) == 0)
        return;
    DL_FOREACH_SAFE(draft->head, l, next)
    {
        if (l->line.kind == VMX_LINE_ENTRY && !l->current && span_eq_fold(name_of(l), key))
            DL_DELETE(draft->head, l);
    }
}

/* The note on a key that is about to change: its line. NULL without memory. */
static struct keymap_item *touch(struct draft *draft, struct span key)
{
    struct draft_line *line = draft_find(draft, key);
    struct keymap_item *item = keymap_add(&draft->touched, key);
    if (!item)
        return NULL;
    item->pointer = line;
    drop_other_lines(draft, key);
    return item;
}

/* A U+FEFF at the front of a name is nothing to make, but may stay. */
static bool makes_bom(const struct draft_line *l, struct span name)
{
    return span_starts_with(name, UTF8_BOM) && !(l->current && span_eq_fold(name_of(l), name));
}

/* Makes own the line's text. -EINVAL if that is not an entry of this name. */
static int adopt(struct draft_line *l, struct buf *own, struct span name, struct diag *diag)
{
    struct vmx_line line;
    vmx_lex_line(buf_span(own), false, &line);
    struct span found = {own->data + line.name_at, line.name_len};
    if (line.kind != VMX_LINE_ENTRY || line.len != own->len || !span_eq_fold(found, name) ||
        makes_bom(l, name)) {
        diag_set(diag, "no line can hold the key \"" SPAN_FORMAT "\"", SPAN_SHOWN(name));
        return -EINVAL;
    }
    buf_done(&l->own);
    l->own = *own;
    *own = (struct buf){0};
    l->text = buf_span(&l->own);
    l->line = line;
    l->current = true;
    return 0;
}

/* Where a removed line belongs: behind *ret, or at the top if that is NULL. False if its
 * surroundings are gone. */
static bool find_place(const struct draft *draft, const struct vmx_place *place,
                       struct draft_line **ret)
{
    struct draft_line *after = NULL;
    if (place->predecessor.len > 0) {
        after = draft_find(draft, buf_span(&place->predecessor));
        if (!after)
            return false;
    } else if (draft->head && draft->head->line.kind == VMX_LINE_BOM) {
        after = draft->head;
    }
    for (size_t i = 0; i < place->skip; i++) {
        struct draft_line *next = after ? after->next : draft->head;
        if (!next || next->current)
            break;
        after = next;
    }
    *ret = after;
    return true;
}

static int add_at_end(struct draft *draft, struct draft_line *l, struct span key, struct diag *diag)
{
    BUF_AUTO own = {0};
    int r = buf_add(&own, key)
        ?: buf_add_str(&own, " = \"\"")
        ?: buf_add(&own, draft->ending)
        ?: adopt(l, &own, key, diag);
    if (r == 0)
        DL_APPEND(draft->head, l);
    return r;
}

/* -EINVAL if the place is none, or of another key. */
static int add_at_place(struct draft *draft, struct draft_line *l, struct span key,
                        const struct vmx_place *place)
{
    struct span text = buf_span(&place->line);
    size_t lead = 0;
    while (lead < text.n && (text.p[lead] == '\r' || text.p[lead] == '\n'))
        lead++;
    BUF_AUTO own = {0};
    int r = buf_add(&own, span_from(text, lead));
    if (r == 0)
        r = own.len > 0 ? adopt(l, &own, key, NULL) : -EINVAL;
    if (r != 0)
        return r;
    l->lead = span_head(text, lead);
    struct draft_line *after = NULL;
    if (find_place(draft, place, &after))
        DL_APPEND_ELEM(draft->head, after, l);
    else
        DL_APPEND(draft->head, l);
    return 0;
}

static int spell(struct draft_line *l, struct span name, struct diag *diag)
{
    size_t behind = l->line.name_at + l->line.name_len;
    BUF_AUTO own = {0};
    return buf_add(&own, span_head(l->text, l->line.name_at))
        ?: buf_add(&own, name)
        ?: buf_add(&own, span_from(l->text, behind))
        ?: adopt(l, &own, name, diag);
}

static void drop_line(struct draft *draft, struct keymap_item *item)
{
    struct draft_line *l = item->pointer;
    if (l)
        DL_DELETE(draft->head, l);
    item->pointer = NULL;
}

int draft_set(struct draft *draft, const struct vmx_edit *edit, struct diag *diag)
{
    struct span key = buf_span(&edit->key);
    struct keymap_item *item = touch(draft, key);
    if (!item)
        return -ENOMEM;
    int r = 0;
    struct draft_line *l = item->pointer;
    if (!l) {
        item->pointer = l = &draft->lines[draft->n_lines++];
        r = add_at_place(draft, l, key, &edit->place);
        l->taken_up = r == 0;
        if (r == -EINVAL)
            r = add_at_end(draft, l, key, diag);
    } else {
        l->taken_up = false;
    }
    if (r == 0 && edit->spells && !span_eq(name_of(l), key))
        r = spell(l, key, diag);
    l->value = &edit->value;
    return r;
}

int draft_remove(struct draft *draft, struct span key)
{
    struct keymap_item *item = touch(draft, key);
    if (!item)
        return -ENOMEM;
    drop_line(draft, item);
    return 0;
}

int draft_rename(struct draft *draft, struct span key, struct span new_key, struct diag *diag)
{
    struct keymap_item *from = touch(draft, key);
    if (!from)
        return -ENOMEM;
    struct draft_line *l = from->pointer;
    if (!l) {
        diag_set(diag, "there is no key \"" SPAN_FORMAT "\"", SPAN_SHOWN(key));
        return -ENOENT;
    }
    int r = spell(l, new_key, diag);
    if (r != 0)
        return r;
    struct keymap_item *to = touch(draft, new_key);
    if (!to)
        return -ENOMEM;
    if (to != from) {
        drop_line(draft, to);
        to->pointer = l;
        from->pointer = NULL;
    }
    return 0;
}
