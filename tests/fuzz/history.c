/* SPDX-License-Identifier: MIT */
/*
 * Two texts of one .vmx, parted by a line "----": as it was, and as it is. What is recorded of them
 * has no secret's value, and all else as it was; hiding again changes nothing. A subject of what
 * differs fits on its line. Taking the change back keeps each secret, and writes nowhere what was
 * put in the place of one.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "parser/document/dict.h"
#include "parser/document/secret_name.h"
#include "parser/history/changes.h"
#include "parser/history/secret.h"
#include "parser/history/take_back.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TEXT_MAX = 4096,
    HIDDEN = 17,      /* bytes of "(secret 12345678)" */
    RECOGNISABLE = 6, /* bytes of a value from which on it is looked for */
};

static const char *const words[] = {
    "guestinfo", "remotedisplay.vnc.", "encryption.", "datafilekey", ".key", "pass", "secret",
    "token"};

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool stands_at(struct span text, size_t at, const char *word)
{
    size_t n = 0;
    while (word[n] && at + n < text.n && lower(text.p[at + n]) == word[n])
        n++;
    return word[n] == '\0';
}

/* Where a word begins that makes a secret of a setting; text.n: there is none. */
static size_t find_word(struct span text)
{
    for (size_t at = 0; at < text.n; at++) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            bool other = stands_at(text, at, "passthru") || stands_at(text, at, "passthrough") ||
                         stands_at(text, at, ".keyboard");
            if (stands_at(text, at, words[i]) && !other)
                return at;
        }
    }
    return text.n;
}

static bool has_word_without_nuls(struct span text)
{
    BUF_AUTO plain = {0};
    for (size_t i = 0; i < text.n; i++) {
        int r = text.p[i] ? buf_add_char(&plain, text.p[i]) : 0;
        assert(r == 0);
    }
    return find_word(buf_span(&plain)) < plain.len;
}

static int mark(void *ctx, struct span name, struct span value, uint32_t *ret)
{
    (void)ctx;
    *ret = span_hash_fold(name) * 31 + span_hash_fold(value);
    return 0;
}

static void hide(struct span text, struct buf *ret)
{
    int r = vmx_hide_secrets(text, mark, NULL, ret);
    assert(r == 0);
}

static struct vmx_dict *parse(struct span text)
{
    struct vmx_dict *dict = NULL;
    int r = vmx_dict_parse(text, &dict);
    assert(r == 0);
    return dict;
}

/* ---- what is recorded */

static size_t count(struct span text, struct span part)
{
    size_t n = 0;
    for (size_t at = 0; at + part.n <= text.n; at++)
        n += memcmp(text.p + at, part.p, part.n) == 0;
    return n;
}

/* Bytes that stand nowhere else in the text are gone; but for such as what is put there begins
 * with, or is made of. */
static void check_gone(struct span text, struct span hidden, struct span value)
{
    size_t own = 0;
    for (size_t i = 0; i < value.n; i++)
        own += !memchr("secrt 0123456789abcdef)", value.p[i], 23);
    if (value.n < RECOGNISABLE || own == 0 || text_find(value, '(') < value.n)
        return;
    if (count(text, value) == 1)
        assert(count(hidden, value) == 0);
}

static void check_line(struct span text, struct span hidden, struct span body,
                       const struct vmx_line *line)
{
    if (line->kind == VMX_LINE_ENTRY) {
        struct span name = {body.p + line->name_at, line->name_len};
        if (find_word(name) < name.n &&
            !span_starts_with_fold(name, SPAN_LITERAL("vmxfs.saved.key")))
            check_gone(text, hidden, (struct span){body.p + line->value_at, line->value_len});
        return;
    }
    size_t at = find_word(body);
    if (at == body.n || vmx_has_hidden(body))
        return;
    while (at < body.n && text_name_char(body.p[at]))
        at++;
    while (at < body.n && memchr(" \t=:", body.p[at], 4))
        at++;
    check_gone(text, hidden, span_from(body, at));
}

/* The length of what was put in the place of a value, with its quotes; 0: none begins here. */
static size_t hidden_at(struct span text)
{
    size_t quote = text.n > 0 && text.p[0] == '"' ? 1 : 0;
    if (text.n < quote + HIDDEN || !vmx_is_hidden((struct span){text.p + quote, HIDDEN}))
        return 0;
    return quote && text.n > HIDDEN + 1 && text.p[HIDDEN + 1] == '"' ? HIDDEN + 2 : HIDDEN + quote;
}

/* But for that, nothing is left that was not there, in the same order. */
static void check_rest(struct span old, struct span new)
{
    while (new.n > 0) {
        const size_t skip = hidden_at(new);
        if (skip == 0) {
            size_t at = text_find(old, new.p[0]);
            assert(at < old.n);
            old = span_from(old, at + 1);
        }
        new = span_from(new, skip ? skip : 1);
    }
}

