/* SPDX-License-Identifier: MIT */
/*
 * The order is ssh's: keys of the agent that are also configured, the agent's others (unless
 * IdentitiesOnly), key files. A key that the agent had is not tried again as a file, which may be
 * encrypted.
 */
#include "ssh_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "key_file.h"
#include "ssh_library.h"

enum { PASSPHRASE_TRIES = 3 };

/* A configured key file. Behind the last one is one for the agent's other keys. */
struct configured {
    struct key_file file;
    bool done; /* the agent had it */
};

static bool is_foreign(const char *type)
{
    bool rsa_ok = ssh_library_has_rsa_sha2(ssh_library_version());
    return !(strncmp(type, "ecdsa-", 6) == 0 || strcmp(type, "ssh-ed25519") == 0 ||
             (rsa_ok && strcmp(type, "ssh-rsa") == 0));
}

/* ssh offers a certificate that lies beside a key by itself. */
static bool has_certificate(const char *path)
{
    BUF_AUTO name = {0};
    return buf_addf(&name, "%s-cert.pub", path) == 0 && access(name.data, R_OK) == 0;
}

/* What a try says, for the message and for what comes next. 0, -EACCES, -EINPROGRESS, -errno of a
 * lost connection. A key that the server knew but did not let in may be one of two that it wants,
 * which only the ssh program can give it. */
