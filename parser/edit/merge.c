/* SPDX-License-Identifier: MIT */
/* The text of the control file "merge", as edits. */
#include <errno.h>

#include "edit.h"
#include "keymap.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

enum { IS_SET = 1, IS_REMOVED = 2 };

struct reader {
    const char *charset;
    struct vmx_edits sets, removals;
    struct keymap seen; /* their keys, and which of the two they are */
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
    int e = vmx_encode(r->charset, name, ret);
    if (e == -EILSEQ)
        vmx_diag_set(r->diag, r->line, at + 1, "the file's charset cannot hold this key");
    return e;
}

/* Notes the edit that was added last. A key can be removed in one spelling and set in another. */
static int note_key(struct reader *r, const struct vmx_edits *list, size_t at)
{
    const struct vmx_edit *edit = &list->items[list->n - 1];
    struct span key = buf_span(&edit->key);
    size_t what = edit->op == VMX_EDIT_SET ? IS_SET : IS_REMOVED;
    struct keymap_item *item = NULL;
    bool added = false;
    int e = keymap_add(&r->seen, key, &added, &item);
    if (e != 0)
        return e;
    struct span first = {item->hh.key, item->hh.keylen};
    if (!added && ((item->count & what) != 0 || span_eq(first, key)))
        return refuse(r, at, "this key occurs twice");
    item->count |= what;
    return 0;
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
    if (e == 0)
        e = vmx_edits_set_spelled(&r->sets, buf_span(&key), buf_span(&value));
    return e == 0 ? note_key(r, &r->sets, line->name_at) : e;
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
    if (e == 0)
        e = vmx_edits_remove(&r->removals, buf_span(&key));
    return e == 0 ? note_key(r, &r->removals, start) : e;
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

/* A key that is also set keeps its line, which the set spells. */
static int add_removals(struct reader *r)
{
    int e = 0;
    for (size_t i = 0; e == 0 && i < r->removals.n; i++) {
        struct span key = buf_span(&r->removals.items[i].key);
        if ((keymap_find(&r->seen, key)->count & IS_SET) == 0)
            e = vmx_edits_remove(&r->sets, key);
    }
    return e;
}

int vmx_edits_parse(struct span text, const char *charset, struct vmx_edits *edits,
                    struct vmx_diag *diag)
{
    if (text.n > UINT32_MAX)
        return -EINVAL;
    struct reader r = {.charset = charset, .line = 1, .diag = diag};
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
        e = add_removals(&r);
    if (e == 0)
        e = vmx_edits_move(edits, &r.sets);
    keymap_done(&r.seen);
    vmx_edits_done(&r.sets);
    vmx_edits_done(&r.removals);
    return e;
}
