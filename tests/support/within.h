/* SPDX-License-Identifier: MIT */
/* cmocka 1 and 2 name their assertion for a range differently, and 2 warns of the older name.
 * Include it after cmocka.h. */
#pragma once

#include <stdint.h>

/* The value is from least to most. */
#define assert_within(value, least, most)                                                          \
    do {                                                                                           \
        intmax_t is_ = (intmax_t)(value);                                                          \
        if (is_ < (intmax_t)(least) || is_ > (intmax_t)(most))                                     \
            fail_msg("%s is %jd, not from %jd to %jd", #value, is_, (intmax_t)(least),             \
                     (intmax_t)(most));                                                            \
    } while (0)
