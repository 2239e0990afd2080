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
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "doctor/doctor.h"
#include "fleet/fleet.h"
#include "mount.h"
#include "mountpoint.h"
#include "remount.h"
#include "transport/login/askpass.h"

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
    struct diag why = {0};
    int r = mount_up(&m, &why);
    if (r == 0) {
        leave_terminal(o);
        mount_settled(&m);
        log_debug("%s is mounted at %s", o->source, o->mountpoint);
    }
    tell_parent(parent, why.text);
    r = r ?: vfs_serve(m.vfs, m.session);
    mount_down(&m);
    return r < 0 ? MOUNT_FAILED : 0;
}

/* Waits for the child's word. Without one, it died. 0, MOUNT_FAILED. */
static int wait_for_child(int fd, pid_t child)
{
    char text[sizeof(struct diag)] = "";
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
    return MOUNT_FAILED;
}

/* 0, or an exit code of mount(8). */
static int run(struct options *o)
{
    struct diag why = {0};
    FD_AUTO parent = -1;
    signal(SIGPIPE, SIG_IGN);
    if (mountpoint_check(&o->mountpoint, &why) < 0) {
        log_say(why.text);
        return MOUNT_FAILED;
    }
    if (!o->foreground && !o->debug) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0) {
            perror("vmxfs: pipe");
            return MOUNT_SYSTEM;
        }
        pid_t child = fork();
        if (child != 0) {
            close(ends[1]);
            int r = child > 0 ? wait_for_child(ends[0], child) : MOUNT_SYSTEM;
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

/* The descriptor of a mount point "/dev/fd/N", or -1. */
static int given_descriptor(int argc, char **argv)
{
    int ret = -1;
    for (int i = 1; i < argc && ret < 0; i++)
        ret = mountpoint_fd(argv[i]);
    return ret;
}

/* A standard stream that is closed would get the number of the next file: a socket, say, in the
 * place of standard output. */
static void settle_descriptors(int given)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    /* A descriptor of the process that started us would stay open as long as the mount: the lock of
     * flock(1), say, or the end of a pipe that somebody reads. */
    const int first = STDERR_FILENO + 1;
    if (given > first)
        close_range((unsigned)first, (unsigned)given - 1, 0);
    closefrom(given < first ? first : given + 1);
}

/* What the options ask for. 0, or an exit code of mount(8). */
static int act(const struct mount_call *call, struct options *o)
{
    if (o->help)
        options_usage();
    else if (o->version)
        printf("vmxfs %s\n", VMXFS_VERSION);
    else if (o->doctor)
        return doctor_run(o);
    else if (!call->fake)
        return run(o);
    return 0;
}

/* The same: from the command line on. */
static int follow(const struct mount_call *call)
{
    struct options options = {0};
    struct diag why = {0};
    int r = call->remount ? remount(call, &why)
                          : options_parse((int)call->argv.n, call->argv.list, &options, &why);
    if (r < 0) {
        log_say(why.text);
        return MOUNT_WRONG;
    }
    r = call->remount ? 0 : act(call, &options);
    if (!call->remount)
        options_done(&options);
    return r;
}

int main(int argc, char **argv)
{
    struct mount_call call;
    if (askpass_wanted())
        return askpass_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "status") == 0)
        return fleet_status(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "map") == 0)
        return fleet_map(argc - 1, argv + 1);
    settle_descriptors(given_descriptor(argc, argv));
    tune_memory();
    int r = mount_call_read(argc, argv, &call);
    if (r < 0)
        log_say(strerror(-r));
    r = r < 0 ? MOUNT_SYSTEM : follow(&call);
    /* Who calls vmxfs itself hears one code of all failures. */
    if (r > 0 && !call.helper)
        r = 1;
    mount_call_done(&call);
    return r;
}
