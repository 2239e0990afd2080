/* SPDX-License-Identifier: MIT */
/*
 * A libssh2 channel as a transport. Made with the session blocking; from then on nothing blocks.
 *
 * libssh2 wants a call that said EAGAIN to be repeated, with the same bytes, before any other. A
 * write can say so in the middle of a rekey. Its bytes are then kept in `held` and count as taken,
 * and `held` goes first whatever is called next; so the caller need not know.
 */
#include "ssh.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ssh_auth.h"
#include "ssh_library.h"
#include "ssh_watch.h"
#include "transport/login/host_key_policy.h"
#include "transport/tcp.h"

enum {
    PENDING_MAX = 256 << 10, /* what may wait in our buffer; more would only make requests old */
    WRITE_MAX = 32700,       /* what libssh2 takes at once */
    WINDOW = 2 << 20,        /* larger ones make libssh2's list of packets slow */
    PACKET = 32 << 10,
};

struct ssh_transport {
    struct transport base; /* first: the contract casts */
    struct ssh_io io;
    LIBSSH2_CHANNEL *channel;
    struct buf held;
    struct buf about; /* for describe */
};

static struct ssh_transport *self(struct transport *t)
{
    return (struct ssh_transport *)t;
}

static short ssh_events(const struct transport *t)
{
    return ((const struct ssh_transport *)t)->io.out.len > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* 0: nothing is held any more; -EAGAIN; -errno. */
static int push_held(struct ssh_transport *s)
{
    if (s->held.len == 0)
        return 0;
    ssize_t n = libssh2_channel_write(s->channel, s->held.data, s->held.len);
    if (n <= 0)
        return n == 0 ? -EAGAIN : ssh_io_errno((int)n);
    ssh_io_drop(&s->held, (size_t)n);
    return s->held.len > 0 ? -EAGAIN : 0;
}

static ssize_t ssh_read(struct transport *t, void *bytes, size_t size)
{
    struct ssh_transport *s = self(t);
    int r = push_held(s);
    if (r < 0 && r != -EAGAIN)
        return r;
    ssize_t n = libssh2_channel_read(s->channel, bytes, size);
    if (n > 0)
        return n;
    if (libssh2_channel_eof(s->channel) == 1)
        return 0;
    return n == 0 ? -EAGAIN : ssh_io_errno((int)n);
}

static ssize_t ssh_write(struct transport *t, const void *bytes, size_t size)
{
    struct ssh_transport *s = self(t);
    int r = push_held(s);
    if (r < 0)
        return r;
    if (s->io.out.len >= PENDING_MAX || libssh2_channel_window_write(s->channel) == 0)
        return -EAGAIN;
    if (size > WRITE_MAX)
        size = WRITE_MAX;
    ssize_t n = libssh2_channel_write(s->channel, bytes, size);
    if (n > 0)
        return n;
    if (n != 0 && n != LIBSSH2_ERROR_EAGAIN)
        return ssh_io_errno((int)n);
    r = buf_add(&s->held, (struct span){bytes, size});
    return r < 0 ? r : (ssize_t)size;
}

static int ssh_flush(struct transport *t)
{
    int r = push_held(self(t));
    if (r < 0 && r != -EAGAIN)
        return r;
    return ssh_io_flush(&self(t)->io);
}

static int ssh_describe(const struct transport *t, struct buf *ret)
{
    return buf_add(ret, buf_span(&((const struct ssh_transport *)t)->about));
}

static void ssh_free(struct transport *t)
{
    struct ssh_transport *s = self(t);
    ssh_io_done(&s->io);
    if (t->fd >= 0)
        close(t->fd);
    buf_done(&s->held);
    buf_done(&s->about);
    free(s);
}

static const struct transport_ops ssh_ops = {
    .events = ssh_events,
    .read = ssh_read,
    .write = ssh_write,
    .flush = ssh_flush,
    .describe = ssh_describe,
    .free = ssh_free,
};

static bool is_weak(const char *algorithm)
{
    static const char *const marks[] = {"-cert-v01", "ssh-dss", "-cbc", "arcfour", "3des", "md5"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strstr(algorithm, marks[i]))
            return true;
    }
    return false;
}

static bool is_among(const char *word, const char *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(word, list[i]) == 0)
            return true;
    }
    return false;
}

/* The words of the comma list that libssh2 has and that may be offered. */
static int choose(struct ssh_io *io, int method, const char *list, struct buf *ret)
{
    const char **supported = NULL;
    int n = libssh2_session_supported_algs(io->session, method, &supported);
    if (n < 0)
        return ssh_io_errno(n);
    WORDS_AUTO words = {0};
    words_split(&words, list, ",");
    int r = words.error;
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        const char *word = words.list[i];
        if (is_among(word, supported, n) && !is_weak(word) &&
            ssh_library_is_safe(ssh_library_version(), word))
            r = buf_addf(ret, "%s%s", ret->len ? "," : "", word);
    }
    libssh2_free(io->session, supported);
    return r;
}

