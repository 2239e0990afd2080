/* SPDX-License-Identifier: MIT */
/*
 * Passwords and passphrases: in memory of their own that is locked, left out of core dumps, and
 * wiped when freed. A keyring keeps those that a reconnect will need.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "parser/text/buf.h"

enum { SECRET_MAX = 4000 }; /* bytes */

struct secret;

/* An empty secret; characters are added one by one, as they are read. 0, -errno. */
int secret_new(struct secret **ret);
int secret_add(struct secret *secret, char c);     /* 0, -E2BIG */
void secret_chop(struct secret *secret, size_t n); /* forgets all after the first n bytes */

/* NUL-terminated, borrowed. */
const char *secret_text(const struct secret *secret);
size_t secret_len(const struct secret *secret);

void secret_free(struct secret *secret);

/* Reads one line, without its newline, byte by byte (what follows stays unread). 0; -ENODATA when
 * there is nothing before the end; -errno. */
int secret_read_line(int fd, struct secret **ret);

/* Secrets by what they are for: "password" (of other hosts on the way: that, and more behind it), a
 * key file's path, the text of a prompt. All zeros is
 * empty and valid. */
struct keyring {
    struct keyring_entry *entries;
};

/* Borrowed until the keyring changes; NULL: not known. */
const struct secret *keyring_find(const struct keyring *ring, const char *purpose);

/* Takes the secret in any case; replaces one for the same purpose. 0, -ENOMEM. */
int keyring_put(struct keyring *ring, const char *purpose, struct secret *secret);

/* Copies all. 0; -ENOMEM, ...: what has been copied is the caller's to wipe. */
int keyring_copy(const struct keyring *ring, struct keyring *ret);

/* True when a login with these secrets can be made any number of times: they are passwords and
 * passphrases. An answer to any other question may have been a code for one time. */
bool keyring_lasts(const struct keyring *ring);

/* The purpose of the answer to a question of a host or of the ssh program: "password" where it asks
 * for a password that lasts, the key file's path where it asks for a passphrase, else the question
 * itself. scratch holds a path. */
const char *secret_purpose(const char *question, struct buf *scratch);

/* True when a host wants another password than the one that it was given: the old one has expired,
 * or must be changed. */
bool secret_is_to_change(const char *question);

/* Forgets one, or all. */
void keyring_forget(struct keyring *ring, const char *purpose);
void keyring_wipe(struct keyring *ring);
