/* SPDX-License-Identifier: MIT */
#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>

#define UTF8 "UTF-8"
#define CHARACTER_MAX 4 /* bytes of one character in any charset below */

/*
 * Names as a .vmx spells them, in lower case and without punctuation, and as iconv does. All are
 * charsets in which the bytes below 80 (hex) are ASCII: the syntax of the file rests on them.
 * iconv's SHIFT_JIS has a yen sign and an overline there, which is one reason for CP932.
 */
static const struct {
    const char *name;
    const char *iconv;
} charsets[] = {
    {"utf8", UTF8},
    {"ascii", "ASCII"},
    {"usascii", "ASCII"},
    {"shiftjis", "CP932"},
    {"sjis", "CP932"},
    {"windows31j", "CP932"},
    {"windows932", "CP932"},
    {"ms932", "CP932"},
    {"cp932", "CP932"},
    {"ibm943", "CP932"},
    {"eucjp", "EUC-JP"},
    {"gbk", "CP936"},
    {"gb2312", "CP936"},
    {"windows936", "CP936"},
    {"windows9362000", "CP936"},
    {"ms936", "CP936"},
    {"cp936", "CP936"},
    {"gb18030", "GB18030"},
    {"big5", "CP950"},
    {"windows950", "CP950"},
    {"windows9502000", "CP950"},
    {"ms950", "CP950"},
    {"cp950", "CP950"},
    {"big5hkscs", "BIG5-HKSCS"},
    {"windows949", "CP949"},
    {"windows9492000", "CP949"},
    {"ms949", "CP949"},
    {"cp949", "CP949"},
    {"ksc5601", "CP949"},
    {"euckr", "CP949"},
    {"windows874", "CP874"},
    {"windows8742000", "CP874"},
    {"cp874", "CP874"},
    {"tis620", "CP874"},
    {"windows1250", "CP1250"},
    {"windows1251", "CP1251"},
    {"windows1252", "CP1252"},
    {"windows1253", "CP1253"},
    {"windows1254", "CP1254"},
    {"windows1255", "CP1255"},
    {"windows1256", "CP1256"},
    {"windows1257", "CP1257"},
    {"windows1258", "CP1258"},
    {"cp1250", "CP1250"},
    {"cp1251", "CP1251"},
    {"cp1252", "CP1252"},
    {"cp1253", "CP1253"},
    {"cp1254", "CP1254"},
    {"cp1255", "CP1255"},
    {"cp1256", "CP1256"},
    {"cp1257", "CP1257"},
    {"cp1258", "CP1258"},
    {"iso88591", "ISO-8859-1"},
    {"latin1", "ISO-8859-1"},
    {"iso88592", "ISO-8859-2"},
    {"iso88593", "ISO-8859-3"},
    {"iso88594", "ISO-8859-4"},
    {"iso88595", "ISO-8859-5"},
    {"iso88596", "ISO-8859-6"},
    {"iso88597", "ISO-8859-7"},
    {"iso88598", "ISO-8859-8"},
    {"iso88599", "ISO-8859-9"},
    {"iso885913", "ISO-8859-13"},
    {"iso885915", "ISO-8859-15"},
    {"koi8r", "KOI8-R"},
    {"koi8u", "KOI8-U"},
    {"macintosh", "MACINTOSH"},
};

/* Lower case without punctuation; false if that does not fit. */
static bool plain_name(struct span name, char *ret, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (n + 1 >= size)
            return false;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return true;
}

const char *vmx_charset(struct span name)
{
    char plain[32];
    if (name.n == 0)
        return UTF8;
    if (!plain_name(name, plain, sizeof(plain)))
        return NULL;
    for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
        if (strcmp(charsets[i].name, plain) == 0)
            return charsets[i].iconv;
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

/* Takes all of in through cd into ret, or nowhere if that is NULL. */
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
        int r = ret ? buf_add(ret, (struct span){chunk, sizeof(chunk) - room}) : 0;
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
    size_t before = ret ? ret->len : 0;
    int r = pump(cd, in, ret);
    if (r != 0 && ret && ret->data) {
        ret->len = before;
        ret->data[before] = '\0';
    }
    iconv_close(cd);
    return r;
}

/* Through UTF-16, which has no room for what only looks like UTF-8: iconv lets code points above
 * 10FFFF pass from UTF-8 to UTF-8. */
static int check_utf8(struct span bytes)
{
    return convert(UTF8, "UTF-16LE", bytes, NULL);
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

int vmx_decode_one(const char *charset, struct span bytes, struct buf *ret, size_t *ret_n)
{
    int r = -EILSEQ;
    for (size_t n = 1; r == -EILSEQ && n <= bytes.n && n <= CHARACTER_MAX; n++) {
        r = vmx_decode(charset, (struct span){bytes.p, n}, ret);
        if (r == 0)
            *ret_n = n;
    }
    return r;
}
