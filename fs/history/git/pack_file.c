/* SPDX-License-Identifier: MIT */
#include "pack_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum {
    NOTES_MAX = 256 << 20,
    INDEX_MAX = 1 << 30,
    HEAD_BYTES = 8 + 256 * 4, /* of an index, before the ids */
    TAIL_BYTES = 20,          /* of a pack: its sum */
    KIND_DELTA = 7,
    KIND_LAST_WHOLE = 4,
};

void pack_file_done(struct pack_file *file)
{
    free(file->name);
    free(file->bases);
    free(file->entries);
    *file = (struct pack_file){0};
}

static int64_t number(struct span digits)
{
    int64_t n = 0;
    for (size_t i = 0; i < digits.n && text_digit(digits.p[i]) < 10 && n < INT64_MAX / 16; i++)
        n = 10 * n + text_digit(digits.p[i]);
    return n;
}

/* "ID BASE HEIGHT" */
static int add_base(struct pack_file *file, struct span line)
{
    struct span id;
    struct span base;
    struct span height;
    struct pack_base *list = list_room(file->bases, file->n_bases, sizeof(*list));
    if (!list)
        return -ENOMEM;
    file->bases = list;
    struct pack_base *to = &list[file->n_bases];
    if (!text_word(&line, &id) || !text_word(&line, &base) || !text_word(&line, &height) ||
        id.n != GIT_OID_HEXSZ || base.n != GIT_OID_HEXSZ ||
        git_oid_fromstrn(&to->id, id.p, id.n) < 0 ||
        git_oid_fromstrn(&to->base, base.p, base.n) < 0)
        return -EBADMSG;
    to->height = (unsigned)number(height);
    file->n_bases++;
    return 0;
}

static int read_notes(const char *path, struct pack_file *file)
{
    BUF_AUTO text = {0};
    struct span line;
    int r = file_read(path, NOTES_MAX, &text);
    struct span rest = buf_span(&text);
    if (r == 0 && (!text_line(&rest, &line) || !span_starts_with(line, SPAN_LITERAL("time "))))
        r = -EBADMSG;
    if (r == 0)
        file->time_ns = number(span_from(line, 5));
    while (r == 0 && text_line(&rest, &line))
        r = add_base(file, line);
    return r;
}

static char *pack_path(const char *git_dir, const char *name, const char *end)
{
    char *path;
    return asprintf(&path, "%s/objects/pack/%s%s", git_dir, name, end) < 0 ? NULL : path;
}

int pack_file_find(const char *git_dir, const char *name, struct pack_file *ret)
{
    struct pack_file file = {.name = strdup(name)};
    FREE_AUTO char *notes = NULL;
    FREE_AUTO char *pack = pack_path(git_dir, name, ".pack");
    FREE_AUTO char *index = pack_path(git_dir, name, ".idx");
    struct stat st = {0};
    if (asprintf(&notes, "%s/vmxfs/packs/%s", git_dir, name) < 0)
        notes = NULL;
    int r = file.name && notes && pack && index ? 0 : -ENOMEM;
    if (r == 0 && (access(index, F_OK) < 0 || stat(pack, &st) < 0))
        r = -errno;
    file.size = st.st_size;
    r = r ?: read_notes(notes, &file);
    if (r < 0)
        pack_file_done(&file);
    *ret = file;
    return r;
}

static uint32_t number_at(struct span bytes, size_t at)
{
    const unsigned char *p = (const unsigned char *)bytes.p + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int by_offset(const void *a, const void *b)
{
    const struct pack_entry *x = a;
    const struct pack_entry *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int pack_file_load(const char *git_dir, struct pack_file *file)
{
    BUF_AUTO index = {0};
    FREE_AUTO char *path = pack_path(git_dir, file->name, ".idx");
    int r = path ? file_read(path, INDEX_MAX, &index) : -ENOMEM;
    const struct span bytes = buf_span(&index);
    if (r < 0)
        return r;
    if (bytes.n < HEAD_BYTES || memcmp(bytes.p, "\377tOc\0\0\0\2", 8) != 0)
        return -EBADMSG;
    const size_t n = number_at(bytes, HEAD_BYTES - 4);
    if (n == 0 || n != (bytes.n - HEAD_BYTES - 2 * (size_t)TAIL_BYTES) / 28)
        return -EBADMSG;
    file->entries = calloc(n, sizeof(*file->entries));
    if (!file->entries)
        return -ENOMEM;
    file->n = n;
    for (size_t i = 0; i < n; i++) {
        struct pack_entry *e = &file->entries[i];
        memcpy(e->id.id, bytes.p + HEAD_BYTES + i * GIT_OID_RAWSZ, GIT_OID_RAWSZ);
        e->crc = number_at(bytes, HEAD_BYTES + n * GIT_OID_RAWSZ + 4 * i);
        e->offset = number_at(bytes, HEAD_BYTES + n * (GIT_OID_RAWSZ + 4) + 4 * i);
    }
    qsort(file->entries, n, sizeof(*file->entries), by_offset);
    return 0;
}

int pack_file_open(const char *git_dir, const struct pack_file *file)
{
    FREE_AUTO char *path = pack_path(git_dir, file->name, ".pack");
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    return fd >= 0 ? fd : path ? -errno : -ENOMEM;
}

/* The kind and the length of what stands before the data. */
static int read_head(struct span raw, unsigned *ret_kind, size_t *ret_n)
{
    size_t n = 1;
    while (n < raw.n && (unsigned char)raw.p[n - 1] & 0x80)
        n++;
    if (n >= raw.n)
        return -EBADMSG;
    *ret_kind = (unsigned char)raw.p[0] >> 4 & 7;
    *ret_n = n;
    return 0;
}

int pack_file_entry(const struct pack_file *file, int fd, size_t i, struct buf *raw,
                    bool *ret_is_delta, git_oid *base)
{
    const struct pack_entry *e = &file->entries[i];
    const int64_t end = i + 1 < file->n ? file->entries[i + 1].offset : file->size - TAIL_BYTES;
    unsigned kind;
    size_t head;
    if (end <= e->offset)
        return -EBADMSG;
    const size_t n = (size_t)(end - e->offset);
    buf_clear(raw);
    int r = buf_reserve(raw, n);
    if (r < 0)
        return r;
    if (pread(fd, raw->data, n, e->offset) != (ssize_t)n)
        return -EIO;
    raw->len = n;
    raw->data[n] = '\0';
    r = read_head(buf_span(raw), &kind, &head);
    if (r < 0 || (uint32_t)crc32(0, (const unsigned char *)raw->data, (unsigned)n) != e->crc ||
        (kind != KIND_DELTA && (kind == 0 || kind > KIND_LAST_WHOLE)) ||
        (kind == KIND_DELTA && n < head + GIT_OID_RAWSZ))
        return -EBADMSG; /* or a pack of git's own, which is left alone */
    *ret_is_delta = kind == KIND_DELTA;
    if (*ret_is_delta)
        memcpy(base->id, raw->data + head, GIT_OID_RAWSZ);
    return 0;
}
