/* SPDX-License-Identifier: MIT */
/*
 * A shell at the other end of a transport, one command after the other. Private to exec.
 *
 * After each command it prints a line that nobody else knows:
 *
 *     to the shell      COMMAND; printf '\n%s:%s %d\n' NONCE COUNT "$?"
 *     from the shell    output "\n" NONCE ":" COUNT " " status "\n"
 *
 * The nonce is made for each connection and the count goes up with each command, so what belongs to
 * an earlier command ends no later one. A command that was not waited for to its end leaves the
 * shell in a state that is not known: it must not be used any more.
 */
#pragma once

#include "base/sync.h"
#include "transport/transport.h"

enum { SHELL_OUTPUT_MAX = 8 << 20 }; /* bytes of a command */

struct shell {
    struct transport *transport; /* borrowed */
    unsigned long count;         /* of the last command */
    int64_t date_s;              /* the server's when it began, since 1970; 0: it did not say */
    char nonce[33];
};

/* Makes sure that there is a shell, sets it up and asks for its date, in one round trip. What is
 * printed before it answers is passed over. 0; -EOPNOTSUPP: it is not a shell; -EACCES: the login
 * was refused; -EIO: the connection was lost, or it did not answer in time; -EINTR; -ENOMEM; with
 * *why. */
int shell_begin(struct shell *shell, struct transport *transport, const struct wait *wait,
                struct diag *why);

/* Runs one line of shell commands, which must not read from the standard input. ret_out is appended
 * to. 0; -ENOTCONN: the connection was lost before any of it was sent; -EIO, -EINTR, -EFBIG (too
 * much output), -ENOMEM: the shell must not be used any more; with *why. */
int shell_run(struct shell *shell, const char *line, const struct wait *wait, struct buf *ret_out,
              int *ret_status, struct diag *why);
