/* SPDX-License-Identifier: MIT */
/* The kinds of calls: what each sends and what may answer it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sftp/sftp.h"

enum call_kind {
    CALL_OPEN,
    CALL_CLOSE,
    CALL_READ,
    CALL_WRITE,
    CALL_LSTAT,
    CALL_STAT,
    CALL_FSTAT,
    CALL_SETSTAT,
    CALL_FSETSTAT,
    CALL_OPENDIR,
    CALL_READDIR,
    CALL_REMOVE,
    CALL_MKDIR,
    CALL_RMDIR,
    CALL_REALPATH,
    CALL_READLINK,
    CALL_SYMLINK,
    CALL_RENAME,
    CALL_POSIX_RENAME,
    CALL_FSYNC,
    CALL_STATVFS,
    CALL_LIMITS,
    CALL_KINDS,
};

struct kind {
    const char *name;
    uint8_t request;
    uint8_t answer;        /* besides STATUS */
    bool harmless;         /* changes nothing on the server: need not be sent once nobody waits */
    const char *extension; /* of an EXTENDED request */
};

const struct kind *kind_of(enum call_kind kind);

/* Whether it changes what others can see on the server. Of an open its flags say so. */
bool kind_changes(enum call_kind kind);

/* Whether the server said that it can do this. */
bool kind_offered(enum call_kind kind, const struct sftp_features *features);
