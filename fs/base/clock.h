/* SPDX-License-Identifier: MIT */
/* Clocks, in milliseconds. */
#pragma once

#include <stdint.h>

int64_t clock_ms(void);      /* monotonic, stands still in suspend: for waits and cache ages */
int64_t clock_boot_ms(void); /* monotonic, goes on in suspend: for what others see age */
int64_t clock_wall_s(void);  /* seconds since 1970 */