static int note(struct ssh_auth *a, int libssh2_error, const char *what, const char *type)
{
    if (libssh2_error == 0) {
        log_debug("authenticated with %s", what);
        return 0;
    }
    log_debug("%s: %s", what, ssh_io_words(a->io));
    ssh_auth_tried(a, what);
    a->foreign_key |= is_foreign(type);
    if (a->io->ended)
        return -ECONNRESET;
    if (libssh2_error != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
        return ssh_auth_verdict(libssh2_error);
    if (ssh_io_is_closed(a->io))
        return -ECONNRESET;
    if (ssh_auth_moved_on(a))
        return -EINPROGRESS;
    a->foreign_key = true;
    return a->io->ended ? -ECONNRESET : -EACCES;
}

static int try_agent_key(struct ssh_auth *a, LIBSSH2_AGENT *agent,
                         struct libssh2_agent_publickey *key)
{
    const unsigned char *b = key->blob;
    size_t n = key->blob_len >= 4 ? (size_t)b[2] << 8 | b[3] : 0;
    if (n == 0 || n > key->blob_len - 4)
        return -EACCES;
    FREE_AUTO char *type = strndup((const char *)b + 4, n);
    BUF_AUTO what = {0};
    if (!type || buf_addf(&what, "agent key %s", key->comment ? key->comment : type) < 0)
        return -ENOMEM;
    return note(a, libssh2_agent_userauth(agent, a->login->config->user, key), what.data, type);
}

/* The index of the configured file that has this key, or n. */
static size_t find_file(const struct configured *files, size_t n,
                        const struct libssh2_agent_publickey *key)
{
    BUF_AUTO text = {0};
    if (base64_encode((struct span){(const char *)key->blob, key->blob_len}, &text) < 0)
        return n;
    size_t i = 0;
    while (i < n && (text.len == 0 || strcmp(key_file_public(&files[i].file), text.data) != 0))
        i++;
    return i;
}

/* One pass over the agent's keys: those that are configured, or the others. */
static int try_agent_keys(struct ssh_auth *a, LIBSSH2_AGENT *agent, struct configured *files,
                          bool configured)
{
    struct libssh2_agent_publickey *key = NULL;
    size_t n = a->login->config->identity_files.n;
    while (libssh2_agent_get_identity(agent, &key, key) == 0) {
        size_t i = find_file(files, n, key);
        if ((i < n) != configured)
            continue;
        files[i].done = true;
        int r = try_agent_key(a, agent, key);
        if (r != -EACCES)
            return r;
    }
    return -EACCES;
}

/* libssh2 up to 1.11.1 closes the descriptor of an agent that it could not connect to twice, and
 * the second time it may be somebody else's (agent_connect_unix and libssh2_agent_free). So it is
 * asked to connect only where somebody listens. */
static bool is_listening(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static int try_agent(struct ssh_auth *a, struct configured *files)
{
    const struct ssh_config *c = a->login->config;
    const char *path = c->identity_agent ? c->identity_agent : getenv("SSH_AUTH_SOCK");
    if (!path || !*path || strcmp(path, "none") == 0)
        return -EACCES;
    if (!is_listening(path)) {
        log_debug("no agent at %s", path);
        return -EACCES;
    }
    LIBSSH2_AGENT *agent = libssh2_agent_init(a->io->session);
    if (!agent)
        return -ENOMEM;
    libssh2_agent_set_identity_path(agent, path);
    int r = -EACCES;
    if (libssh2_agent_connect(agent) == 0 && libssh2_agent_list_identities(agent) == 0) {
        r = try_agent_keys(a, agent, files, true);
        if (r == -EACCES && !c->identities_only)
            r = try_agent_keys(a, agent, files, false);
    }
    libssh2_agent_free(agent);
    return r;
}

static int try_file_with(struct ssh_auth *a, const char *path, const char *passphrase)
{
    const char *user = a->login->config->user;
    return libssh2_userauth_publickey_fromfile_ex(a->io->session, user, (unsigned)strlen(user),
                                                  NULL, path, passphrase);
}

/* Did libssh2 fail before it asked the server? */
static bool is_unreadable(int libssh2_error)
{
    return libssh2_error == LIBSSH2_ERROR_FILE ||
           libssh2_error == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED;
}

static bool reads_cipher(const struct ssh_auth *a, const char *cipher)
{
    const char **supported = NULL;
    int n = libssh2_session_supported_algs(a->io->session, LIBSSH2_METHOD_CRYPT_CS, &supported);
    bool reads = n < 0;
    for (int i = 0; i < n; i++)
        reads |= strcmp(cipher, supported[i]) == 0;
    if (n > 0)
        libssh2_free(a->io->session, supported);
    return reads;
}

/* libssh2's callback for what is to be signed: the server takes the key. */
static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign_nothing)
{
    (void)session;
    (void)sig;
    (void)sig_len;
    (void)data;
    (void)data_len;
    **(bool **)abstract = true;
    return -1;
}

/* As ssh does, the server is asked whether it takes the key before anybody is asked for its
 * passphrase. libssh2's refusal; 0 where it takes it, or where the public key is not known. */
static int ask_server(struct ssh_auth *a, const struct key_file *file)
{
    const char *text = key_file_public(file);
    const char *user = a->login->config->user;
    BUF_AUTO blob = {0};
    bool taken = false;
    void *abstract = &taken;
    if (base64_decode(span_of(text), &blob) < 0)
        return LIBSSH2_ERROR_ALLOC;
    if (blob.len == 0)
        return 0;
    int r = libssh2_userauth_publickey(a->io->session, user, (const unsigned char *)blob.data,
                                       blob.len, sign_nothing, &abstract);
    return taken ? 0 : r;
}

/* Asks for the passphrase until it fits. The result is libssh2's; LIBSSH2_ERROR_FILE without one.
 */
static int try_encrypted(struct ssh_auth *a, const char *path, const struct key_file *file)
{
    const struct ssh_login *login = a->login;
    BUF_AUTO text = {0};
    bool known = keyring_find(login->secrets, path) != NULL;
    int r = known ? 0 : ask_server(a, file);
    if (r < 0)
        return r;
    r = LIBSSH2_ERROR_FILE;
    if (file->cipher.len && !reads_cipher(a, file->cipher.data)) {
        a->foreign_key = true;
        return r;
    }
    if (buf_addf(&text, "Enter passphrase for key '%s': ", path) < 0)
        return LIBSSH2_ERROR_ALLOC;
    for (int i = 0; i < PASSPHRASE_TRIES && is_unreadable(r); i++) {
        const struct secret *passphrase;
        known = keyring_find(login->secrets, path) != NULL;
        int answered = a->answered;
        int found = ssh_answer_find(a, path, text.data, false, &passphrase);
        a->answered = answered; /* the server sees nothing of it */
        if (found < 0) {
            a->error = found == -ECANCELED ? found : 0;
            a->locked_key |= found == -ENOKEY;
            return r;
        }
        r = try_file_with(a, path, secret_text(passphrase));
        if (is_unreadable(r))
            keyring_forget(login->secrets, path);
        if (known)
            break;
    }
    return r;
}

/* For the list of what was tried. */
static const char *how_unreadable(const struct ssh_auth *a, int tried, const struct key_file *file)
{
    if (!is_unreadable(tried))
        return "";
    if (!file->encrypted || (file->cipher.len && !reads_cipher(a, file->cipher.data)))
        return " (libssh2 cannot read it)";
    return a->locked_key ? " (encrypted, and nobody to ask for its passphrase)"
                         : " (no right passphrase)";
}

/* named: by the user, so that a missing one is reported; ssh's default names are mostly missing. */
static int try_file(struct ssh_auth *a, const char *path, const struct key_file *file, bool named)
{
    if (file->error == -ENOENT && !named)
        return -EACCES;
    BUF_AUTO what = {0};
    if (file->error) {
        if (buf_addf(&what, "%s (%s)", path,
                     file->error == -ENODATA ? "empty" : strerror(-file->error)) == 0)
            ssh_auth_tried(a, what.data);
        return -EACCES;
    }
    int tried = file->encrypted ? try_encrypted(a, path, file) : try_file_with(a, path, NULL);
    /* ssh may be able to. */
    a->foreign_key |= is_unreadable(tried) && !file->encrypted;
    int r = buf_addf(&what, "%s%s", path, how_unreadable(a, tried, file))
                ?: note(a, tried, what.data, key_file_type(file));
    a->foreign_key |= r == -EACCES && has_certificate(path);
    return a->error ? a->error : r;
}

static int try_files(struct ssh_auth *a, const struct configured *files)
{
    const struct words *paths = &a->login->config->identity_files;
    int r = -EACCES;
    for (size_t i = 0; r == -EACCES && i < paths->n; i++) {
        if (!files[i].done)
            r = try_file(a, paths->list[i], &files[i].file,
                         i == 0 && a->login->config->named_identity);
    }
    return r;
}

int ssh_keys_try(struct ssh_auth *a)
{
    const struct words *paths = &a->login->config->identity_files;
    struct configured *files = calloc(paths->n + 1, sizeof(*files));
    if (!files)
        return -ENOMEM;
    int r = 0;
    for (size_t i = 0; r == 0 && i < paths->n; i++)
        r = key_file_read(paths->list[i], &files[i].file);
    r = r ?: try_agent(a, files);
    if (r == -EACCES)
        r = try_files(a, files);
    for (size_t i = 0; i < paths->n; i++)
        key_file_done(&files[i].file);
    free(files);
    return r;
}
