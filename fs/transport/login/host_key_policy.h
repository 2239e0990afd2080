/* SPDX-License-Identifier: MIT */
/* Is the server the one that known_hosts knows? */
#pragma once

#include <stdbool.h>

#include "known_hosts.h"
#include "transport/ssh_config.h"

/* What the server showed. */
struct host_key {
    struct span blob;   /* as on the wire */
    struct span sha256; /* 32 bytes */
};

/* Reads the files that the configuration names. 0, -errno with *why. */
int host_key_load(const struct ssh_config *config, struct known_hosts **ret, struct diag *why);

/* Appends the list of host key algorithms to ask for: those that the configuration allows, the
 * types that are known for the host first. -ENOMEM. */
int host_key_order(const struct ssh_config *config, const struct known_hosts *known,
                   struct buf *ret);

/* True when keys are known for the host, but none that one of these algorithms would show. */
bool host_key_is_out_of_reach(const struct known_hosts *known, const char *algorithms);

/* What ssh calls a type of key ("ssh-ed25519") when it speaks to people: "ED25519". */
const char *host_key_type_name(struct span type);

/* Appends "ED25519 SHA256:...", as ssh shows it. -ENOMEM. */
int host_key_describe(const struct host_key *key, struct buf *ret);

/* 0: go on; a new key may have been stored. With StrictHostKeyChecking=no also for a changed key,
 * and then *ret_doubtful says that no password may be sent. -EPERM: not trusted; -EOPNOTSUPP: only
 * the ssh program can tell; both with *why. has_other_way: it will be asked then, and so it is
 * whenever it may know better. */
int host_key_check(const struct ssh_config *config, const struct known_hosts *known,
                   const struct host_key *key, bool has_other_way, bool *ret_doubtful,
                   struct diag *why);
