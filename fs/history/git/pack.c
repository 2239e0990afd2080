/* SPDX-License-Identifier: MIT */
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "delta.h"
#include "../files.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

enum {
    KIND_DELTA = 7, /* to the object of an id */
    OUT_MAX = 1 << 20,
    SUM_BYTES = 20,
    PACK_MAX = 1 << 30, /* of all its bytes: offsets have 31 bits */
};

static int by_id(const void *a, const void *b)
{
    const struct pack_entry *x = a;
    const struct pack_entry *y = b;
    return git_oid_cmp(&x->id, &y->id);
}

struct pack_entry *pack_find(const struct pack *pack, const git_oid *id)
{
    const struct pack_entry key = {.id = *id};
    return pack->n ? bsearch(&key, pack->entries, pack->n, sizeof(key), by_id) : NULL;
}

static int add_number(struct buf *ret, size_t n)
{
    const char bytes[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    return buf_add(ret, (struct span){bytes, sizeof(bytes)});
}

static int write_out(struct pack *pack)
{
    const int r = files_write_all(pack->fd, buf_span(&pack->out));
    if (r == 0 && EVP_DigestUpdate(pack->sum, pack->out.data, pack->out.len) != 1)
        return -EIO;
    buf_clear(&pack->out);
    return r;
}

int pack_begin(struct pack *pack, const char *git_dir, struct pack_entry *entries, size_t n)
{
    *pack = (struct pack){.fd = -1, .entries = entries, .n = n};
    pack->git_dir = strdup(git_dir);
    pack->sum = EVP_MD_CTX_new();
    if (!pack->git_dir || !pack->sum || EVP_DigestInit_ex(pack->sum, EVP_sha1(), NULL) != 1 ||
        deflateInit(&pack->deflate, Z_DEFAULT_COMPRESSION) != Z_OK)
        return -ENOMEM;
    qsort(entries, n, sizeof(*entries), by_id);
    if (asprintf(&pack->path, "%s/objects/pack/tmp_pack_XXXXXX", git_dir) < 0) {
        pack->path = NULL;
        return -ENOMEM;
    }
    pack->fd = mkostemp(pack->path, O_CLOEXEC);
    if (pack->fd < 0)
        return -errno;
    const int r = buf_add_str(&pack->out, "PACK") ?: add_number(&pack->out, 2)
        ?: add_number(&pack->out, n);
    pack->at = pack->out.len;
    return r;
}

/* ---- one entry */

/* What stands before the data: the kind and the size that it has when it is inflated. */
static int add_head(struct buf *ret, unsigned kind, size_t n)
{
    const size_t rest = n >> 4;
    const char first = (char)((rest ? 0x80 : 0) | kind << 4 | (n & 0xf));
    return buf_add_char(ret, first) ?: rest ? delta_add_size(ret, rest) : 0;
}

static int add_deflated(struct pack *pack, struct span data)
{
    z_stream *z = &pack->deflate;
    const size_t room = deflateBound(z, data.n);
    struct buf *out = &pack->out;
    if (deflateReset(z) != Z_OK || buf_reserve(out, room) < 0)
        return -ENOMEM;
    z->next_in = (unsigned char *)(uintptr_t)data.p; /* zlib's type lacks the const */
    z->avail_in = (unsigned)data.n;
    z->next_out = (unsigned char *)out->data + out->len;
    z->avail_out = (unsigned)room;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return -EIO;
    out->len += room - z->avail_out;
    out->data[out->len] = '\0';
    return 0;
}

static int entry_written(struct pack *pack, struct pack_entry *e, size_t from)
{
    const struct span raw = span_from(buf_span(&pack->out), from);
    if (pack->at + raw.n > PACK_MAX)
        return -EFBIG;
    e->crc = (uint32_t)crc32(0, (const unsigned char *)raw.p, (unsigned)raw.n);
    e->offset = (uint32_t)pack->at;
    pack->at += raw.n;
    return pack->out.len > OUT_MAX ? write_out(pack) : 0;
}

static void stand_on(struct pack *pack, struct pack_entry *e, const struct pack_entry *base)
{
    e->root = base ? base->root : (uint32_t)(e - pack->entries);
    e->depth = base ? base->depth + 1 : 0;
    struct pack_entry *root = &pack->entries[e->root];
    const unsigned height = (unsigned)e->depth + e->height;
    if (root->height < height)
        root->height = (uint16_t)height;
}

static const struct pack_entry *find_base(const struct pack *pack, const git_oid *base,
                                          unsigned height)
{
    const struct pack_entry *b = git_oid_is_zero(base) ? NULL : pack_find(pack, base);
    return b && b->offset && b->depth + 1 + height <= PACK_DEPTH ? b : NULL;
}

bool pack_wants_base(const struct pack *pack, const git_oid *base, unsigned height)
{
    return find_base(pack, base, height) != NULL;
}

static int add_delta(struct pack *pack, const git_oid *base, struct span delta)
{
    return add_head(&pack->out, KIND_DELTA, delta.n)
        ?: buf_add(&pack->out, (struct span){(const char *)base->id, GIT_OID_RAWSZ})
        ?: add_deflated(pack, delta);
}

int pack_add(struct pack *pack, struct pack_entry *e, git_object_t type, struct span data,
             const git_oid *base, struct span base_data, unsigned height)
{
    const struct pack_entry *b = find_base(pack, base, height);
    const size_t from = pack->out.len;
    BUF_AUTO delta = {0};
    int r = b ? delta_add(base_data, data, &delta) : 0;
    if (r < 0)
        return r;
    if (b && GIT_OID_RAWSZ + delta.len >= data.n / 2)
        b = NULL;
    e->height = (uint16_t)height;
    stand_on(pack, e, b);
    r = b ? add_delta(pack, base, buf_span(&delta))
          : add_head(&pack->out, (unsigned)type, data.n) ?: add_deflated(pack, data);
    return r ?: entry_written(pack, e, from);
}

int pack_copy(struct pack *pack, struct pack_entry *e, struct span raw, const git_oid *base)
{
    const struct pack_entry *b = base ? pack_find(pack, base) : NULL;
    const size_t from = pack->out.len;
    if (base && (!b || !b->offset))
        return -EIO;
    stand_on(pack, e, b);
    return buf_add(&pack->out, raw) ?: entry_written(pack, e, from);
}

int pack_note_base(struct pack *pack, const struct pack_base *base)
{
    struct pack_base *list = list_room(pack->bases, pack->n_bases, sizeof(*list));
    if (!list)
        return -ENOMEM;
    pack->bases = list;
    list[pack->n_bases++] = *base;
    return 0;
}

/* ---- the end */

static int add_index(const struct pack *pack, struct span sum, struct buf *ret)
{
    int r = buf_add(ret, (struct span){"\377tOc\0\0\0\2", 8});
    for (size_t first = 0, i = 0; r == 0 && first < 256; first++) {
        while (i < pack->n && pack->entries[i].id.id[0] <= first)
            i++;
        r = add_number(ret, i);
    }
    for (size_t i = 0; r == 0 && i < pack->n; i++)
        r = buf_add(ret, (struct span){(const char *)pack->entries[i].id.id, GIT_OID_RAWSZ});
    for (size_t i = 0; r == 0 && i < pack->n; i++)
        r = add_number(ret, pack->entries[i].crc);
    for (size_t i = 0; r == 0 && i < pack->n; i++)
        r = pack->entries[i].offset ? add_number(ret, pack->entries[i].offset) : -EIO;
    unsigned char own[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    r = r ?: buf_add(ret, sum);
    if (r == 0 && EVP_Digest(ret->data, ret->len, own, &n, EVP_sha1(), NULL) != 1)
        r = -EIO;
    return r ?: buf_add(ret, (struct span){(const char *)own, SUM_BYTES});
}

static int write_notes(const struct pack *pack, const char *name)
{
    FREE_AUTO char *path = NULL;
    BUF_AUTO text = {0};
    char id[GIT_OID_HEXSZ + 1] = "";
    char base[GIT_OID_HEXSZ + 1] = "";
    if (asprintf(&path, "%s/vmxfs/packs/%s", pack->git_dir, name) < 0)
        return -ENOMEM;
    int r = buf_addf(&text, "time %lld\n", (long long)clock_wall_ns());
    for (size_t i = 0; r == 0 && i < pack->n_bases; i++) {
        const struct pack_base *b = &pack->bases[i];
        const struct pack_entry *e = pack_find(pack, &b->id);
        if (!e || e->depth > 0)
            continue;
        git_oid_tostr(id, sizeof(id), &b->id);
        git_oid_tostr(base, sizeof(base), &b->base);
        r = buf_addf(&text, "%s %s %u\n", id, base, e->height);
    }
    return r ?: files_replace(path, buf_span(&text), FILES_FAST);
}

static int finish_file(struct pack *pack, char name[static 5 + 2 * SUM_BYTES + 1],
                       struct buf *index)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int r = write_out(pack);
    if (r == 0 && EVP_DigestFinal_ex(pack->sum, sum, &n) != 1)
        r = -EIO;
    const struct span bytes = {(const char *)sum, SUM_BYTES};
    r = r ?: files_write_all(pack->fd, bytes) ?: add_index(pack, bytes, index);
    if (r == 0 && (fchmod(pack->fd, 0444) < 0 || fsync(pack->fd) < 0))
        r = -errno;
    snprintf(name, 6, "pack-");
    for (size_t i = 0; i < SUM_BYTES; i++)
        snprintf(name + 5 + 2 * i, 3, "%02x", sum[i]);
    return r;
}

/* The pack comes before its index, by which git finds it, and its note before both: a pack without
 * one would never be joined. */
int pack_finish(struct pack *pack, char **ret)
{
    char name[5 + 2 * SUM_BYTES + 1] = "";
    FREE_AUTO char *path = NULL;
    FREE_AUTO char *index_path = NULL;
    BUF_AUTO index = {0};
    int r = finish_file(pack, name, &index) ?: write_notes(pack, name);
    if (r == 0 && (asprintf(&path, "%s/objects/pack/%s.pack", pack->git_dir, name) < 0 ||
                   asprintf(&index_path, "%s/objects/pack/%s.idx", pack->git_dir, name) < 0))
        r = -ENOMEM;
    const bool was_there = r == 0 && access(index_path, F_OK) == 0; /* with the same bytes */
    if (r == 0 && rename(pack->path, path) < 0)
        r = -errno;
    r = r ?: files_replace(index_path, buf_span(&index), FILES_DURABLE | FILES_READ_ONLY);
    char *copy = r == 0 ? strdup(name) : NULL;
    if (!copy) {
        if (!was_there)
            pack_remove(pack->git_dir, name);
        return r ?: -ENOMEM;
    }
    *ret = copy;
    return 0;
}

void pack_done(struct pack *pack)
{
    if (pack->fd >= 0) {
        close(pack->fd);
        unlink(pack->path); /* not there any more if it is finished */
    }
    deflateEnd(&pack->deflate);
    EVP_MD_CTX_free(pack->sum);
    buf_done(&pack->out);
    free(pack->entries);
    free(pack->bases);
    free(pack->path);
    free(pack->git_dir);
}

static void remove_file(const char *git_dir, const char *folder, const char *name, const char *end)
{
    FREE_AUTO char *path = NULL;
    if (asprintf(&path, "%s/%s/%s%s", git_dir, folder, name, end) >= 0)
        unlink(path);
}

void pack_remove(const char *git_dir, const char *name)
{
    remove_file(git_dir, "objects/pack", name, ".idx");
    remove_file(git_dir, "objects/pack", name, ".pack");
    remove_file(git_dir, "vmxfs/packs", name, "");
}

static int add_object(struct pack *pack, const struct objects *objects, const struct object *o)
{
    BUF_AUTO base = {0};
    int r = 0;
    if (pack_wants_base(pack, &o->base, 0))
        r = objects_read(objects, &o->base, o->type, &base);
    else if (!git_oid_is_zero(&o->base) && !pack_find(pack, &o->base))
        r = pack_note_base(pack, &(struct pack_base){.id = o->id, .base = o->base});
    return r
               ?: pack_add(pack, pack_find(pack, &o->id), o->type, buf_span(&o->data), &o->base,
                           buf_span(&base), 0);
}

int pack_write(const struct objects *objects, const char *git_dir, char **ret)
{
    PACK_AUTO pack = {.fd = -1};
    size_t n = 0;
    *ret = NULL;
    for (const struct object *o = objects->first; o; o = o->next)
        n++;
    if (n == 0)
        return 0;
    struct pack_entry *entries = calloc(n, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    n = 0;
    for (const struct object *o = objects->first; o; o = o->next)
        entries[n++].id = o->id;
    int r = pack_begin(&pack, git_dir, entries, n);
    for (const struct object *o = objects->first; r == 0 && o; o = o->next)
        r = add_object(&pack, objects, o);
    return r ?: pack_finish(&pack, ret);
}
