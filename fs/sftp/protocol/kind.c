/* SPDX-License-Identifier: MIT */
#include "kind.h"

#include <assert.h>

#include "proto.h"

const struct kind *kind_of(enum call_kind kind)
{
    static const struct kind kinds[CALL_KINDS] = {
        [CALL_OPEN] = {SSH_FXP_OPEN, SSH_FXP_HANDLE, HANDLES, NULL},
        [CALL_CLOSE] = {SSH_FXP_CLOSE, SSH_FXP_STATUS, HANDLES, NULL},
        [CALL_READ] = {SSH_FXP_READ, SSH_FXP_DATA, HARMLESS, NULL},
        [CALL_WRITE] = {SSH_FXP_WRITE, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_LSTAT] = {SSH_FXP_LSTAT, SSH_FXP_ATTRS, HARMLESS, NULL},
        [CALL_STAT] = {SSH_FXP_STAT, SSH_FXP_ATTRS, HARMLESS, NULL},
        [CALL_FSTAT] = {SSH_FXP_FSTAT, SSH_FXP_ATTRS, HARMLESS, NULL},
        [CALL_SETSTAT] = {SSH_FXP_SETSTAT, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_FSETSTAT] = {SSH_FXP_FSETSTAT, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_LSETSTAT] = {SSH_FXP_EXTENDED, SSH_FXP_STATUS, CHANGES, SSH_EXT_LSETSTAT},
        [CALL_OPENDIR] = {SSH_FXP_OPENDIR, SSH_FXP_HANDLE, HANDLES, NULL},
        [CALL_READDIR] = {SSH_FXP_READDIR, SSH_FXP_NAME, HANDLES, NULL},
        [CALL_REMOVE] = {SSH_FXP_REMOVE, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_MKDIR] = {SSH_FXP_MKDIR, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_RMDIR] = {SSH_FXP_RMDIR, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_REALPATH] = {SSH_FXP_REALPATH, SSH_FXP_NAME, HARMLESS, NULL},
        [CALL_READLINK] = {SSH_FXP_READLINK, SSH_FXP_NAME, HARMLESS, NULL},
        [CALL_SYMLINK] = {SSH_FXP_SYMLINK, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_RENAME] = {SSH_FXP_RENAME, SSH_FXP_STATUS, CHANGES, NULL},
        [CALL_POSIX_RENAME] = {SSH_FXP_EXTENDED, SSH_FXP_STATUS, CHANGES, SSH_EXT_POSIX_RENAME},
        [CALL_HARDLINK] = {SSH_FXP_EXTENDED, SSH_FXP_STATUS, CHANGES, SSH_EXT_HARDLINK},
        [CALL_FSYNC] = {SSH_FXP_EXTENDED, SSH_FXP_STATUS, HANDLES, SSH_EXT_FSYNC},
        [CALL_STATVFS] = {SSH_FXP_EXTENDED, SSH_FXP_EXTENDED_REPLY, HARMLESS, SSH_EXT_STATVFS},
        [CALL_COPY_DATA] = {SSH_FXP_EXTENDED, SSH_FXP_STATUS, CHANGES, SSH_EXT_COPY_DATA},
    };
    assert(kind < CALL_KINDS);
    return &kinds[kind];
}

bool kind_offered(enum call_kind kind, const struct sftp_features *features)
{
    if (kind == CALL_POSIX_RENAME)
        return features->posix_rename;
    if (kind == CALL_LSETSTAT)
        return features->lsetstat;
    if (kind == CALL_HARDLINK)
        return features->hardlink;
    if (kind == CALL_FSYNC)
        return features->fsync;
    if (kind == CALL_STATVFS)
        return features->statvfs;
    if (kind == CALL_COPY_DATA)
        return features->copy_data;
    return true;
}
