/* SPDX-License-Identifier: MIT */
#include "doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/shell/exec.h"
#include "mount.h"
#include "parser/text/text.h"
#include "remote/names/paths.h"
#include "remote/root.h"
#include "sftp/requests.h"
#include "sftp/results.h"
#include "tries.h"

enum {
    FURTHER = 3
}; /* connections that are made beside the first: two for data, one for commands */

struct doctor {
    struct mount mount;
    struct vmx_check report;
    struct wait wait; /* of all that comes after the login */
};

/* ---- an end that is asked for, so that what was made on the server is removed */

static volatile sig_atomic_t asked_to_end;

static void note_signal(int signal)
{
    (void)signal;
    asked_to_end = 1;
}

static bool is_asked_to_end(void *ctx)
{
    (void)ctx;
    return asked_to_end;
}

static void catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    const struct sigaction action = {.sa_handler = note_signal};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

/* Whether there is no time for more: says so of the rule. */
static bool is_over(struct doctor *d, const char *rule)
{
    const bool over = asked_to_end || clock_ms() >= d->wait.deadline;
    if (over)
        report_line(&d->report, VMX_UNKNOWN, rule, "not tried: %s",
                    asked_to_end ? "it was interrupted" : "the time is over (timeout)");
    return over;
}

/* ---- the connection */

static int log_in(struct doctor *d)
{
    struct diag why = {0};
    BUF_AUTO lines = {0};
    int r = mount_connect(&d->mount, &why);
    r = r ?: sftp_describe(d->mount.sftp, &lines);
    if (r < 0) {
        report_line(&d->report, VMX_FAIL, "login", "%s", why.text[0] ? why.text : strerror(-r));
        return r;
    }
    const struct span transport = text_value_of(buf_span(&lines), "transport");
    const struct span login = text_value_of(buf_span(&lines), "login");
    const struct span compression = text_value_of(buf_span(&lines), "compression");
    const struct span none = SPAN_LITERAL("none");
    report_line(&d->report, VMX_PASS, "login", "%.*s%s%.*s", (int)transport.n, transport.p,
                login.n > 0 ? ", " : "", (int)login.n, login.p);
    if (compression.n > 0 && !span_eq(compression, none))
        report_line(&d->report, VMX_PASS, "compression", "%.*s", (int)compression.n, compression.p);
    else
        report_line(&d->report, VMX_NOTE, "compression", "%s",
                    d->mount.options->host
                        ? "none; -C asks for it, which is faster over a slow link"
                        : "none: SOURCE is a local directory");
    return 0;
}

static int find_root(struct doctor *d)
{
    struct diag why = {0};
    int r = mount_open_remote(&d->mount, &why);
    if (r < 0)
        report_line(&d->report, VMX_FAIL, "directory", "%s", why.text[0] ? why.text : strerror(-r));
    else
        report_line(&d->report, VMX_PASS, "directory", "%s",
                    remote_root(d->mount.remote)[0] ? remote_root(d->mount.remote) : "/");
    return r;
}

/* ---- what the server offers */

static double free_mib(const struct sftp_statvfs *fs)
{
    return (double)fs->frsize * (double)fs->bavail / (1 << 20);
}

static void see_space(struct doctor *d)
{
    FREE_AUTO char *root = remote_path(d->mount.remote, "");
    if (!root || is_over(d, "statvfs"))
        return;
    SFTP_CALL_AUTO *call = sftp_statvfs(d->mount.sftp, root);
    int r = sftp_wait(call, &d->wait);
    if (r == 0)
        report_line(&d->report, VMX_PASS, "statvfs", "df shows the space: %.0f MiB are free",
                    free_mib(sftp_call_statvfs(call)));
    else
        report_line(&d->report, VMX_NOTE, "statvfs", "%s: df shows no space",
                    r == -EOPNOTSUPP ? "not offered" : strerror(-r));
}

static void see_offers(struct doctor *d)
{
    const struct sftp_features f = sftp_features(d->mount.sftp);
    BUF_AUTO handles = {0};
    if (f.max_handles > 0)
        buf_addf(&handles, ", %llu open files", (unsigned long long)f.max_handles);
    if (f.limits)
        report_line(&d->report, VMX_PASS, "limits", "reads of %llu bytes, writes of %llu%s",
                    (unsigned long long)f.max_read, (unsigned long long)f.max_write,
                    handles.data ?: "");
    else
        report_line(&d->report, VMX_NOTE, "limits",
                    "not offered: reads and writes of %llu bytes, which every server takes",
                    (unsigned long long)f.max_read);
    report_line(&d->report, f.hardlink ? VMX_PASS : VMX_NOTE, "hardlink", "%s",
                f.hardlink ? "offered" : "not offered: no file can have several names");
    report_line(&d->report, f.copy_data ? VMX_PASS : VMX_NOTE, "copy-data", "%s",
                f.copy_data ? "offered"
                            : "not offered: a copy inside the mount goes over the link");
}

