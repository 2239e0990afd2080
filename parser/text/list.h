/* SPDX-License-Identifier: MIT */
/* Growing arrays that report a lack of memory instead of ending the process. */
#pragma once

#include <stdlib.h>

/* Makes room for one more behind n items: the array, perhaps moved, or NULL (the old one is as it
 * was). Arrays grown this way hold a power of two, so no capacity has to be kept. */
static inline void *list_room(void *items, size_t n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return items;
    return reallocarray(items, n == 0 ? 1 : 2 * n, size);
}
