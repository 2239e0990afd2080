/* SPDX-License-Identifier: MIT */
/*
 * The lossless document: the bytes of a .vmx, cut into extents, with its settings indexed.
 *
 *     # who made this\n   memSize = "8192"  # MB\r\n   what is this?\n   memsize = "4096"\n
 *     └─── comment ───┘   └──────── entry ─────────┘   └─ malformed ─┘   └──── entry ─────┘
 *                         name      value                                the one that counts
 *
 * Parsing never fails for what the bytes say. Every byte belongs to exactly one extent (a line with
 * its ending, or the BOM), so that the extents in their order are the file again, and an edit that
 * copies all extents but one changes no other byte. A dict never changes after it was made, so that
 * any number of threads may read it; an edit makes new bytes (edit.h).
 *
 * Keys compare without regard to ASCII case. Of duplicates the last one counts and is the one that
 * is found and listed; the others are reached only through the extents.
 */
#pragma once

#include <stdint.h>

#include "lexer.h"

struct vmx_dict;

struct vmx_extent {
    uint32_t at; /* offset of the line in the text */
    struct vmx_line line;
};

/* Copies bytes. 0, -ENOMEM, -EFBIG for 4 GiB and more. */
int vmx_dict_parse(struct span bytes, struct vmx_dict **ret);
void vmx_dict_free(struct vmx_dict *dict);

struct span vmx_dict_text(const struct vmx_dict *dict);
size_t vmx_dict_memory(const struct vmx_dict *dict); /* bytes held, for a cache's bound */

/* Extents in file order. */
size_t vmx_dict_extents(const struct vmx_dict *dict);
const struct vmx_extent *vmx_dict_extent(const struct vmx_dict *dict, size_t index);

/* Distinct keys, in the order of their (last) lines; each gives the index of its extent. */
size_t vmx_dict_keys(const struct vmx_dict *dict);
size_t vmx_dict_key_extent(const struct vmx_dict *dict, size_t nth);

/* The extent of a key's last line, or SIZE_MAX. key: bytes in the file's own charset. */
size_t vmx_dict_find(const struct vmx_dict *dict, struct span key);

/* Whether the extent is the entry that counts for its key. */
bool vmx_dict_counts(const struct vmx_dict *dict, size_t extent);

/* Views into the text. For extents that are entries. */
struct span vmx_dict_name(const struct vmx_dict *dict, size_t extent);
struct span vmx_dict_raw_value(const struct vmx_dict *dict, size_t extent);

/* iconv's name of the file's charset (a static string), NULL if ".encoding" names one that nobody
 * knows. */
const char *vmx_dict_charset(const struct vmx_dict *dict);

/* Appends a raw value, without quotes, as UTF-8; one that does not decode as its unescaped bytes.
 * 0, -ENOMEM. */
int vmx_value_read(const char *charset, struct span raw, struct buf *ret);

/* Appends the value as UTF-8; one that does not decode as its raw (unescaped) bytes.
 * 0, -ENOMEM. */
int vmx_dict_value(const struct vmx_dict *dict, size_t extent, struct buf *ret);

/* The same by key: 0, -ENOENT, -ENOMEM. */
int vmx_dict_get(const struct vmx_dict *dict, struct span key, struct buf *ret);

/* Length in bytes of what vmx_dict_value would append; no memory is taken for plain ASCII. */
size_t vmx_dict_value_size(const struct vmx_dict *dict, size_t extent);

/* How many entries there are whose key comes again later. */
size_t vmx_dict_duplicates(const struct vmx_dict *dict);

/* True for an encrypted VM: plain keys added to it would break it (encryption.data is present and
 * encryption.type is not "partial"). */
bool vmx_dict_encrypted(const struct vmx_dict *dict);