/* Offers what the configuration allows. libssh2 would leave out what it does not have by itself,
 * but 1.10 does so with a memcpy that overlaps. */
static int prefer(struct ssh_io *io, int method, const char *list)
{
    BUF_AUTO wanted = {0};
    int r = choose(io, method, list, &wanted);
    if (r < 0)
        return r;
    if (wanted.len == 0)
        return -EOPNOTSUPP;
    r = libssh2_session_method_pref(io->session, method, wanted.data);
    return r < 0 ? ssh_io_errno(r) : 0;
}

/* Whether a server can show a key that is known. Where that does not matter, none is needed. */
static int check_known_types(struct ssh_io *io, const struct ssh_login *login,
                             const struct known_hosts *known, struct diag *why)
{
    const struct ssh_config *c = login->config;
    BUF_AUTO offered = {0};
    if (c->strict == CONNECT_STRICT_NO && !login->has_other_way)
        return 0;
    int r = choose(io, LIBSSH2_METHOD_HOSTKEY, c->host_key_algorithms, &offered);
    if (r < 0 || offered.len == 0 || !host_key_is_out_of_reach(known, offered.data))
        return 0; /* the handshake will tell */
    diag_set(why,
             "libssh2 %s has none of the types of host key that are known for %s: use "
             "transport=openssh",
             libssh2_version(0), c->alias);
    return -EOPNOTSUPP;
}

static int set_preferences(struct ssh_io *io, const struct ssh_config *c,
                           const struct known_hosts *known, struct diag *why)
{
    BUF_AUTO kex = {0};
    BUF_AUTO keys = {0};
    int r = host_key_order(c, known, &keys);
    /* The last two are not key exchanges but announcements, where libssh2 knows them. */
    r = r
        ?: buf_addf(&kex, "%s,ext-info-c,kex-strict-c-v00@openssh.com", c->kex)
        ?: prefer(io, LIBSSH2_METHOD_KEX, kex.data)
        ?: prefer(io, LIBSSH2_METHOD_HOSTKEY, keys.len ? keys.data : "")
        ?: prefer(io, LIBSSH2_METHOD_CRYPT_CS, c->ciphers)
        ?: prefer(io, LIBSSH2_METHOD_MAC_CS, c->macs)
        ?: prefer(io, LIBSSH2_METHOD_CRYPT_SC, c->ciphers)
        ?: prefer(io, LIBSSH2_METHOD_MAC_SC, c->macs);
    if (r == -EOPNOTSUPP)
        diag_set(why,
                 "libssh2 %s has none of the algorithms that ssh_config allows for %s, or none "
                 "that is safe in this version: use transport=openssh",
                 libssh2_version(0), c->alias);
    else if (r < 0)
        diag_set(why, "cannot prepare the connection to %s: %s", c->alias, strerror(-r));
    return r;
}

static int handshake(struct ssh_io *io, const struct ssh_login *login, struct diag *why)
{
    const struct ssh_config *c = login->config;
    libssh2_session_flag(io->session, LIBSSH2_FLAG_COMPRESS, login->compress);
    int error = libssh2_session_handshake(io->session, io->fd);
    if (error == 0)
        return 0;
    int r = ssh_io_errno(error);
    if (r == -EOPNOTSUPP)
        diag_set(why, "libssh2 %s shares no algorithm with %s (%s): use transport=openssh",
                 libssh2_version(0), c->alias, ssh_io_words(io));
    else if (r == -ECONNRESET)
        diag_set(why,
                 "%s closed the connection before the handshake: no SSH server at port %u, or "
                 "one with too many connections, or one that shuts this address out for a while "
                 "after failed logins (PerSourcePenalties): try again in a minute",
                 c->alias, c->port);
    else if (r == -ETIMEDOUT)
        diag_set(why,
                 "%s accepts connections at port %u, but its SSH server does not answer: check "
                 "the host",
                 c->alias, c->port);
    else
        diag_set(why, "libssh2 %s cannot speak SSH with %s (%s): use transport=openssh",
                 libssh2_version(0), c->alias, ssh_io_words(io));
    /* A version line, say, that is too long for libssh2. */
    return r == -EPROTO && login->has_other_way ? -EOPNOTSUPP : r;
}

static int read_host_key(struct ssh_io *io, struct host_key *ret)
{
    size_t n;
    int type;
    const char *blob = libssh2_session_hostkey(io->session, &n, &type);
    const char *sha256 = libssh2_hostkey_hash(io->session, LIBSSH2_HOSTKEY_HASH_SHA256);
    if (!blob || !sha256)
        return -EPROTO;
    *ret = (struct host_key){.blob = {blob, n}, .sha256 = {sha256, 32}};
    return 0;
}

