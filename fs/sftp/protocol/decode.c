/* SPDX-License-Identifier: MIT */
#include "decode.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "proto.h"
#include "wire.h"

enum {
    NAME_BYTES_MIN = 12,          /* of an entry: two lengths and the flags of attrs */
    SMALL_ANSWER_MAX = 16 * 1024, /* a status with its message, a path with its long name */
};

void answer_done(struct answer *a)
{
    free(a->packet.bytes);
    free(a->names);
    *a = (struct answer){0};
}

static struct wire_in packet_in(const struct packet *packet)
{
    return (struct wire_in){packet->bytes, packet->n};
}

size_t answer_max(enum call_kind kind, size_t asked)
{
    if (kind == CALL_READDIR)
        return SFTP_PACKET_MAX;
    return (kind == CALL_READ ? asked : 0) + SMALL_ANSWER_MAX;
}

bool answer_id(const struct packet *packet, uint32_t *ret)
{
    struct wire_in in = packet_in(packet);
    uint8_t type;
    if (wire_get_u8(&in, &type) != 0)
        return false;
    bool known =
        (type >= SSH_FXP_STATUS && type <= SSH_FXP_ATTRS) || type == SSH_FXP_EXTENDED_REPLY;
    return known && wire_get_u32(&in, ret) == 0;
}

static int read_handle(struct wire_in *in, struct answer *a)
{
    struct span s;
    if (wire_get_string(in, &s) != 0 || s.n == 0 || s.n > sizeof(a->handle.bytes))
        return -EPROTO;
    memcpy(a->handle.bytes, s.p, s.n);
    a->handle.len = s.n;
    return 0;
}

/* Some servers answer with no bytes where the file has ended. Taken for data, that would make a
 * caller that asks for the rest ask for ever. */
static int read_data(struct wire_in *in, size_t asked, struct answer *a)
{
    if (wire_get_string(in, &a->data) != 0 || a->data.n > asked)
        return -EPROTO;
    return a->data.n == 0 && asked > 0 ? -ENODATA : 0;
}

static int count_names(struct wire_in *in, uint32_t *ret)
{
    return wire_get_u32(in, ret) == 0 && *ret <= in->n / NAME_BYTES_MIN ? 0 : -EPROTO;
}

/* An offset in such a file would be no off_t. */
static bool has_impossible_size(const struct sftp_attrs *attrs)
{
    return attrs->flags & SFTP_ATTR_SIZE && attrs->size > INT64_MAX;
}

static int read_attrs(struct wire_in *in, struct sftp_attrs *ret)
{
    int r = wire_get_attrs(in, ret);
    return r == 0 && has_impossible_size(ret) ? -EFBIG : r;
}

static bool is_dots(const struct sftp_name *name)
{
    return strcmp(name->name, ".") == 0 || strcmp(name->name, "..") == 0;
}

/* The kernel takes no longer names, and none with a slash; and a mount cannot show what a stat of
 * the name would refuse. */
static bool can_be_listed(const struct sftp_name *name)
{
    return strlen(name->name) <= NAME_MAX && !strchr(name->name, '/') &&
           !has_impossible_size(&name->attrs);
}

/* A name that cannot be is the server's matter; it costs the others nothing. */
static int read_entry(struct wire_in *in, struct answer *a)
{
    struct sftp_name *name = &a->names[a->n_names];
    int r = wire_get_name(in, name);
    if (r != 0 && r != -EILSEQ)
        return r;
    if (r == -EILSEQ || !can_be_listed(name))
        a->left_out++;
    else if (!is_dots(name))
        a->n_names++;
    return 0;
}

static int read_listing(struct wire_in *in, struct answer *a)
{
    uint32_t n;
    int r = count_names(in, &n);
    if (r != 0)
        return r;
    if (n == 0)
        return -ENODATA; /* likewise */
    a->names = calloc(n, sizeof(*a->names));
    if (!a->names)
        return -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = read_entry(in, a);
    return r;
}

static int read_path(struct wire_in *in, struct answer *a)
{
    uint32_t n;
    struct sftp_name name;
    if (count_names(in, &n) != 0 || n != 1 || wire_get_name(in, &name) != 0 ||
        strlen(name.name) >= PATH_MAX)
        return -EPROTO;
    a->path = name.name;
    return 0;
}

static int read_statvfs(struct wire_in *in, struct sftp_statvfs *ret)
{
    uint64_t *const fields[] = {&ret->bsize,  &ret->frsize, &ret->blocks, &ret->bfree,
                                &ret->bavail, &ret->files,  &ret->ffree,  &ret->favail,
                                &ret->fsid,   &ret->flag,   &ret->namemax};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        r = wire_get_u64(in, fields[i]);
    return r;
}

