/* SPDX-License-Identifier: MIT */
/*
 * What ssh_config says about a host, as the ssh program itself understands it (`ssh -G HOST`), with
 * the options of the command line over it. It does not change, and is shared by reference: a login
 * may outlive its caller.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "connect.h"
#include "transport/child/argv.h"

struct ssh_config {
    atomic_uint refs;
    struct words strings; /* what the fields below point to */
    const char *home;     /* of the mounting user */
    const char *alias;    /* as the user wrote it */
    const char *hostname; /* where to connect to */
    const char *user;
    const char *host_key_alias; /* the name to look for in known_hosts; NULL: hostname and port */
    const char *identity_agent; /* a socket's path, "none", or NULL: $SSH_AUTH_SOCK */
    const char *control_path;   /* where another ssh may have a connection open; NULL: nowhere */
    const char *sftp_server;    /* given on the command line; NULL: not given */
    unsigned port;
    int timeout_ms;
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    enum connect_strict strict; /* never CONNECT_STRICT_CONFIG */
    bool identities_only;
    bool use_keys, use_password, use_keyboard_interactive;
    bool compression;
    bool password_only;    /* "password" is in the keyring; offer no keys */
    bool batch;            /* never ask anybody */
    bool hash_known_hosts; /* new host names are stored hashed */
    bool named_identity;   /* the first identity file was given on the command line */
    struct words identity_files;
    struct words user_known_hosts; /* the first one is where new keys go */
    struct words global_known_hosts;
    /* Comma lists of algorithms, best first. */
    const char *kex, *ciphers, *macs, *host_key_algorithms;
    /* The setting that only the ssh program can honour ("proxyjump", ...), or NULL. */
    const char *beyond;
};

/* Adds what the command line says of the configuration, as the first arguments of ssh. */
void ssh_config_arguments(const struct connect_options *options, struct words *argv);

/* Adds the paths of UserKnownHostsFile: between spaces, or in double quotes. What does not begin as
 * a path does ("/", "~", "%", "$") belongs to the one before, with the space: ssh -G prints names
 * with spaces bare. "none" is no path. */
void ssh_config_add_paths(struct words *ret, const char *value);

/* Runs ssh -G. 0; -ENOENT without an ssh program; -EINVAL for what ssh refuses; -ENOMEM, ... with
 * *why. */
int ssh_config_read(const struct connect_options *options, struct ssh_config **ret,
                    struct diag *why);

/* Whether another ssh has a connection to the host open that others may use (ControlMaster). */
bool ssh_config_has_master(const struct ssh_config *config, const struct connect_options *options);

/* The part of it that understands the text. 0, -ENOMEM; -EINVAL when something is missing that ssh
 * always prints. */
int ssh_config_parse(struct span text, const struct connect_options *options,
                     struct ssh_config **ret);

/* The list of algorithms with those that are preferred before all others, else in the order given.
 * 0, -ENOMEM. */
int ssh_config_prefer(const char *list, bool (*preferred)(const void *ctx, const char *name),
                      const void *ctx, struct buf *ret);

struct ssh_config *ssh_config_ref(struct ssh_config *config);
void ssh_config_unref(struct ssh_config *config);
