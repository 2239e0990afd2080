/* SPDX-License-Identifier: MIT */
#include "connect.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "transport/child/child.h"
#include "penalty.h"
#include "transport/ssh/ssh.h"

/* Connections after the first one, made with what was given for that. */
enum further { FURTHER_BULK, FURTHER_SHELL, FURTHER_KINDS };

struct connector {
    struct connect_options options; /* its strings are in words */
    struct words strings;
    struct ssh_config config;      /* set unless local or openssh */
    struct keyring secrets;        /* connector_connect's */
    _Atomic(enum connect_via) via; /* AUTO until it is known that the ssh program is needed */
    atomic_bool refused;

    struct lock lock;            /* of all below */
    struct penalty penalty;      /* of all connections */
    struct keyring kept;         /* what the first login took; each further one gets a copy */
    bool allowed[FURTHER_KINDS]; /* the first login can be repeated, and was not refused */
};

/* Keeps a string for the connector's life. */
static const char *keep(struct connector *c, const char *string)
{
    if (!string)
        return NULL;
    words_add(&c->strings, string);
    return c->strings.error ? NULL : c->strings.list[c->strings.n - 1];
}

/* Paths are made absolute: a daemon changes its directory before it connects again. */
static const char *keep_path(struct connector *c, const char *path)
{
    if (!path || *path == '/' || *path == '~' || *path == '%' || *path == '$')
        return keep(c, path);
    FREE_AUTO char *directory = get_current_dir_name();
    if (!directory)
        return keep(c, path);
    words_addf(&c->strings, "%s/%s", directory, path);
    return c->strings.error ? NULL : c->strings.list[c->strings.n - 1];
}

static int copy_options(struct connector *c, const struct connect_options *o)
{
    c->options = *o;
    c->options.host = keep(c, o->host);
    c->options.user = keep(c, o->user);
    c->options.identity_file = keep_path(c, o->identity_file);
    c->options.known_hosts_file = keep_path(c, o->known_hosts_file);
    c->options.ssh_command = keep(c, o->ssh_command);
    c->options.sftp_server = keep(c, o->sftp_server);
    return c->strings.error;
}

/* What is given to ssh as an argument must not be taken for an option, nor hold anything that a
 * name cannot. */
static int check_name(const char *what, const char *name, struct diag *why)
{
    bool bad = *name == '-' || *name == '\0';
    for (const char *p = name; *p; p++)
        bad |= iscntrl((unsigned char)*p) || isspace((unsigned char)*p);
    if (bad)
        diag_set(why, "\"%s\" is no %s: it may not be empty, begin with \"-\" or have spaces", name,
                 what);
    return bad ? -EINVAL : 0;
}

static int check_options(const struct connect_options *o, struct diag *why)
{
    int r = check_name("host name", o->host, why);
    if (r == 0 && o->user)
        r = check_name("user name", o->user, why);
    if (r == 0 && o->port > 65535) {
        diag_set(why, "%u is not a port: the largest is 65535", o->port);
        r = -EINVAL;
    }
    if (r == 0 && o->ssh_command && o->via == CONNECT_LIBSSH2) {
        diag_set(
            why,
            "ssh_command cannot be used with transport=libssh2; leave one of the two options out");
        r = -EINVAL;
    }
    if (r == 0 && o->ssh_command && strspn(o->ssh_command, " \t") == strlen(o->ssh_command)) {
        diag_set(why, "ssh_command is empty");
        r = -EINVAL;
    }
    return r;
}

static int read_password(struct connector *c, struct diag *why)
{
    struct secret *password;
    int r =
        secret_read_line(STDIN_FILENO, &password) ?: keyring_put(&c->secrets, "password", password);
    if (r < 0)
        diag_set(why, "cannot read the password from standard input: %s",
                 r == -ENODATA ? "there is none" : strerror(-r));
    return r == -ENODATA ? -EINVAL : r;
}

/* transport=libssh2 with a host that it cannot reach is refused early. */
static int read_config(struct connector *c, struct diag *why)
{
    int r = ssh_config_read(&c->options, &c->config, why);
    if (r < 0 || !c->config.beyond)
        return r;
    if (c->via == CONNECT_LIBSSH2) {
        diag_set(why, "ssh_config sets %s for %s, which libssh2 cannot do: use transport=openssh",
                 c->config.beyond, c->options.host);
        return -EINVAL;
    }
    log_debug("ssh_config sets %s for %s: using the ssh program", c->config.beyond,
              c->options.host);
    c->via = CONNECT_OPENSSH;
    return 0;
}

static int setup_local(const struct connector *c, struct diag *why)
{
    const char *program = c->options.sftp_server;
    if (!program)
        program = child_find_server();
    if (program && access(program, X_OK) == 0)
        return 0;
    diag_set(why, "no sftp-server at %s: install OpenSSH's, or name one with -o sftp_server",
             program ? program : "the usual places");
    return -ENOENT;
}

