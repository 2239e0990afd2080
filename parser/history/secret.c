/* SPDX-License-Identifier: MIT */
/*
 * What is hidden of a line depends on what it is:
 *
 *     guestinfo.a = "VALUE"  # why      a setting: its value; the comment, if it has the value too
 *     guestinfo.a = VALUE#MORE          also the comment: people who write no quotes may have
 *                                       meant it; in quotes then, so that it stays a setting
 *     # was: guestinfo.a = "VALUE"      no setting, but it names one with a secret: all that stands
 *     guestinfo.a "VALUE" "MORE"        behind the name
 *     guestinfo.a = "VALUE              the quote is open, and nobody knows where the value ends:
 *     MORE                              also all lines that follow, but settings in quotes
 *     guestinfo.a = VALUE               without quotes, a value may be broken where a tool breaks
 *     MORE==                            long lines: also malformed lines directly behind it, and
 *                                       then all up to the next setting in quotes
 *
 * In doubt something is hidden: a comment can be written again.
 */
#include "secret.h"

#include <errno.h>

#include "parser/document/lexer.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

/* ---- names */

#define WORD(s) {(s), sizeof(s) - 1}

/* Any of them anywhere in a name, but where it begins another word. In lower case. */
static const struct {
    struct span word;
    const char *harmless[2];
} words[] = {
    {WORD("guestinfo"), {NULL}},
    {WORD("remotedisplay.vnc."), {NULL}},
    {WORD("encryption."), {NULL}}, /* not migrate.encryptionMode */
    {WORD("datafilekey"), {NULL}},
    {WORD(".key"), {".keyboard"}},
    {WORD("pass"), {"passthru", "passthrough"}},
    {WORD("secret"), {NULL}},
    {WORD("token"), {NULL}},
};

static bool is_harmless(struct span s, const char *const harmless[2])
{
    for (size_t i = 0; i < 2 && harmless[i]; i++) {
        if (span_starts_with_fold(s, span_of(harmless[i])))
            return true;
    }
    return false;
}

/* The length of the word that stands at the beginning; 0: none does. */
static size_t word_at(struct span s)
{
    for (size_t i = 0; s.n > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
        if ((s.p[0] | 0x20) == words[i].word.p[0] && span_starts_with_fold(s, words[i].word) &&
            !is_harmless(s, words[i].harmless))
            return words[i].word.n;
    }
    return 0;
}

bool vmx_is_secret(struct span name)
{
    const struct span saved = SPAN_LITERAL("vmxfs.saved."); /* the dot of it belongs to no key */
    if (span_starts_with_fold(name, saved))
        name = span_from(name, saved.n);
    for (size_t at = 0; at < name.n; at++) {
        if (word_at(span_from(name, at)) > 0)
            return true;
    }
    return false;
}

/* ---- what is put in the place of a value */

#define HIDDEN "(secret "
enum { HIDDEN_LENGTH = sizeof(HIDDEN "12345678)") - 1 };

