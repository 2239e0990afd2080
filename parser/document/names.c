/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <errno.h>

#include "parser/text/encoding.h"
#include "parser/text/text.h"

static int add_percent(struct buf *b, char byte)
{
    return buf_addf(b, "%%%02X", (unsigned)(unsigned char)byte);
}

/* Decoded text: of its bytes only these must not be in a file name as they are. */
static int add_text(struct buf *b, struct span utf8)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < utf8.n; i++) {
        char c = utf8.p[i];
        r = c == '%' || c == '/' || c == '\0' ? add_percent(b, c) : buf_add_char(b, c);
    }
    return r;
}

/* Decodes only what encodes to the same bytes again: CP932 has characters with several codes, which
 * would otherwise be one name for two keys. */
static int decode_reversibly(const char *charset, struct span bytes, struct buf *ret)
{
    BUF_AUTO utf8 = {0};
    BUF_AUTO again = {0};
    int r = vmx_decode(charset, bytes, &utf8) ?: vmx_encode(charset, buf_span(&utf8), &again);
    if (r == 0 && !span_eq(buf_span(&again), bytes))
        r = -EILSEQ;
    return r ?: buf_add(ret, buf_span(&utf8));
}

static int add_char_by_char(const char *charset, struct span key, struct buf *ret)
{
    while (key.n > 0 && ret->len <= VMX_NAME_MAX) {
        BUF_AUTO utf8 = {0};
        size_t n = 1;
        int r = vmx_first_character(charset, key, &n)
                    ?: decode_reversibly(charset, span_head(key, n), &utf8);
        if (r == 0)
            r = add_text(ret, buf_span(&utf8));
        else if (r == -EILSEQ) {
            n = 1;
            r = add_percent(ret, key.p[0]);
        }
        if (r != 0)
            return r;
        key = span_from(key, n);
    }
    return 0;
}

static int read_name(const char *charset, struct span name, struct buf *key)
{
    int r = 0;
    while (r == 0 && name.n > 0) {
        size_t n = text_find(name, '%');
        r = vmx_encode(charset, span_head(name, n), key);
        name = span_from(name, n);
        if (r != 0 || name.n == 0)
            break;
        unsigned high = name.n > 2 ? text_digit(name.p[1]) : 16;
        unsigned low = name.n > 2 ? text_digit(name.p[2]) : 16;
        if (high == 16 || low == 16)
            return -EINVAL;
        r = buf_add_char(key, (char)(high * 16 + low));
        name = span_from(name, 3);
    }
    return r;
}

/* In a few charsets (CP1258) a character depends on the one before it, and what was decoded one by
 * one is not encoded to the same bytes: then nothing is decoded. */
static int add_undecodable(const char *charset, struct span key, struct buf *ret)
{
    BUF_AUTO name = {0};
    BUF_AUTO again = {0};
    int r = add_char_by_char(charset, key, &name);
    if (r == 0 && name.len <= VMX_NAME_MAX)
        r = read_name(charset, buf_span(&name), &again);
    if (r == -EILSEQ || (r == 0 && name.len <= VMX_NAME_MAX && !span_eq(buf_span(&again), key)))
        return add_char_by_char(NULL, key, ret);
    return r ?: buf_add(ret, buf_span(&name));
}

static bool is_reserved(struct span key)
{
    return span_eq(key, SPAN_LITERAL(".")) || span_eq(key, SPAN_LITERAL("..")) ||
           span_eq_fold(key, SPAN_LITERAL("passthrough-profile")) ||
           span_eq_fold(key, SPAN_LITERAL(".vmxfs"));
}

int vmx_name_from_key(const char *charset, struct span key, struct buf *ret)
{
    BUF_AUTO name = {0};
    BUF_AUTO utf8 = {0};
    int r = 0;
    if (key.n / 4 > VMX_NAME_MAX) /* no character is shorter as UTF-8 than a quarter of its code */
        return -ENAMETOOLONG;
    if (is_reserved(key)) {
        r = add_percent(&name, key.p[0]);
        key = span_from(key, 1);
    }
    r = r ?: decode_reversibly(charset, key, &utf8);
    if (r == 0)
        r = add_text(&name, buf_span(&utf8));
    else if (r == -EILSEQ)
        r = add_undecodable(charset, key, &name);
    if (r == 0 && name.len > VMX_NAME_MAX)
        r = -ENAMETOOLONG;
    return r ?: buf_add(ret, buf_span(&name));
}

static bool is_key(struct span key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (memchr(" \t#=\r\n", key.p[i], sizeof(" \t#=\r\n"))) /* with the NUL */
            return false;
    }
    return key.n > 0;
}

int vmx_name_check_new(struct span key, struct diag *diag)
{
    static const char *const controls[] = {
        "power", "task",     "check",      "raw",   "merge",   "reload", "plan", "errors",
        "why",   "question", "registered", "guest", "history", "log",    "undo", "next"};
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        if (span_eq_fold(key, span_of(controls[i])))
            return diag_set(diag, "no new setting can be called %s: the control file is .vmxfs/%s",
                            controls[i], controls[i]);
    }
    return 0;
}

int vmx_key_from_name(const char *charset, struct span name, struct buf *ret)
{
    BUF_AUTO key = {0};
    BUF_AUTO again = {0};
    int r = name.n > VMX_NAME_MAX ? -ENAMETOOLONG : read_name(charset, name, &key);
    if (r != 0)
        return r;
    if (!is_key(buf_span(&key)))
        return -EINVAL;
    /* "%41" would be the key A, but that key has another name. */
    r = vmx_name_from_key(charset, buf_span(&key), &again);
    if (r == -ENAMETOOLONG || (r == 0 && !span_eq_fold(buf_span(&again), name)))
        return -EINVAL;
    return r ?: buf_add(ret, buf_span(&key));
}
