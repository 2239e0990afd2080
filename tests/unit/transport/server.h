/* SPDX-License-Identifier: MIT */
/* A private sshd (tests/support/sshd.sh) for a test. Every failure here ends the test program. */
#pragma once

#include <stdbool.h>

#include "transport/connect.h"

struct server {
    char dir[64];
    char key[80];         /* the user's private key */
    char known_hosts[80]; /* holds the server's keys */
    unsigned port;
};

/* env: "NAME=value ..." for sshd.sh (values quoted for sh), or "". lines: sshd_config, each quoted
 * for sh, or "". */
void server_start(struct server *s, const char *env, const char *lines);

/* Starts it again in the same place, after server_kill. */
void server_restart(struct server *s, const char *env, const char *lines);
void server_signal(const struct server *s, const char *name); /* "STOP": it and its connections */
void server_kill(const struct server *s);                     /* suddenly, with its connections */
void server_stop(struct server *s);                           /* and removes its directory */

/* Options that fit: the host, its port, key and known_hosts. */
struct connect_options server_options(const struct server *s);

/* The path of a file in the server's directory; a static buffer. */
const char *server_path(const struct server *s, const char *name);

/* Writes a file there; returns its path as above. */
const char *server_write(const struct server *s, const char *name, const char *text);

/* Runs a command by sh, with the server's directory as $DIR and its port as $PORT. */
void server_shell(const struct server *s, const char *command);

/* How often the log has a text. */
int server_log_count(const struct server *s, const char *text);

/* The same once it is at least so many, and has had time for more. The log is the server's, and
 * comes in its own time. */
int server_log_await(const struct server *s, const char *text, int n);

/* How many passwords it refused, and the same once they are so many. */
int server_refusals(const struct server *s);
int server_refusals_await(const struct server *s, int n);

/* One connection: its result, and what it says about itself where it succeeds and an SFTP server
 * answers. */
struct attempt {
    int result;
    struct diag why;
    char about[1024]; /* "" without a connection */
    bool refused;     /* of the connector, afterwards */
};

struct attempt attempt(const struct connect_options *options);

/* True when the transport's other end answers an SFTP greeting. */
bool transport_greets(struct transport *t);

/* Of this process. */
int count_descriptors(void);
bool has_children(void);

/* Runs the function with text (each "|" an answer of its own, given when a prompt is there) typed
 * at its terminal, in a process of its own. Its exit status. Returned in seen: what the terminal
 * showed. */
int with_terminal(int (*function)(void *ctx), void *ctx, const char *answers, char *seen,
                  size_t size);
