/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD of vmxfs: its machine's clock is two hours ahead of the server's. */
#include <time.h>

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += 2 * 3600;
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
