/* SPDX-License-Identifier: MIT */
/* The wiring of a mount: each part is made of the one below it. */
#include "mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuse_words.h"
#include "mount_history.h"
#include "mountpoint.h"
#include "remote/names/shown_names.h"
#include "remote/root.h"
#include "user_dirs.h"

static int reconnect(void *ctx, struct transport **ret, struct diag *why)
{
    return connector_connect(ctx, false, ret, why);
}

static int connect_bulk(void *ctx, struct transport **ret, struct diag *why)
{
    return connector_connect_bulk(ctx, ret, why);
}

static int connect_shell(void *ctx, struct transport **ret, struct diag *why)
{
    return connector_connect_shell(ctx, ret, why);
}

static bool compress(void *ctx)
{
    return connector_compress(ctx);
}

static void note_link(void *ctx, const char *text)
{
    struct mount *m = ctx;
    if (atomic_load(&m->up))
        journal_add(m->journal, 0, NULL, NULL, text);
}

int mount_connect(struct mount *m, struct diag *why)
{
    const struct connect_options options = options_connect(m->options);
    struct transport *transport = NULL;
    int r = journal_new(&m->journal) ?: connector_new(&options, &m->connector, why);
    if (r == 0 && !m->options->delay_connect)
        r = connector_connect(m->connector, true, &transport, why);
    if (r < 0)
        return r;
    const struct sftp_options sftp_options = {.timeout_ms = options.timeout_ms,
                                              .connect = reconnect,
                                              .ctx = m->connector,
                                              .note = note_link,
                                              .note_ctx = m};
    return sftp_new(transport, &sftp_options, &m->sftp, why);
}

/* Where profiles are: beside the program (in a build directory), installed beside it, the user's.
 */
static int profile_dirs(const struct options *o, char **ret)
{
    char exe[4096] = "";
    BUF_AUTO own = {0};
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash = n > 0 ? strrchr(exe, '/') : NULL;
    if (slash)
        *slash = '\0';
    int r = o->profile_dir ? buf_add_str(&own, o->profile_dir)
                           : user_dirs_add("XDG_CONFIG_HOME", ".config", &own)
                                 ?: buf_add_str(&own, "/vmxfs/profiles");
    if (r < 0)
        return r;
    return asprintf(ret, "%s/profiles:%s/../share/vmxfs/profiles:%s", exe, exe, own.data);
}

int mount_open_remote(struct mount *m, struct diag *why)
{
    const struct options *o = m->options;
    const struct remote_options remote_options = {
        .root = o->path,
        .root_if_there = o->host ? "/vmfs/volumes" : NULL, /* on ESXi */
        .find_user = o->host && o->idmap && strcmp(o->idmap, "user") == 0,
        .timeout_ms = (int)o->timeout_s * 1000,
        .cache_timeout_ms = (int)o->cache_timeout_s * 1000,
        .cache_size = (size_t)o->cache_mib << 20,
        .vmx_max = (size_t)o->vmx_max_kib << 10,
        .prefetch = !o->prefetch || strcmp(o->prefetch, "on") == 0,
        .ignore_running = o->running && strcmp(o->running, "allow") == 0,
        .unsafe_rename = o->rename != NULL && !o->read_only,
        .absolute_links = o->transform_symlinks,
        .any_links = !o->contain_symlinks,
        .no_hard_links = o->disable_hardlink,
        .connect_bulk = o->max_conns == 1 ? NULL : connect_bulk,
        .bulk_max = o->max_conns > 1 ? o->max_conns - 1 : 0,
        .compress = connector_may_compress(m->connector) ? compress : NULL,
        .connect_ctx = m->connector,
    };
    return remote_new(m->sftp, &remote_options, &m->remote, why);
}

static int show_file(void *ctx, const char *file, struct buf *ret)
{
    return remote_add_shown(ctx, file, ret);
}

/* A local directory has no host. */
static int open_host(struct mount *m)
{
    const struct options *o = m->options;
    const struct host_options host_options = {
        .connect = o->host ? connect_shell : NULL,
        .ctx = m->connector,
        .reload = !o->read_only && !(o->reload && strcmp(o->reload, "off") == 0),
        .power_timeout_ms = (int)o->power_timeout_s * 1000,
    };
    journal_name_files(m->journal, show_file, m->remote);
    return host_new(m->remote, m->journal, &host_options, &m->host);
}

/* After the vfs, which listens to what is read. */
static int begin_work(struct mount *m)
{
    return remote_is_used(m->remote) ? host_begin_work(m->host) : 0;
}

