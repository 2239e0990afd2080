/* SPDX-License-Identifier: MIT */
/* The file, its lines, and adding to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "next.h"
#include "parser/text/encoding.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

static const char token_digits[] = "0123456789abcdef";
enum { TOKEN_LENGTH = 32 };

static void line_done(struct vmx_next_line *line)
{
    buf_done(&line->key);
    buf_done(&line->value);
    buf_done(&line->was);
    buf_done(&line->who);
    buf_done(&line->when);
}

void vmx_next_done(struct vmx_next *next)
{
    for (size_t i = 0; i < next->n; i++)
        line_done(&next->lines[i]);
    free(next->lines);
    buf_done(&next->token);
    buf_done(&next->path);
    buf_done(&next->uuid);
    *next = (struct vmx_next){0};
}

/* Takes the line over if r is 0, and frees it otherwise. */
static int append(struct vmx_next *next, struct vmx_next_line *line, int r)
{
    struct vmx_next_line *lines = r == 0 ? list_room(next->lines, next->n, sizeof(*lines)) : NULL;
    if (!lines) {
        line_done(line);
        return r ?: -ENOMEM;
    }
    next->lines = lines;
    lines[next->n++] = *line;
    return 0;
}

/* The lines that are to go do. */
static void leave_out(struct vmx_next *next, const bool *goes)
{
    size_t n = 0;
    for (size_t i = 0; i < next->n; i++) {
        if (goes[i])
            line_done(&next->lines[i]);
        else
            next->lines[n++] = next->lines[i];
    }
    next->n = n;
}

/* ---- reading */

/* 0; 1: it is not there; -ENOMEM. */
static int get(const struct vmx_dict *dict, const char *key, struct buf *ret)
{
    int r = vmx_dict_get(dict, span_of(key), ret);
    return r == -ENOENT ? 1 : r;
}

static int get_nth(const struct vmx_dict *dict, size_t nth, const char *name, struct buf *ret)
{
    char key[48];
    snprintf(key, sizeof(key), "%zu.%s", nth + 1, name);
    return get(dict, key, ret);
}

/* 1: there is no such line. */
static int read_line(const struct vmx_dict *dict, size_t nth, struct vmx_next *next)
{
    struct vmx_next_line line = {.sets = false};
    int r = get_nth(dict, nth, "key", &line.key);
    if (r != 0)
        return r;
    int value_r = get_nth(dict, nth, "value", &line.value);
    int was_r = get_nth(dict, nth, "was", &line.was);
    int who_r = get_nth(dict, nth, "who", &line.who);
    int when_r = get_nth(dict, nth, "when", &line.when);
    line.sets = value_r == 0;
    line.had = was_r == 0;
    if (value_r < 0 || was_r < 0 || who_r < 0 || when_r < 0)
        r = -ENOMEM;
    else if (line.key.len == 0 || line.who.len == 0 || line.when.len == 0)
        r = -EBADMSG;
    return append(next, &line, r);
}

static bool is_token(const struct buf *token)
{
    return token->len == TOKEN_LENGTH && strspn(token->data, token_digits) == TOKEN_LENGTH;
}

static int read_all(const struct vmx_dict *dict, struct vmx_next *next)
{
    int r = get(dict, "token", &next->token)
        ?: get(dict, "path", &next->path)
        ?: get(dict, "uuid.bios", &next->uuid);
    if (r == 0 && (!is_token(&next->token) || next->path.len == 0))
        r = 1;
    if (r != 0)
        return r == 1 ? -EBADMSG : r;
    while (r == 0)
        r = read_line(dict, next->n, next);
    return r == 1 && next->n > 0 ? 0 : r == 1 ? -EBADMSG : r;
}

int vmx_next_read(struct span text, struct vmx_next *ret)
{
    struct vmx_dict *dict = NULL;
    int r = vmx_dict_parse(text, &dict);
    if (r == 0)
        r = read_all(dict, ret);
    vmx_dict_free(dict);
    if (r != 0)
        vmx_next_done(ret);
    return r == -EFBIG ? -EBADMSG : r;
}

/* ---- writing */

static int add_entry(struct buf *ret, const char *key, struct span value)
{
    return buf_addf(ret, "%s = \"", key) ?: vmx_escape(value, ret) ?: buf_add_str(ret, "\"\n");
}

static int add_nth(struct buf *ret, size_t nth, const char *name, const struct buf *value)
{
    char key[48];
    snprintf(key, sizeof(key), "%zu.%s", nth + 1, name);
    return add_entry(ret, key, buf_span(value));
}

