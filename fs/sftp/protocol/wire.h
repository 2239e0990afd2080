/* SPDX-License-Identifier: MIT */
/*
 * The codec of single values: no I/O, no state but the bytes. Writing keeps the first error, so
 * that a packet is put together without a check at each value; reading is bounded by the packet.
 */
#pragma once

#include "sftp/sftp.h"

struct wire_out {
    struct buf bytes;
    int error; /* 0, -ENOMEM, -ENAMETOOLONG: nothing is added any more */
};

void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_string(struct wire_out *out, struct span string);
void wire_put_path(struct wire_out *out, const char *path); /* -ENAMETOOLONG from PATH_MAX on */
void wire_put_attrs(struct wire_out *out, const struct sftp_attrs *attrs); /* NULL: none */

/* Overwrites four bytes that are there already. */
void wire_set_u32(struct buf *bytes, size_t at, uint32_t value);

struct wire_in {
    uint8_t *p; /* not const: strings are ended in place */
    size_t n;
};

/* All: 0, or -EPROTO when the packet is too short (or holds what it must not hold). */
int wire_get_u8(struct wire_in *in, uint8_t *ret);
int wire_get_u32(struct wire_in *in, uint32_t *ret);
int wire_get_u64(struct wire_in *in, uint64_t *ret);
int wire_get_string(struct wire_in *in, struct span *ret);
int wire_get_attrs(struct wire_in *in, struct sftp_attrs *ret);

/* An entry of a NAME packet; the name is ended with a NUL by writing over the byte behind it.
 * -EILSEQ: the entry is passed over, since its name is empty or holds a NUL. */
int wire_get_name(struct wire_in *in, struct sftp_name *ret);
