/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>

#include "parser/text/text.h"
#include "proto.h"

static void put(struct wire_out *out, const void *bytes, size_t n)
{
    if (out->error == 0)
        out->error = buf_add(&out->bytes, (struct span){bytes, n});
}

void wire_put_u8(struct wire_out *out, uint8_t value)
{
    put(out, &value, 1);
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
    uint32_t be = htobe32(value);
    put(out, &be, sizeof(be));
}

void wire_put_u64(struct wire_out *out, uint64_t value)
{
    uint64_t be = htobe64(value);
    put(out, &be, sizeof(be));
}

void wire_put_string(struct wire_out *out, struct span string)
{
    assert(string.n <= SFTP_PACKET_MAX);
    wire_put_u32(out, (uint32_t)string.n);
    put(out, string.p, string.n);
}

void wire_put_path(struct wire_out *out, const char *path)
{
    struct span s = span_of(path);
    if (s.n < PATH_MAX)
        wire_put_string(out, s);
    else if (out->error == 0)
        out->error = -ENAMETOOLONG;
}

void wire_put_attrs(struct wire_out *out, const struct sftp_attrs *attrs)
{
    uint32_t flags = attrs ? attrs->flags : 0;
    wire_put_u32(out, flags);
    if (flags & SFTP_ATTR_SIZE)
        wire_put_u64(out, attrs->size);
    if (flags & SFTP_ATTR_OWNER) {
        wire_put_u32(out, attrs->uid);
        wire_put_u32(out, attrs->gid);
    }
    if (flags & SFTP_ATTR_MODE)
        wire_put_u32(out, attrs->mode);
    if (flags & SFTP_ATTR_TIMES) {
        wire_put_u32(out, attrs->atime);
        wire_put_u32(out, attrs->mtime);
    }
}

void wire_set_u32(struct buf *bytes, size_t at, uint32_t value)
{
    assert(bytes->len >= at + 4);
    uint32_t be = htobe32(value);
    memcpy(bytes->data + at, &be, sizeof(be));
}

static int get(struct wire_in *in, void *ret, size_t n)
{
    if (in->n < n)
        return -EPROTO;
    memcpy(ret, in->p, n);
    in->p += n;
    in->n -= n;
    return 0;
}

int wire_get_u8(struct wire_in *in, uint8_t *ret)
{
    return get(in, ret, 1);
}

int wire_get_u32(struct wire_in *in, uint32_t *ret)
{
    uint32_t be;
    int r = get(in, &be, sizeof(be));
    if (r == 0)
        *ret = be32toh(be);
    return r;
}

int wire_get_u64(struct wire_in *in, uint64_t *ret)
{
    uint64_t be;
    int r = get(in, &be, sizeof(be));
    if (r == 0)
        *ret = be64toh(be);
    return r;
}

int wire_get_string(struct wire_in *in, struct span *ret)
{
    uint32_t n;
    struct wire_in rest = *in;
    if (wire_get_u32(&rest, &n) != 0 || rest.n < n)
        return -EPROTO;
    *ret = (struct span){(const char *)rest.p, n};
    *in = (struct wire_in){rest.p + n, rest.n - n};
    return 0;
}

static int skip_extended(struct wire_in *in)
{
    uint32_t count;
    struct span ignored;
    int r = wire_get_u32(in, &count);
    /* A pair takes eight bytes at least: a hostile count ends with the packet. */
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = wire_get_string(in, &ignored) ?: wire_get_string(in, &ignored);
    return r;
}

int wire_get_attrs(struct wire_in *in, struct sftp_attrs *ret)
{
    const uint32_t known = SFTP_ATTR_SIZE | SFTP_ATTR_OWNER | SFTP_ATTR_MODE | SFTP_ATTR_TIMES;
    struct sftp_attrs a = {0};
    uint32_t flags;
    int r = wire_get_u32(in, &flags);
    if (r == 0 && (flags & ~(known | SSH_ATTR_EXTENDED)) != 0)
        return -EPROTO; /* a field that nobody can skip */
    if (r == 0 && (flags & SFTP_ATTR_SIZE))
        r = wire_get_u64(in, &a.size);
    if (r == 0 && (flags & SFTP_ATTR_OWNER))
        r = wire_get_u32(in, &a.uid) ?: wire_get_u32(in, &a.gid);
    if (r == 0 && (flags & SFTP_ATTR_MODE))
        r = wire_get_u32(in, &a.mode);
    if (r == 0 && (flags & SFTP_ATTR_TIMES))
        r = wire_get_u32(in, &a.atime) ?: wire_get_u32(in, &a.mtime);
    if (r == 0 && (flags & SSH_ATTR_EXTENDED))
        r = skip_extended(in);
    if (r != 0)
        return r;
    a.flags = flags & known;
    *ret = a;
    return 0;
}

/* The second word of a line as "ls -l" prints it, which is what most servers put there; for people,
 * so nothing may depend on it. 0: there is no number. */
static uint32_t count_links(struct span long_name)
{
    struct span word;
    uint32_t links = 0;
    const bool modes = text_word(&long_name, &word);
    if (!modes || !text_word(&long_name, &word) || word.n > 9)
        return 0;
    for (size_t i = 0; i < word.n; i++) {
        if (text_digit(word.p[i]) > 9)
            return 0;
        links = links * 10 + text_digit(word.p[i]);
    }
    return links;
}

int wire_get_name(struct wire_in *in, struct sftp_name *ret)
{
    struct span name;
    struct span long_name;
    struct sftp_attrs attrs;
    if (wire_get_string(in, &name) != 0)
        return -EPROTO;
    uint8_t *end = in->p;
    if (wire_get_string(in, &long_name) != 0 || wire_get_attrs(in, &attrs) != 0)
        return -EPROTO;
    if (name.n == 0 || memchr(name.p, '\0', name.n))
        return -EILSEQ;
    *end = '\0'; /* the long name's length, which has been read */
    *ret = (struct sftp_name){name.p, attrs, count_links(long_name)};
    return 0;
}
