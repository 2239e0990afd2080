/* SPDX-License-Identifier: MIT */
/*
 * What the driver of a test and the relays of a mount share: a file that all of them map. To arm a
 * fault the driver clears armed, fills in the rest and sets armed. tests/fault/sweep/relay.py has
 * the same layout.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum relay_fault {
    RELAY_NONE,  /* only count bytes */
    RELAY_CUT,   /* both ends see the end of the stream; the server does what it was sent before */
    RELAY_KILL,  /* as RELAY_CUT, but the server's process is killed */
    RELAY_STALL, /* nothing passes, either way, until released; then all of it, the client gone or
                    not */
    RELAY_DELAY, /* nothing passes for delay_ms */
    RELAY_LATE,  /* the client sees the end; what it had sent reaches the server when released */
};

enum relay_direction { RELAY_TO_SERVER, RELAY_TO_CLIENT };

struct relay_plan {
    /* written by the driver */
    atomic_uint armed;
    uint32_t fault;
    uint32_t direction;
    uint32_t lasting; /* connections that come later meet the fault at once, until released */
    uint32_t delay_ms;
    atomic_uint released;

    /* written by the relays */
    atomic_uint fired;
    atomic_uint open;        /* connections whose server has not ended */
    atomic_uint connections; /* that there ever were */

    uint64_t after;             /* the fault comes when so many bytes have passed since armed */
    _Atomic uint64_t passed[2]; /* by direction, over all connections, while armed */
};

_Static_assert(sizeof(struct relay_plan) == 64, "relay.py has another layout");
