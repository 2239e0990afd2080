/* SPDX-License-Identifier: MIT */
/* base64, of which keys are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/file.h"

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const char all[] = "\0\xff\x80vmxfs\n\x7f";
    for (size_t n = 0; n < sizeof(all); n++) {
        struct buf text = {0};
        struct buf bytes = {0};
        assert_int_equal(base64_encode((struct span){all, n}, &text), 0);
        assert_int_equal(base64_decode(buf_span(&text), &bytes), 0);
        assert_int_equal(bytes.len, n);
        assert_int_equal(n ? memcmp(bytes.data, all, n) : 0, 0);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void base64_is_read_through_lines_up_to_its_end(void **state)
{
    (void)state;
    static const char *const texts[] = {"dm14ZnM=", "dm14\nZnM=\n-----END", "dm\r\n14Zn\r\nM -x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf bytes = {0};
        assert_int_equal(base64_decode(span_of(texts[i]), &bytes), 0);
        assert_string_equal(bytes.data, "vmxfs");
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_is_read_through_lines_up_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
