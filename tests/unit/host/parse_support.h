/* SPDX-License-Identifier: MIT */
/* What the tests of the host's parsers share: facts, and recorded outputs from tests/data/host. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/facts/parse.h"

#define FACTS_AUTO __attribute__((cleanup(drop_facts))) struct host_facts *

static inline void drop_facts(struct host_facts **facts)
{
    host_facts_unref(*facts);
}

static inline struct host_facts *new_facts(void)
{
    struct host_facts *facts = host_facts_new();
    assert_non_null(facts);
    return facts;
}

static inline void add_file(const char *name, struct buf *ret)
{
    char path[512];
    char piece[4096];
    snprintf(path, sizeof(path), "%s/host/%s", TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        assert_int_equal(buf_add(ret, (struct span){piece, n}), 0);
    fclose(f);
}

/* The text with the line ends of a terminal. */
static inline void add_crlf(struct span text, struct buf *ret)
{
    for (size_t i = 0; i < text.n; i++)
        assert_int_equal(buf_add_str(ret, text.p[i] == '\n' ? "\r\n" : (char[2]){text.p[i], '\0'}),
                         0);
}
