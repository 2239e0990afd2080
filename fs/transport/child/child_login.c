/* SPDX-License-Identifier: MIT */
/*
 * ssh asks through askpass. A question that cannot be answered, or is asked a second time, ends it
 * at once where the answer would go to the server: ssh would send an empty one, and hosts count
 * failures. A question about a local key is declined instead, and ssh goes on to the next key.
 */
#include "child_login.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "program.h"
#include "ssh_stderr.h"
#include "transport/login/prompt.h"

/* The messages cannot be polled: ssh's words are looked at this often. */
enum { LOOK_MS = 10 };

struct waiting {
    const struct child_login *login;
    const char *words; /* what ssh has said so far */
    struct askpass *askpass;
    struct words given; /* purposes of the secrets that ssh got */
    struct buf locked;  /* a key whose passphrase nobody could be asked for */
    unsigned steps;     /* that the server had taken by then */
    struct buf asked;   /* the question about a host key, in one line */
    struct buf path;    /* of a key, as a purpose */
    struct buf host;    /* who asked, if that was not ours */
    pid_t ssh;
};

static bool is_local(const char *question)
{
    return strncmp(question, "Enter passphrase", 16) == 0 || strncmp(question, "Enter PIN", 9) == 0;
}

static bool was_given(const struct waiting *w, const char *purpose)
{
    for (size_t i = 0; i < w->given.n; i++) {
        if (strcmp(w->given.list[i], purpose) == 0)
            return true;
    }
    return false;
}

/* HOST of "USER@HOST's password: " or "(USER@HOST) ...", as ssh begins the questions of hosts. */
static int set_host(struct waiting *w, const char *question)
{
    const char *at = strchr(question, '@');
    size_t n = at ? strcspn(at + 1, "')") : 0;
    buf_clear(&w->host);
    if (n == 0)
        return buf_addf(&w->host, "a host on the way to %s", w->login->options->host);
    return buf_addf(&w->host, "the jump host %.*s", (int)n, at + 1);
}

/* A password of ours is for our host alone, not for one on the way. */
static const char *purpose_of(struct waiting *w, const char *question, bool ours)
{
    if (!ours && !is_local(question)) {
        bool lasts = strcmp(secret_purpose(question, &w->path), "password") == 0;
        buf_clear(&w->path);
        return buf_addf(&w->path, "%s%s", lasts ? "password\n" : "", question) == 0 ? w->path.data
                                                                                    : question;
    }
    if (!is_local(question) && w->login->options->password_stdin && !was_given(w, "password"))
        return "password";
    return secret_purpose(question, &w->path);
}

/* A step that was taken may be followed by one that wants the same. */
static void forget_steps(struct waiting *w)
{
    unsigned steps = child_words_steps(w->words);
    if (steps > w->steps)
        words_done(&w->given);
    w->steps = steps;
}

/* ours: the host itself asks. */
static int find(struct waiting *w, const char *question, bool ours, const struct secret **ret)
{
    if (!is_local(question) && secret_is_to_change(question))
        return -EKEYEXPIRED;
    forget_steps(w);
    const char *purpose = purpose_of(w, question, ours);
    if (was_given(w, purpose)) {
        if (!is_local(question))
            return -EACCES;
        keyring_forget(w->login->secrets, purpose);
    }
    int r = prompt_find(w->login->secrets, purpose, question, false, w->login->interactive, ret);
    if (r < 0)
        return r;
    words_add(&w->given, purpose);
    return w->given.error;
}

/* 0: answered, or declined. */
static int answer(struct waiting *w)
{
    char question[ASKPASS_QUESTION_MAX];
    FD_AUTO fd = askpass_take(w->askpass, question);
    if (fd < 0)
        return 0; /* it hung up, or was not ours */
    if (strstr(question, "(yes/no")) {
        log_debug("ssh does not know the host key");
        buf_clear(&w->asked);
        for (char *p = question; *p; p++)
            *p = iscntrl((unsigned char)*p) ? ' ' : *p;
        return buf_addf(&w->asked, "\n" CHILD_WORDS_ASKED "%s\n", question);
    }
    const struct secret *secret = NULL;
    bool ours = askpass_is_from(fd, w->ssh);
    int r = find(w, question, ours, &secret);
    if (r == 0)
        return askpass_answer(fd, secret);
    if (r == -ENOKEY && is_local(question)) {
        buf_clear(&w->locked);
        return buf_add_str(&w->locked, secret_purpose(question, &w->path));
    }
    w->askpass->unanswered = steal_fd(&fd);
    return (ours ? 0 : set_host(w, question)) ?: r;
}

