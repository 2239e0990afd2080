/* SPDX-License-Identifier: MIT */
/*
 * How the ssh program, which vmxfs runs without a terminal, gets passwords and passphrases: it runs
 * vmxfs once more as its SSH_ASKPASS program, which hands the question to the vmxfs that waits for
 * the connection, over a socket, and prints the answer for ssh. So a secret is in no argument,
 * environment or file.
 *
 * The socket has an abstract name in the environment variable VMXFS_ASKPASS. Each side checks that
 * the other one is the same user.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "secret.h"

enum { ASKPASS_QUESTION_MAX = 1024 };

/* True when this process was started to ask: main() then returns askpass_main() at once. */
bool askpass_wanted(void);
int askpass_main(int argc, char **argv);

/* The side that knows. */
struct askpass {
    int fd;         /* listens; poll it for POLLIN */
    int unanswered; /* the question because of which ssh is to be ended, or -1: closed with the
                       rest, by when ssh has ended. Once declined it would send an empty answer */
    char name[64];  /* the value of VMXFS_ASKPASS */
};

/* 0, -errno. */
int askpass_open(struct askpass *ret);
void askpass_close(struct askpass *a);

/* Takes one waiting question. Returns the descriptor to answer it with (close it without an answer
 * to decline), or -errno (-EAGAIN: there is none). question: NUL-terminated. */
int askpass_take(const struct askpass *a, char question[static ASKPASS_QUESTION_MAX]);
/* Whether the ssh that asks is the one of this process id, or started by it through a script: then
 * its host asks. Else it is another ssh, for a host on the way to that. */
bool askpass_is_from(int fd, pid_t ssh);

int askpass_answer(int fd, const struct secret *secret);
