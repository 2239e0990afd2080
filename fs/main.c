/* SPDX-License-Identifier: MIT */
/*
 * vmxfs: from the command line to a served mount.
 *
 * The process forks first: threads and children made before a fork would be lost by it. The child
 * connects, checks and mounts, and tells the parent over a pipe how that went; the parent prints
 * one line and exits. In the foreground there is no parent.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/journal.h"
#include "base/log.h"
#include "base/why.h"
#include "host/host.h"
#include "options.h"
#include "remote/remote.h"
#include "sftp/sftp.h"
#include "transport/askpass.h"
#include "transport/connect.h"
#include "vfs/vfs.h"

struct mount {
    struct options *options;
    struct connector *connector;
    struct sftp *sftp;
    struct remote *remote;
    struct journal *journal;
    struct host *host;
    struct vfs *vfs;
    struct fuse_session *session;
    bool mounted;
};

/* libfuse's last complaint, for the one line that says why mounting failed. */
static char fuse_said[256];

__attribute__((format(printf, 2, 0))) static void hear_fuse(enum fuse_log_level level,
                                                            const char *format, va_list args)
{
    if (level <= FUSE_LOG_WARNING)
        vsnprintf(fuse_said, sizeof(fuse_said), format, args);
    fuse_said[strcspn(fuse_said, "\n")] = '\0';
}

/* After a call that failed. */
static int refuse_mountpoint(const char *path, struct why *why)
{
    int error = errno;
    if (error == ENOTCONN)
        why_set(why, "%s: a dead mount is there; unmount it with fusermount3 -u", path);
    else if (error == ENOENT)
        why_set(why, "%s: does not exist; make it with mkdir", path);
    else
        why_set(why, "%s: cannot be used as a mount point: %s", path, strerror(error));
    return -error;
}

static int check_device(struct why *why)
{
    struct stat st;
    if (access("/dev/fuse", R_OK | W_OK) < 0) {
        why_set(why,
                "/dev/fuse: %s; load the kernel module (modprobe fuse), or give this user or "
                "container access to it",
                strerror(errno));
        return -errno;
    }
    if (stat("/dev/fuse", &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229)) {
        why_set(why, "/dev/fuse: is something else; make it with mknod /dev/fuse c 10 229");
        return -ENODEV;
    }
    return 0;
}