static int explain(const struct waiting *w, int r, const char *words, struct diag *why)
{
    const char *host = w->host.len ? w->host.data : w->login->options->host;
    BUF_AUTO scratch = {0};
    const char *way = child_words_way(words, &scratch);
    int known = child_words_explain(words, w->login->options->host, why);
    if (r == -ENOKEY) {
        diag_set(why,
                 "%s wants a password, and there is nobody to ask: use a key, %sor SSH_ASKPASS",
                 host, w->host.len ? "" : "-o password_stdin, ");
        return -EACCES;
    }
    if (r == -EKEYEXPIRED) {
        diag_set(why,
                 "%s wants the password to be changed first: log in once with \"ssh %s\", and "
                 "change it",
                 host, w->login->options->host);
        return -EACCES;
    }
    if (r == -ECONNRESET && known == -EACCES && w->locked.len)
        diag_set(
            why,
            "%s refuses the login. The key %s is encrypted, and there is nobody to ask for its "
            "passphrase: give the key to an agent with ssh-add, or use SSH_ASKPASS",
            host, w->locked.data);
    else if (r == -EACCES)
        diag_set(why,
                 "%s refuses the password. vmxfs will not try again by itself: hosts lock "
                 "accounts",
                 host);
    else if (r == -ECANCELED)
        diag_set(why, "the login to %s was cancelled at the prompt", host);
    else if (r == -ETIMEDOUT)
        diag_set(why,
                 "the ssh program did not connect to %s in time%s%s: check the network and the "
                 "host",
                 host, way ? ", by " : "", way ? way : "");
    else if (r != -ECONNRESET || known == 0)
        diag_set(why, "the ssh program ended and printed nothing; try \"ssh %s\"", host);
    return r == -ECONNRESET && known ? known : r;
}

static int wait_connected(struct waiting *w, int stream, int words, struct buf *said)
{
    int64_t deadline = clock_ms() + w->login->options->timeout_ms;
    for (;;) {
        struct pollfd p[] = {{.fd = w->askpass->fd, .events = POLLIN},
                             {.fd = stream, .events = POLLIN}};
        if (poll(p, 2, LOOK_MS) < 0 && errno != EINTR)
            return -errno;
        bool ended = p[1].revents != 0;
        buf_clear(said);
        int r = program_words(words, said);
        if (r < 0)
            return r;
        if (p[0].revents) {
            w->words = said->len ? said->data : "";
            r = answer(w);
            if (r < 0)
                return r;
            deadline = clock_ms() + w->login->options->timeout_ms;
        }
        if (said->len && child_words_connected(said->data))
            return 0;
        if (ended)
            return -ECONNRESET;
        if (clock_ms() >= deadline)
            return -ETIMEDOUT;
    }
}

int child_login_wait(const struct child_login *login, struct askpass *askpass,
                     const struct fd_transport *ssh, struct diag *why)
{
    struct waiting w = {.login = login, .askpass = askpass, .ssh = ssh->pid};
    BUF_AUTO said = {0};
    int r = wait_connected(&w, ssh->base.fd, ssh->words, &said);
    if (r < 0 && w.asked.len && buf_add(&said, buf_span(&w.asked)) < 0)
        r = -ENOMEM;
    if (r < 0)
        r = explain(&w, r, said.len ? said.data : "", why);
    words_done(&w.given);
    buf_done(&w.path);
    buf_done(&w.asked);
    buf_done(&w.locked);
    buf_done(&w.host);
    return r;
}