static int add_line(struct buf *ret, size_t nth, const struct vmx_next_line *line)
{
    int r = add_nth(ret, nth, "key", &line->key);
    if (r == 0 && line->sets)
        r = add_nth(ret, nth, "value", &line->value);
    if (r == 0 && line->had)
        r = add_nth(ret, nth, "was", &line->was);
    return r ?: add_nth(ret, nth, "who", &line->who) ?: add_nth(ret, nth, "when", &line->when);
}

int vmx_next_write(const struct vmx_next *next, struct buf *ret)
{
    BUF_AUTO text = {0};
    int r = add_entry(&text, "token", buf_span(&next->token))
        ?: add_entry(&text, "path", buf_span(&next->path))
        ?: add_entry(&text, "uuid.bios", buf_span(&next->uuid));
    for (size_t i = 0; r == 0 && i < next->n; i++)
        r = add_line(&text, i, &next->lines[i]);
    return r ?: buf_add(ret, buf_span(&text));
}

/* ---- whose it is */

int vmx_next_mark(struct vmx_next *next, struct span token, struct span path,
                  const struct vmx_dict *dict)
{
    buf_clear(&next->token);
    buf_clear(&next->path);
    buf_clear(&next->uuid);
    int r = vmx_dict_get(dict, SPAN_LITERAL("uuid.bios"), &next->uuid);
    r = r == -ENOENT ? 0 : r;
    return r ?: buf_add(&next->token, token) ?: buf_add(&next->path, path);
}

bool vmx_next_is_of(const struct vmx_next *next, struct span path, const struct vmx_dict *dict)
{
    BUF_AUTO uuid = {0};
    if (!span_eq(buf_span(&next->path), path))
        return false;
    return next->uuid.len == 0 || (vmx_dict_get(dict, SPAN_LITERAL("uuid.bios"), &uuid) == 0 &&
                                   span_eq_fold(buf_span(&uuid), buf_span(&next->uuid)));
}

/* ---- adding */

static int forget_key(struct vmx_next *next, struct span key)
{
    bool *goes = calloc(next->n + 1, sizeof(*goes));
    if (!goes)
        return -ENOMEM;
    for (size_t i = 0; i < next->n; i++)
        goes[i] = span_eq_fold(buf_span(&next->lines[i].key), key);
    leave_out(next, goes);
    free(goes);
    return 0;
}

/* Whether the document holds what the edit wants. */
static bool is_so(const struct vmx_edit *edit, const struct vmx_dict *dict,
                  const struct vmx_next_line *line)
{
    if (!line->sets || !line->had)
        return !line->sets && !line->had;
    struct span name = vmx_dict_name(dict, vmx_dict_find(dict, buf_span(&edit->key)));
    return span_eq(buf_span(&line->value), buf_span(&line->was)) &&
           span_eq(name, buf_span(&edit->key));
}

static int add_edit(struct vmx_next *next, const struct vmx_edit *edit, const struct vmx_dict *dict,
                    struct span who, struct span when)
{
    struct vmx_next_line line = {.sets = edit->op == VMX_EDIT_SET};
    int was_r = vmx_dict_get(dict, buf_span(&edit->key), &line.was);
    line.had = was_r == 0;
    int r = was_r == -ENOENT ? 0 : was_r;
    r = r
        ?: vmx_decode(vmx_dict_charset(dict), buf_span(&edit->key), &line.key)
        ?: buf_add(&line.value, buf_span(&edit->value))
        ?: buf_add(&line.who, who)
        ?: buf_add(&line.when, when);
    r = r ?: forget_key(next, buf_span(&line.key));
    if (r < 0 || is_so(edit, dict, &line)) {
        line_done(&line);
        return r;
    }
    return append(next, &line, r);
}

int vmx_next_add(struct vmx_next *next, const struct vmx_edits *edits, const struct vmx_dict *dict,
                 struct span who, struct span when, struct diag *diag)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < edits->n; i++) {
        if (span_eq_fold(buf_span(&edits->items[i].key), SPAN_LITERAL(VMX_NEXT_KEY)))
            return diag_set(diag, VMX_NEXT_KEY " says what was applied, and cannot wait itself");
        r = add_edit(next, &edits->items[i], dict, who, when);
    }
    return r;
}

/* ---- what is left */

int vmx_next_tidy(struct vmx_next *next, const struct vmx_dict *dict)
{
    bool *goes = calloc(next->n + 1, sizeof(*goes));
    int r = goes ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < next->n; i++) {
        enum vmx_next_state state;
        r = vmx_next_state(next, i, dict, &state);
        if (r == 0)
            goes[i] = state == VMX_NEXT_DONE;
    }
    if (r == 0)
        leave_out(next, goes);
    free(goes);
    return r;
}
