/* SPDX-License-Identifier: MIT */
#include "call_group.h"

#include <errno.h>
#include <stdlib.h>

#include "sftp/requests.h"
#include "sftp/results.h"

struct sftp_call *flight_add(struct flight *flight, struct sftp_call *call)
{
    if (call && flight->n == flight->cap) {
        size_t cap = flight->cap ? flight->cap * 2 : 16;
        struct sftp_call **more = reallocarray(flight->calls, cap, sizeof(struct sftp_call *));
        if (!more)
            sftp_call_free(&call);
        else {
            flight->calls = more;
            flight->cap = cap;
        }
    }
    if (call)
        flight->calls[flight->n++] = call;
    else
        flight->error = -ENOMEM;
    return call;
}

int flight_wait(struct flight *flight, size_t from, const struct wait *wait)
{
    int r = flight->error;
    for (size_t i = from; i < flight->n; i++) {
        int call_r = sftp_wait(flight->calls[i], wait);
        r = r ?: call_r;
    }
    return r;
}

void flight_done(struct flight *flight)
{
    for (size_t i = 0; i < flight->n; i++)
        sftp_call_free(&flight->calls[i]);
    free(flight->calls);
    *flight = (struct flight){0};
}
