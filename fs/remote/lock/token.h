/* SPDX-License-Identifier: MIT */
/*
 * A token names one attempt of one process at one lock, and is never used twice:
 *
 *   BOOT PID START SERIAL - USER @ HOST      0f3a6b1c 0004d2 5e6f7081 000003 -root@lab
 *
 * BOOT is 8 hex digits for the boot of one machine (and its process namespace), PID 6 for the
 * process, START 8 drawn when that began, SERIAL 6 counted by it. USER and HOST are for people: at
 * most 16 and 32 letters, digits, dots, dashes and underscores.
 *
 * Tokens are names of files on the server, where anybody may put names too: only a name that
 * token_is accepts ever becomes part of a path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    TOKEN_BOOT_LEN = 8,
    TOKEN_PID_LEN = 6,
    TOKEN_START_LEN = 8,
    TOKEN_SERIAL_LEN = 6,
    TOKEN_USER_MAX = 16,
    TOKEN_HOST_MAX = 32,
    TOKEN_PROCESS_LEN = TOKEN_BOOT_LEN + TOKEN_PID_LEN + TOKEN_START_LEN,
    TOKEN_MAX = TOKEN_PROCESS_LEN + TOKEN_SERIAL_LEN + 1 + TOKEN_USER_MAX + 1 + TOKEN_HOST_MAX,
};

/* What the tokens of one process share. */
struct token_owner {
    char process[TOKEN_PROCESS_LEN + 1];
    char who[TOKEN_USER_MAX + 1 + TOKEN_HOST_MAX + 1];
};

enum token_state {
    TOKEN_OURS,    /* of this process */
    TOKEN_DEAD,    /* of a process of this machine that is gone */
    TOKEN_UNKNOWN, /* of a live process or of another machine: only time tells */
};

void token_owner_init(struct token_owner *ret);

/* size > TOKEN_MAX */
void token_make(const struct token_owner *owner, unsigned serial, char *ret, size_t size);

bool token_is(const char *name);

/* token: token_is must accept it. */
enum token_state token_state(const struct token_owner *self, const char *token);

/* Writes what a person needs to find the owner: "USER@HOST, process PID", and a NUL. */
void token_describe(const char *token, char *ret, size_t size);
