/* SPDX-License-Identifier: MIT */
/*
 * What is hidden of a line depends on what it is:
 *
 *     guestinfo.a = "VALUE"  # why      a setting: its value; the comment, if it has the value too
 *     guestinfo.a = VALUE#MORE          also the comment: people who write no quotes may have
 *                                       meant it; in quotes then, so that it stays a setting
 *     # was: guestinfo.a = "VALUE"      no setting, but it names one with a secret: all that stands
 *     guestinfo.a "VALUE" "MORE"        behind the name
 *     # guestinfo.a = VALUE             also comments directly behind it, but settings in quotes
 *     # MORE
 *     guestinfo.a = "VALUE              the quote is open, and nobody knows where the value ends:
 *     MORE                              also all lines that follow, but settings in quotes
 *     guestinfo.a = VALUE               without quotes, a value may be broken where a tool breaks
 *     MORE==                            long lines: also malformed lines directly behind it, and
 *                                       then all up to the next setting in quotes
 *
 *     vmxfs.profile = "PROFILE PARAM=VALUE"   the value of each parameter that is not known to be
 *                                       harmless: a user's profile makes settings of it
 *
 * In doubt something is hidden: a comment can be written again.
 */
#include "secret.h"

#include <errno.h>

#include "parser/document/lexer.h"
#include "parser/document/secret_name.h"
#include "parser/plan/plan.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

#define PROFILE SPAN_LITERAL(PLAN_PROFILE)

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

bool vmx_is_recorded_as(struct span text, struct span recorded)
{
    while (recorded.n > 0) {
        const bool hidden = starts_with_hidden(recorded);
        if (!hidden && (text.n == 0 || text.p[0] != recorded.p[0]))
            return false;
        recorded = span_from(recorded, hidden ? HIDDEN_LENGTH : 1);
        if (!hidden)
            text = span_from(text, 1);
        else if (recorded.n == 0)
            return true;
        else
            while (text.n > 0 && text.p[0] != recorded.p[0])
                text = span_from(text, 1);
    }
    return text.n == 0;
}

