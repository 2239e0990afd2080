/* SPDX-License-Identifier: MIT */
/*
 * The SFTP protocol, version 3, as OpenSSH speaks it (draft-ietf-secsh-filexfer-02, and the file
 * PROTOCOL of OpenSSH for the extensions). Numbers are big-endian; a string is a uint32 length and
 * its bytes.
 *
 *      uint32 length of what follows | byte type | ...
 *
 *      client                                server
 *      INIT      version                ->
 *                                       <-   VERSION   version, (string name, string data)*
 *
 *  From then on every packet goes on with a uint32 id. The server may answer in any order; each
 *  request may be answered with a STATUS.
 *
 *      OPEN      path, pflags, attrs    ->   HANDLE    handle
 *      CLOSE     handle                 ->   STATUS    code, message, language
 *      READ      handle, u64 off, size  ->   DATA      bytes (fewer than asked for are legal)
 *      WRITE     handle, u64 off, bytes ->   STATUS
 *      LSTAT     path                   ->   ATTRS     attrs
 *      STAT      path                   ->   ATTRS
 *      FSTAT     handle                 ->   ATTRS
 *      SETSTAT   path, attrs            ->   STATUS
 *      FSETSTAT  handle, attrs          ->   STATUS
 *      OPENDIR   path                   ->   HANDLE
 *      READDIR   handle                 ->   NAME      u32 count, (name, long name, attrs)*
 *      REMOVE    path                   ->   STATUS
 *      MKDIR     path, attrs            ->   STATUS
 *      RMDIR     path                   ->   STATUS
 *      REALPATH  path                   ->   NAME      one entry
 *      READLINK  path                   ->   NAME      one entry
 *      RENAME    from, to               ->   STATUS
 *      SYMLINK   target, link           ->   STATUS    (the draft has link, target; all servers
 *                                                       that matter do it as OpenSSH does)
 *      EXTENDED  string name, ...       ->   STATUS or EXTENDED_REPLY
 *          posix-rename@openssh.com   from, to
 *          lsetstat@openssh.com       path, attrs (of a link itself)
 *          hardlink@openssh.com       file, new name
 *          fsync@openssh.com          handle
 *          statvfs@openssh.com        path       ->  u64 bsize, frsize, blocks, bfree, bavail,
 *                                                        files, ffree, favail, fsid, flag, namemax
 *          limits@openssh.com                    ->  u64 packet, read, write, handles
 *          copy-data                  handle to read, u64 off, u64 size (0: to its end),
 *                                     handle to write, u64 off   (draft-ietf-secsh-filexfer-
 *                                                       extensions-00, 7; EOF, or OK, where the
 *                                                       file ends before that)
 *
 *  attrs:  u32 flags, [u64 size], [u32 uid, u32 gid], [u32 permissions], [u32 atime, u32 mtime],
 *          [u32 count, (string, string)*], each there if its flag is set, in this order
 */
#pragma once

enum { SFTP_VERSION = 3 };

enum sftp_packet_type {
    SSH_FXP_INIT = 1,
    SSH_FXP_VERSION = 2,
    SSH_FXP_OPEN = 3,
    SSH_FXP_CLOSE = 4,
    SSH_FXP_READ = 5,
    SSH_FXP_WRITE = 6,
    SSH_FXP_LSTAT = 7,
    SSH_FXP_FSTAT = 8,
    SSH_FXP_SETSTAT = 9,
    SSH_FXP_FSETSTAT = 10,
    SSH_FXP_OPENDIR = 11,
    SSH_FXP_READDIR = 12,
    SSH_FXP_REMOVE = 13,
    SSH_FXP_MKDIR = 14,
    SSH_FXP_RMDIR = 15,
    SSH_FXP_REALPATH = 16,
    SSH_FXP_STAT = 17,
    SSH_FXP_RENAME = 18,
    SSH_FXP_READLINK = 19,
    SSH_FXP_SYMLINK = 20,
    SSH_FXP_STATUS = 101,
    SSH_FXP_HANDLE = 102,
    SSH_FXP_DATA = 103,
    SSH_FXP_NAME = 104,
    SSH_FXP_ATTRS = 105,
    SSH_FXP_EXTENDED = 200,
    SSH_FXP_EXTENDED_REPLY = 201,
};

enum sftp_status_code {
    SSH_FX_OK = 0,
    SSH_FX_EOF = 1,
    SSH_FX_NO_SUCH_FILE = 2,
    SSH_FX_PERMISSION_DENIED = 3,
    SSH_FX_FAILURE = 4,
    SSH_FX_BAD_MESSAGE = 5,
    SSH_FX_NO_CONNECTION = 6,
    SSH_FX_CONNECTION_LOST = 7,
    SSH_FX_OP_UNSUPPORTED = 8,
};

/* The flags of attrs are those of enum sftp_attr_flags, and this one. */
#define SSH_ATTR_EXTENDED 0x80000000u

#define SSH_EXT_POSIX_RENAME "posix-rename@openssh.com"
#define SSH_EXT_LSETSTAT "lsetstat@openssh.com"
#define SSH_EXT_HARDLINK "hardlink@openssh.com"
#define SSH_EXT_FSYNC "fsync@openssh.com"
#define SSH_EXT_STATVFS "statvfs@openssh.com"
#define SSH_EXT_LIMITS "limits@openssh.com"
#define SSH_EXT_COPY_DATA "copy-data"

enum {
    /* Nobody sends more: OpenSSH's limit, and room for the heads around the data. */
    SFTP_PACKET_MAX = 256 * 1024 + 1024,
    SFTP_PACKET_MIN = 5, /* type, and id or version */
    SFTP_HANDLE_MAX = 256,
    /* What every server must take (packets of 34,000 bytes), and what OpenSSH's best one takes. */
    SFTP_DATA_SAFE = 32 * 1024,
    SFTP_DATA_MAX = 255 * 1024,
};
