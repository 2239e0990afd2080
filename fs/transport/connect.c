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

/* Connections after the first one, made with what was given for that; a set of them. */
enum further { FURTHER_BULK = 1, FURTHER_SHELL = 2, FURTHER_ALL = 3 };

struct connector {
    struct connect_options options; /* its paths are in paths */
    struct words paths;
    struct ssh_config *config;     /* NULL where local or openssh */
    struct keyring secrets;        /* connector_connect's */
    _Atomic(enum connect_via) via; /* AUTO until it is known that the ssh program is needed */
    atomic_bool compress;          /* connections but those for bulk data */
    atomic_bool refused;
    bool logged_in; /* once; connector_connect's */

    struct lock lock;       /* of all below */
    struct penalty penalty; /* of all connections */
    struct keyring kept;    /* what the first login took; each further one gets a copy */
    unsigned allowed;       /* enum further: the first login can be repeated, was not refused */
};

/* A daemon changes its directory before it connects again. "none" is no file, but a word of ssh. */
static void make_absolute(struct connector *c, const char **path)
{
    if (!*path || strcmp(*path, "none") == 0 || (**path && strchr("/~%$\"", **path)))
        return;
    FREE_AUTO char *directory = get_current_dir_name();
    if (directory)
        *path = words_addf(&c->paths, "%s/%s", directory, *path);
}

/* An argument of ssh must not pass for an option, nor hold anything that a name cannot. */
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
    if (r < 0)
        return r;
    if (o->port > 65535)
        diag_set(why, "%u is not a port: the largest is 65535", o->port);
    else if (o->ssh_command && o->via == CONNECT_LIBSSH2)
        diag_set(
            why,
            "ssh_command cannot be used with transport=libssh2; leave one of the two options out");
    else if (o->ssh_command && strspn(o->ssh_command, " \t") == strlen(o->ssh_command))
        diag_set(why, "ssh_command is empty");
    else
        return 0;
    return -EINVAL;
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

/* ssh takes a certificate that lies beside a key, and ssh -G does not tell. */
static bool has_certificate(const struct ssh_config *config)
{
    bool has = false;
    for (size_t i = 0; !has && i < config->identity_files.n; i++) {
        BUF_AUTO name = {0};
        has = buf_addf(&name, "%s-cert.pub", config->identity_files.list[i]) == 0 &&
              access(name.data, R_OK) == 0;
    }
    return has;
}

