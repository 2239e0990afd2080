/* SPDX-License-Identifier: MIT */
/* The kinds of calls: what each sends and what may answer it. */
#pragma once

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
    CALL_LSETSTAT,
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
    CALL_HARDLINK,
    CALL_FSYNC,
    CALL_STATVFS,
    CALL_COPY_DATA,
    CALL_KINDS,
};

enum call_effect {
    HARMLESS, /* none: need not be sent once nobody waits */
    HANDLES,  /* on what is only ours; of an open its flags say whether it changes more */
    CHANGES,  /* on what others can see on the server */
};

struct kind {
    uint8_t request;
    uint8_t answer; /* besides STATUS */
    enum call_effect effect;
    const char *extension; /* of an EXTENDED request */
};

const struct kind *kind_of(enum call_kind kind);

/* Whether the server said that it can do this. */
bool kind_offered(enum call_kind kind, const struct sftp_features *features);