/* ---- further connections */

static int connect_shell(void *ctx, struct transport **ret, struct diag *why)
{
    return connector_connect_shell(ctx, ret, why);
}

/* A connection counts when its server has said hello. */
static int connect_one(struct doctor *d, struct sftp **ret, struct diag *why)
{
    const struct sftp_options options = {.timeout_ms = (int)d->mount.options->timeout_s * 1000};
    struct transport *transport = NULL;
    return connector_connect_bulk(d->mount.connector, &transport, why)
               ?: sftp_new(transport, &options, ret, why);
}

/* A mount needs no session beside another one in one connection, but several connections. */
static void see_sessions(struct doctor *d)
{
    struct sftp *further[FURTHER] = {NULL};
    struct diag why = {0};
    unsigned n = 0;
    int r = 0;
    if (is_over(d, "sessions"))
        return;
    while (r == 0 && n < FURTHER && !asked_to_end && clock_ms() < d->wait.deadline) {
        r = connect_one(d, &further[n], &why);
        n += r == 0;
    }
    for (unsigned i = 0; i < n; i++)
        sftp_free(further[i]);
    if (r == 0)
        report_line(&d->report, VMX_PASS, "sessions",
                    "%u connections at once, with a session each (MaxSessions 1 is enough)", n + 1);
    else
        report_line(&d->report, n > 0 ? VMX_NOTE : VMX_WARN, "sessions",
                    "%u at once, and then: %s; large files share the first connection", n + 1,
                    why.text);
}

/* 1: the host has the command, 0: it has not; -errno with *why. */
static int has_command(struct doctor *d, struct exec *exec, const char *name, struct diag *why)
{
    const char *const words[] = {"command", "-v", name, NULL};
    BUF_AUTO text = {0};
    int status = 0;
    int r = exec_ask(exec, words, &d->wait, &text, &status, why);
    return r < 0 ? r : status == 0 && text.len > 0;
}

static bool is_esxi_root(struct doctor *d)
{
    return strstr(remote_root(d->mount.remote), "/vmfs/volumes") != NULL;
}

static void see_commands(struct doctor *d)
{
    const struct exec_options options = {.connect = connect_shell, .ctx = d->mount.connector};
    const enum vmx_severity lacking = is_esxi_root(d) ? VMX_WARN : VMX_NOTE;
    struct exec *exec = NULL;
    struct diag why = {0};
    if (is_over(d, "host-commands"))
        return;
    int vim = exec_new(&options, &exec) ?: has_command(d, exec, "vim-cmd", &why);
    int esxcli = vim < 0 ? vim : has_command(d, exec, "esxcli", &why);
    exec_free(exec);
    if (esxcli < 0)
        report_line(&d->report, lacking, "host-commands", "none can be run: %s",
                    why.text[0] ? why.text : strerror(-esxcli));
    else if (vim && esxcli)
        report_line(&d->report, VMX_PASS, "host-commands", "vim-cmd, esxcli");
    else
        report_line(&d->report, lacking, "host-commands",
                    "%s%s not there: no power, no passthrough and no reload", vim ? "" : "vim-cmd",
                    esxcli ? " is"
                    : vim  ? "esxcli is"
                           : " and esxcli are");
}

/* ---- */

static void examine(struct doctor *d)
{
    const struct options *o = d->mount.options;
    d->wait = wait_for_ms((int64_t)o->timeout_s * 1000);
    d->wait.interrupted = is_asked_to_end;
    const struct tries tries = {.report = &d->report,
                                .wait = &d->wait,
                                .read_only = o->read_only,
                                .unsafe_rename = o->rename != NULL};
    tries_make(d->mount.remote, &tries);
    see_space(d);
    see_offers(d);
    see_sessions(d);
    see_commands(d);
}

int doctor_run(struct options *options)
{
    struct doctor d = {.mount = {.options = options}};
    signal(SIGPIPE, SIG_IGN);
    log_setup(false, options->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    options->delay_connect = 0;
    int r = log_in(&d);
    /* Until here nothing is on the server, and a prompt must end by Ctrl-C. */
    catch_signals();
    if (r == 0 && find_root(&d) == 0)
        examine(&d);
    report_end(&d.report);
    mount_down(&d.mount);
    return d.report.worst == VMX_FAIL || asked_to_end ? 1 : 0;
}
