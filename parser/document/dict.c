/* SPDX-License-Identifier: MIT */
#include "dict.h"

#include <errno.h>
#include <stdlib.h>

#include "keyindex.h"
#include "parser/text/encoding.h"

struct vmx_dict {
    struct buf text;
    struct vmx_extent *extents;
    size_t n_extents;
    uint32_t *keys; /* extents, ascending */
    size_t n_keys;
    struct key_index index;
    const char *charset;
    size_t duplicates;
};

static int grow(struct vmx_extent **extents, size_t *cap, size_t want)
{
    struct vmx_extent *more = reallocarray(*extents, want, sizeof(*more));
    if (!more)
        return -ENOMEM;
    *extents = more;
    *cap = want;
    return 0;
}

static size_t skip_bom(struct vmx_dict *dict)
{
    if (!span_starts_with(vmx_dict_text(dict), UTF8_BOM))
        return 0;
    struct vmx_line line = {.kind = VMX_LINE_BOM, .len = 3, .body_len = 3};
    dict->extents[dict->n_extents++] = (struct vmx_extent){.line = line};
    return UTF8_BOM.n;
}

static int cut(struct vmx_dict *dict, size_t *ret_entries)
{
    struct span text = vmx_dict_text(dict);
    size_t cap = 0;
    int r = grow(&dict->extents, &cap, text.n / 32 + 2);
    if (r != 0)
        return r;
    for (size_t at = skip_bom(dict); at < text.n;) {
        if (dict->n_extents == cap)
            r = grow(&dict->extents, &cap, cap * 2);
        if (r != 0)
            return r;
        struct vmx_extent *e = &dict->extents[dict->n_extents++];
        e->at = (uint32_t)at;
        vmx_lex_line((struct span){text.p + at, text.n - at}, false, &e->line);
        *ret_entries += e->line.kind == VMX_LINE_ENTRY;
        at += e->line.len;
    }
    return grow(&dict->extents, &cap, dict->n_extents + (dict->n_extents == 0));
}

static int build_index(struct vmx_dict *dict, size_t entries)
{
    int r = key_index_init(&dict->index, entries);
    if (r != 0)
        return r;
    for (size_t i = 0; i < dict->n_extents; i++) {
        if (dict->extents[i].line.kind != VMX_LINE_ENTRY)
            continue;
        uint32_t *slot =
            key_index_slot(&dict->index, dict->text.data, dict->extents, vmx_dict_name(dict, i));
        dict->duplicates += *slot != 0;
        *slot = (uint32_t)(i + 1);
    }
    dict->keys = calloc(entries - dict->duplicates + 1, sizeof(*dict->keys));
    if (!dict->keys)
        return -ENOMEM;
    for (size_t i = 0; i < dict->n_extents; i++) {
        if (vmx_dict_counts(dict, i))
            dict->keys[dict->n_keys++] = (uint32_t)i;
    }
    return 0;
}

static int find_charset(struct vmx_dict *dict)
{
    BUF_AUTO name = {0};
    size_t extent = vmx_dict_find(dict, SPAN_LITERAL(".encoding"));
    int r = extent == SIZE_MAX ? 0 : vmx_unescape(vmx_dict_raw_value(dict, extent), &name);
    if (r == 0)
        dict->charset = vmx_charset(buf_span(&name));
    return r;
}

int vmx_dict_parse(struct span bytes, struct vmx_dict **ret)
{
    if (bytes.n > UINT32_MAX)
        return -EFBIG;
    struct vmx_dict *dict = calloc(1, sizeof(*dict));
    if (!dict)
        return -ENOMEM;
    size_t entries = 0;
    int r = buf_add(&dict->text, bytes)
        ?: cut(dict, &entries)
        ?: build_index(dict, entries)
        ?: find_charset(dict);
    if (r == 0)
        *ret = dict;
    else
        vmx_dict_free(dict);
    return r;
}

void vmx_dict_free(struct vmx_dict *dict)
{
    if (!dict)
        return;
    key_index_done(&dict->index);
    free(dict->keys);
    free(dict->extents);
    buf_done(&dict->text);
    free(dict);
}

