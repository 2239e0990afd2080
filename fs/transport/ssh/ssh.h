/* SPDX-License-Identifier: MIT */
/* An SSH connection made by libssh2, as a transport. */
#pragma once

#include <stdbool.h>

#include "transport/login/secret.h"
#include "transport/ssh_config.h"

/* Borrowed for the call. */
struct ssh_login {
    struct ssh_config *config;
    struct keyring *secrets; /* what is asked for goes here, for the next time */
    const char *command;     /* of static storage; run instead of the SFTP server; NULL: that */
    bool interactive;        /* may ask at the terminal */
    bool compress;
    bool has_other_way; /* the ssh program will be tried after an -EOPNOTSUPP */
};

/* Connects, checks the host key, authenticates, starts the SFTP server or the command. As
 * connector_connect; moreover -ENOEXEC: the server refuses to run the command; -EOPNOTSUPP: libssh2
 * cannot, the ssh program may; -ECANCELED: the person at the terminal gave up. */
int ssh_connect(const struct ssh_login *login, struct transport **ret, struct diag *why);