static void check_hidden(const struct vmx_dict *dict, const struct vmx_dict *hidden)
{
    assert(vmx_dict_extents(dict) == vmx_dict_extents(hidden));
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        const struct vmx_extent *a = vmx_dict_extent(dict, i);
        const struct vmx_extent *b = vmx_dict_extent(hidden, i);
        struct span old = {vmx_dict_text(dict).p + a->at, a->line.len};
        struct span new = {vmx_dict_text(hidden).p + b->at, b->line.len};
        check_rest(old, new);
        assert(span_eq(span_from(old, a->line.body_len), span_from(new, b->line.body_len)));
        assert(b->line.kind != VMX_LINE_ENTRY ||
               (a->line.kind == VMX_LINE_ENTRY &&
                span_eq(vmx_dict_name(dict, i), vmx_dict_name(hidden, i))));
        check_line(vmx_dict_text(dict), vmx_dict_text(hidden), span_head(old, a->line.body_len),
                   &a->line);
    }
}

/* The line that a profile was applied with has parameters that are hidden. */
static bool has_profile(struct span text)
{
    size_t at = 0;
    while (at < text.n && !stands_at(text, at, "vmxfs.profile"))
        at++;
    return at < text.n;
}

static void check_recorded(struct span text, struct buf *ret)
{
    BUF_AUTO again = {0};
    hide(text, ret);
    hide(buf_span(ret), &again);
    assert(span_eq(buf_span(ret), buf_span(&again)));
    if (!has_word_without_nuls(text) && !has_profile(text))
        assert(span_eq(buf_span(ret), text));
    struct vmx_dict *dict = parse(text);
    struct vmx_dict *hidden = parse(buf_span(ret));
    check_hidden(dict, hidden);
    vmx_dict_free(dict);
    vmx_dict_free(hidden);
}

/* ---- what differs */

static size_t columns_of(struct span text)
{
    size_t columns = 0;
    for (; text.n > 0; columns++) {
        size_t bytes = text_character(text);
        assert(bytes > 0 || (unsigned char)text.p[0] < 0x80);
        text = span_from(text, bytes ? bytes : 1);
    }
    return columns;
}

static void check_changes(struct span before, struct span after)
{
    VMX_CHANGES_AUTO changes = {0};
    VMX_CHANGES_AUTO back = {0};
    BUF_AUTO subject = {0};
    int r = vmx_changes_between(before, after, &changes);
    if (r == 0)
        r = vmx_changes_between(after, before, &back);
    if (r == 0)
        r = vmx_changes_subject(&changes, span_head(before, before.n / 2), &subject);
    assert(r == 0 && columns_of(buf_span(&subject)) <= 72 && safe_text_is(buf_span(&subject)));
    assert(changes.n == back.n && span_eq(before, after) == (changes.n == 0 && !changes.other));
    assert(!vmx_changes_are_by_host(&changes) || changes.list[0].by_host);
}

/* ---- taking it back */

static void check_secrets(const struct vmx_dict *before, const struct vmx_dict *after)
{
    for (size_t i = 0; i < vmx_dict_keys(before); i++) {
        size_t extent = vmx_dict_key_extent(before, i);
        struct span name = vmx_dict_name(before, extent);
        size_t now = vmx_dict_find(after, name);
        if (vmx_is_secret(name))
            assert(now != SIZE_MAX &&
                   span_eq(vmx_dict_raw_value(before, extent), vmx_dict_raw_value(after, now)));
    }
    for (size_t i = 0; i < vmx_dict_keys(after); i++) {
        struct span name = vmx_dict_name(after, vmx_dict_key_extent(after, i));
        assert(!vmx_is_secret(name) || vmx_dict_find(before, name) != SIZE_MAX);
    }
}

static void check_take_back(struct span old, struct span new, const struct vmx_dict *current)
{
    BUF_AUTO back = {0};
    struct diag diag = {.text = ""};
    int r = vmx_take_back(new, old, current, &back, &diag);
    assert(r == 0 || r == -ECANCELED || r == -EKEYREJECTED || r == -EILSEQ || r == -EINVAL);
    assert((r != 0) == (diag.text[0] != '\0') && (r == 0 || back.len == 0));
    if (r != 0)
        return;
    struct vmx_dict *after = parse(buf_span(&back));
    if (vmx_dict_charset(current) == vmx_dict_charset(after))
        check_secrets(current, after);
    vmx_dict_free(after);
}

static void check_marks(struct span old, struct span new, struct span before,
                        const struct vmx_dict *current)
{
    BUF_AUTO back = {0};
    if (vmx_has_hidden(before) || vmx_has_hidden(vmx_dict_text(current)))
        return;
    if (vmx_take_back(new, old, current, &back, NULL) == 0)
        assert(!vmx_has_hidden(buf_span(&back)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = "\n----\n";
    struct span all = {(const char *)data, size};
    const char *at = size ? memmem(all.p, all.n, separator, sizeof(separator) - 1) : NULL;
    struct span before = at ? span_head(all, (size_t)(at - all.p) + 1) : all;
    struct span after = at ? span_from(all, before.n + sizeof(separator) - 2) : span_head(all, 0);
    BUF_AUTO old = {0};
    BUF_AUTO new = {0};
    if (size > TEXT_MAX)
        return 0;
    check_recorded(before, &old);
    check_recorded(after, &new);
    check_changes(buf_span(&old), buf_span(&new));
    struct vmx_dict *current = parse(after);
    check_take_back(buf_span(&old), buf_span(&new), current);
    check_marks(buf_span(&old), buf_span(&new), before, current);
    vmx_dict_free(current);
    return 0;
}
