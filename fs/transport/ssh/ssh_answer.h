/* SPDX-License-Identifier: MIT */
/* What the ways to authenticate share, and answers to what a server asks. Private to ssh_auth. */
#pragma once

#include "ssh.h"
#include "ssh_io.h"

struct ssh_auth {
    struct ssh_io *io;
    const struct ssh_login *login;
    char *methods;    /* the server's comma list */
    struct buf tried; /* for the message: what was tried */
    int answered;     /* secrets given so far */
    int error;        /* why a question could not be answered: 0, -ENOKEY, -ECANCELED, ... */
    bool used_password;
    bool locked_key;  /* one is encrypted, and there was nobody to ask for its passphrase */
    bool foreign_key; /* a key was refused that libssh2 cannot use properly */
};

/* Adds to the list of what was tried. */
void ssh_auth_tried(struct ssh_auth *a, const char *what);

/* After a step that did not let us in: whether the server took it all the same and wants another
 * one, which shows in a->methods. */
bool ssh_auth_moved_on(struct ssh_auth *a);

/* The errno of a step that failed: -EACCES, but whatever libssh2 made of it, a connection that is
 * gone is not a refusal, nor is a lack of memory. */
int ssh_auth_verdict(int libssh2_error);

/* The secret for a purpose: a known one, else what is typed at the prompt (and then known). 0;
 * -ENOKEY when there is nobody to ask; -EACCES when it was given already and so was wrong;
 * -ECANCELED, ... */
int ssh_answer_find(struct ssh_auth *a, const char *purpose, const char *text, bool echo,
                    const struct secret **ret);

/* libssh2's callback for a round of keyboard-interactive questions; io->user is the ssh_auth. */
LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(ssh_answer);