/* transport=libssh2 with a host that it cannot reach is refused early. */
static int read_config(struct connector *c, struct diag *why)
{
    int r = ssh_config_read(&c->options, &c->config, why);
    if (r < 0)
        return r;
    if (c->via == CONNECT_AUTO && has_certificate(c->config)) {
        log_debug("there is a certificate beside a key: using the ssh program");
        c->via = CONNECT_OPENSSH;
    }
    if (!c->config->beyond)
        return 0;
    if (c->via == CONNECT_LIBSSH2) {
        diag_set(why, "ssh_config sets %s for %s, which libssh2 cannot do: use transport=openssh",
                 c->config->beyond, c->options.host);
        return -EINVAL;
    }
    log_debug("ssh_config sets %s for %s: using the ssh program", c->config->beyond,
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

static int setup(struct connector *c, struct diag *why)
{
    struct connect_options *o = &c->options;
    make_absolute(c, &o->config_file);
    make_absolute(c, &o->identity_file);
    make_absolute(c, &o->known_hosts_file);
    if (c->paths.error) {
        diag_set(why, "out of memory");
        return c->paths.error;
    }
    if (!o->host)
        return setup_local(c, why);
    int r = check_options(o, why);
    c->via = o->ssh_command ? CONNECT_OPENSSH : o->via;
    /* Also where ssh reads it: so keywords that it does not know are refused in our words. */
    if (r == 0 && !o->ssh_command)
        r = read_config(c, why);
    if (r == 0 && o->password_stdin)
        r = read_password(c, why);
    c->compress =
        o->compression == CONNECT_COMPRESSION_YES ||
        (o->compression == CONNECT_COMPRESSION_AUTO && c->config && c->config->compression);
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
    c->options = *options;
    int r = setup(c, why);
    if (r < 0)
        connector_free(c);
    else
        *ret = c;
    return r;
}

const char *connector_hostname(const struct connector *c)
{
    return c->config ? c->config->hostname : c->options.host;
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

/* command: of static storage; NULL for the SFTP server. */
static int via_ssh(struct connector *c, struct keyring *secrets, const char *command,
                   bool interactive, struct transport **ret, struct diag *why)
{
    const struct child_login login = {
        .options = &c->options,
        .secrets = secrets,
        .command = command,
        .interactive = interactive,
        .compress = c->compress,
    };
    return note_attempt(c, child_ssh(&login, ret, why));
}

static int via_libssh2(struct connector *c, struct keyring *secrets, const char *command,
                       bool interactive, bool compress, struct transport **ret, struct diag *why)
{
    const struct ssh_login login = {
        .config = c->config,
        .secrets = secrets,
        .command = command,
        .interactive = interactive && !c->config->batch,
        .has_other_way = c->via == CONNECT_AUTO,
        .compress = compress,
    };
    return note_attempt(c, ssh_connect(&login, ret, why));
}

/* Over the connection that another ssh has open to the host: it needs no login. Where there is
 * none, or it does not serve, the login is made as always. */
static bool via_master(struct connector *c, struct keyring *secrets, const char *command,
                       struct transport **ret)
{
    if (!c->config || c->via == CONNECT_LIBSSH2 || !ssh_config_has_master(c->config, &c->options))
        return false;
    const struct child_login login = {
        .options = &c->options,
        .secrets = secrets,
        .command = command,
        .shares = true,
    };
    struct diag why = {0};
    if (note_attempt(c, child_ssh(&login, ret, &why)) == 0)
        return true;
    log_debug("the connection that ssh has open does not serve: %s", why.text);
    return false;
}

/* libssh2, or the ssh program where that is known to be needed, or turns out to be: for the main
 * connection, which has no command, from then on. */
static int via_either(struct connector *c, struct keyring *secrets, const char *command,
                      bool interactive, struct transport **ret, struct diag *why)
{
    enum connect_via via = atomic_load(&c->via);
    if (via_master(c, secrets, command, ret))
        return 0;
    if (via == CONNECT_OPENSSH)
        return via_ssh(c, secrets, command, interactive, ret, why);
    struct diag told = {0};
    int r = via_libssh2(c, secrets, command, interactive, c->compress, ret, &told);
    if (r == -EOPNOTSUPP && via == CONNECT_AUTO) {
        if (!command) {
            log_debug("%s; using the ssh program", told.text);
            c->via = CONNECT_OPENSSH;
        }
        return via_ssh(c, secrets, command, interactive, ret, why);
    }
    if (r < 0)
        diag_set(why, "%s", told.text);
    /* A fault of libssh2 is not reported as the server's. */
    if (command && r == -EOPNOTSUPP)
        return -EPROTO;
    return r == -ENOEXEC ? -EOPNOTSUPP : r;
}

/* After the first login. What was typed then is known; an answer to a code would not be right
 * again.
 */
static void allow_further(struct connector *c)
{
    lock_take(&c->lock);
    bool lasts = keyring_lasts(&c->secrets) && keyring_copy(&c->secrets, &c->kept) == 0;
    c->allowed = lasts ? FURTHER_ALL : 0;
    lock_drop(&c->lock);
}

/* One may be refused and another not: the ssh program and libssh2 carry them. */
static void forbid(struct connector *c, enum further kinds)
{
    lock_take(&c->lock);
    c->allowed &= ~(unsigned)kinds;
    if (!c->allowed)
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
    if (r == 0)
        r = c->options.host ? via_either(c, &c->secrets, NULL, interactive, ret, why)
                            : child_local(c->options.sftp_server, ret, why);
    if (r == 0 && !c->logged_in)
        allow_further(c);
    c->logged_in = c->logged_in || r == 0;
    if (r == -EACCES) {
        keyring_wipe(&c->secrets);
        atomic_store(&c->refused, true);
        forbid(c, FURTHER_ALL);
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

static bool has_mark(const void *mark, const char *name)
{
    return strstr(name, mark) != NULL;
}

/* The algorithms of a list, with those first whose names have the mark; NULL without memory. */
static const char *prefer(const char *list, const char *mark, struct buf *scratch)
{
    return ssh_config_prefer(list, has_mark, mark, scratch) == 0 ? scratch->data : NULL;
}

/* A cipher that is faster than the one that ssh prefers by itself, among those that ssh_config
 * allows: GCM, with instructions for AES. NULL: what ssh prefers. */
static const char *bulk_ciphers(const struct connector *c, struct buf *scratch)
{
    struct diag why = {0};
    struct ssh_config *read = NULL;
    if (c->options.ssh_command || !has_aes())
        return NULL;
    if (!c->config && ssh_config_read(&c->options, &read, &why) < 0)
        return NULL;
    const char *ciphers = c->config ? c->config->ciphers : read->ciphers;
    const char *ret = prefer(ciphers, "-gcm@openssh.com", scratch);
    ssh_config_unref(read);
    return ret;
}

static int bulk_any(struct connector *c, struct keyring *secrets, struct transport **ret,
                    struct diag *why)
{
    enum connect_via via = atomic_load(&c->via);
    if (!c->options.host)
        return child_local(c->options.sftp_server, ret, why);
    if (via == CONNECT_LIBSSH2)
        return via_libssh2(c, secrets, NULL, false, false, ret, why);
    if (via_master(c, secrets, NULL, ret))
        return 0;
    BUF_AUTO ciphers = {0};
    BUF_AUTO kex = {0};
    const struct child_login login = {
        .options = &c->options,
        .secrets = secrets,
        .ciphers = bulk_ciphers(c, &ciphers),
        /* The kind that libssh2 has agreed on for the first connection: what ssh prefers by itself
         * takes longer than all the rest of the login. */
        .kex = via == CONNECT_AUTO ? prefer(c->config->kex, "curve25519-", &kex) : NULL,
    };
    int r = note_attempt(c, child_ssh(&login, ret, why));
    /* The ssh program cannot: libssh2 could. */
    if (via == CONNECT_AUTO && (r == -EPERM || r == -EINVAL || r == -ENOENT || r == -EPROTO))
        r = via_libssh2(c, secrets, NULL, false, false, ret, why);
    return r;
}

static int connect_further(struct connector *c, enum further kind, struct transport **ret,
                           struct diag *why)
{
    struct keyring secrets = {0};
    int r = check_penalty(c, why);
    if (r < 0)
        return r;
    lock_take(&c->lock);
    bool allowed = c->allowed & kind;
    r = allowed ? keyring_copy(&c->kept, &secrets) : -EACCES;
    lock_drop(&c->lock);
    if (!allowed)
        diag_set(why, "the login cannot be repeated without asking, or was refused");
    else if (r < 0)
        diag_set(why, "cannot keep what the login needs: %s", strerror(-r));
    else if (kind == FURTHER_BULK)
        r = bulk_any(c, &secrets, ret, why);
    else /* another shell than sh, which a user may have, knows this command too */
        r = via_either(c, &secrets, "exec /bin/sh", false, ret, why);
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

bool connector_may_compress(const struct connector *c)
{
    return c->options.host && !c->options.ssh_command &&
           c->options.compression != CONNECT_COMPRESSION_NO && !atomic_load(&c->compress);
}

bool connector_compress(struct connector *c)
{
    if (!connector_may_compress(c))
        return false;
    lock_take(&c->lock);
    const bool allowed = c->allowed != 0;
    lock_drop(&c->lock);
    if (allowed)
        atomic_store(&c->compress, true);
    return allowed;
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
    ssh_config_unref(c->config);
    words_done(&c->paths);
    free(c);
}