static int check_mountpoint(struct options *o, struct why *why)
{
    struct stat st;
    struct stat above;
    struct statfs fs;
    FREE_AUTO char *up = NULL;
    char *real = realpath(o->mountpoint, NULL);
    if (!real)
        return refuse_mountpoint(o->mountpoint, why);
    free(o->mountpoint);
    o->mountpoint = real;
    if (stat(real, &st) < 0)
        return refuse_mountpoint(real, why);
    if (!S_ISDIR(st.st_mode)) {
        why_set(why, "%s: is not a directory", real);
        return -ENOTDIR;
    }
    if (asprintf(&up, "%s/..", real) < 0)
        up = NULL;
    /* Over an automount point, or a volume, it can be mounted. */
    if (statfs(real, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC && up && stat(up, &above) == 0 &&
        above.st_dev != st.st_dev) {
        why_set(why,
                "%s: something is mounted there already; unmount it, or take another directory",
                real);
        return -EBUSY;
    }
    return check_device(why);
}

static int reconnect(void *ctx, struct transport **ret, struct why *why)
{
    return connector_connect(ctx, false, ret, why);
}

static int connect_bulk(void *ctx, struct transport **ret, struct why *why)
{
    return connector_connect_bulk(ctx, ret, why);
}

static int connect_shell(void *ctx, struct transport **ret, struct why *why)
{
    return connector_connect_shell(ctx, ret, why);
}

static int connect_up(struct mount *m, struct why *why)
{
    const struct connect_options options = options_connect(m->options);
    struct transport *transport = NULL;
    int r = connector_new(&options, &m->connector, why);
    if (r == 0)
        r = connector_connect(m->connector, true, &transport, why);
    if (r < 0)
        return r;
    const struct sftp_options sftp_options = {
        .timeout_ms = options.timeout_ms, .connect = reconnect, .ctx = m->connector};
    return sftp_new(transport, &sftp_options, &m->sftp, why);
}

/* On ESXi an empty path means /vmfs/volumes; elsewhere where the server puts us. */
static const char *root_path(struct mount *m)
{
    static const char volumes[] = "/vmfs/volumes";
    const struct options *o = m->options;
    if (o->path[0] || !o->host)
        return o->path;
    struct wait wait = wait_for_ms((int64_t)o->timeout_s * 1000);
    SFTP_CALL_AUTO *call = sftp_stat(m->sftp, volumes);
    return sftp_wait(call, &wait) == 0 && S_ISDIR(sftp_call_attrs(call)->mode) ? volumes : "";
}

/* Where profiles are: beside the program (in a build directory), installed beside it, the user's.
 */
static int profile_dirs(const struct options *o, char **ret)
{
    char exe[4096] = "";
    const char *home = getenv("HOME");
    const char *config = getenv("XDG_CONFIG_HOME");
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash = n > 0 ? strrchr(exe, '/') : NULL;
    if (slash)
        *slash = '\0';
    if (o->profile_dir)
        return asprintf(ret, "%s/profiles:%s/../share/vmxfs/profiles:%s", exe, exe, o->profile_dir);
    return asprintf(ret, "%s/profiles:%s/../share/vmxfs/profiles:%s%s/vmxfs/profiles", exe, exe,
                    config && config[0] ? config
                    : home              ? home
                                        : "",
                    config && config[0] ? "" : "/.config");
}

static int open_remote(struct mount *m, struct why *why)
{
    const struct options *o = m->options;
    const struct remote_options remote_options = {
        .root = root_path(m),
        .timeout_ms = (int)o->timeout_s * 1000,
        .cache_timeout_ms = (int)o->cache_timeout_s * 1000,
        .cache_size = (size_t)o->cache_mib << 20,
        .vmx_max = (size_t)o->vmx_max_kib << 10,
        .prefetch = !o->prefetch || strcmp(o->prefetch, "on") == 0,
        .ignore_running = o->running && strcmp(o->running, "allow") == 0,
        .unsafe_rename = o->rename != NULL && !o->read_only,
        .absolute_links = o->transform_symlinks,
        .any_links = !o->contain_symlinks,
        .connect_bulk = connect_bulk,
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
    };
    int r = journal_new(&m->journal);
    if (r < 0)
        return r;
    journal_name_files(m->journal, show_file, m->remote);
    return host_new(m->remote, m->journal, &host_options, &m->host);
}

static int open_vfs(struct mount *m, struct why *why)
{
    const struct options *o = m->options;
    FREE_AUTO char *dirs = NULL;
    if (profile_dirs(o, &dirs) < 0) {
        dirs = NULL;
        return -ENOMEM;
    }
    const struct vfs_options vfs_options = {
        .uid = o->uid,
        .gid = o->gid,
        .umask = o->umask,
        .read_only = o->read_only,
        .follow_links = o->follow_symlinks,
        .vmx_only = o->show && strcmp(o->show, "vmx") == 0,
        .mountpoint = o->mountpoint,
        .profile_dirs = dirs,
    };
    return vfs_new(m->remote, m->host, m->journal, &vfs_options, &m->vfs, why);
}

static bool has_option(const struct fuse_args *args, const char *name)
{
    for (int i = 1; i < args->argc; i++) {
        if (strstr(args->argv[i], name))
            return true;
    }
    return false;
}

static int mount_up(struct mount *m, struct why *why)
{
    struct options *o = m->options;
    FREE_AUTO char *name = NULL;
    int r = 0;
    /* A comma in SOURCE would begin another option. */
    if (!has_option(&o->fuse, "fsname=") && !strchr(o->source, ',')) {
        if (asprintf(&name, "-ofsname=%s", o->source) < 0)
            name = NULL;
        r = name ? fuse_opt_add_arg(&o->fuse, name) : -1;
    }
    if (r == 0 && !has_option(&o->fuse, "subtype="))
        r = fuse_opt_add_arg(&o->fuse, "-osubtype=vmxfs");
    fuse_set_log_func(hear_fuse);
    if (r == 0)
        m->session =
            fuse_session_new(&o->fuse, vfs_operations(), sizeof(struct fuse_lowlevel_ops), m->vfs);
    if (m->session && fuse_set_signal_handlers(m->session) == 0)
        m->mounted = fuse_session_mount(m->session, o->mountpoint) == 0;
    if (m->mounted)
        return 0;
    why_set(why, "%s: cannot be mounted: %s", o->mountpoint,
            fuse_said[0] ? fuse_said : "libfuse does not say why");
    return -EIO;
}

static void take_down(struct mount *m)
{
    if (m->mounted)
        fuse_session_unmount(m->session);
    vfs_free(m->vfs);
    if (m->session) {
        fuse_remove_signal_handlers(m->session);
        fuse_session_destroy(m->session);
    }
    host_free(m->host);
    journal_free(m->journal);
    remote_free(m->remote);
    sftp_free(m->sftp);
    connector_free(m->connector);
}

/* The parent reads what the child has to say: nothing is good news. */
static void tell_parent(int *fd, const char *text)
{
    if (*fd < 0) {
        if (text[0])
            log_say(text);
        return;
    }
    ssize_t n = write(*fd, text, strlen(text) + 1);
    (void)n; /* a parent that is gone cannot be told */
    close(steal_fd(fd));
}

static void leave_terminal(const struct options *o)
{
    if (o->foreground || o->debug) {
        log_setup(false, o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        return;
    }
    log_setup(true, LOG_LEVEL_INFO);
    setsid();
    FD_AUTO null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    if (chdir("/") < 0)
        log_debug("chdir: %s", strerror(errno));
}

static int serve(struct options *o, int *parent)
{
    struct mount m = {.options = o};
    struct why why = {{0}};
    int r = connect_up(&m, &why);
    if (r == 0)
        r = open_remote(&m, &why);
    if (r == 0)
        r = open_host(&m);
    if (r == 0)
        r = open_vfs(&m, &why);
    if (r == 0)
        r = mount_up(&m, &why);
    if (r < 0 && !why.text[0])
        why_set(&why, "%s", strerror(-r));
    if (r == 0)
        leave_terminal(o);
    tell_parent(parent, why.text);
    if (r == 0)
        r = vfs_serve(m.vfs, m.session);
    take_down(&m);
    return r < 0 ? 1 : 0;
}

/* Waits for the child's word. Without one, it died. */
static int wait_for_child(int fd, pid_t child)
{
    char text[sizeof(struct why)] = "";
    size_t used = 0;
    ssize_t n;
    while (used < sizeof(text) - 1 &&
           ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0 || (n < 0 && errno == EINTR)))
        used += n > 0 ? (size_t)n : 0;
    if (used > 0 && !text[0])
        return 0;
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    log_say(used > 0 ? text : "ended before it had mounted anything");
    return 1;
}

static int run(struct options *o)
{
    struct why why = {{0}};
    FD_AUTO parent = -1;
    signal(SIGPIPE, SIG_IGN);
    if (check_mountpoint(o, &why) < 0) {
        log_say(why.text);
        return 1;
    }
    if (!o->foreground && !o->debug) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0) {
            perror("vmxfs: pipe");
            return 1;
        }
        pid_t child = fork();
        if (child != 0) {
            close(ends[1]);
            int r = child > 0 ? wait_for_child(ends[0], child) : 1;
            if (child < 0)
                perror("vmxfs: fork");
            close(ends[0]);
            return r;
        }
        close(ends[0]);
        parent = ends[1];
    }
    return serve(o, &parent);
}

/* Threads come and go with blocked requests: an arena for each of them would hold on to what a busy
 * minute took. And buffers of 128 KiB and more come and go with bulk data: given to the kernel and
 * taken from it each time, they cost a reader eighty times as many page faults, and nothing is
 * saved: what is cached is small and stays. */
static void tune_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
}

/* A standard stream that is closed would get the number of the next file: a socket, say, in the
 * place of standard output. */
static void settle_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    /* A descriptor of who started us would stay open as long as the mount: the lock of flock(1),
     * say, or the end of a pipe that somebody reads. */
    closefrom(STDERR_FILENO + 1);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct why why = {{0}};
    if (askpass_wanted())
        return askpass_main(argc, argv);
    settle_descriptors();
    tune_memory();
    if (options_parse(argc, argv, &options, &why) < 0) {
        log_say(why.text);
        return 1;
    }
    int r = 0;
    if (options.help)
        options_usage();
    else if (options.version)
        printf("vmxfs %s\n", VMXFS_VERSION);
    else
        r = run(&options);
    options_done(&options);
    return r;
}
