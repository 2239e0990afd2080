/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share:
 *
 *     exec      commands on the server
 *     parse     what they print
 *     facts     what is known from that
 *     ask       which commands are asked, how often, and where the VMs are in the mount
 *     known     who asks, who waits for the answer, and how old it may be
 *     command   commands about one VM or device, one at a time
 *     evidence  what commits are told of a VM's use
 *     reload    VMs whose .vmx has changed
 *     power     what the host is told to do
 *     register  which VMs the host is to know
 *     host      the thread, its beginning and its end
 */
#pragma once

#include "base/turn.h"
#include "host.h"

/* What is asked; the order is collect.c's. */
enum { QUESTION_VMS = 7, QUESTION_RUNNING = 8, QUESTIONS = 9 };

/* A VM that is to be reloaded. */
struct due {
    struct due *prev, *next;
    char *path;
    int64_t at; /* of clock_ms() */
    bool told;  /* that the host was not within reach: once is enough */
};

struct host {
    struct remote *remote;
    struct journal *journal;
    struct host_options options;
    struct exec *exec;
    pthread_t thread;

    struct turn acting; /* who tells the host to do something; taken before the next one */
    struct turn asking; /* who asks for facts: of the answers, too */
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
    unsigned long reloads, reloads_failed;
    struct why why; /* of the last failure */

    atomic_bool stop;           /* changes with lock held */
    atomic_bool mute;           /* it has datastores, and runs no commands for us */
    atomic_bool hardware_again; /* what was said of the hardware is not true any more */

    struct answer { /* protected by asking */
        struct buf text;
        int status; /* the command's; not 0: there is no text */
        int64_t at; /* 0: not asked */
    } answers[QUESTIONS];
};

/* ---- ask */

/* Has the server datastores? Asked over SFTP: others are not to be logged in to once more.
 * 0; -EOPNOTSUPP: no; -EIO, ... */
int ask_volumes(struct host *host, const struct wait *wait);

/* Is it ESXi? As ask_volumes, with *why. */
int ask_who(struct host *host, const struct wait *wait, struct why *why);

/* New facts: what changes by itself is asked now, what belongs to the hardware if it was last asked
 * long ago. */
int ask_facts(struct host *host, const struct wait *wait, const struct host_facts **ret,
              struct why *why);

/* ---- known */

/* Finds out what the server is, up to a kind: POSSIBLE needs no login. 0; -EOPNOTSUPP: it has no
 * host; -EIO, ... */
int host_identify_locked(struct host *host, int up_to, const struct wait *wait)
    REQUIRES(&host->lock);

/* What is known of the host is not true any more. */
void host_outdate(struct host *host, bool hardware);

/* Half of the time that is left, and 10 s at most: a commit asks under its lock, which is good for
 * LOCK_HOLD_MS (remote/lock.h). */
struct wait host_half_of(const struct wait *wait);

/* What the host said not longer than max_age_ms ago, for somebody who has better things to do than
 * to wait: not longer than half of the wait, and not at all if the host did not answer a short
 * while ago. NULL: it is not known. */
const struct host_facts *host_facts_soon(struct host *host, int max_age_ms,
                                         const struct wait *wait);

/* ---- command */

/* One at a time tells the host to do something, until host_done. 0, -EIO, -EINTR. */
int host_begin(struct host *host, const struct wait *wait);
void host_done(struct host *host);

/* Runs a command that prints nothing of interest, unless it fails: -EREMOTEIO, *ret_text (NULL: not
 * wanted) and *why have what it said. */
int host_command(struct host *host, const char *const *words, const struct wait *wait,
                 struct buf *ret_text, struct why *why);

/* The id of the VM of a path, for vim-cmd. -ENXIO: it is not registered. */
int host_vm_id(struct host *host, const char *path, const struct wait *wait, char ret[24],
               struct why *why);

/* The power state of the VM with that id. */
int host_state_of(struct host *host, const char *id, const struct wait *wait, enum vmx_power *ret,
                  struct why *why);

/* Both, also of a VM that was registered anew since the ids were asked for. */
int host_vm_state(struct host *host, const char *path, const struct wait *wait, char ret_id[24],
                  enum vmx_power *ret, struct why *why);

/* ---- evidence */

/* Lets commits ask the host, until remote_set_evidence(NULL). */
void evidence_give(struct host *host);

/* ---- reload */

/* The next time at which one is due; INT64_MAX: none is. */
int64_t reload_next_locked(const struct host *host) REQUIRES(&host->lock);

/* Reloads one VM that is due by then; false: none is. While the host is not within reach it is due
 * again later, unless by is INT64_MAX. Between host_begin and host_done. */
bool reload_one_due(struct host *host, int64_t by, const struct wait *wait);

/* Nothing is due for a while. */
void reload_postpone(struct host *host, int64_t ms);

/* Reloads the one VM if that is due. 0, -errno: the reload failed. */
int reload_due_of(struct host *host, const char *path, const struct wait *wait, struct why *why);

/* The one VM needs none any more. */
void reload_forget_of(struct host *host, const char *path);
void reload_forget(struct host *host);
