/* SPDX-License-Identifier: MIT */
/*
 * Commands on the server, over an SSH connection of their own that carries one shell: hardened
 * hosts allow one session a connection. It is made when the first command needs it, made anew when
 * it was lost, and closed when idle.
 *
 * A command is given as words; each is quoted, so that no name can become more than a word. Its
 * output (standard output and error together) ends at a line that only we can know.
 */
#pragma once

#include "base/sync.h"
#include "transport/transport.h"

struct exec;

struct exec_options {
    /* Connects to a shell that reads commands from the stream; called in a thread of its own.
     * -EACCES and -EOPNOTSUPP are final. */
    int (*connect)(void *ctx, struct transport **ret, struct diag *why);
    void *ctx;
    /* Hears the server's date, in seconds since 1970, whenever a shell begins; called by the thread
     * whose command needs it, and must not run another. NULL: nobody hears it. */
    void (*hear_date)(void *hear_ctx, int64_t date_s);
    void *hear_ctx;
    int idle_ms; /* it is closed by exec_tidy when unused for so long */
};

/* Connects nothing. 0, -errno. */
int exec_new(const struct exec_options *options, struct exec **ret);

/* No command may run. Waits for a connection that is being made. Accepts NULL. */
void exec_free(struct exec *exec);

/* Runs a command and waits for its end; commands of several threads wait for each other. words: the
 * command and its arguments, NULL-terminated. Once some of it was sent, wait is committed. *ret_out
 * is appended to. 0 with the exit status in *ret_status; -EOPNOTSUPP: the server runs no commands,
 * and will not be asked again; -EACCES: it refused the login, the same; -EIO: the connection was
 * lost, or the command did not end in time (what it did is not known, and the connection is
 * dropped); -EINTR, the same; -EFBIG: more than 8 MiB of output; -EINVAL: a word has a NUL or a
 * newline in it; -ENOMEM; with *why. */
int exec_run(struct exec *exec, const char *const *words, const struct wait *wait,
             struct buf *ret_out, int *ret_status, struct diag *why);

/* The same of a command that changes nothing: once more if the connection was lost, and its wait is
 * not committed. */
int exec_ask(struct exec *exec, const char *const *words, const struct wait *wait,
             struct buf *ret_out, int *ret_status, struct diag *why);

/* Closes a connection that has been idle for long enough. */
void exec_tidy(struct exec *exec);