/* The server took the login, and will have none of what comes behind it. 0: that is not so. */
static int explain_closed(struct ssh_transport *s, const char *host, struct diag *why)
{
    const char *said = s->io.goodbye;
    if (!s->io.ended && !ssh_io_is_closed(&s->io))
        return 0;
    diag_set(why,
             "%s closed the connection after the login%s%s%s: may the account log in, has it "
             "expired, has it too many sessions?",
             host, *said ? " (\"" : "", said, *said ? "\")" : "");
    return -ECONNRESET;
}

static int open_channel(struct ssh_transport *s, const char *host, struct diag *why)
{
    s->channel = libssh2_channel_open_ex(s->io.session, "session", strlen("session"), WINDOW,
                                         PACKET, NULL, 0);
    if (s->channel)
        return 0;
    int r = ssh_io_errno(libssh2_session_last_errno(s->io.session));
    if (r != -ETIMEDOUT && explain_closed(s, host, why) < 0)
        return -ECONNRESET;
    diag_set(why, "%s does not open a session (%s): does it limit their number (MaxSessions)?",
             host, ssh_io_words(&s->io));
    return r;
}

/* The SFTP server or the command. As in sshfs, a server's name without a slash is a subsystem. */
static int start(struct ssh_transport *s, const struct ssh_login *login, struct diag *why)
{
    const struct ssh_config *c = login->config;
    const char *server = c->sftp_server ? c->sftp_server : "sftp";
    const char *what = login->command ? login->command : server;
    const char *request = login->command || strchr(server, '/') ? "exec" : "subsystem";
    int error = libssh2_channel_process_startup(s->channel, request, (unsigned)strlen(request),
                                                what, (unsigned)strlen(what));
    if (error == 0)
        return 0;
    if (error != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED && ssh_io_errno(error) != -ETIMEDOUT &&
        explain_closed(s, c->alias, why) < 0)
        return -ECONNRESET;
    if (login->command)
        diag_set(why, "%s does not run commands (%s)", c->alias, ssh_io_words(&s->io));
    else
        diag_set(why,
                 "%s does not start \"%s\" (%s): enable its SFTP server, or name one with "
                 "-o sftp_server",
                 c->alias, server, ssh_io_words(&s->io));
    return login->command && error == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED ? -ENOEXEC
                                                                           : ssh_io_errno(error);
}

static int describe(struct ssh_transport *s, const struct host_key *key)
{
    static const struct {
        const char *name;
        int method;
    } methods[] = {
        {"key-exchange", LIBSSH2_METHOD_KEX},
        {"cipher", LIBSSH2_METHOD_CRYPT_CS},
        {"mac", LIBSSH2_METHOD_MAC_CS},
        {"compression", LIBSSH2_METHOD_COMP_CS},
    };
    const char *banner = libssh2_session_banner_get(s->io.session);
    int r = buf_addf(&s->about, "transport: libssh2 %s\nserver: %s\nhost-key: ", libssh2_version(0),
                   banner ? banner : "-")
        ?: host_key_describe(key, &s->about)
        ?: buf_add_char(&s->about, '\n');
    for (size_t i = 0; r == 0 && i < sizeof(methods) / sizeof(methods[0]); i++) {
        const char *value = libssh2_session_methods(s->io.session, methods[i].method);
        r = buf_addf(&s->about, "%s: %s\n", methods[i].name, value ? value : "-");
    }
    return r;
}

/* What the server says on standard error would fill the window if nobody took it away. libssh2 then
 * sends a window adjust for it, and uses freed memory if that says EAGAIN: it never does from now
 * on, because io_send takes whole packets. */
static void drop_standard_error(struct ssh_transport *s)
{
    libssh2_channel_handle_extended_data2(s->channel, LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE);
    libssh2_channel_flush_ex(s->channel, SSH_EXTENDED_DATA_STDERR);
}

static int log_in(struct ssh_transport *s, const struct ssh_login *login,
                  const struct known_hosts *known, struct diag *why)
{
    const struct ssh_config *c = login->config;
    libssh2_session_set_blocking(s->io.session, 1);
    libssh2_session_set_timeout(s->io.session, c->timeout_ms);
    struct host_key key;
    bool doubtful;
    int r = check_known_types(&s->io, login, known, why)
        ?: set_preferences(&s->io, c, known, why)
        ?: handshake(&s->io, login, why);
    if (r < 0)
        return r;
    r = read_host_key(&s->io, &key) ?: describe(s, &key);
    if (r < 0) {
        diag_set(why, "cannot read the host key of %s: %s", c->alias, strerror(-r));
        return r;
    }
    r = host_key_check(c, known, &key, login->has_other_way, &doubtful, why)
        ?: ssh_auth(&s->io, login, doubtful, why)
        ?: buf_addf(&s->about, "login: %s\n", s->io.method)
        ?: open_channel(s, c->alias, why)
        ?: start(s, login, why);
    if (r < 0)
        return r;
    libssh2_session_set_blocking(s->io.session, 0);
    s->io.wipe = false;
    s->io.buffered = true;
    drop_standard_error(s);
    return 0;
}

