/* SPDX-License-Identifier: MIT */
#include "ssh_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ssh_library.h"
#include "ssh_watch.h"
#include "transport/login/prompt.h"

int ssh_answer_find(struct ssh_auth *a, const char *purpose, const char *text, bool echo,
                    const struct secret **ret)
{
    bool password = strcmp(purpose, "password") == 0;
    if (password && a->used_password)
        return -EACCES;
    ssh_watch_pause(a->io->watch);
    int r = prompt_find(a->login->secrets, purpose, text, echo, a->login->interactive, ret);
    ssh_watch_resume(a->io->watch);
    if (r < 0)
        return r;
    a->used_password |= password;
    a->answered++;
    return 0;
}

/* Whatever its language, a first hidden question is the one for the password that was given on
 * standard input. */
static bool asks_for_password(const struct ssh_auth *a, const char *text, bool echo)
{
    BUF_AUTO scratch = {0};
    return !echo && ((a->login->config->password_only && !a->used_password) ||
                     strcmp(secret_purpose(text, &scratch), "password") == 0);
}

static int answer_one(struct ssh_auth *a, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt,
                      LIBSSH2_USERAUTH_KBDINT_RESPONSE *ret)
{
    const struct ssh_config *c = a->login->config;
    FREE_AUTO char *question = ssh_library_prompt(prompt);
    BUF_AUTO shown = {0};
    bool echo = prompt->echo != 0;
    if (question && secret_is_to_change(question))
        return -EKEYEXPIRED;
    int r = question ? buf_addf(&shown, "(%s@%s) %s", c->user, c->alias, question) : -ENOMEM;
    const struct secret *secret;
    r = r
            ?: ssh_answer_find(a, asks_for_password(a, question, echo) ? "password" : shown.data,
                               shown.data, echo, &secret);
    if (r < 0)
        return r;
    ret->text = strdup(secret_text(secret)); /* libssh2 frees it, and wipes it through ssh_io */
    ret->length = ret->text ? (unsigned)secret_len(secret) : 0;
    return ret->text ? 0 : -ENOMEM;
}

LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(ssh_answer)
{
    (void)name;
    (void)name_len;
    (void)instruction;
    (void)instruction_len;
    struct ssh_io *io = *abstract;
    struct ssh_auth *a = io->user;
    for (int i = 0; i < num_prompts && a->error == 0; i++)
        a->error = answer_one(a, &prompts[i], &responses[i]);
    /* An empty answer would be one more failed login to the host. In a second round libssh2 1.10
     * takes an answer that cannot be sent for one that was: it would wait for the host. */
    if (a->error) {
        io->mute = true;
        shutdown(io->fd, SHUT_RDWR);
    }
}

/* libssh2 tells no refusal from a success that is a part of the login. */
bool ssh_auth_moved_on(struct ssh_auth *a)
{
    char *methods =
        a->io->ended || a->io->mute ? NULL : ssh_io_methods(a->io, a->login->config->user);
    if (!methods || strcmp(methods, a->methods) == 0) {
        free(methods);
        return false;
    }
    log_debug("that was one step: %s offers %s now", a->login->config->alias, methods);
    free(a->methods);
    a->methods = methods;
    a->used_password = false;
    a->answered = 0;
    return true;
}

int ssh_auth_verdict(int libssh2_error)
{
    int r = ssh_io_errno(libssh2_error);
    return r == -ECONNRESET || r == -ETIMEDOUT || r == -ENOMEM ? r : -EACCES;
}

void ssh_auth_tried(struct ssh_auth *a, const char *what)
{
    /* Only a message gets shorter when there is no memory. */
    buf_addf(&a->tried, "%s%s", a->tried.len ? ", " : "", what);
}
