/* SPDX-License-Identifier: MIT */
/* OpenSSH's sftp-server as a child, in a temporary folder of its own. */
#pragma once

#include <stdbool.h>

#include "base/sync.h"
#include "parser/text/diag.h"
#include "transport/transport.h"

struct local_server {
    char dir[64]; /* where relative paths begin */
    struct lock lock;
    pid_t pid;    /* of the newest one; protected by lock */
    int started;  /* how many; protected by lock */
    bool refuses; /* answer to the next connect: -ECONNREFUSED; protected by lock */
    bool locked;  /* -EACCES; protected by lock */
};

/* False when this machine has no sftp-server (the test is skipped then). */
bool local_server_exists(void);

int local_server_init(struct local_server *server);  /* 0 or -errno */
void local_server_done(struct local_server *server); /* removes the folder */

/* For struct sftp_options: starts a server, ctx is a struct local_server. */
int local_server_connect(void *ctx, struct transport **ret, struct diag *why);

int local_server_signal(struct local_server *server, int signal);
