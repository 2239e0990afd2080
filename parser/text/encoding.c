/* SPDX-License-Identifier: MIT */
#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>

#include "text.h"

#define UTF8 "UTF-8"
#define CHARACTER_MAX 4 /* bytes of one character in any charset below */

/*
 * Charsets as iconv names them, and by what other names a .vmx does. All are charsets in which the
 * bytes below 80 (hex) are ASCII: the syntax of the file rests on them. iconv's SHIFT_JIS has a yen
 * sign and an overline there, which is one reason for CP932.
 */
static const struct {
    const char *iconv;
    const char *others;
} charsets[] = {
    {UTF8, ""},
    {"ASCII", "US-ASCII"},
    {"CP932", "Shift_JIS SJIS windows-31j windows-932 MS932 IBM-943"},
    {"EUC-JP", ""},
    {"CP936", "GBK GB2312 windows-936 windows-936-2000 MS936"},
    {"GB18030", ""},
    {"CP950", "Big5 windows-950 windows-950-2000 MS950"},
    {"BIG5-HKSCS", ""},
    {"CP949", "windows-949 windows-949-2000 MS949 KS_C_5601 EUC-KR"},
    {"CP874", "windows-874 windows-874-2000 TIS-620"},
    {"CP1250", "windows-1250"},
    {"CP1251", "windows-1251"},
    {"CP1252", "windows-1252"},
    {"CP1253", "windows-1253"},
    {"CP1254", "windows-1254"},
    {"CP1255", "windows-1255"},
    {"CP1256", "windows-1256"},
    {"CP1257", "windows-1257"},
    {"CP1258", "windows-1258"},
    {"ISO-8859-1", "Latin1"},
    {"ISO-8859-2", ""},
    {"ISO-8859-3", ""},
    {"ISO-8859-4", ""},
    {"ISO-8859-5", ""},
    {"ISO-8859-6", ""},
    {"ISO-8859-7", ""},
    {"ISO-8859-8", ""},
    {"ISO-8859-9", ""},
    {"ISO-8859-13", ""},
    {"ISO-8859-15", ""},
    {"KOI8-R", ""},
    {"KOI8-U", ""},
    {"MACINTOSH", ""},
};

/* Takes a name's next letter, in lower case, or digit off its front; 0 when there is none. */
static char next_plain(struct span *name)
{
    while (name->n > 0) {
        char c = name->p[0];
        *name = span_from(*name, 1);
        if (text_letter(c) || text_digit(c) < 10)
            return (char)(c | 0x20); /* which digits have */
    }
    return '\0';
}

static bool same_name(struct span a, struct span b)
{
    for (;;) {
        char in_a = next_plain(&a);
        char in_b = next_plain(&b);
        if (in_a != in_b || in_a == '\0')
            return in_a == in_b;
    }
}

const char *vmx_charset(struct span name)
{
    struct span word;
    if (name.n == 0)
        return UTF8;
    for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
        struct span others = span_of(charsets[i].others);
        if (same_name(name, span_of(charsets[i].iconv)))
            return charsets[i].iconv;
        while (text_word(&others, &word)) {
            if (same_name(name, word))
                return charsets[i].iconv;
        }
    }
    return NULL;
}

bool vmx_ascii(struct span bytes)
{
    const uint64_t high = 0x8080808080808080U;
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + sizeof(seen) <= bytes.n; i += sizeof(seen)) {
        uint64_t word;
        memcpy(&word, bytes.p + i, sizeof(word));
        seen |= word;
    }
    for (; i < bytes.n; i++)
        seen |= (unsigned char)bytes.p[i];
    return (seen & high) == 0;
}

/* iconv's declaration lacks a const. */
static char *unconst(const char *p)
{
    union {
        const char *borrowed;
        char *given;
    } u = {.borrowed = p};
    return u.given;
}

/* Takes all of in through cd into ret. */
static int pump(iconv_t cd, struct span in, struct buf *ret)
{
    char *from = unconst(in.p);
    size_t left = in.n;
    bool flushing = false; /* some charsets hold a character back until they are asked */
    for (;;) {
        char chunk[1024];
        char *to = chunk;
        size_t room = sizeof(chunk);
        size_t odd =
            flushing ? iconv(cd, NULL, NULL, &to, &room) : iconv(cd, &from, &left, &to, &room);
        bool full = odd == (size_t)-1 && errno == E2BIG;
        if (odd != 0 && !full)
            return -EILSEQ;
        int r = buf_add(ret, (struct span){chunk, sizeof(chunk) - room});
        if (r != 0)
            return r;
        if (full)
            continue;
        if (flushing)
            return 0;
        flushing = true;
    }
}

static int convert(const char *from, const char *to, struct span in, struct buf *ret)
{
    iconv_t cd = iconv_open(to, from);
    if (cd == (iconv_t)-1)
        return errno == EINVAL ? -EILSEQ : -ENOMEM; /* EINVAL: not installed on this system */
    BUF_AUTO out = {0};
    int r = pump(cd, in, &out);
    iconv_close(cd);
    return r ?: buf_add(ret, buf_span(&out));
}

/* Through UTF-16, which has no room for what only looks like UTF-8: iconv lets code points above
 * 10FFFF pass from UTF-8 to UTF-8. */
static int check_utf8(struct span bytes)
{
    BUF_AUTO ignored = {0};
    return convert(UTF8, "UTF-16LE", bytes, &ignored);
}

int vmx_decode(const char *charset, struct span bytes, struct buf *ret)
{
    if (vmx_ascii(bytes))
        return buf_add(ret, bytes);
    if (!charset)
        return -EILSEQ;
    if (strcmp(charset, UTF8) != 0)
        return convert(charset, UTF8, bytes, ret);
    return check_utf8(bytes) ?: buf_add(ret, bytes);
}

int vmx_encode(const char *charset, struct span utf8, struct buf *ret)
{
    if (vmx_ascii(utf8))
        return buf_add(ret, utf8);
    if (!charset)
        return -EILSEQ;
    int r = check_utf8(utf8);
    if (r != 0)
        return r;
    if (strcmp(charset, UTF8) == 0)
        return buf_add(ret, utf8);
    BUF_AUTO bytes = {0};
    BUF_AUTO again = {0};
    r = convert(UTF8, charset, utf8, &bytes) ?: convert(charset, UTF8, buf_span(&bytes), &again);
    if (r != 0)
        return r;
    /* CP932 takes a yen sign for a backslash, for one. */
    return span_eq(buf_span(&again), utf8) ? buf_add(ret, buf_span(&bytes)) : -EILSEQ;
}

int vmx_first_character(const char *charset, struct span bytes, size_t *ret_n)
{
    int r = -EILSEQ;
    for (size_t n = 1; r == -EILSEQ && n <= bytes.n && n <= CHARACTER_MAX; n++) {
        BUF_AUTO ignored = {0};
        r = vmx_decode(charset, span_head(bytes, n), &ignored);
        if (r == 0)
            *ret_n = n;
    }
    return r;
}