/* What the lines behind one with a secret may be. */
enum follow {
    OWN,    /* lines of their own */
    MORE,   /* more of its value, if they are malformed */
    REMARK, /* the same, or if they are comments, as it is: but for settings in quotes */
    INSIDE, /* they have been malformed: all is more of it, up to the next setting in quotes */
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

/* The word of a secret's name, or the setting that records a profile with its parameters. */
static size_t text_word_at(struct span text)
{
    return span_starts_with_fold(text, PROFILE) ? PROFILE.n : vmx_secret_word(text);
}

/* Where the name of a secret begins and ends in a text; false: there is none. */
static bool find_name(struct span text, size_t *ret_start, size_t *ret_end)
{
    size_t at = 0;
    while (at < text.n && text_word_at(span_from(text, at)) == 0)
        at += starts_with_hidden(span_from(text, at)) ? HIDDEN_LENGTH : 1;
    if (at >= text.n)
        return false;
    size_t end = at + text_word_at(span_from(text, at));
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

/* What the lines behind one may be that is no setting, and names a secret with this value. */
static enum follow follow_of(struct span text, struct span value)
{
    const struct span trimmed = text_trim(text);
    if (has_open_quote(value))
        return QUOTED;
    const bool in_quotes = value.n > 0 && value.p[0] == '"';
    return trimmed.n > 0 && trimmed.p[0] == '#' && !in_quotes ? REMARK : MORE;
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
            expect(h, follow_of(text, value));
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

/* A setting up to its value, and another value, in quotes. */
static int add_token(const struct hiding *h, struct span body, const struct vmx_line *line,
                     struct span value)
{
    return buf_add(h->out, span_head(body, line->value_at - (line->quoted ? 1 : 0)))
        ?: buf_add_char(h->out, '"')
        ?: buf_add(h->out, value)
        ?: buf_add_char(h->out, '"');
}

static int hide_token(const struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span raw = {body.p + line->value_at, line->value_len};
    BUF_AUTO value = {0};
    const struct hiding of_value = {h->mark, h->ctx, &value, OWN};
    return hide_value(&of_value, name_of(body, line), raw)
               ?: add_token(h, body, line, buf_span(&value));
}

/* A parameter, unless it is known to be harmless, and whatever is none. */
static int hide_param(const struct hiding *h, struct span word)
{
    const size_t equals = text_find(word, '=');
    const struct span name = span_head(word, equals);
    if (equals < word.n && !vmx_is_secret_param(name))
        return buf_add(h->out, word);
    return hide_from(h, name, word, equals < word.n ? equals + 1 : 0);
}

/* The word that a text begins with. What has been hidden has a blank in it. */
static struct span first_word(struct span text)
{
    size_t n = 0;
    while (n < text.n && !text_blank(text.p[n]))
        n += starts_with_hidden(span_from(text, n)) ? HIDDEN_LENGTH : 1;
    return span_head(text, n);
}

/* PROFILE PARAM=VALUE... An escape can stand for a blank: nobody sees then where a value ends. */
static int hide_params(const struct hiding *h, struct span raw)
{
    bool is_name = true;
    int r = 0;
    if (text_find(raw, '|') < raw.n)
        return hide_value(h, PROFILE, raw);
    while (r == 0 && raw.n > 0) {
        struct span word = first_word(raw);
        if (word.n == 0) {
            word = span_head(raw, 1);
            r = buf_add(h->out, word);
        } else {
            is_name &= text_find(word, '=') == word.n;
            r = is_name ? buf_add(h->out, word) : hide_param(h, word);
            is_name = false;
        }
        raw = span_from(raw, word.n);
    }
    return r;
}

static int hide_in_profile(struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span raw = {body.p + line->value_at, line->value_len};
    const struct span rest = rest_of(body, line);
    BUF_AUTO value = {0};
    const struct hiding of_value = {h->mark, h->ctx, &value, OWN};
    int r = hide_params(&of_value, raw);
    if (r < 0)
        return r;
    if (span_eq(buf_span(&value), raw))
        return buf_add(h->out, span_head(body, body.n - rest.n)) ?: hide_in_text(h, rest);
    if (!line->quoted)
        expect(h, MORE);
    return add_token(h, body, line, buf_span(&value)) ?: hide_in_rest(h, body, line);
}

static int hide_in_entry(struct hiding *h, struct span body, const struct vmx_line *line)
{
    const struct span rest = rest_of(body, line);
    if (span_eq_fold(name_of(body, line), PROFILE))
        return hide_in_profile(h, body, line);
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

static bool is_quoted_setting(struct span text)
{
    struct vmx_line line;
    if (text.n == 0)
        return false;
    vmx_lex_line(text, false, &line);
    return line.kind == VMX_LINE_ENTRY && line.quoted;
}

static bool is_more_remark(const struct hiding *h, struct span body, const struct vmx_line *line)
{
    return h->follow == REMARK && line->kind == VMX_LINE_COMMENT &&
           !is_quoted_setting(span_from(body, comment_mark(body)));
}

/* Whether the line is taken for more of the secret on a line before it. */
static bool goes_on(const struct hiding *h, struct span body, const struct vmx_line *line)
{
    if (h->follow == OWN || (line->kind == VMX_LINE_ENTRY && line->quoted))
        return false;
    if (h->follow == MORE || h->follow == REMARK)
        return is_more_remark(h, body, line) || line->kind == VMX_LINE_MALFORMED ||
               (line->kind == VMX_LINE_ENTRY && is_chance(body, line));
    return true;
}

/* A setting stays one, since it may be: what is not there could be taken for removed. */
static int hide_more(struct hiding *h, struct span body, const struct vmx_line *line)
{
    expect(h, is_more_remark(h, body, line) ? REMARK : INSIDE);
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
