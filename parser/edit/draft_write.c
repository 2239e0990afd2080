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

/* All of a setting has to decode; of the rest (comments, malformed lines), what does not is not
 * text of that charset and stays. */
static int transcode(const struct writer *w, struct span bytes, bool of_setting, struct buf *ret)
{
    BUF_AUTO utf8 = {0};
    int r = w->transcode ? vmx_decode(w->from, bytes, &utf8) : 0;
    if (!w->transcode || (r == -EILSEQ && !of_setting))
        return buf_add(ret, bytes);
    return r ?: vmx_encode(w->to, buf_span(&utf8), ret);
}

static int write_value(const struct writer *w, const struct draft_line *l)
{
    struct span raw = {l->text.p + l->line.value_at, l->line.value_len};
    BUF_AUTO old = {0};
    BUF_AUTO read = {0};
    BUF_AUTO bytes = {0};
    int r = vmx_unescape(raw, &old) ?: vmx_value_read(w->from, raw, &read);
    bool keep = !w->transcode && span_eq(buf_span(&read), buf_span(l->value));
    bool mends = l->value && !l->line.quoted && !l->taken_up;
    if (r == 0 && keep)
        r = buf_add(&bytes, buf_span(&old)); /* which may be no text of the charset */
    else if (r == 0)
        r = l->value ? vmx_encode(w->to, buf_span(l->value), &bytes)
                     : transcode(w, buf_span(&old), true, &bytes);
    if (r != 0)
        return r;
    if (!mends && span_eq(buf_span(&old), buf_span(&bytes)))
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
        ?: transcode(w, (struct span){l->text.p + l->line.name_at, l->line.name_len}, true,
 w->out)
        ?: buf_add(w->out, (struct span){l->text.p + name_end, value_at - name_end})
        ?: write_value(w, l)
        ?: transcode(w, span_from(l->text, value_at + value.n), false, w->out);
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
    if ((!w->transcode && !l->value) || l->line.kind == VMX_LINE_BOM)
        return buf_add(w->out, l->text);
    int r =
        l->line.kind == VMX_LINE_ENTRY ? write_entry(w, l) : transcode(w, l->text, false, w->out);
    struct span name = {l->text.p + l->line.name_at, l->line.name_len};
    if (r == -EINVAL)
        diag_set(diag, "a value cannot hold a NUL: \"" SPAN_FORMAT "\"", SPAN_SHOWN(name));
    if (r == -EILSEQ)
        explain_charset(w, name, diag);
    return r;
}

static bool has_ending(const struct vmx_line *line)
{
    return line->len > line->body_len || line->kind == VMX_LINE_BOM;
}

static int write_lines(const struct draft *draft, const struct writer *w, struct diag *diag)
{
    const struct draft_line *l = NULL;
    DL_FOREACH (draft->head, l) {
        int r = 0;
        if (l != draft->head && !has_ending(&l->prev->line))
            r = buf_add(w->out, l->lead.n > 0 ? l->lead : draft->ending);
        r = r ?: write_line(w, l, diag);
        if (r != 0)
            return r;
    }
    size_t n = vmx_dict_extents(draft->dict);
    if (!draft->head || n == 0 || has_ending(&vmx_dict_extent(draft->dict, n - 1)->line))
        return 0;
    l = draft->head->prev;
    if (l->line.body_len > 0) /* or the line itself would go with its ending */
        w->out->len -= l->line.len - l->line.body_len;
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
    BUF_AUTO out = {0};
    struct writer w = {.from = vmx_dict_charset(draft->dict), .out = &out};
    int r = charset_after(draft, &w.to);
    if (r != 0)
        return r;
    w.transcode = w.from != w.to && !(w.from && w.to && strcmp(w.from, w.to) == 0);
    r = buf_add(&out, draft->ending) ?: write_lines(draft, &w, diag);
    if (r != 0)
        return r;
    /* The empty line at the top keeps a U+FEFF that the first line begins with from being the mark
     * of the file: the mark is not part of the text, and the key would be another one. */
    struct span text = span_from(buf_span(&out), draft->ending.n);
    if (span_starts_with(text, UTF8_BOM) && draft->head->line.kind != VMX_LINE_BOM)
        text = buf_span(&out);
    r = w.transcode ? check_duplicates(draft, text, diag) : 0;
    return r ?: buf_add(ret, text);
}