/* A login, with all that it works with: it may outlive its caller (ssh_watch.h). */
struct attempt {
    struct ssh_watch watch;
    struct ssh_login login; /* its secrets are those below */
    struct keyring secrets;
    struct known_hosts *known;
    struct ssh_transport *transport;
    struct diag why;
    int result;
};

static void attempt_free(struct attempt *a)
{
    if (a->transport)
        ssh_free(&a->transport->base);
    known_hosts_free(a->known);
    keyring_wipe(&a->secrets);
    ssh_config_unref(a->login.config);
    free(a);
}

/* A job is done, or was abandoned and has come to its end. */
static void release(void *job)
{
    struct attempt *a = job;
    ssh_watch_done(&a->watch);
    attempt_free(a);
}

static void run(void *job)
{
    struct attempt *a = job;
    a->result = log_in(a->transport, &a->login, a->known, &a->why);
}

static int attempt_new(const struct ssh_login *login, struct attempt **ret)
{
    struct attempt *a = calloc(1, sizeof(*a));
    struct ssh_transport *s = calloc(1, sizeof(*s));
    if (!a || !s) {
        free(a);
        free(s);
        return -ENOMEM;
    }
    s->base = (struct transport){&ssh_ops, -1};
    s->io.fd = -1;
    a->transport = s;
    a->login = *login;
    a->login.config = ssh_config_ref(login->config);
    a->login.secrets = &a->secrets;
    int r = keyring_copy(login->secrets, &a->secrets);
    if (r < 0)
        attempt_free(a);
    else
        *ret = a;
    return r;
}

static int connect_socket(struct attempt *a, struct diag *why)
{
    const struct ssh_config *c = a->login.config;
    struct ssh_transport *s = a->transport;
    int r = tcp_connect(c->hostname, c->port, c->family, c->timeout_ms, &s->base.fd, why);
    if (r < 0)
        return r;
    r = ssh_io_init(&s->io, s->base.fd);
    if (r < 0)
        diag_set(why, "cannot start libssh2: %s", strerror(-r));
    return r;
}

static int give_up(const struct ssh_login *login, struct diag *why)
{
    diag_set(why,
             "%s: the login was given up, because it took longer than %d s: check the host, or "
             "give it more with -o timeout",
             login->config->alias, login->config->timeout_ms / 1000);
    return -ETIMEDOUT;
}

/* The attempt is over, or gone: its end is told, and what was typed meanwhile is kept. */
static int attempt_run(struct attempt *a, const struct ssh_login *login, int64_t deadline,
                       struct transport **ret, struct diag *why)
{
    ssh_watch_init(&a->watch, a->transport->base.fd, deadline);
    a->transport->io.watch = &a->watch;
    int r = ssh_watch_run(&a->watch, run, release, a);
    if (r == -EINPROGRESS)
        return give_up(login, why);
    a->transport->io.watch = NULL;
    keyring_wipe(login->secrets);
    *login->secrets = a->secrets;
    a->secrets = (struct keyring){0};
    if (r == 0 && a->result == 0)
        *ret = &steal(a->transport)->base;
    else if (r == 0)
        diag_set(why, "%s", a->why.text);
    else if (r != -ETIMEDOUT)
        diag_set(why, "cannot start the login: %s", strerror(-r));
    r = r == 0 ? a->result : r == -ETIMEDOUT ? give_up(login, why) : r;
    release(a);
    return r;
}

int ssh_connect(const struct ssh_login *login, struct transport **ret, struct diag *why)
{
    enum { ABANDONED_MAX = 2 };
    int64_t deadline = clock_ms() + login->config->timeout_ms;
    struct attempt *a;
    if (ssh_watch_abandoned() >= ABANDONED_MAX) {
        diag_set(why,
                 "%s: logins that were given up still go on inside libssh2 %s: use "
                 "transport=openssh",
                 login->config->alias, libssh2_version(0));
        return -ETIMEDOUT;
    }
    int r = attempt_new(login, &a);
    if (r < 0) {
        diag_set(why, "out of memory");
        return r;
    }
    r = host_key_load(login->config, &a->known, why) ?: connect_socket(a, why);
    if (r == 0)
        return attempt_run(a, login, deadline, ret, why);
    attempt_free(a);
    return r;
}
