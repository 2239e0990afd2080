/* SPDX-License-Identifier: MIT */
/* The text of the control file "merge", as edits. */
#include "edit.h"

#include <errno.h>

#include "encoding.h"
#include "keymap.h"
#include "text.h"

struct reader {
    const char *charset;
    struct vmx_edits *edits;
    struct keymap seen; /* keys as they are in text */
    size_t line;        /* from 1 */
    struct vmx_diag *diag;
};

static int refuse(const struct reader *r, size_t at, const char *why)
{
    vmx_diag_set(r->diag, r->line, at + 1, "%s", why);
    return -EINVAL;
}

static int encode_key(struct reader *r, struct span name, size_t at, struct buf *ret)
{
    bool added = false;
    struct keymap_item *item = NULL;
    int e = keymap_add(&r->seen, name, &added, &item);
    if (e == 0 && !added)
        return refuse(r, at, "this key occurs twice");
    if (e == 0)
        e = vmx_encode(r->charset, name, ret);
    if (e == -EILSEQ)
        vmx_diag_set(r->diag, r->line, at + 1, "the file's charset cannot hold this key");
    return e;
}

static int read_set(struct reader *r, struct span text, const struct vmx_line *line)
{
    BUF_AUTO key = {0};
    BUF_AUTO value = {0};
    BUF_AUTO checked = {0};
    int e =
        encode_key(r, (struct span){text.p + line->name_at, line->name_len}, line->name_at, &key);
    if (e == 0)
        e = vmx_unescape((struct span){text.p + line->value_at, line->value_len}, &value);
    if (e != 0)
        return e;
    e = vmx_encode(r->charset, buf_span(&value), &checked);
    if (e == -EILSEQ)
        vmx_diag_set(r->diag, r->line, line->value_at + 1,
                     "the file's charset cannot hold this value");
    return e == 0 ? vmx_edits_set(r->edits, buf_span(&key), buf_span(&value)) : e;
}

/* "-key" and a comment, perhaps: to the line reader that is a malformed line. */
static int read_removal(struct reader *r, struct span body, const struct vmx_line *line)
{
    size_t at = 0;
    while (at < body.n && text_blank(body.p[at]))
        at++;
    if (at == body.n || body.p[at] != '-')
        return refuse(r, line->error_at, "not of the form key = \"value\" or -key");
    size_t start = ++at;
    while (at < body.n && !text_blank(body.p[at]) && body.p[at] != '#' && body.p[at] != '=')
        at++;
    struct span name = {body.p + start, at - start};
    while (at < body.n && text_blank(body.p[at]))
        at++;
    if (name.n == 0 || (at < body.n && body.p[at] != '#'))
        return refuse(r, at, "only a key and a comment can stand behind \"-\"");
    BUF_AUTO key = {0};
    int e = encode_key(r, name, start, &key);
    return e == 0 ? vmx_edits_remove(r->edits, buf_span(&key)) : e;
}

static int read_line(struct reader *r, struct span text, const struct vmx_line *line)
{
    const char *nul = memchr(text.p, '\0', line->body_len);
    if (nul)
        return refuse(r, (size_t)(nul - text.p), "a NUL, which a .vmx cannot hold");
    if (line->kind == VMX_LINE_ENTRY)
        return read_set(r, text, line);
    if (line->kind == VMX_LINE_MALFORMED)
        return read_removal(r, span_head(text, line->body_len), line);
    return 0;
}

int vmx_edits_parse(struct span text, const char *charset, struct vmx_edits *edits,
                    struct vmx_diag *diag)
{
    if (text.n > UINT32_MAX)
        return -EINVAL;
    struct vmx_edits read = {0};
    struct reader r = {.charset = charset, .edits = &read, .line = 1, .diag = diag};
    struct span bom = SPAN_LITERAL("\xef\xbb\xbf");
    if (span_starts_with(text, bom))
        text = span_from(text, bom.n);
    int e = 0;
    for (struct vmx_line line; e == 0 && text.n > 0; r.line++) {
        vmx_lex_line(text, false, &line);
        e = read_line(&r, text, &line);
        text = span_from(text, line.len);
    }
    if (e == 0)
        e = vmx_edits_move(edits, &read);
    vmx_edits_done(&read);
    keymap_done(&r.seen);
    return e;
}
