/* SPDX-License-Identifier: MIT */
#include "ssh_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ssh_keys.h"

static bool offers(const struct ssh_auth *a, const char *method)
{
    size_t n = strlen(method);
    for (const char *p = a->methods; (p = strstr(p, method)); p += n) {
        if ((p == a->methods || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
            return true;
    }
    return false;
}

static int try_keyboard_interactive(struct ssh_auth *a)
{
    const char *user = a->login->config->user;
    a->io->user = a;
    int r = libssh2_userauth_keyboard_interactive_ex(a->io->session, user, (unsigned)strlen(user),
                                                     ssh_answer);
    a->io->user = NULL;
    a->io->method = "keyboard-interactive";
    if (r == 0)
        return 0;
    r = a->error ? a->error : ssh_auth_verdict(r);
    /* Where it asked nothing, nothing was refused. */
    if (a->answered > 0 || a->error || r != -EACCES)
        ssh_auth_tried(a, "keyboard-interactive");
    return r;
}

static int try_password(struct ssh_auth *a)
{
    const struct ssh_config *c = a->login->config;
    BUF_AUTO text = {0};
    int r = buf_addf(&text, "%s@%s's password: ", c->user, c->alias);
    const struct secret *password;
    r = r ?: ssh_answer_find(a, "password", text.data, false, &password);
    if (r < 0)
        return r;
    ssh_auth_tried(a, "password");
    a->io->method = "password";
    r = libssh2_userauth_password_ex(a->io->session, c->user, (unsigned)strlen(c->user),
                                     secret_text(password), (unsigned)secret_len(password), NULL);
    if (r == LIBSSH2_ERROR_PASSWORD_EXPIRED)
        return -EKEYEXPIRED;
    return r == 0 ? 0 : ssh_auth_verdict(r);
}

static int try_passwords(struct ssh_auth *a)
{
    const struct ssh_config *c = a->login->config;
    int r = -EACCES;
    if (c->use_keyboard_interactive && offers(a, "keyboard-interactive"))
        r = try_keyboard_interactive(a);
    if (r == -EACCES && a->answered == 0 && c->use_password && offers(a, "password"))
        r = try_password(a);
    return r == -EACCES && a->answered > 0 && ssh_auth_moved_on(a) ? -EINPROGRESS : r;
}

static int explain(const struct ssh_auth *a, int r, struct diag *why)
{
    const struct ssh_config *c = a->login->config;
    const char *said = a->io->goodbye;
    const char *tried = a->tried.len ? a->tried.data : "nothing (no usable key, no password)";
    if (r == -EACCES && a->answered > 0)
        diag_set(why,
                 "%s refuses the password of %s (tried: %s; the server offers: %s). vmxfs will "
                 "not try again by itself: hosts lock accounts",
                 c->alias, c->user, tried, a->methods);
    else if (r == -EACCES && a->foreign_key)
        diag_set(why,
                 "%s refuses %s (tried: %s; the server offers: %s). libssh2 %s cannot use every "
                 "RSA or hardware key, certificate or pair of keys: use transport=openssh",
                 c->alias, c->user, tried, a->methods, libssh2_version(0));
    else if (r == -EACCES && a->locked_key)
        diag_set(why,
                 "%s refuses %s (tried: %s; the server offers: %s). Give the encrypted key to an "
                 "agent with ssh-add, or its passphrase at the prompt or by SSH_ASKPASS",
                 c->alias, c->user, tried, a->methods);
    else if (r == -EACCES)
        diag_set(why,
                 "%s refuses %s (tried: %s; the server offers: %s). Put the public key into "
                 "the host's authorized_keys, or name a key with -o IdentityFile",
                 c->alias, c->user, tried, a->methods);
    else if (r == -ENOKEY)
        diag_set(why,
                 "%s wants a password for %s, and there is nobody to ask (tried: %s): use a "
                 "key, -o password_stdin, or SSH_ASKPASS",
                 c->alias, c->user, tried);
    else if (r == -EKEYEXPIRED)
        diag_set(
            why,
            "%s wants the password of %s to be changed first: log in once with \"ssh %s\", and "
            "change it",
            c->alias, c->user, c->alias);
    else if (r == -ECANCELED)
        diag_set(why, "the login to %s was cancelled at the prompt", c->alias);
    else if (r == -ECONNRESET)
        diag_set(
            why,
            "%s closed the connection during authentication%s%s%s (tried: %s). Has the account "
            "expired? Were there too many keys? Then name the right one: -o "
            "IdentityFile=KEY,IdentitiesOnly=yes",
            c->alias, *said ? " (\"" : "", said, *said ? "\")" : "", tried);
    else if (r == -EOPNOTSUPP)
        diag_set(why,
                 "libssh2 %s cannot log in at %s the way the server wants (tried: %s): use "
                 "transport=openssh",
                 libssh2_version(0), c->alias, tried);
    else
        diag_set(why, "cannot authenticate at %s: %s", c->alias, strerror(-r));
    bool refused =
        r == -ENOKEY || r == -EKEYEXPIRED || strstr(said, "Too many authentication failures");
    return refused ? -EACCES : r;
}

/* A password that was given is for a server that takes one. */
static bool may_use_keys(const struct ssh_auth *a)
{
    const struct ssh_config *c = a->login->config;
    bool takes_password = offers(a, "password") || offers(a, "keyboard-interactive");
    return c->use_keys && offers(a, "publickey") && !(c->password_only && takes_password);
}

/* The ssh program is asked while it need not ask anybody anything twice. */
static bool is_for_ssh(const struct ssh_auth *a, int result)
{
    if (!a->login->has_other_way)
        return false;
    if (result == -EINPROGRESS)
        return keyring_lasts(a->login->secrets);
    return a->foreign_key && (result == -EACCES || result == -ECONNRESET);
}

/* One step of the login; -EINPROGRESS: the server took it, and wants another. */
static int step(struct ssh_auth *a, bool no_passwords)
{
    a->io->method = "publickey";
    int r = may_use_keys(a) ? ssh_keys_try(a) : -EACCES;
    if (is_for_ssh(a, r))
        return -EOPNOTSUPP;
    if (r == -EACCES && !no_passwords)
        r = try_passwords(a);
    return r == -EINPROGRESS && is_for_ssh(a, r) ? -EOPNOTSUPP : r;
}

static int run(struct ssh_auth *a, bool no_passwords)
{
    enum { STEPS_MAX = 8 };
    int r = -EINPROGRESS;
    for (int i = 0; r == -EINPROGRESS && i < STEPS_MAX; i++)
        r = step(a, no_passwords);
    return r == -EINPROGRESS ? -EACCES : r;
}

/* The server wants nothing, or said nothing that libssh2 understands. */
static int explain_no_list(const struct ssh_auth *a, struct diag *why)
{
    const char *host = a->login->config->alias;
    a->io->method = "none";
    if (libssh2_userauth_authenticated(a->io->session))
        return 0;
    int r = ssh_io_errno(libssh2_session_last_errno(a->io->session));
    if (r != -ETIMEDOUT && !a->io->ended && !ssh_io_is_closed(a->io)) {
        diag_set(why, "libssh2 %s cannot read what %s says before the login: use transport=openssh",
                 libssh2_version(0), host);
        return a->login->has_other_way ? -EOPNOTSUPP : -EPROTO;
    }
    diag_set(why, "%s closed the connection during authentication: %s", host,
             *a->io->goodbye ? a->io->goodbye : ssh_io_words(a->io));
    return r;
}

int ssh_auth(struct ssh_io *io, const struct ssh_login *login, bool no_passwords, struct diag *why)
{
    struct ssh_auth a = {.io = io, .login = login};
    a.methods = ssh_io_methods(io, login->config->user);
    if (!a.methods)
        return explain_no_list(&a, why);
    log_debug("%s offers %s", login->config->alias, a.methods);
    int r = run(&a, no_passwords);
    if (r < 0)
        r = explain(&a, r, why);
    buf_done(&a.tried);
    free(a.methods);
    return r;
}
