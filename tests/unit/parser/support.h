/* SPDX-License-Identifier: MIT */
/* What the parser's tests share: documents from literals, from tests/data and from a generator. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parser/document/dict.h"
#include "parser/edit/edit.h"

/* Spans of literals with NULs in them, for initializers too. */
#define BYTES(s) {(s), sizeof(s) - 1}

#define DICT_AUTO __attribute__((cleanup(free_dict))) struct vmx_dict *
#define EDITS_AUTO __attribute__((cleanup(vmx_edits_done))) struct vmx_edits

static inline void free_dict(struct vmx_dict **dict)
{
    vmx_dict_free(*dict);
}

static inline struct vmx_dict *parsed(struct span text)
{
    struct vmx_dict *dict = NULL;
    assert_int_equal(vmx_dict_parse(text, &dict), 0);
    return dict;
}

#define assert_span(got, want) assert_span_at(got, want, __FILE__, __LINE__)

static inline void assert_span_at(struct span got, struct span want, const char *file, int line)
{
    if (span_eq(got, want))
        return;
    print_error("got  (%zu): %.*s\nwant (%zu): %.*s\n", got.n, (int)got.n, got.n ? got.p : "",
                want.n, (int)want.n, want.n ? want.p : "");
    _fail(file, line);
}

#define assert_value(dict, key, want) assert_value_at(dict, key, want, __FILE__, __LINE__)

static inline void assert_value_at(const struct vmx_dict *dict, struct span key, struct span want,
                                   const char *file, int line)
{
    BUF_AUTO value = {0};
    if (vmx_dict_get(dict, key, &value) != 0) {
        print_error("no key %.*s\n", (int)key.n, key.p);
        _fail(file, line);
    }
    assert_span_at(buf_span(&value), want, file, line);
}

/* Applies edits to a text. */
static inline int apply(struct span text, const struct vmx_edits *edits, struct buf *ret)
{
    DICT_AUTO dict = parsed(text);
    struct diag diag = {.text = ""};
    int r = vmx_edits_apply(edits, dict, ret, &diag);
    assert_int_equal(r != 0, diag.text[0] != '\0');
    return r;
}

static inline int apply_set(struct span text, struct span key, struct span value, struct buf *ret)
{
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_set(&edits, key, value), 0);
    return apply(text, &edits, ret);
}

static inline int apply_remove(struct span text, struct span key, struct buf *ret)
{
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_remove(&edits, key), 0);
    return apply(text, &edits, ret);
}

/* The generator: the same numbers in each run. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33);
}

/* Text made of what the reader has to tell apart, so that all kinds of lines come up. */
static inline void random_text(uint64_t *state, struct buf *ret)
{
    static const struct span pieces[] = {
        BYTES("a"),         BYTES("B"),
        BYTES("memSize"),   BYTES("MEMSIZE"),
        BYTES(" "),         BYTES("\t"),
        BYTES("="),         BYTES(" = "),
        BYTES("\""),        BYTES("\""),
        BYTES("#"),         BYTES("#!"),
        BYTES("|"),         BYTES("|22"),
        BYTES("|7c"),       BYTES("|00"),
        BYTES("\n"),        BYTES("\n"),
        BYTES("\r\n"),      BYTES("\r"),
        BYTES("\0"),        BYTES("\xe3\x83\x9d"),
        BYTES("\x83\x7c"),  BYTES("\xff"),
        BYTES("\x81"),      BYTES(".encoding = \"Shift_JIS\"\n"),
        BYTES("a = \"1\""), BYTES("b = 2 # c\r\n"),
        BYTES("c = \""),    BYTES(".encoding=utf8\r"),
    };
    size_t n = next_random(state) % 40;
    if (next_random(state) % 16 == 0)
        assert_int_equal(buf_add_str(ret, "\xef\xbb\xbf"), 0);
    for (size_t i = 0; i < n; i++) {
        size_t which = next_random(state) % (sizeof(pieces) / sizeof(pieces[0]) + 1);
        if (which < sizeof(pieces) / sizeof(pieces[0]))
            assert_int_equal(buf_add(ret, pieces[which]), 0);
        else
            assert_int_equal(buf_add_char(ret, (char)next_random(state)), 0);
    }
}

static inline void read_data(const char *name, struct buf *ret)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: cannot be read", path);
    for (int c = getc(f); c != EOF; c = getc(f))
        assert_int_equal(buf_add_char(ret, (char)c), 0);
    fclose(f);
}
