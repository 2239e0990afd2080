/* SPDX-License-Identifier: MIT */
/*
 * From what the user said (host alias, options) to a transport: ssh -G for what ssh_config says,
 * libssh2 or the ssh program, host key check, authentication. Blocks, up to the timeout per step.
 *
 * A connector is kept for the whole mount, so that a lost connection can be made anew with what the
 * user gave the first time. Secrets needed for that live in locked memory, outside core dumps, and
 * are wiped with the connector, or after the first refused authentication.
 */
#pragma once

#include <stdbool.h>

#include "transport.h"
#include "transport/child/argv.h"

enum connect_via { CONNECT_AUTO, CONNECT_LIBSSH2, CONNECT_OPENSSH };
enum connect_strict {
    CONNECT_STRICT_CONFIG,
    CONNECT_STRICT_YES,
    CONNECT_STRICT_ACCEPT_NEW,
    CONNECT_STRICT_NO
};

enum connect_compression {
    CONNECT_COMPRESSION_AUTO, /* as ssh_config says, and from connector_compress on */
    CONNECT_COMPRESSION_YES,
    CONNECT_COMPRESSION_NO,
};

/* Strings are borrowed for as long as the connector and its transports live; NULL: not given. */
struct connect_options {
    const char *host; /* as the user wrote it (an alias, a name, an address);
                         NULL: local, a child sftp-server process */
    const char *user;
    unsigned port;                /* 0: not given */
    const char *config_file;      /* instead of ssh's own ones, as with ssh -F */
    const struct words *keywords; /* of ssh_config(5): KEYWORD=VALUE */
    const char *identity_file;
    const char *known_hosts_file;
    enum connect_strict strict;
    bool password_stdin; /* read the password from standard input, once */
    enum connect_via via;
    enum connect_compression compression; /* of all connections but those for bulk data */
    const char *ssh_command; /* runs instead of "ssh"; words are split at spaces, as in sshfs */
    const char *sftp_server; /* remote path instead of the sftp subsystem; for a local source
                                the program to run */
    int timeout_ms;
};

struct connector;

/* Reads the configuration, connects nowhere yet. 0; -EINVAL (a host that begins with "-", ...);
 * -ENOENT (no ssh program, no sftp-server); -ENOMEM. *why is a full sentence on failure. */
int connector_new(const struct connect_options *options, struct connector **ret, struct diag *why);

/* The name that ssh_config has for the host to connect to; where it is not asked, the name that the
 * user wrote. NULL: the source is local. */
const char *connector_hostname(const struct connector *connector);

/* Connects, checks the host key, authenticates, starts the SFTP subsystem. interactive: may prompt
 * on the terminal (the first time only). 0; -EACCES: authentication was refused, and the connector
 * will refuse from now on without asking the server again; -EPERM: the host key is unknown, changed
 * or revoked; -EHOSTUNREACH, -ECONNREFUSED, -ETIMEDOUT, ...; *why says what to do next. */
int connector_connect(struct connector *connector, bool interactive, struct transport **ret,
                      struct diag *why);

/* One more connection to the same host, with what the first login was given, for bulk data. It
 * never prompts; a refusal does not count for connector_connect and leaves its secrets alone. Any
 * thread may call it, also while connector_connect runs in another, once that has succeeded.
 *
 * 0; -EACCES: the server refused it, or the login cannot be repeated without asking somebody, and
 * it will not be tried again; else as connector_connect. */
int connector_connect_bulk(struct connector *connector, struct transport **ret, struct diag *why);

/* As connector_connect_bulk, but carried as the main connection is, and the stream leads to
 * /bin/sh, which takes commands. A server that does not run commands may let the connection be
 * made: then the program that it runs instead answers, or the stream ends. A refusal does not count
 * for connector_connect_bulk, nor the other way round.
 *
 * 0; -EOPNOTSUPP: the source is local, or the server refuses to run it; -EACCES, ... as
 * connector_connect_bulk. */
int connector_connect_shell(struct connector *connector, struct transport **ret, struct diag *why);

/* False: connector_compress will do nothing. */
bool connector_may_compress(const struct connector *connector);

/* Has the connections that are made from now on compressed, but those for bulk data. False: they
 * are already, or must not be, or the login cannot be repeated without asking somebody. */
bool connector_compress(struct connector *connector);

/* True after authentication was refused: connecting again is pointless. */
bool connector_refused(const struct connector *connector);

void connector_free(struct connector *connector);
