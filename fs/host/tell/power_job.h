/* SPDX-License-Identifier: MIT */
/*
 * Power commands that are under way. The host answers one only when it is done: after minutes where
 * much memory is pinned, and never while the VM asks a question. So each has a thread and a
 * connection of its own, holds nobody else's command up, and goes on when its caller has gone.
 */
#pragma once

#include "host/host_private.h"
#include "power_command.h"

struct power_job;

/* Gives a command for a VM of the host, or finds the same one under way. wait: for a free place
 * among those under way. 0 with a reference; -EIO, -EINTR, -ENOMEM; with *why. */
int power_job_begin(struct host *host, const char *path, const char *id,
                    enum host_power_command command, const struct wait *wait,
                    struct power_job **ret, struct diag *why);

/* Waits for ms, or until the command's end. 0: it is under way; 1: it has ended, *ret_result as
 * host_power_set says (power.h), with *why; -EINTR, -EIO of the wait. */
int power_job_await(struct power_job *job, const struct wait *wait, int ms, int *ret_result,
                    struct diag *why);

/* Whether the host has taken the command for certain: it has answered. */
bool power_job_is_taken(struct power_job *job);

/* The state is what was asked for, so that the command's answer is not waited for any more. */
void power_job_settle(struct power_job *job);

/* Gives the reference back. What comes of a command that nobody waits for any more is noted in the
 * journal if it is a failure. */
void power_job_leave(struct power_job *job);

/* Whether the host is starting the VM because of us. */
bool power_job_starts(struct host *host, const char *path);

/* Appends the names of those under way for a VM, with their seconds. 0, -ENOMEM. */
int power_jobs_describe(struct host *host, const char *path, struct buf *ret);

/* Lets go of all commands that are under way: at the end. */
void power_jobs_done(struct host *host);
