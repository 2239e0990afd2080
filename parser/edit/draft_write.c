/* SPDX-License-Identifier: MIT */
/* From the lines of a draft to bytes, in another charset if ".encoding" is among the edits. */
#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "draft.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

struct writer {
    const char *from; /* charsets */
    const char *to;
    bool transcode;
    struct buf *out;
};

static const char *name_of_charset(const char *charset)
{
    return charset ? charset : "unknown";
}

/* Settings: all of it has to decode. */
static int transcode(const struct writer *w, struct span bytes, struct buf *ret)
{
    if (!w->transcode)
        return buf_add(ret, bytes);
    BUF_AUTO utf8 = {0};
    return vmx_decode(w->from, bytes, &utf8) ?: vmx_encode(w->to, buf_span(&utf8), ret);
}

/* Comments and malformed lines: what does not decode is no text of that charset and stays. */
static int transcode_free_text(const struct writer *w, struct span bytes)
{
    if (!w->transcode)
        return buf_add(w->out, bytes);
    BUF_AUTO utf8 = {0};
    int r = vmx_decode(w->from, bytes, &utf8);
    if (r == -EILSEQ)
        return buf_add(w->out, bytes);
    return r ?: vmx_encode(w->to, buf_span(&utf8), w->out);
}

/* What reading the value gives: raw bytes where it does not decode. */
static int reads_as(const struct writer *w, struct span bytes, struct span value, bool *ret)
{
    BUF_AUTO utf8 = {0};
    int r = vmx_decode(w->from, bytes, &utf8);
    if (r != 0 && r != -EILSEQ)
        return r;
    *ret = span_eq(r == 0 ? buf_span(&utf8) : bytes, value);
    return 0;
}

/* The bytes that the value is to have, with *ret_keep if the line has them already. */
static int new_bytes(const struct writer *w, const struct draft_line *l, struct span old,
                     struct buf *ret, bool *ret_keep)
{
    if (!l->value)
        return transcode(w, old, ret);
    int r = w->transcode ? 0 : reads_as(w, old, buf_span(l->value), ret_keep);
    if (r != 0 || *ret_keep)
        return r;
    return vmx_encode(w->to, buf_span(l->value), ret);
}

static int write_value(const struct writer *w, const struct draft_line *l)
{
    struct span raw = {l->text.p + l->line.value_at, l->line.value_len};
    BUF_AUTO old = {0};
    BUF_AUTO bytes = {0};
    bool keep = false;
    int r = vmx_unescape(raw, &old) ?: new_bytes(w, l, buf_span(&old), &bytes, &keep);
    if (r != 0)
        return r;
    if (keep || span_eq(buf_span(&old), buf_span(&bytes)))
        return buf_add(w->out, vmx_line_token(l->text.p, &l->line));
    return buf_add_char(w->out, '"')
        ?: vmx_escape(buf_span(&bytes), w->out)
        ?: buf_add_char(w->out, '"');
}

static int write_entry(const struct writer *w, const struct draft_line *l)
{
    struct span value = vmx_line_token(l->text.p, &l->line);
    size_t name_end = l->line.name_at + l->line.name_len;
    size_t value_at = (size_t)(value.p - l->text.p);
    return buf_add(w->out, span_head(l->text, l->line.name_at))
        ?: transcode(w, (struct span){l->text.p + l->line.name_at, l->line.name_len}, w->out)
        ?: buf_add(w->out, (struct span){l->text.p + name_end, value_at - name_end})
        ?: write_value(w, l)
        ?: transcode_free_text(w, span_from(l->text, value_at + value.n));
}

static void explain_charset(const struct writer *w, struct span name, struct diag *diag)
{
    if (w->transcode)
        diag_set(diag, "not possible from charset %s to %s: \"" SPAN_FORMAT "\"",
                 name_of_charset(w->from), name_of_charset(w->to), SPAN_SHOWN(name));
    else if (w->to && strcmp(w->to, "UTF-8") == 0)
        diag_set(diag, "the text is not UTF-8: \"" SPAN_FORMAT "\"", SPAN_SHOWN(name));
    else
        diag_set(
            diag,
            "the text is not UTF-8, or the file's .encoding (%s) cannot hold it: \"" SPAN_FORMAT
            "\"",
            name_of_charset(w->to), SPAN_SHOWN(name));
}

