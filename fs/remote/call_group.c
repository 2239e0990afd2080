/* SPDX-License-Identifier: MIT */
#include "call_group.h"

#include <errno.h>

#include "parser/text/list.h"
#include "sftp/requests.h"
#include "sftp/results.h"

struct sftp_call *flight_add(struct flight *flight, struct sftp_call *call)
{
    struct sftp_call **calls =
        call ? list_room(flight->calls, flight->n, sizeof(struct sftp_call *)) : NULL;
    if (!calls) {
        sftp_call_free(&call);
        flight->error = -ENOMEM;
        return NULL;
    }
    calls[flight->n++] = call;
    flight->calls = calls;
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