static struct owners find_owners(struct mount *m)
{
    const struct options *o = m->options;
    static const struct {
        const char *word;
        enum idmap idmap;
    } words[] = {{"none", IDMAP_NONE}, {"user", IDMAP_USER}, {"file", IDMAP_FILE}};
    struct owners owners = {.idmap = IDMAP_MOUNTER,
                            .uid = o->uid,
                            .gid = o->gid,
                            .all_uid = o->uid_text != NULL,
                            .all_gid = o->gid_text != NULL,
                            .uids = o->uid_file ? &o->uids : NULL,
                            .gids = o->gid_file ? &o->gids : NULL,
                            .server_user = remote_user(m->remote),
                            .strict = !o->nomap || strcmp(o->nomap, "error") == 0};
    for (size_t i = 0; o->idmap && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(o->idmap, words[i].word) == 0)
            owners.idmap = words[i].idmap;
    }
    return owners;
}

static int open_vfs(struct mount *m, struct diag *why)
{
    const struct options *o = m->options;
    FREE_AUTO char *dirs = NULL;
    if (profile_dirs(o, &dirs) < 0) {
        dirs = NULL;
        return -ENOMEM;
    }
    const struct vfs_options vfs_options = {
        .owners = find_owners(m),
        .umask = o->umask,
        .masks_all = o->umask_text != NULL,
        .read_only = o->read_only,
        .follow_links = o->follow_symlinks,
        .vmx_only = o->show && strcmp(o->show, "vmx") == 0,
        .mountpoint = m->mounted_at ? m->mounted_at : o->mountpoint,
        .profile_dirs = dirs,
    };
    return vfs_new(m->remote, m->host, m->history, m->journal, &vfs_options, &m->vfs, why);
}

static bool has_option(const struct fuse_args *args, const char *name)
{
    for (int i = 1; i < args->argc; i++) {
        if (strstr(args->argv[i], name))
            return true;
    }
    return false;
}

/* In a list of options a comma, or a backslash, of a name has a backslash before it. */
static int add_name(struct fuse_args *args, const char *source)
{
    BUF_AUTO name = {0};
    int r = buf_add_str(&name, "-ofsname=");
    for (const char *c = source; r == 0 && *c; c++)
        r = buf_addf(&name, strchr(",\\", *c) ? "\\%c" : "%c", *c);
    return r < 0 ? r : fuse_opt_add_arg(args, name.data);
}

static int open_session(struct mount *m, struct diag *why)
{
    struct options *o = m->options;
    BUF_AUTO said = {0};
    struct fuse_words words;
    int r = 0;
    if (!has_option(&o->fuse, "fsname="))
        r = add_name(&o->fuse, o->source);
    if (r == 0 && !has_option(&o->fuse, "subtype="))
        r = fuse_opt_add_arg(&o->fuse, "-osubtype=vmxfs");
    fuse_words_begin(&words);
    if (r == 0)
        m->session =
            fuse_session_new(&o->fuse, vfs_operations(), sizeof(struct fuse_lowlevel_ops), m->vfs);
    if (m->session && fuse_set_signal_handlers(m->session) == 0)
        m->mounted = fuse_session_mount(m->session, o->mountpoint) == 0;
    r = fuse_words_end(&words, &said);
    if (m->mounted)
        return 0;
    diag_set(why, "%s: cannot be mounted: %s", o->mountpoint, r == 0 ? said.data : strerror(-r));
    return -EIO;
}

int mount_up(struct mount *m, struct diag *why)
{
    const int fd = mountpoint_fd(m->options->mountpoint);
    if (fd >= 0)
        m->mounted_at = mountpoint_of_fd(fd, m->options->source);
    int r = mount_connect(m, why)
        ?: mount_open_remote(m, why)
        ?: open_host(m)
        ?: mount_open_history(m, why)
        ?: open_vfs(m, why)
        ?: begin_work(m)
        ?: open_session(m, why);
    if (r < 0 && !why->text[0])
        diag_set(why, "%s", strerror(-r));
    atomic_store(&m->up, r == 0);
    return r;
}

void mount_settled(struct mount *m)
{
    if (m->no_history.text[0])
        journal_add(m->journal, 0, NULL, NULL, m->no_history.text);
}

void mount_down(struct mount *m)
{
    if (m->mounted)
        fuse_session_unmount(m->session);
    vfs_free(m->vfs);
    if (m->session) {
        fuse_remove_signal_handlers(m->session);
        fuse_session_destroy(m->session);
    }
    history_free(m->history);
    free(m->history_dir);
    host_free(m->host);
    if (m->journal)
        journal_name_files(m->journal, NULL, NULL);
    remote_free(m->remote);
    sftp_free(m->sftp);
    connector_free(m->connector);
    journal_free(m->journal);
    free(m->mounted_at);
}
