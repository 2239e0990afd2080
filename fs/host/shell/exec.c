/* SPDX-License-Identifier: MIT */
/*
 * One caller at a time runs a command. A thread of its own makes the connection, since that blocks
 * for longer than a caller may want to wait; a caller that gives up leaves the connection to the
 * next.
 *
 * A command goes out once. It is sent over a new connection only where the old one turns out to be
 * dead before any byte of the command was sent.
 */
#include "exec.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/turn.h"
#include "shell.h"

struct exec {
    struct exec_options options;
    struct lock lock;
    struct condition changed;

    /* Protected by lock. */
    bool making;
    struct transport *made; /* by the maker, and not taken yet */
    int result;             /* the maker's; with why */
    int final;              /* -EACCES, -EOPNOTSUPP: there will be no connection; with why */
    struct diag why;
    int64_t used_at;

    struct turn turn;   /* of all below */
    struct shell shell; /* no transport: there is none */
    pthread_t maker;
    bool has_maker; /* it is to be joined */
};

int exec_new(const struct exec_options *options, struct exec **ret)
{
    FREE_AUTO struct exec *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->options = *options;
    lock_init(&e->lock);
    condition_init(&e->changed);
    turn_init(&e->turn);
    *ret = steal(e);
    return 0;
}

void exec_free(struct exec *e)
{
    if (!e)
        return;
    assert(!e->turn.taken);
    if (e->has_maker)
        pthread_join(e->maker, NULL);
    transport_free(e->made);
    transport_free(e->shell.transport);
    turn_done(&e->turn);
    condition_done(&e->changed);
    lock_done(&e->lock);
    free(e);
}

static void *make_one(void *arg)
{
    struct exec *e = arg;
    struct transport *t = NULL;
    struct diag why = {0};
    int r = e->options.connect(e->options.ctx, &t, &why);
    lock_take(&e->lock);
    e->making = false;
    e->made = r == 0 ? t : NULL;
    e->result = r;
    e->why = why;
    e->used_at = clock_ms();
    condition_wake_all(&e->changed);
    lock_drop(&e->lock);
    return NULL;
}

static int start_maker_locked(struct exec *e) REQUIRES(&e->lock)
{
    if (e->has_maker)
        pthread_join(e->maker, NULL); /* it needs no lock any more */
    int r = thread_start(&e->maker, make_one, e);
    e->making = e->has_maker = r == 0; /* it waits for the lock before it says that it has */
    return r;
}

/* Takes the connection that is there, or makes one. */
static int take_connection(struct exec *e, const struct wait *wait, struct transport **ret,
                           struct diag *why)
{
    int r = 0;
    lock_take(&e->lock);
    if (!e->made && !e->making)
        r = start_maker_locked(e);
    while (r == 0 && e->making)
        r = wait_on(wait, &e->changed, &e->lock);
    if (r < 0) {
        diag_set(why, "the connection for commands could not be made%s",
                 r == -EIO ? " in time" : "");
    } else if (e->made) {
        *ret = steal(e->made);
    } else {
        diag_set(why, "%s", e->why.text);
        r = e->result;
    }
    lock_drop(&e->lock);
    return r;
}

static int open_shell(struct exec *e, const struct wait *wait, struct diag *why)
{
    struct transport *t = NULL;
    struct diag told = {0};
    const struct wait ask = wait_to_ask(wait);
    int r = take_connection(e, wait, &t, &told) ?: shell_begin(&e->shell, t, &ask, &told);
    if (r == 0 && e->options.hear_date && e->shell.date_s > 0)
        e->options.hear_date(e->options.hear_ctx, e->shell.date_s);
    if (r == 0)
        return 0;
    e->shell.transport = NULL;
    transport_free(t);
    diag_set(why, "%s", told.text);
    log_debug("exec: %s", told.text);
    if (r == -EACCES || r == -EOPNOTSUPP) {
        lock_take(&e->lock);
        e->final = r;
        e->why = told;
        lock_drop(&e->lock);
        return r;
    }
    return r == -EINTR || r == -ENOMEM ? r : -EIO;
}

static int run(struct exec *e, const char *line, const struct wait *wait, struct buf *ret_out,
               int *ret_status, struct diag *why)
{
    for (;;) {
        struct diag told = {0};
        bool fresh = !e->shell.transport;
        int r = fresh ? open_shell(e, wait, why) : 0;
        if (r < 0)
            return r;
        r = shell_run(&e->shell, line, wait, ret_out, ret_status, &told);
        if (r == 0)
            return 0;
        transport_free(steal(e->shell.transport));
        if (r == -ENOTCONN && !fresh)
            continue;
        diag_set(why, "%s", told.text);
        return r == -ENOTCONN ? -EIO : r;
    }
}

/* A subshell, so that a builtin changes or ends only that. */
static int make_line(const char *const *words, struct buf *ret, struct diag *why)
{
    int r = buf_add_char(ret, '(');
    for (; r == 0 && *words; words++) {
        if (strchr(*words, '\n')) {
            diag_set(why, "a name with a newline in it is not given to the host's commands");
            return -EINVAL;
        }
        r = buf_add_char(ret, ' ') ?: buf_add_quoted(ret, span_of(*words));
    }
    r = r ?: buf_add_str(ret, " ) </dev/null 2>&1");
    if (r < 0)
        diag_set(why, "no memory for a command on the server");
    return r;
}

/* 0: the caller has the turn; -EIO, -EINTR, or that there will be no connection. */
static int begin(struct exec *e, const struct wait *wait, struct diag *why)
{
    int r = turn_take(&e->turn, wait);
    if (r < 0) {
        diag_set(why, "the server is busy with another command");
        return r;
    }
    lock_take(&e->lock);
    r = e->final;
    if (r < 0)
        diag_set(why, "%s", e->why.text);
    lock_drop(&e->lock);
    if (r < 0)
        turn_give(&e->turn);
    return r;
}

int exec_run(struct exec *e, const char *const *words, const struct wait *wait, struct buf *ret_out,
             int *ret_status, struct diag *why)
{
    assert(words[0]);
    BUF_AUTO line = {0};
    int r = make_line(words, &line, why) ?: begin(e, wait, why);
    if (r < 0)
        return r;
    r = run(e, line.data, wait, ret_out, ret_status, why);
    lock_take(&e->lock);
    e->used_at = clock_ms();
    lock_drop(&e->lock);
    turn_give(&e->turn);
    return r;
}

int exec_ask(struct exec *e, const char *const *words, const struct wait *wait, struct buf *ret_out,
             int *ret_status, struct diag *why)
{
    const struct wait ask = wait_to_ask(wait);
    int r = exec_run(e, words, &ask, ret_out, ret_status, why);
    if (r == -EIO && clock_ms() < wait->deadline)
        r = exec_run(e, words, &ask, ret_out, ret_status, why);
    return r;
}

void exec_tidy(struct exec *e)
{
    const struct wait not_at_all = {.deadline = 0};
    struct transport *idle[2] = {0};
    if (turn_take(&e->turn, &not_at_all) < 0)
        return;
    lock_take(&e->lock);
    if (clock_ms() - e->used_at >= e->options.idle_ms) {
        idle[0] = steal(e->shell.transport);
        idle[1] = steal(e->made);
    }
    lock_drop(&e->lock);
    turn_give(&e->turn);
    transport_free(idle[0]);
    transport_free(idle[1]);
}
