/* SPDX-License-Identifier: MIT */
/*
 * What the files of the engine share.
 *
 * The life of a call:
 *
 *      NEW -> QUEUED -> IN_FLIGHT -> DONE
 *               ^___________|  only when its first byte found no room and it has a time limit
 *
 *      NEW, DONE     in no list
 *      QUEUED        in sftp->queue, in the order in which calls were made
 *      IN_FLIGHT     in sftp->in_flight, in the order of sending; slots[id % SLOTS] is this call
 *
 * References to a call are held by the caller, from the making until sftp_call_free; by the engine,
 * while the call is QUEUED or IN_FLIGHT; by the I/O thread, while it sends a large call from the
 * call's own memory. Calls hold struct sftp, so that a call which is freed too late does no harm.
 *
 * Queue and flight are empty while the state is not SFTP_UP: the thread that changes the state
 * fails all calls in the same critical section, and calls made afterwards fail at once.
 *
 * There is one lock. A thread that holds it sends nothing, and waits only on its conditions.
 */
#pragma once

#include "sftp/protocol/decode.h"
#include "sftp/protocol/wire.h"
#include "sftp/results.h"

enum {
    SLOTS = SFTP_UNDER_WAY_MAX,
    /* Of listings that nobody has taken yet, in all. Without a bound a server that fills each
     * packet to its end could make a few hundred requests take as many times 256 KiB. */
    LISTED_MAX = 24 << 20,
};

enum call_stage { STAGE_NEW, STAGE_QUEUED, STAGE_IN_FLIGHT, STAGE_DONE };

struct sftp_call {
    struct sftp *sftp;
    enum call_kind kind;
    struct wire_out request; /* the whole packet; the I/O thread's own once the call is queued */
    uint32_t asked;          /* bytes, of a read; of a write: its data, the end of the request */
    int64_t not_after;
    bool changes; /* what others can see on the server */
    struct condition done;

    /* protected by sftp->lock */
    struct sftp_call *prev, *next;
    enum call_stage stage;
    unsigned refs;
    bool abandoned; /* by the caller */
    bool was_sent;
    bool alone; /* nothing else was in flight when it was sent: it measures the round trip */
    uint32_t id;
    uint64_t epoch;
    int64_t sent_at;
    int64_t sent_us;          /* the same, of clock_us() */
    uint64_t received_before; /* sftp->received when it was sent */

    /* the engine's until DONE, then the caller's */
    int result;
    struct answer answer;
    bool collected; /* a wait has read the answer */
    size_t listed;  /* what it has added to sftp->listed; protected by sftp->lock */
};

/* The I/O thread's own. */
struct link {
    struct transport *transport;
    struct frame frame;
    struct buf batch;         /* small requests, sent with one write */
    struct sftp_call *single; /* or a request that is sent from its own memory */
    size_t sent;              /* of the batch or the single */
    int64_t up_since, pinged_at;
    uint64_t received_before; /* sftp->received when it came up */
    struct sftp_call *ping;   /* the last one: in nobody's hand it would not be sent */
    int backoff_ms;
    int64_t needed_at; /* when the last attempt began that somebody needed */
};

struct sftp {
    struct lock lock;
    struct condition changed; /* the state, or starting */
    struct sftp_options options;
    int wake_fd;
    pthread_t thread;
    struct link link;

    /* protected by lock */
    unsigned refs; /* the owner, and every call */
    enum sftp_state state;
    bool starting; /* the first hello is under way */
    int start_result;
    bool stopping, renewing; /* this connection is to end; another one takes its place */
    bool ended;              /* the thread has been joined; the owner's own */
    int64_t stop_at;         /* abandoned calls may finish until then */
    int64_t lost_since;      /* while SFTP_LOST */
    unsigned waiting;        /* threads that wait for the link */
    bool needed;             /* a call failed for want of it, since the last attempt to connect */
    struct diag why;         /* of the last failure */
    int64_t up_at;           /* clock_wall_s() when it came up */
    struct {
        int64_t at;      /* clock_wall_s(); 0: none was; ... */
        int64_t boot_ms; /* ... and clock_boot_ms() */
        struct diag why;
    } loss;         /* the last one of a link that was up */
    uint64_t epoch; /* of the link; 0: none yet */
    struct sftp_features features;
    struct buf transport_text;
    struct sftp_call *queue, *in_flight, *slots[SLOTS];
    uint16_t free_slots[SLOTS];
    unsigned n_queued, n_free_slots; /* each call in flight has one of the others */
    uint32_t generation;
    bool woken;        /* wake_fd was written and the I/O thread has not looked yet */
    uint64_t received; /* bytes, over all links */
    size_t listed;     /* bytes of listings in calls that are done and not freed */
    int64_t received_at;
    uint64_t sent, calls;
    int64_t round_trip_us, least_trip_us; /* the last, and this link's shortest; -1: none */
};
