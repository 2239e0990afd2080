/* SPDX-License-Identifier: MIT */
/* Allocations that fail in turn, for programs linked with wrapped allocators; those within libc
 * (iconv's) do not fail. */
#pragma once

#include "support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static size_t until_failure; /* allocations that still succeed; SIZE_MAX: all */

static bool fails(void)
{
    if (until_failure == SIZE_MAX)
        return false;
    return until_failure == 0 || --until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* Calls with ever more memory until it succeeds; all calls before have to say -ENOMEM. */
static void check_failures_on(struct span text,
                              int (*call)(const struct vmx_dict *dict, struct buf *out))
{
    until_failure = SIZE_MAX;
    DICT_AUTO dict = parsed(text);
    for (size_t n = 1; n < 10000; n++) {
        BUF_AUTO out = {0};
        assert_int_equal(buf_add_str(&out, "kept"), 0);
        until_failure = n;
        int r = call(dict, &out);
        bool failed = until_failure == 0;
        until_failure = SIZE_MAX;
        if (r == 0 && !failed) {
            assert_true(n > 1);
            return;
        }
        if (r != 0) /* a failure that did not matter, such as of shrinking, is none */
            assert_string_equal(out.data, "kept");
        assert_int_equal(r, -ENOMEM);
    }
    fail_msg("never succeeds");
}