static int write_line(const struct writer *w, const struct draft_line *l, struct diag *diag)
{
    if (!w->transcode && !l->value)
        return buf_add(w->out, l->text);
    int r = 0;
    if (l->line.kind == VMX_LINE_ENTRY)
        r = write_entry(w, l);
    else
        r = l->line.kind == VMX_LINE_BOM ? buf_add(w->out, l->text)
                                         : transcode_free_text(w, l->text);
    struct span name = {l->text.p + l->line.name_at, l->line.name_len};
    if (r == -EINVAL)
        diag_set(diag, "a value cannot hold a NUL: \"" SPAN_FORMAT "\"", SPAN_SHOWN(name));
    if (r == -EILSEQ)
        explain_charset(w, name, diag);
    return r;
}

static bool has_ending(const struct draft_line *l)
{
    return l->line.len > l->line.body_len || l->line.kind == VMX_LINE_BOM;
}

/* What stands before the first line keeps a U+FEFF that it begins with from being the mark of the
 * file: the mark is no part of the text, and the key would be another one. */
static int keep_from_top(const struct draft *draft, struct buf *out)
{
    if (draft->head->line.kind == VMX_LINE_BOM || !span_starts_with(buf_span(out), UTF8_BOM))
        return 0;
    BUF_AUTO text = {0};
    int r = buf_add(&text, draft->ending) ?: buf_add(&text, buf_span(out));
    buf_clear(out);
    return r ?: buf_add(out, buf_span(&text));
}

static int write_lines(const struct draft *draft, const struct writer *w, struct diag *diag)
{
    const struct draft_line *l = NULL;
    int r = 0;
    DL_FOREACH (draft->head, l) {
        bool joined = l != draft->head && !has_ending(l->prev);
        if (joined)
            r = buf_add(w->out, l->lead.n > 0 ? l->lead : draft->ending);
        r = r ?: write_line(w, l, diag);
        if (r == 0 && l == draft->head)
            r = keep_from_top(draft, w->out);
        if (r != 0)
            return r;
    }
    if (!draft->head || !draft->unended)
        return 0;
    l = draft->head->prev;
    if (l->line.body_len > 0) { /* or the line itself would go with its ending */
        w->out->len -= l->line.len - l->line.body_len;
        w->out->data[w->out->len] = '\0';
    }
    return 0;
}

static int charset_after(const struct draft *draft, const char **ret)
{
    const struct draft_line *l = draft_find(draft, SPAN_LITERAL(".encoding"));
    BUF_AUTO name = {0};
    int r = 0;
    if (l && l->value)
        r = buf_add(&name, buf_span(l->value));
    else if (l)
        r = vmx_unescape((struct span){l->text.p + l->line.value_at, l->line.value_len}, &name);
    if (r == 0)
        *ret = vmx_charset(buf_span(&name));
    return r;
}

/* Two spellings of a key in one charset can be one in the other. */
static int check_duplicates(const struct draft *draft, struct span text, struct diag *diag)
{
    struct vmx_dict *after = NULL;
    int r = vmx_dict_parse(text, &after);
    if (r != 0)
        return r;
    if (vmx_dict_duplicates(after) > vmx_dict_duplicates(draft->dict)) {
        diag_set(diag, "two keys would be the same in the other charset");
        r = -EILSEQ;
    }
    vmx_dict_free(after);
    return r;
}

int draft_write(const struct draft *draft, struct buf *ret, struct diag *diag)
{
    struct writer w = {.from = vmx_dict_charset(draft->dict)};
    int r = charset_after(draft, &w.to);
    if (r != 0)
        return r;
    w.transcode = w.from != w.to && !(w.from && w.to && strcmp(w.from, w.to) == 0);
    BUF_AUTO out = {0};
    w.out = &out;
    r = buf_reserve(&out, vmx_dict_text(draft->dict).n + 128) ?: write_lines(draft, &w, diag);
    if (r == 0 && w.transcode)
        r = check_duplicates(draft, buf_span(&out), diag);
    if (r == 0 && !ret->data) {
        *ret = out;
        out = (struct buf){0};
        return 0;
    }
    return r ?: buf_add(ret, buf_span(&out));
}
