/* SPDX-License-Identifier: MIT */
/*
 * What known_hosts files say about one host. The lines are libssh2's to understand, hashed names
 * included; but each is given to it alone, so that a bad one spoils no other and the line of a key
 * is known.
 *
 * A host that is asked for at another port than 22 is looked for as "[host]:port"; only where no
 * line knows that name, "host" is looked for. So a key that has changed for "[host]:port" is never
 * excused by one for "host".
 *
 * "@revoked" is taken more strictly than ssh does: the key it names is refused whatever host the
 * line is for. Wildcards and "@cert-authority" are not understood; known_hosts_beyond tells of
 * them.
 */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"

struct known_hosts;

/* Of several lines the one with the last of these verdicts decides. */
enum known_verdict {
    KNOWN_NOT,     /* nothing is known about the host */
    KNOWN_OTHER,   /* it is known, with keys of other types only */
    KNOWN_CHANGED, /* it is known, with another key of this type */
    KNOWN_MATCH,
    KNOWN_REVOKED,
};

struct known_place {
    const char *file; /* borrowed from the known_hosts; NULL: nowhere */
    unsigned line;
};

/* port 0: the name stands for itself (a HostKeyAlias). 0, -ENOMEM. */
int known_hosts_new(const char *host, unsigned port, struct known_hosts **ret);
void known_hosts_free(struct known_hosts *known);

/* Adds the lines of a file. A file that is not there is an empty one. 0, -errno. */
int known_hosts_add_file(struct known_hosts *known, const char *path);
int known_hosts_add_text(struct known_hosts *known, struct span text, const char *path);

/* type: "ssh-ed25519", ...; key: in base64. *ret is where the line is that decides. */
enum known_verdict known_hosts_check(const struct known_hosts *known, const char *type,
                                     const char *key, struct known_place *ret);

/* True when a key of this type (NULL: of any) is known for the host, so that asking for it can
 * succeed. */
bool known_hosts_has_type(const struct known_hosts *known, const char *type);

/* True when there is a line (at *ret) that only the ssh program understands. */
bool known_hosts_beyond(const struct known_hosts *known, struct known_place *ret);

/* The name under which a new key is to be stored; borrowed. */
const char *known_hosts_name(const struct known_hosts *known);