int status_errno(uint32_t code)
{
    static const int errnos[] = {
        [SSH_FX_OK] = 0,
        [SSH_FX_EOF] = -ENODATA,
        [SSH_FX_NO_SUCH_FILE] = -ENOENT,
        [SSH_FX_PERMISSION_DENIED] = -EACCES,
        [SSH_FX_FAILURE] = -EREMOTEIO,
        [SSH_FX_BAD_MESSAGE] = -EINVAL,
        [SSH_FX_NO_CONNECTION] = -EREMOTEIO,
        [SSH_FX_CONNECTION_LOST] = -EREMOTEIO,
        [SSH_FX_OP_UNSUPPORTED] = -EOPNOTSUPP,
    };
    return code < sizeof(errnos) / sizeof(errnos[0]) ? errnos[code] : -EPROTO;
}

static int read_status(struct wire_in *in)
{
    uint32_t code;
    return wire_get_u32(in, &code) ?: status_errno(code);
}

/* Type and id, and a status if that is the answer: 0 when in stands before the expected content or
 * the expected answer was a status, and that is fine. */
static int read_head(struct wire_in *in, uint8_t expected)
{
    uint8_t type;
    uint32_t id;
    int r = wire_get_u8(in, &type) ?: wire_get_u32(in, &id);
    if (r != 0)
        return r;
    if (type == SSH_FXP_STATUS) {
        r = read_status(in);
        return r == 0 && expected != SSH_FXP_STATUS ? -EPROTO : r;
    }
    return type == expected ? 0 : -EPROTO;
}

int answer_read(struct answer *a, enum call_kind kind, size_t asked)
{
    struct wire_in in = packet_in(&a->packet);
    const struct kind *k = kind_of(kind);
    int r = read_head(&in, k->answer);
    if (r != 0)
        return r;
    if (k->answer == SSH_FXP_HANDLE)
        return read_handle(&in, a);
    if (k->answer == SSH_FXP_DATA)
        return read_data(&in, asked, a);
    if (k->answer == SSH_FXP_ATTRS)
        return read_attrs(&in, &a->attrs);
    if (kind == CALL_READDIR)
        return read_listing(&in, a);
    if (k->answer == SSH_FXP_NAME)
        return read_path(&in, a);
    if (kind == CALL_STATVFS)
        return read_statvfs(&in, &a->statvfs);
    return 0;
}

static void note_extension(struct sftp_features *f, struct span name, struct span data)
{
    if (span_eq(name, SPAN_LITERAL(SSH_EXT_POSIX_RENAME)))
        f->posix_rename = span_eq(data, SPAN_LITERAL("1"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_LSETSTAT)))
        f->lsetstat = span_eq(data, SPAN_LITERAL("1"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_HARDLINK)))
        f->hardlink = span_eq(data, SPAN_LITERAL("1"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_FSYNC)))
        f->fsync = span_eq(data, SPAN_LITERAL("1"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_STATVFS)))
        f->statvfs = span_eq(data, SPAN_LITERAL("2"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_LIMITS)))
        f->limits = span_eq(data, SPAN_LITERAL("1"));
    else if (span_eq(name, SPAN_LITERAL(SSH_EXT_COPY_DATA)))
        f->copy_data = span_eq(data, SPAN_LITERAL("1"));
}

int answer_read_version(const struct packet *packet, struct sftp_features *ret)
{
    struct wire_in in = packet_in(packet);
    struct sftp_features f = {.max_read = SFTP_DATA_SAFE, .max_write = SFTP_DATA_SAFE};
    uint8_t type;
    uint32_t version;
    if (wire_get_u8(&in, &type) != 0 || type != SSH_FXP_VERSION ||
        wire_get_u32(&in, &version) != 0 || version != SFTP_VERSION)
        return -EPROTO;
    while (in.n > 0) {
        struct span name;
        struct span data;
        if (wire_get_string(&in, &name) != 0 || wire_get_string(&in, &data) != 0)
            return -EPROTO;
        note_extension(&f, name, data);
    }
    *ret = f;
    return 0;
}

static uint64_t safe_size(uint64_t size)
{
    if (size < SFTP_DATA_SAFE)
        return SFTP_DATA_SAFE;
    return size > SFTP_DATA_MAX ? SFTP_DATA_MAX : size;
}

int answer_read_limits(const struct packet *packet, struct sftp_features *ret)
{
    struct wire_in in = packet_in(packet);
    enum { PACKET, READ, WRITE, OPEN_HANDLES, LIMITS };
    uint64_t limits[LIMITS];
    int r = read_head(&in, SSH_FXP_EXTENDED_REPLY);
    for (size_t i = 0; r == 0 && i < LIMITS; i++)
        r = wire_get_u64(&in, &limits[i]);
    if (r != 0)
        return r;
    ret->max_read = safe_size(limits[READ]);
    ret->max_write = safe_size(limits[WRITE]);
    ret->max_handles = limits[OPEN_HANDLES];
    return 0;
}
