/* SPDX-License-Identifier: MIT */
/* Cleanup by attribute, and moves that leave nothing behind. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define FREE_AUTO __attribute__((cleanup(cleanup_free)))
#define FD_AUTO __attribute__((cleanup(cleanup_fd))) int

/* Takes the pointer out of a variable, so that its cleanup finds nothing. */
#define steal(pointer)                                                                             \
    (__extension__({                                                                               \
        __typeof__(pointer) *steal_at_ = &(pointer);                                               \
        __typeof__(pointer) steal_value_ = *steal_at_;                                             \
        *steal_at_ = NULL;                                                                         \
        steal_value_;                                                                              \
    }))

static inline int steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}
