/* SPDX-License-Identifier: MIT */
/* Answers: from a packet to what a caller asked for. Pure; every byte is taken for hostile. */
#pragma once

#include "frame.h"
#include "kind.h"

struct answer {
    struct packet packet; /* owned; data, names and path point into it */
    struct sftp_handle handle;
    struct sftp_attrs attrs;
    struct span data;
    struct sftp_name *names; /* owned */
    size_t n_names;
    size_t left_out; /* entries of a listing that no file can be */
    const char *path;
    struct sftp_statvfs statvfs;
};

void answer_done(struct answer *a);

/* Reads a->packet, the answer to a call of this kind (asked: the size that a read asked for). 0;
 * the server's status as -errno; -EPROTO for what makes no sense; -ENOMEM. */
int answer_read(struct answer *a, enum call_kind kind, size_t asked);

/* What a status means: 0 or -errno; never -ENOSYS, which the kernel would remember; -EPROTO for an
 * unknown code. */
int status_errno(uint32_t code);

/* How many bytes a packet that answers such a call may have. */
size_t answer_max(enum call_kind kind, size_t asked);

/* The id of an answer; false when this is not an answer at all. */
bool answer_id(const struct packet *packet, uint32_t *ret);

/* VERSION: what the server can do. -EPROTO when it is not version 3. */
int answer_read_version(const struct packet *packet, struct sftp_features *ret);

/* The reply to "limits" (all sizes are made safe), into what VERSION said. -EPROTO; a status is
 * an -errno. */
int answer_read_limits(const struct packet *packet, struct sftp_features *ret);