struct span vmx_dict_text(const struct vmx_dict *dict)
{
    return buf_span(&dict->text);
}

size_t vmx_dict_memory(const struct vmx_dict *dict)
{
    return sizeof(*dict) + dict->text.cap + dict->n_extents * sizeof(*dict->extents) +
           (dict->n_keys + 1) * sizeof(*dict->keys) +
           (dict->index.mask + 1) * sizeof(*dict->index.slots);
}

size_t vmx_dict_extents(const struct vmx_dict *dict)
{
    return dict->n_extents;
}

const struct vmx_extent *vmx_dict_extent(const struct vmx_dict *dict, size_t index)
{
    return &dict->extents[index];
}

size_t vmx_dict_keys(const struct vmx_dict *dict)
{
    return dict->n_keys;
}

size_t vmx_dict_key_extent(const struct vmx_dict *dict, size_t nth)
{
    return dict->keys[nth];
}

size_t vmx_dict_find(const struct vmx_dict *dict, struct span key)
{
    uint32_t slot = *key_index_slot(&dict->index, dict->text.data, dict->extents, key);
    return slot == 0 ? SIZE_MAX : slot - 1;
}

bool vmx_dict_counts(const struct vmx_dict *dict, size_t extent)
{
    return dict->extents[extent].line.kind == VMX_LINE_ENTRY &&
           (dict->duplicates == 0 || vmx_dict_find(dict, vmx_dict_name(dict, extent)) == extent);
}

struct span vmx_dict_name(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = &dict->extents[extent];
    return (struct span){dict->text.data + e->at + e->line.name_at, e->line.name_len};
}

struct span vmx_dict_raw_value(const struct vmx_dict *dict, size_t extent)
{
    const struct vmx_extent *e = &dict->extents[extent];
    return (struct span){dict->text.data + e->at + e->line.value_at, e->line.value_len};
}

const char *vmx_dict_charset(const struct vmx_dict *dict)
{
    return dict->charset;
}

/* No escape and nothing to decode: the value is what the text says. */
static bool is_plain(struct span raw)
{
    return vmx_ascii(raw) && !memchr(raw.p, '|', raw.n);
}

int vmx_value_read(const char *charset, struct span raw, struct buf *ret)
{
    BUF_AUTO bytes = {0};
    int r = vmx_unescape(raw, &bytes) ?: vmx_decode(charset, buf_span(&bytes), ret);
    return r == -EILSEQ ? buf_add(ret, buf_span(&bytes)) : r;
}

int vmx_dict_value(const struct vmx_dict *dict, size_t extent, struct buf *ret)
{
    struct span raw = vmx_dict_raw_value(dict, extent);
    if (is_plain(raw))
        return buf_add(ret, raw);
    return vmx_value_read(dict->charset, raw, ret);
}

int vmx_dict_get(const struct vmx_dict *dict, struct span key, struct buf *ret)
{
    size_t extent = vmx_dict_find(dict, key);
    return extent == SIZE_MAX ? -ENOENT : vmx_dict_value(dict, extent, ret);
}

size_t vmx_dict_value_size(const struct vmx_dict *dict, size_t extent)
{
    struct span raw = vmx_dict_raw_value(dict, extent);
    BUF_AUTO value = {0};
    if (is_plain(raw) || vmx_dict_value(dict, extent, &value) != 0)
        return raw.n;
    return value.len;
}

size_t vmx_dict_duplicates(const struct vmx_dict *dict)
{
    return dict->duplicates;
}

bool vmx_dict_encrypted(const struct vmx_dict *dict)
{
    if (vmx_dict_find(dict, SPAN_LITERAL("encryption.data")) == SIZE_MAX)
        return false;
    size_t type = vmx_dict_find(dict, SPAN_LITERAL("encryption.type"));
    return type == SIZE_MAX ||
           !span_eq_fold(vmx_dict_raw_value(dict, type), SPAN_LITERAL("partial"));
}