static int setup(struct connector *c, const struct connect_options *options, struct diag *why)
{
    int r = copy_options(c, options);
    if (r < 0) {
        diag_set(why, "out of memory");
        return r;
    }
    if (!options->host)
        return setup_local(c, why);
    r = check_options(options, why);
    c->via = options->ssh_command ? CONNECT_OPENSSH : options->via;
    if (r == 0 && c->via != CONNECT_OPENSSH)
        r = read_config(c, why);
    if (r == 0 && options->password_stdin)
        r = read_password(c, why);
    return r;
}

int connector_new(const struct connect_options *options, struct connector **ret, struct diag *why)
{
    struct connector *c = calloc(1, sizeof(*c));
    if (!c) {
        diag_set(why, "out of memory");
        return -ENOMEM;
    }
    lock_init(&c->lock);
    int r = setup(c, options, why);
    if (r < 0)
        connector_free(c);
    else
        *ret = c;
    return r;
}

static int note_attempt(struct connector *c, int result)
{
    lock_take(&c->lock);
    penalty_note(&c->penalty, result, clock_ms());
    lock_drop(&c->lock);
    return result;
}

/* Nobody waits for a connection that is made again, or beside the first one, but other clients of
 * this address may wait at the server's door. */
static int check_penalty(struct connector *c, struct diag *why)
{
    lock_take(&c->lock);
    bool allowed = penalty_allows(&c->penalty, clock_ms());
    lock_drop(&c->lock);
    if (allowed || !c->options.host)
        return 0;
    diag_set(why,
             "the last connections to %s failed; the next attempt waits some seconds, so that the "
             "server does not shut this address out (PerSourcePenalties)",
             c->options.host);
    return -ECONNREFUSED;
}

/* command: NULL for the SFTP server. */
static int via_ssh(struct connector *c, struct keyring *secrets, const char *command,
                   bool interactive, struct transport **ret, struct diag *why)
{
    const struct child_login login = {
        .options = &c->options,
        .secrets = secrets,
        .command = command,
        .interactive = interactive,
    };
    return note_attempt(c, child_ssh(&login, ret, why));
}

static int via_libssh2(struct connector *c, struct keyring *secrets, const char *command,
                       bool interactive, struct transport **ret, struct diag *why)
{
    const struct ssh_login login = {
        .config = &c->config,
        .secrets = secrets,
        .command = command,
        .sftp_server = c->options.sftp_server,
        .password_only = c->options.password_stdin,
        .interactive = interactive && !c->config.batch,
        .has_other_way = c->via == CONNECT_AUTO,
        .timeout_ms = c->options.timeout_ms,
    };
    return note_attempt(c, ssh_connect(&login, ret, why));
}

static int connect_any(struct connector *c, bool interactive, struct transport **ret,
                       struct diag *why)
{
    if (!c->options.host)
        return child_local(c->options.sftp_server, ret, why);
    if (c->via == CONNECT_OPENSSH)
        return via_ssh(c, &c->secrets, NULL, interactive, ret, why);
    struct diag told = {0};
    int r = via_libssh2(c, &c->secrets, NULL, interactive, ret, &told);
    if (r == -EOPNOTSUPP && c->via == CONNECT_AUTO) {
        log_debug("%s; using the ssh program", told.text);
        c->via = CONNECT_OPENSSH;
        return via_ssh(c, &c->secrets, NULL, interactive, ret, why);
    }
    if (r < 0)
        diag_set(why, "%s", told.text);
    return r;
}

/* After the first login. What was typed then is known; an answer to a code would not be right
 * again.
 */
static void allow_further(struct connector *c)
{
    lock_take(&c->lock);
    bool allowed = keyring_lasts(&c->secrets) && keyring_copy(&c->secrets, &c->kept) == 0;
    for (size_t i = 0; i < FURTHER_KINDS; i++)
        c->allowed[i] = allowed;
    lock_drop(&c->lock);
}

/* One may be refused and another not: the ssh program and libssh2 carry them. */
static void forbid(struct connector *c, enum further kind)
{
    bool any = false;
    lock_take(&c->lock);
    c->allowed[kind] = false;
    for (size_t i = 0; i < FURTHER_KINDS; i++)
        any |= c->allowed[i];
    if (!any)
        keyring_wipe(&c->kept);
    lock_drop(&c->lock);
}

int connector_connect(struct connector *c, bool interactive, struct transport **ret,
                      struct diag *why)
{
    if (connector_refused(c)) {
        diag_set(why,
                 "%s refused the login; vmxfs does not try again by itself: unmount, and mount "
                 "anew",
                 c->options.host);
        return -EACCES;
    }
    int r = interactive ? 0 : check_penalty(c, why);
    r = r ?: connect_any(c, interactive, ret, why);
    if (r == 0 && interactive)
        allow_further(c);
    if (r == -EACCES) {
        keyring_wipe(&c->secrets);
        atomic_store(&c->refused, true);
        for (enum further kind = 0; kind < FURTHER_KINDS; kind++)
            forbid(c, kind);
    }
    return r;
}

