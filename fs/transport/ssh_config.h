/* SPDX-License-Identifier: MIT */
/*
 * What ssh_config says about a host, as the ssh program itself understands it (`ssh -G HOST`), with
 * the options of the command line over it.
 */
#pragma once

#include <stdbool.h>

#include "connect.h"
#include "transport/child/argv.h"

struct ssh_config {
    char *home;     /* of the user who mounts */
    char *alias;    /* as the user wrote it */
    char *hostname; /* where to connect to */
    char *user;
    char *host_key_alias; /* the name to look for in known_hosts; NULL: hostname and port */
    char *identity_agent; /* a socket's path, "none", or NULL: $SSH_AUTH_SOCK */
    unsigned port;
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    enum connect_strict strict; /* never CONNECT_STRICT_CONFIG */
    bool identities_only;
    bool use_keys, use_password, use_keyboard_interactive;
    bool batch;          /* never ask anybody */
    bool named_identity; /* the first identity file was given on the command line */
    struct words identity_files;
    struct words user_known_hosts; /* the first one is where new keys go */
    struct words global_known_hosts;
    /* Comma lists of algorithms, best first. */
    char *kex, *ciphers, *macs, *host_key_algorithms;
    /* The setting that only the ssh program can honour ("proxyjump", ...), or NULL. */
    char *beyond;
};

/* Runs ssh -G. 0; -ENOENT without an ssh program; -EINVAL for what ssh refuses; -ENOMEM, ... with
 * *why. */
int ssh_config_read(const struct connect_options *options, struct ssh_config *ret,
                    struct diag *why);

/* The part of it that understands the text. 0, -ENOMEM; -EINVAL when something is missing that ssh
 * always prints. */
int ssh_config_parse(struct span text, const struct connect_options *options,
                     struct ssh_config *ret);

/* The list of algorithms with those whose names have mark in them, in the order given, before all
 * others. 0, -ENOMEM. */
int ssh_config_prefer(const char *list, const char *mark, struct buf *ret);

int ssh_config_copy(const struct ssh_config *config, struct ssh_config *ret); /* 0, -ENOMEM */
void ssh_config_done(struct ssh_config *config);
