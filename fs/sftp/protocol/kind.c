/* SPDX-License-Identifier: MIT */
#include "kind.h"

#include <assert.h>

#include "proto.h"

const struct kind *kind_of(enum call_kind kind)
{
    static const struct kind kinds[CALL_KINDS] = {
        [CALL_OPEN] = {"open", SSH_FXP_OPEN, SSH_FXP_HANDLE, false, NULL},
        [CALL_CLOSE] = {"close", SSH_FXP_CLOSE, SSH_FXP_STATUS, false, NULL},
        [CALL_READ] = {"read", SSH_FXP_READ, SSH_FXP_DATA, true, NULL},
        [CALL_WRITE] = {"write", SSH_FXP_WRITE, SSH_FXP_STATUS, false, NULL},
        [CALL_LSTAT] = {"lstat", SSH_FXP_LSTAT, SSH_FXP_ATTRS, true, NULL},
        [CALL_STAT] = {"stat", SSH_FXP_STAT, SSH_FXP_ATTRS, true, NULL},
        [CALL_FSTAT] = {"fstat", SSH_FXP_FSTAT, SSH_FXP_ATTRS, true, NULL},
        [CALL_SETSTAT] = {"setstat", SSH_FXP_SETSTAT, SSH_FXP_STATUS, false, NULL},
        [CALL_FSETSTAT] = {"fsetstat", SSH_FXP_FSETSTAT, SSH_FXP_STATUS, false, NULL},
        [CALL_OPENDIR] = {"opendir", SSH_FXP_OPENDIR, SSH_FXP_HANDLE, false, NULL},
        [CALL_READDIR] = {"readdir", SSH_FXP_READDIR, SSH_FXP_NAME, false, NULL},
        [CALL_REMOVE] = {"remove", SSH_FXP_REMOVE, SSH_FXP_STATUS, false, NULL},
        [CALL_MKDIR] = {"mkdir", SSH_FXP_MKDIR, SSH_FXP_STATUS, false, NULL},
        [CALL_RMDIR] = {"rmdir", SSH_FXP_RMDIR, SSH_FXP_STATUS, false, NULL},
        [CALL_REALPATH] = {"realpath", SSH_FXP_REALPATH, SSH_FXP_NAME, true, NULL},
        [CALL_READLINK] = {"readlink", SSH_FXP_READLINK, SSH_FXP_NAME, true, NULL},
        [CALL_SYMLINK] = {"symlink", SSH_FXP_SYMLINK, SSH_FXP_STATUS, false, NULL},
        [CALL_RENAME] = {"rename", SSH_FXP_RENAME, SSH_FXP_STATUS, false, NULL},
        [CALL_POSIX_RENAME] = {"posix-rename", SSH_FXP_EXTENDED, SSH_FXP_STATUS, false,
                               SSH_EXT_POSIX_RENAME},
        [CALL_FSYNC] = {"fsync", SSH_FXP_EXTENDED, SSH_FXP_STATUS, false, SSH_EXT_FSYNC},
        [CALL_STATVFS] = {"statvfs", SSH_FXP_EXTENDED, SSH_FXP_EXTENDED_REPLY, true,
                          SSH_EXT_STATVFS},
        [CALL_LIMITS] = {"limits", SSH_FXP_EXTENDED, SSH_FXP_EXTENDED_REPLY, true, SSH_EXT_LIMITS},
    };
    assert(kind < CALL_KINDS);
    return &kinds[kind];
}

bool kind_changes(enum call_kind kind)
{
    return kind == CALL_WRITE || kind == CALL_SETSTAT || kind == CALL_FSETSTAT ||
           kind == CALL_REMOVE || kind == CALL_MKDIR || kind == CALL_RMDIR ||
           kind == CALL_SYMLINK || kind == CALL_RENAME || kind == CALL_POSIX_RENAME;
}

bool kind_offered(enum call_kind kind, const struct sftp_features *features)
{
    if (kind == CALL_POSIX_RENAME)
        return features->posix_rename;
    if (kind == CALL_FSYNC)
        return features->fsync;
    if (kind == CALL_STATVFS)
        return features->statvfs;
    return true;
}
