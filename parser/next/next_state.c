/* SPDX-License-Identifier: MIT */
/* What becomes of the lines, judged by the document. */
#include <errno.h>

#include "next.h"
#include "parser/document/value.h"
#include "parser/text/encoding.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"

/* Whether a list as "2,5" has the number. */
static bool has_number(struct span list, size_t number)
{
    while (list.n > 0) {
        size_t end = text_find(list, ',');
        long long found = 0;
        if (vmx_value_int(span_head(list, end), &found) && found == (long long)number)
            return true;
        list = span_from(list, end < list.n ? end + 1 : end);
    }
    return false;
}

/* Whether the document records that this line was applied. 0, 1, -ENOMEM. */
static int is_recorded(const struct vmx_next *next, size_t nth, const struct vmx_dict *dict)
{
    BUF_AUTO record = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL(VMX_NEXT_KEY), &record);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    struct span rest = buf_span(&record);
    struct span token;
    if (!text_word(&rest, &token) || !span_eq(token, buf_span(&next->token)))
        return 0;
    return !has_number(text_trim(rest), nth + 1);
}

static bool is_wanted(const struct vmx_next_line *line, bool there, struct span name,
                      struct span key, const struct buf *value)
{
    if (!line->sets || !there)
        return !line->sets && !there;
    return span_eq(buf_span(value), buf_span(&line->value)) && span_eq(name, key);
}

static bool is_replaced(const struct vmx_next_line *line, bool there, const struct buf *value)
{
    if (!there || !line->had)
        return there == line->had;
    return vmx_value_same(buf_span(&line->key), buf_span(value), buf_span(&line->was));
}

int vmx_next_state(const struct vmx_next *next, size_t nth, const struct vmx_dict *dict,
                   enum vmx_next_state *ret)
{
    const struct vmx_next_line *line = &next->lines[nth];
    BUF_AUTO key = {0};
    BUF_AUTO value = {0};
    BUF_AUTO coded = {0};
    const char *charset = vmx_dict_charset(dict);
    int recorded = is_recorded(next, nth, dict);
    if (recorded != 0) {
        *ret = VMX_NEXT_DONE;
        return recorded < 0 ? recorded : 0;
    }
    int r = vmx_encode(charset, buf_span(&line->key), &key)
                ?: vmx_encode(charset, buf_span(&line->value), &coded);
    if (r == -EILSEQ) /* the charset is another one than it was */
        *ret = VMX_NEXT_CHANGED;
    if (r < 0)
        return r == -EILSEQ ? 0 : r;
    size_t at = vmx_dict_find(dict, buf_span(&key));
    const bool there = at != SIZE_MAX;
    struct span name = there ? vmx_dict_name(dict, at) : (struct span){0};
    r = there ? vmx_dict_value(dict, at, &value) : 0;
    if (r < 0)
        return r;
    *ret = is_wanted(line, there, name, buf_span(&key), &value) ? VMX_NEXT_DONE
           : is_replaced(line, there, &value)                   ? VMX_NEXT_WAITS
                                                                : VMX_NEXT_CHANGED;
    return 0;
}

int vmx_next_count(const struct vmx_next *next, const struct vmx_dict *dict,
                   enum vmx_next_state state, size_t *ret)
{
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < next->n; i++) {
        enum vmx_next_state is;
        r = vmx_next_state(next, i, dict, &is);
        n += r == 0 && is == state;
    }
    if (r == 0)
        *ret = n;
    return r;
}

static int add_line_edit(const struct vmx_next_line *line, const struct vmx_dict *dict,
                         struct vmx_edits *edits)
{
    BUF_AUTO key = {0};
    return vmx_encode(vmx_dict_charset(dict), buf_span(&line->key), &key)
               ?: (line->sets ? vmx_edits_set_spelled(edits, buf_span(&key), buf_span(&line->value))
                              : vmx_edits_remove(edits, buf_span(&key)));
}

