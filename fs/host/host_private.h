/* SPDX-License-Identifier: MIT */
/* What a host has. */
#pragma once

#include "base/turn.h"
#include "host.h"

/* What is asked; the order is collect.c's. */
enum { QUESTION_VMS = 7, QUESTION_RUNNING = 8, QUESTIONS = 9 };

/* A VM that is to be reloaded. */
struct due {
    struct due *prev, *next;
    int64_t at; /* of clock_ms() */
    bool told;  /* that the host was not within reach: once is enough */
    char path[];
};

struct host {
    struct remote *remote;
    struct journal *journal;
    struct host_options options;
    struct exec *exec;
    pthread_t thread;
    bool begun; /* there is the thread; protected by lock */

    struct turn acting; /* of the thread that tells the host something; before the next one */
    struct turn asking; /* of the thread that asks for facts; protects the answers, too */
    struct lock lock;
    struct condition woken; /* with lock: there is something to do for the thread */

    /* protected by lock */
    enum { HOST_NOT_KNOWN, HOST_POSSIBLE, HOST_THERE, HOST_NONE } kind;
    const struct host_facts *facts;
    int64_t wanted_at;  /* clock_ms() when somebody last wanted to know what runs */
    int64_t asked_at;   /* ... when asking last ended */
    bool silent;        /* ... and no answer had come */
    int64_t changed_at; /* ... when we changed something on the host: older facts are not true */
    struct due *due;
    size_t due_taken;       /* off that list, to be reloaded now */
    struct power_job *jobs; /* power_job.h */
    size_t n_jobs;
    struct power_failure *power_failures; /* power_failures.h */
    size_t n_power_failures;
    unsigned long reloads, reloads_failed;
    struct diag why; /* of the last failure */

    const struct host_facts *stores; /* NULL: not known */
    int64_t stores_asked_at;         /* clock_ms() when asking for them last ended */
    bool stores_wanted;              /* by the thread */

    struct exec *stores_exec;
    struct turn asking_stores;  /* of the thread that asks for the datastores (stores.h) */
    atomic_bool stop;           /* changes with lock held */
    atomic_bool mute;           /* it has datastores, and runs no commands for us */
    atomic_bool hardware_again; /* what was said of the hardware is not true any more */

    struct answer { /* protected by asking */
        struct buf text;
        int status; /* the command's; not 0: there is no text */
        int64_t at; /* 0: not asked */
    } answers[QUESTIONS];
};
