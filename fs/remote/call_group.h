/* SPDX-License-Identifier: MIT */
/* A flight: calls that were sent together and are waited for together. */
#pragma once

#include "sftp/sftp.h"

struct flight {
    struct sftp_call **calls;
    size_t n;
    int error; /* -ENOMEM once a call could not be added */
};

/* Takes the call over (NULL: it could not be made) and returns it, borrowed. */
struct sftp_call *flight_add(struct flight *flight, struct sftp_call *call);

/* Waits for all calls from the given one on. 0, or the first error. */
int flight_wait(struct flight *flight, size_t from, const struct wait *wait);

void flight_done(struct flight *flight);

#define FLIGHT_AUTO __attribute__((cleanup(flight_done))) struct flight
