/* SPDX-License-Identifier: MIT */
/* A transport over a socket, for code that has more to say about its other end. Private to
 * transport. */
#pragma once

#include <stdbool.h>

#include "transport.h"

struct fd_transport {
    struct transport base; /* first: the contract casts */
    const char *name;      /* for describe */
    bool full;             /* the last write found no room */
    pid_t pid;             /* of the program at the other end; 0: none */
    int words;             /* the program's messages, as of program_words_file; -1: none */
    const char *host;      /* for last_words, which tells what the messages say; borrowed */
    bool has_command;      /* a command of ours is run instead of the SFTP server */
};
