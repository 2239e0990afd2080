/* SPDX-License-Identifier: MIT */
/* Clocks, in milliseconds where nothing else is said. */
#pragma once

#include <stdint.h>

int64_t clock_ms(void);      /* monotonic, stands still in suspend: for waits and cache ages */
int64_t clock_boot_ms(void); /* monotonic, goes on in suspend: for what others see age */
int64_t clock_wall_s(void);  /* seconds since 1970 */
int64_t clock_wall_ms(void); /* the same in milliseconds */
int64_t clock_wall_ns(void); /* the same in nanoseconds */
int64_t clock_us(void);      /* clock_ms, in microseconds: for what is measured */

enum { CLOCK_UTC_SIZE = 24 };

/* A time as "2026-11-29T10:30:05Z". wall_s: of clock_wall_s. "" for one that no calendar has. */
void clock_utc(int64_t wall_s, char ret[CLOCK_UTC_SIZE]);
