/* SPDX-License-Identifier: MIT */
/*
 * The first byte says which charset, the rest are two keys, parted by a line feed; each is a file
 * name, too, that somebody looks for. A key's name is one that a folder can hold and means that
 * key alone; what a name means has that name. A value goes to the text of a .vmx and back.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "parser/text/encoding.h"
#include "parser/document/lexer.h"
#include "parser/document/names.h"
#include "parser/text/safe_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *charset_of(uint8_t byte)
{
    static const char *const names[] = {"UTF-8",  "Shift_JIS",    "GBK",
                                        "Big5",   "windows-1252", "windows-949-2000",
                                        "EUC-JP", "windows-1258", "nobody's"};
    return vmx_charset(span_of(names[byte % (sizeof(names) / sizeof(names[0]))]));
}

static bool can_be_key(struct span key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (memchr(" \t#=\r\n", key.p[i], 7)) /* with the NUL */
            return false;
    }
    return key.n > 0;
}

static void check_file_name(struct span name)
{
    assert(name.n > 0 && name.n <= VMX_NAME_MAX);
    assert(!memchr(name.p, '/', name.n) && !memchr(name.p, '\0', name.n));
    assert(!span_eq(name, SPAN_LITERAL(".")) && !span_eq(name, SPAN_LITERAL("..")));
    assert(!span_eq_fold(name, SPAN_LITERAL(".vmxfs")) &&
           !span_eq_fold(name, SPAN_LITERAL("passthrough-profile")));
}

/* False if the key has no name. */
static bool name_key(const char *charset, struct span key, struct buf *ret)
{
    BUF_AUTO back = {0};
    int r = vmx_name_from_key(charset, key, ret);
    assert(r == 0 || r == -ENAMETOOLONG);
    if (r != 0)
        return false;
    check_file_name(buf_span(ret));
    r = vmx_key_from_name(charset, buf_span(ret), &back);
    assert(r == 0 && span_eq(buf_span(&back), key));
    return true;
}

static void check_keys(const char *charset, struct span a, struct span b)
{
    BUF_AUTO name_a = {0};
    BUF_AUTO name_b = {0};
    if (!can_be_key(a) || !can_be_key(b))
        return;
    if (!name_key(charset, a, &name_a) || !name_key(charset, b, &name_b))
        return;
    if (!span_eq_fold(a, b))
        assert(!span_eq_fold(buf_span(&name_a), buf_span(&name_b)));
    if (!span_eq(a, b))
        assert(!span_eq(buf_span(&name_a), buf_span(&name_b)));
}

static void check_name(const char *charset, struct span name)
{
    BUF_AUTO key = {0};
    BUF_AUTO back = {0};
    int r = vmx_key_from_name(charset, name, &key);
    assert(r == 0 || r == -EINVAL || r == -ENAMETOOLONG || r == -EILSEQ);
    if (r != 0)
        return;
    assert(can_be_key(buf_span(&key)));
    r = vmx_name_from_key(charset, buf_span(&key), &back);
    assert(r == 0 && span_eq_fold(buf_span(&back), name));
}

/* What is written as a value is one line, and is read as what it was. */
static void check_value(struct span value)
{
    BUF_AUTO line = {0};
    BUF_AUTO back = {0};
    struct vmx_line l;
    int r = buf_add_str(&line, "k = \"");
    if (r == 0)
        r = vmx_escape(value, &line);
    assert(r == 0 || (r == -EINVAL && memchr(value.p, '\0', value.n)));
    if (r != 0)
        return;
    r = buf_add_str(&line, "\"\n");
    assert(r == 0);
    vmx_lex_line(buf_span(&line), false, &l);
    assert(l.kind == VMX_LINE_ENTRY && l.len == line.len);
    r = vmx_unescape((struct span){line.data + l.value_at, l.value_len}, &back);
    assert(r == 0 && span_eq(buf_span(&back), value));
}

/* Nothing that a terminal obeys is left, and making it safe again changes nothing. */
static void check_safe(struct span text)
{
    BUF_AUTO safe = {0};
    BUF_AUTO again = {0};
    int r = safe_text_add(&safe, text);
    if (r == 0)
        r = safe_text_add(&again, buf_span(&safe));
    assert(r == 0 && safe.len == text.n && safe_text_is(buf_span(&safe)));
    assert(span_eq(buf_span(&safe), buf_span(&again)));
    for (size_t i = 0; i < safe.len; i++)
        assert((unsigned char)safe.data[i] >= ' ' && safe.data[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *charset = charset_of(data[0]);
    struct span rest = {(const char *)data + 1, size - 1};
    const char *feed = memchr(rest.p, '\n', rest.n);
    struct span a = {rest.p, feed ? (size_t)(feed - rest.p) : rest.n};
    struct span b = feed ? (struct span){feed + 1, rest.n - a.n - 1} : a;
    check_keys(charset, a, b);
    check_name(charset, a);
    check_name(charset, b);
    check_value(rest);
    check_safe(rest);
    return 0;
}