static bool starts_with_hidden(struct span s)
{
    const struct span head = SPAN_LITERAL(HIDDEN);
    if (s.n < HIDDEN_LENGTH || !span_starts_with(s, head) || s.p[HIDDEN_LENGTH - 1] != ')')
        return false;
    for (size_t i = head.n; i < HIDDEN_LENGTH - 1; i++) {
        if (text_digit(s.p[i]) > 15 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
    }
    return true;
}

bool vmx_is_hidden(struct span value)
{
    return value.n == HIDDEN_LENGTH && starts_with_hidden(value);
}

bool vmx_has_hidden(struct span text)
{
    for (size_t at = 0; at < text.n; at++) {
        if (starts_with_hidden(span_from(text, at)))
            return true;
    }
    return false;
}

/* What the lines behind one with a secret may be. */
enum follow {
    OWN,    /* lines of their own */
    MORE,   /* more of its value, if they are malformed */
    INSIDE, /* they have been: all is more of it, up to the next setting in quotes */
    QUOTED, /* more of it, to the end of the text, but for settings in quotes */
};

struct hiding {
    vmx_secret_mark *mark;
    void *ctx;
    struct buf *out;
    enum follow follow;
};

static void expect(struct hiding *h, enum follow follow)
{
    if (h->follow < follow)
        h->follow = follow;
}

static int hide(const struct hiding *h, struct span name, struct span value)
{
    BUF_AUTO lower = {0};
    uint32_t mark = 0;
    int r = buf_add(&lower, name);
    for (size_t i = 0; r == 0 && i < lower.len; i++) {
        if (text_letter(lower.data[i]))
            lower.data[i] = (char)(lower.data[i] | 0x20);
    }
    r = r ?: h->mark(h->ctx, buf_span(&lower), value, &mark);
    return r ?: buf_addf(h->out, HIDDEN "%08x)", mark);
}

/* All of a text, but the part at its beginning that stays. */
static int hide_from(const struct hiding *h, struct span name, struct span text, size_t stays)
{
    struct span value = span_from(text, stays);
    int r = buf_add(h->out, span_head(text, stays));
    return r
               ?: value.n == 0 || vmx_is_hidden(value) ? buf_add(h->out, value)
                                                       : hide(h, name, value);
}

/* ---- text that is no setting */

static bool is_between(char c)
{
    return text_blank(c) || c == '=' || c == ':';
}

/* Where the name of a secret begins and ends in a text; false: there is none. */
static bool find_name(struct span text, size_t *ret_start, size_t *ret_end)
{
    size_t at = 0;
    while (at < text.n && word_at(span_from(text, at)) == 0)
        at += starts_with_hidden(span_from(text, at)) ? HIDDEN_LENGTH : 1;
    if (at >= text.n)
        return false;
    size_t end = at + word_at(span_from(text, at));
    while (at > 0 && text_name_char(text.p[at - 1]))
        at--;
    while (end < text.n && text_name_char(text.p[end]))
        end++;
    *ret_start = at;
    *ret_end = end;
    return true;
}

/* A NUL between the letters of a name hides it from whoever compares bytes: texts in UTF-16 have
 * one behind each. */
static int names_secret_without_nuls(struct span text, bool *ret)
{
    BUF_AUTO plain = {0};
    size_t start;
    size_t end;
    int r = buf_reserve(&plain, text.n);
    for (size_t i = 0; r == 0 && i < text.n; i++) {
        if (text.p[i] != '\0')
            r = buf_add_char(&plain, text.p[i]);
    }
    *ret = find_name(buf_span(&plain), &start, &end);
    return r;
}

static bool has_open_quote(struct span text)
{
    bool open = false;
    for (size_t i = 0; i < text.n; i++)
        open ^= text.p[i] == '"';
    return open;
}

/* What makes a comment of the text behind it, or bytes that nobody reads. */
static size_t comment_mark(struct span text)
{
    size_t at = 0;
    while (at < text.n && (text_blank(text.p[at]) || text.p[at] == '#' || text.p[at] == '\0'))
        at++;
    return at;
}

static int hide_all(const struct hiding *h, struct span text)
{
    return hide_from(h, SPAN_LITERAL(""), text, comment_mark(text));
}

static int hide_in_text(struct hiding *h, struct span text)
{
    size_t start;
    size_t end;
    bool nuls = text_find(text, '\0') < text.n;
    if (find_name(text, &start, &end)) {
        struct span name = {text.p + start, end - start};
        while (end < text.n && is_between(text.p[end]))
            end++;
        struct span value = span_from(text, end);
        if (!vmx_is_hidden(value))
            expect(h, has_open_quote(value) ? QUOTED : MORE);
        return hide_from(h, name, text, end);
    }
    int r = nuls ? names_secret_without_nuls(text, &nuls) : 0;
    return r ?: nuls ? hide_all(h, text) : buf_add(h->out, text);
}

/* ---- settings */

static struct span name_of(struct span body, const struct vmx_line *line)
{
    return (struct span){body.p + line->name_at, line->name_len};
}

static struct span rest_of(struct span body, const struct vmx_line *line)
{
    return span_from(body, line->value_at + line->value_len + (line->quoted ? 1 : 0));
}

/* What stands behind a secret's value: a comment, or bytes that nobody reads. */
static int hide_in_rest(struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span rest = rest_of(body, line);
    const struct span value = {body.p + line->value_at, line->value_len};
    const bool has_value =
        value.n > 0 && !vmx_is_hidden(value) && memmem(rest.p, rest.n, value.p, value.n);
    if (line->quoted && !has_value && text_find(rest, '\0') == rest.n)
        return hide_in_text(h, rest);
    return hide_from(h, name_of(body, line), rest, comment_mark(rest));
}

static int hide_value(const struct hiding *h, struct span name, struct span raw)
{
    BUF_AUTO value = {0};
    if (vmx_is_hidden(raw))
        return buf_add(h->out, raw);
    return vmx_unescape(raw, &value) ?: hide(h, name, buf_span(&value));
}

static int hide_token(const struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span raw = {body.p + line->value_at, line->value_len};
    return buf_add(h->out, span_head(body, line->value_at - (line->quoted ? 1 : 0)))
        ?: buf_add_char(h->out, '"')
        ?: hide_value(h, name_of(body, line), raw)
        ?: buf_add_char(h->out, '"');
}

static int hide_in_entry(struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span rest = rest_of(body, line);
    if (!vmx_is_secret(name_of(body, line)))
        return buf_add(h->out, span_head(body, body.n - rest.n)) ?: hide_in_text(h, rest);
    if (!line->quoted)
        expect(h, MORE);
    return hide_token(h, body, line) ?: hide_in_rest(h, body, line);
}

/* ---- lines */

/* What looks like a setting by chance: "QUJD==", and what has a name that no setting has. */
static bool is_chance(struct span body, const struct vmx_line *line)
{
    const struct span name = name_of(body, line);
    size_t at = line->name_at + name.n;
    for (size_t i = 0; i < name.n; i++) {
        if (!text_name_char(name.p[i]) && name.p[i] != ':')
            return true;
    }
    while (at < body.n && body.p[at] == '=')
        at++;
    return at == body.n && text_find(name, '.') == name.n;
}

/* Whether the line is taken for more of the secret on a line before it. */
static bool goes_on(const struct hiding *h, struct span body, const struct vmx_line *line)
{
    if (h->follow == OWN || (line->kind == VMX_LINE_ENTRY && line->quoted))
        return false;
    if (h->follow == MORE)
        return line->kind == VMX_LINE_MALFORMED ||
               (line->kind == VMX_LINE_ENTRY && is_chance(body, line));
    return true;
}

/* A setting stays one, since it may be: what is not there could be taken for removed. */
static int hide_more(struct hiding *h, struct span body, const struct vmx_line *line)
{
    expect(h, INSIDE);
    if (line->kind != VMX_LINE_ENTRY || is_chance(body, line))
        return hide_all(h, body);
    return hide_token(h, body, line) ?: hide_all(h, rest_of(body, line));
}

static int hide_in_line(struct hiding *h, struct span body, const struct vmx_line *line)
{
    if (goes_on(h, body, line))
        return hide_more(h, body, line);
    if (line->kind != VMX_LINE_ENTRY)
        return hide_in_text(h, body);
    if (h->follow != QUOTED)
        h->follow = OWN;
    return hide_in_entry(h, body, line);
}

static int hide_in_lines(struct hiding *h, struct span text)
{
    int r = 0;
    while (r == 0 && text.n > 0) {
        struct vmx_line line;
        vmx_lex_line(text, false, &line);
        r = hide_in_line(h, span_head(text, line.body_len), &line)
                ?: buf_add(h->out, (struct span){text.p + line.body_len, line.len - line.body_len});
        text = span_from(text, line.len);
    }
    return r;
}

int vmx_hide_secrets(struct span text, vmx_secret_mark *mark, void *ctx, struct buf *ret)
{
    BUF_AUTO out = {0};
    struct hiding h = {.mark = mark, .ctx = ctx, .out = &out};
    const size_t bom = span_starts_with(text, UTF8_BOM) ? UTF8_BOM.n : 0;
    if (text.n > UINT32_MAX)
        return -EFBIG;
    return buf_reserve(&out, text.n)
        ?: buf_add(&out, span_head(text, bom))
        ?: hide_in_lines(&h, span_from(text, bom))
        ?: buf_add(ret, buf_span(&out));
}