int vmx_next_edits(const struct vmx_next *next, const struct vmx_dict *dict,
                   struct vmx_edits *edits)
{
    BUF_AUTO record = {0};
    bool any = false;
    bool left = false;
    int r = buf_add(&record, buf_span(&next->token));
    for (size_t i = 0; r == 0 && i < next->n; i++) {
        enum vmx_next_state state;
        r = vmx_next_state(next, i, dict, &state);
        if (r == 0 && state == VMX_NEXT_WAITS) {
            r = add_line_edit(&next->lines[i], dict, edits);
            any = true;
        } else if (r == 0 && state == VMX_NEXT_CHANGED) {
            r = buf_addf(&record, "%s%zu", left ? "," : " ", i + 1);
            left = true;
        }
    }
    if (r == 0 && any)
        r = vmx_edits_set(edits, SPAN_LITERAL(VMX_NEXT_KEY), buf_span(&record));
    return r;
}

int vmx_next_names(const struct vmx_next *next, const struct vmx_dict *dict,
                   enum vmx_next_state state, struct buf *ret)
{
    bool any = false;
    int r = 0;
    for (size_t i = 0; r == 0 && i < next->n; i++) {
        enum vmx_next_state is;
        r = vmx_next_state(next, i, dict, &is);
        if (r < 0 || is != state)
            continue;
        r = buf_add_str(ret, any ? ", " : "") ?: safe_text_add(ret, buf_span(&next->lines[i].key));
        any = true;
    }
    return r;
}

/* ---- for people */

int vmx_next_add_text(const struct vmx_next_line *line, struct buf *ret)
{
    if (!line->sets)
        return buf_add_char(ret, '-') ?: buf_add(ret, buf_span(&line->key));
    return buf_add(ret, buf_span(&line->key))
        ?: buf_add_str(ret, " = \"")
        ?: vmx_escape(buf_span(&line->value), ret)
        ?: buf_add_char(ret, '"');
}

static int add_value(struct buf *ret, const struct buf *value, bool there)
{
    BUF_AUTO text = {0};
    if (!there)
        return buf_add_str(ret, "nothing");
    return vmx_escape(buf_span(value), &text)
        ?: buf_add_char(ret, '"')
        ?: safe_text_add(ret, buf_span(&text))
        ?: buf_add_char(ret, '"');
}

/* A TAB, which a value may hold, is no text to show: an escape is the same to merge. */
static int add_shown(struct buf *ret, struct span text)
{
    for (size_t tab = text_find(text, '\t'); tab < text.n; tab = text_find(text, '\t')) {
        int r = safe_text_add(ret, span_head(text, tab)) ?: buf_add_str(ret, "|09");
        if (r < 0)
            return r;
        text = span_from(text, tab + 1);
    }
    return safe_text_add(ret, text);
}

static int show_line(const struct vmx_next_line *line, enum vmx_next_state state, struct buf *ret)
{
    BUF_AUTO text = {0};
    return vmx_next_add_text(line, &text)
        ?: add_shown(ret, buf_span(&text))
        ?: buf_add_str(ret, state == VMX_NEXT_WAITS ? "  # waits: " : "  # pending: ")
        ?: safe_text_add(ret, buf_span(&line->when))
        ?: buf_add_str(ret, " by ")
        ?: safe_text_add(ret, buf_span(&line->who))
        ?: buf_add_str(ret, state == VMX_NEXT_WAITS ? ", in place of " : ", it was in place of ")
        ?: add_value(ret, &line->was, line->had)
        ?: buf_add_str(ret, state == VMX_NEXT_WAITS ? "\n" : ", which has changed since\n");
}

int vmx_next_show(const struct vmx_next *next, const struct vmx_dict *dict, struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < next->n; i++) {
        enum vmx_next_state state;
        r = vmx_next_state(next, i, dict, &state);
        if (r == 0 && state != VMX_NEXT_DONE)
            r = show_line(&next->lines[i], state, ret);
    }
    return r;
}
