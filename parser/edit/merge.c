/* SPDX-License-Identifier: MIT */
/* The text of the control file "merge", as edits. */
#include <errno.h>

#include "edit.h"
#include "keymap.h"
#include "parser/document/names.h"
#include "parser/document/value.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

enum { IS_SET = 1, IS_REMOVED = 2 };

struct reader {
    const char *charset;
    struct vmx_edits sets, removals;
    struct keymap seen; /* their keys, and which of the two they are */
    size_t line;        /* from 1 */
    struct diag *diag;
};

static int refuse_at(const struct reader *reader, size_t at, const char *why)
{
    diag_set_at(reader->diag, reader->line, at + 1, "%s", why);
    return -EINVAL;
}

static int encode_key(struct reader *reader, struct span name, size_t at, struct buf *ret)
{
    int r = vmx_encode(reader->charset, name, ret);
    if (r == -EILSEQ)
        diag_set_at(reader->diag, reader->line, at + 1, "the file's charset cannot hold this key");
    return r;
}

/* Notes the edit that was added last. A key can be removed in one spelling and set in another. */
static int note_key(struct reader *reader, const struct vmx_edits *list, size_t at)
{
    const struct vmx_edit *edit = &list->items[list->n - 1];
    struct span key = buf_span(&edit->key);
    size_t what = edit->op == VMX_EDIT_SET ? IS_SET : IS_REMOVED;
    struct keymap_item *item = keymap_add(&reader->seen, key);
    if (!item)
        return -ENOMEM;
    struct span first = {item->hh.key, item->hh.keylen};
    if ((item->count & what) != 0 || (item->count != 0 && span_eq(first, key)))
        return refuse_at(reader, at, "this key occurs twice");
    item->count |= what;
    return 0;
}

static int read_set(struct reader *reader, struct span text, const struct vmx_line *line)
{
    BUF_AUTO key = {0};
    BUF_AUTO value = {0};
    BUF_AUTO checked = {0};
    int r = encode_key(reader, (struct span){text.p + line->name_at, line->name_len}, line->name_at,
                       &key)
                ?: vmx_unescape((struct span){text.p + line->value_at, line->value_len}, &value);
    if (r != 0)
        return r;
    r = vmx_encode(reader->charset, buf_span(&value), &checked);
    if (r == -EILSEQ)
        diag_set_at(reader->diag, reader->line, line->value_at + 1,
                    "the file's charset cannot hold this value");
    return r
        ?: vmx_edits_set_spelled(&reader->sets, buf_span(&key), buf_span(&value))
        ?: note_key(reader, &reader->sets, line->name_at);
}

/* "-key" and a comment, perhaps: to the line reader that is a malformed line. */
static int read_removal(struct reader *reader, struct span body, const struct vmx_line *line)
{
    size_t at = 0;
    while (at < body.n && text_blank(body.p[at]))
        at++;
    if (at == body.n || body.p[at] != '-')
        return refuse_at(reader, line->error_at, "not of the form key = \"value\" or -key");
    size_t start = ++at;
    while (at < body.n && !text_blank(body.p[at]) && body.p[at] != '#' && body.p[at] != '=')
        at++;
    struct span name = {body.p + start, at - start};
    while (at < body.n && text_blank(body.p[at]))
        at++;
    if (name.n == 0 || (at < body.n && body.p[at] != '#'))
        return refuse_at(reader, at, "only a key and a comment can follow \"-\"");
    BUF_AUTO key = {0};
    return encode_key(reader, name, start, &key)
        ?: vmx_edits_remove(&reader->removals, buf_span(&key))
        ?: note_key(reader, &reader->removals, start);
}

static int read_line(struct reader *reader, struct span text, const struct vmx_line *line)
{
    const char *nul = memchr(text.p, '\0', line->body_len);
    if (nul)
        return refuse_at(reader, (size_t)(nul - text.p), "a NUL, which a .vmx cannot hold");
    if (line->kind == VMX_LINE_ENTRY)
        return read_set(reader, text, line);
    if (line->kind == VMX_LINE_MALFORMED)
        return read_removal(reader, span_head(text, line->body_len), line);
    return 0;
}

/* A key that is also set keeps its line, which the set spells. */
static int add_removals(struct reader *reader)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < reader->removals.n; i++) {
        struct span key = buf_span(&reader->removals.items[i].key);
        if ((keymap_find(&reader->seen, key)->count & IS_SET) == 0)
            r = vmx_edits_remove(&reader->sets, key);
    }
    return r;
}

int vmx_edits_parse(struct span text, const char *charset, struct vmx_edits *edits,
                    struct diag *diag)
{
    if (text.n > UINT32_MAX)
        return -EINVAL;
    struct reader reader = {.charset = charset, .line = 1, .diag = diag};
    if (span_starts_with(text, UTF8_BOM))
        text = span_from(text, UTF8_BOM.n);
    int r = 0;
    for (struct vmx_line line; r == 0 && text.n > 0; reader.line++) {
        vmx_lex_line(text, false, &line);
        r = read_line(&reader, text, &line);
        text = span_from(text, line.len);
    }
    r = r ?: add_removals(&reader) ?: vmx_edits_move(edits, &reader.sets);
    keymap_done(&reader.seen);
    vmx_edits_done(&reader.sets);
    vmx_edits_done(&reader.removals);
    return r;
}

int vmx_edits_check(const struct vmx_edits *edits, const struct vmx_dict *dict, struct diag *diag)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < edits->n; i++) {
        const struct vmx_edit *e = &edits->items[i];
        if (e->op != VMX_EDIT_SET)
            continue;
        if (vmx_dict_find(dict, buf_span(&e->key)) == SIZE_MAX)
            r = vmx_name_check_new(buf_span(&e->key), diag);
        r = r ?: vmx_value_check(buf_span(&e->key), buf_span(&e->value), diag);
    }
    return r;
}
