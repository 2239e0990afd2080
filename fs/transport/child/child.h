/* SPDX-License-Identifier: MIT */
/*
 * A child process as a transport: the ssh program, or a local sftp-server.
 *
 * What the child says on standard error is kept in memory (a bounded amount): it explains why a
 * connection could not be made, or ended. The ssh program has no terminal; what it wants to ask it
 * asks through askpass.h, and gets known secrets, or what is typed at our prompt.
 */
#pragma once

#include <stdbool.h>

#include "transport/connect.h"
#include "transport/login/secret.h"

struct child_login {
    const struct connect_options *options;
    struct keyring *secrets;
    const char *command; /* for the server to run; NULL: the SFTP server */
    bool interactive;
    bool compress;
    bool shares;         /* the connection that another ssh has open */
    const char *ciphers; /* instead of the configured ones; NULL: those */
    const char *kex;     /* as ciphers */
};

/* Starts the ssh program. Where it is OpenSSH's, waits until it is authenticated. As
 * connector_connect, and -ECANCELED. With a command, the transport's last words are -EOPNOTSUPP
 * where the server refused it, or it came to its own end. */
int child_ssh(const struct child_login *login, struct transport **ret, struct diag *why);

/* Starts a local sftp-server; program NULL: the first one that is found. 0, -ENOENT, ... with *why.
 */
int child_local(const char *program, struct transport **ret, struct diag *why);

/* The local sftp-server's path, or NULL when there is none. */
const char *child_find_server(void);
