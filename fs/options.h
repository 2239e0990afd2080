/* SPDX-License-Identifier: MIT */
/* The command line: vmxfs [options] SOURCE MOUNTPOINT, or vmxfs doctor [options] SOURCE. */
#pragma once

#include "transport/child/argv.h"
#include "transport/connect.h"
#include "base/id_map.h"
#include "vfs/fuse_library.h"

/* Strings belong to the options, until options_done. */
struct options {
    char *source;     /* as it was given */
    char *mountpoint; /* absolute */

    char *host; /* NULL: a local directory */
    char *user; /* NULL: not given */
    char *path; /* "" where SOURCE ends in a colon */

    unsigned port;
    struct words ssh_keywords; /* KEYWORD=VALUE, for ssh to judge */
    char *config_file;
    char *identity_file, *known_hosts_file, *strict, *transport, *ssh_command, *sftp_server,
        *compression;
    int password_stdin, delay_connect;
    unsigned timeout_s, cache_timeout_s, power_timeout_s, cache_mib, vmx_max_kib;
    unsigned max_conns; /* 0: as many as are worth it */
    char *prefetch, *running, *reload, *show, *rename, *profile_dir;
    char *history; /* absolute, or "off"; NULL: where it is kept if nobody says otherwise */
    int disable_hardlink;
    int read_only, transform_symlinks, contain_symlinks, follow_symlinks;
    /* The numbers, as they were given. */
    char *port_text, *timeout_text, *cache_timeout_text, *power_timeout_text, *cache_size_text,
        *vmx_max_text, *max_conns_text;
    char *uid_text, *gid_text, *umask_text;
    char *idmap, *uid_file, *gid_file, *nomap;
    struct id_map uids, gids; /* what is in those files */
    uid_t uid;
    gid_t gid;
    mode_t umask;
    int no_cache, foreground, debug, help, version, doctor;

    struct fuse_args fuse; /* what is left for libfuse */
};

/* 0; -EINVAL with *why, a full sentence that says what would have been right. */
int options_parse(int argc, char **argv, struct options *ret, struct diag *why);
void options_done(struct options *options);
void options_usage(void);

/* The part that is about the connection. Strings are borrowed from the options. */
struct connect_options options_connect(const struct options *options);
