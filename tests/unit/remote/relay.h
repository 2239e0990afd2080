/* SPDX-License-Identifier: MIT */
/*
 * A real sftp-server behind a relay that takes one request at a time: it forwards a request, waits
 * for the answer, hands that back. So a test can act at an exact moment (before the request that
 * does this or that), cut the link at each single request, and count flights.
 */
#pragma once

#include "rig.h"

#include "parser/text/diag.h"
#include "transport/transport.h"

enum { RELAY_LINKS = 64 };

enum relay_cut {
    RELAY_CUT_NONE,
    RELAY_CUT_BEFORE, /* the server never sees the request */
    RELAY_CUT_AFTER,  /* it does what it asks; the answer is lost */
    RELAY_CUT_LATE,   /* it and all behind it are kept for relay_deliver */
};

struct relay_request {
    int number;            /* from 1, without the hello, over all links */
    uint8_t type;          /* SSH_FXP_*; hook and cuts see none of the hello */
    const char *text;      /* its first string: a path, a handle's bytes, an extension's name */
    const char *from, *to; /* of posix-rename; else "" */
};

/* Whether it is the rename of a commit or a move, and not that of a lock's folder. */
bool relay_is_install(const struct relay_request *request);

struct relay {
    struct lock lock;
    /* Set before the first connection. */
    bool gathers; /* whole flights: all that comes until the client is idle, then all answers */
    int idle_ms;  /* how long it must have been idle, which makes the round trip; 0: 25 */
    void (*before)(void *ctx, const struct relay_request *request); /* on the relay's thread */
    /* NULL, or: the SSH_FX_* status that a request is answered with instead of being done; 0: it is
     * done. On the relay's thread, after before. */
    uint32_t (*refuse)(void *ctx, const struct relay_request *request);
    void *ctx;
    bool sizeless;        /* attributes are answered without a size */
    bool no_posix_rename; /* the server lacks that extension */

    /* protected by lock */
    struct condition moved;
    bool keeps, delivers, delivered; /* a cut link: what was sent over it */
    enum relay_cut cut;
    int cut_at; /* the number of a request; 0: at none */
    int requests;
    int flights;
    bool stopping;
    int serving; /* links that have something in hand */
    int links;
    pthread_t threads[RELAY_LINKS];
};

void must_make_relay(struct relay *relay);
void relay_done(struct relay *relay); /* after the engine has ended */

/* For struct sftp_options. */
int relay_connect(void *ctx, struct transport **ret, struct diag *why);

/* Starts counting anew, and cutting where that is wanted. */
void relay_restart(struct relay *relay, enum relay_cut cut, int at);
/* Cuts at a request, which may be the one that the hook is called before. */
void relay_cut_at(struct relay *relay, enum relay_cut cut, int at);
int relay_requests(struct relay *relay);

/* Waits until there is nothing under way any more: no request is being served, and every thread of
 * this process waits for something. Load of the machine cannot make it return too early. */
void relay_await_idle(struct relay *relay);

/* Lets what nobody waits for (the close of a file that was read) come to its end, and counts from
 * there. */
void relay_count_anew(struct relay *relay);
int relay_flights(struct relay *relay);

/* Hands what a RELAY_CUT_LATE kept to the old server, which does it all. False: nothing was kept.
 */
bool relay_deliver(struct relay *relay);

/* A mount behind a relay. mount->server is not used. */
void must_mount_relay(struct mount *mount, struct relay *relay, const struct folder *folder,
                      const struct remote_options *options);
void mount_end_relay(struct mount *mount, struct relay *relay);
