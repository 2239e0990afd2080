/* SPDX-License-Identifier: MIT */
/* Starting programs, from a process that may have threads. */
#pragma once

#include <sys/types.h>

#include "argv.h"
#include "parser/text/buf.h"

/* Starts argv[0] (looked up in PATH) in a session of its own, so that it has no terminal, with
 * default signals and these descriptors as its standard ones. env NULL: ours. 0, -errno. */
int program_start(const struct words *argv, char *const *env, int in, int out, int err, pid_t *ret);

/* Starts a program that asks a person: it keeps our session, terminal, input and messages. */
int program_start_asking(const struct words *argv, int out, pid_t *ret);

/* Runs a program to its end, without input. What it writes is appended to ret_out and ret_err.
 * 0 and its exit status (128 and more for a signal); -errno when it could not be run or did not end
 * within timeout_ms. */
int program_run(const struct words *argv, int timeout_ms, struct buf *ret_out, struct buf *ret_err,
                int *ret_status);

/* A file in memory of at most size bytes for a program's messages. A write that does not fit fails,
 * so that the program never blocks. The descriptor, or -errno. */
int program_words_file(size_t size);

/* Appends the contents of such a file. 0, -errno. */
int program_words(int fd, struct buf *ret);