static bool has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
    return false;
#endif
}

/* What is faster than what ssh prefers by itself, and only what ssh_config allows: GCM, with
 * instructions for AES. */
static int bulk_ciphers(const struct connector *c, struct buf *ret)
{
    struct diag why = {0};
    struct ssh_config read = {0};
    if (c->options.ssh_command || !has_aes())
        return 0;
    int r = c->config.ciphers ? 0 : ssh_config_read(&c->options, &read, &why);
    r = r
            ?: ssh_config_prefer(c->config.ciphers ? c->config.ciphers : read.ciphers,
                                 "-gcm@openssh.com", ret);
    ssh_config_done(&read);
    return r;
}

/* The kind that libssh2 has agreed on for the first connection: what ssh prefers by itself takes
 * longer than all the rest of the login. */
static int bulk_kex(const struct connector *c, struct buf *ret)
{
    if (c->options.ssh_command || !c->config.kex)
        return 0;
    return ssh_config_prefer(c->config.kex, "curve25519-", ret);
}

static int bulk_any(struct connector *c, struct keyring *secrets, struct transport **ret,
                    struct diag *why)
{
    enum connect_via via = atomic_load(&c->via);
    if (!c->options.host)
        return child_local(c->options.sftp_server, ret, why);
    if (via == CONNECT_LIBSSH2)
        return via_libssh2(c, secrets, NULL, false, ret, why);
    BUF_AUTO ciphers = {0};
    BUF_AUTO kex = {0};
    const struct child_login login = {
        .options = &c->options,
        .secrets = secrets,
        .ciphers = bulk_ciphers(c, &ciphers) == 0 && ciphers.len ? ciphers.data : NULL,
        .kex = via == CONNECT_AUTO && bulk_kex(c, &kex) == 0 && kex.len ? kex.data : NULL,
    };
    int r = note_attempt(c, child_ssh(&login, ret, why));
    /* The ssh program cannot: libssh2 could. */
    if (via == CONNECT_AUTO && (r == -EPERM || r == -EINVAL || r == -ENOENT || r == -EPROTO))
        r = via_libssh2(c, secrets, NULL, false, ret, why);
    return r;
}

/* Another shell than sh, which a user may have, knows this command too. */
static int shell_any(struct connector *c, struct keyring *secrets, struct transport **ret,
                     struct diag *why)
{
    static const char shell[] = "exec /bin/sh";
    enum connect_via via = atomic_load(&c->via);
    if (via == CONNECT_OPENSSH)
        return via_ssh(c, secrets, shell, false, ret, why);
    struct diag told = {0};
    int r = via_libssh2(c, secrets, shell, false, ret, &told);
    if (r == -EOPNOTSUPP && via == CONNECT_AUTO)
        return via_ssh(c, secrets, shell, false, ret, why);
    if (r < 0)
        diag_set(why, "%s", told.text);
    /* What libssh2 cannot do today is not said of the server. */
    return r == -EOPNOTSUPP ? -EPROTO : r == -ENOEXEC ? -EOPNOTSUPP : r;
}

static int connect_further(struct connector *c, enum further kind, struct transport **ret,
                           struct diag *why)
{
    struct keyring secrets = {0};
    int r = check_penalty(c, why);
    if (r < 0)
        return r;
    lock_take(&c->lock);
    bool allowed = c->allowed[kind];
    r = allowed ? keyring_copy(&c->kept, &secrets) : -EACCES;
    lock_drop(&c->lock);
    if (!allowed)
        diag_set(why, "the login cannot be repeated without asking, or was refused");
    else if (r < 0)
        diag_set(why, "cannot keep what the login needs: %s", strerror(-r));
    else if (kind == FURTHER_BULK)
        r = bulk_any(c, &secrets, ret, why);
    else
        r = shell_any(c, &secrets, ret, why);
    keyring_wipe(&secrets);
    if (r == -EACCES)
        forbid(c, kind);
    return r;
}

int connector_connect_bulk(struct connector *c, struct transport **ret, struct diag *why)
{
    return connect_further(c, FURTHER_BULK, ret, why);
}

int connector_connect_shell(struct connector *c, struct transport **ret, struct diag *why)
{
    if (!c->options.host) {
        diag_set(why, "a local directory has no host that runs commands");
        return -EOPNOTSUPP;
    }
    return connect_further(c, FURTHER_SHELL, ret, why);
}

bool connector_refused(const struct connector *c)
{
    return atomic_load(&c->refused);
}

void connector_free(struct connector *c)
{
    if (!c)
        return;
    keyring_wipe(&c->secrets);
    keyring_wipe(&c->kept);
    lock_done(&c->lock);
    ssh_config_done(&c->config);
    words_done(&c->strings);
    free(c);
}
