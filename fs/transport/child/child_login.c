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
    unsigned steps;     /* that the server had taken by then */
    struct buf asked;   /* the question about a host key, in one line */
    struct buf path;    /* of a key, as a purpose */
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

static const char *purpose_of(struct waiting *w, const char *question)
{
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

static int find(struct waiting *w, const char *question, const struct secret **ret)
{
    forget_steps(w);
    const char *purpose = purpose_of(w, question);
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
    int r = find(w, question, &secret);
    if (r == 0)
        return askpass_answer(fd, secret);
    if (r == -ENOKEY && is_local(question))
        return 0;
    w->askpass->unanswered = steal_fd(&fd);
    return r;
}

static int explain(const struct waiting *w, int r, const char *words, struct diag *why)
{
    const char *host = w->login->options->host;
    BUF_AUTO scratch = {0};
    const char *way = child_words_way(words, &scratch);
    int known = child_words_explain(words, host, why);
    if (r == -ENOKEY) {
        diag_set(why,
                 "%s wants a password, and there is nobody to ask: use a key, or -o "
                 "password_stdin",
                 host);
        return -EACCES;
    }
    if (r == -EACCES)
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

int child_login_wait(const struct child_login *login, struct askpass *askpass, int stream,
                     int words, struct diag *why)
{
    struct waiting w = {.login = login, .askpass = askpass};
    BUF_AUTO said = {0};
    int r = wait_connected(&w, stream, words, &said);
    if (r < 0 && w.asked.len && buf_add(&said, buf_span(&w.asked)) < 0)
        r = -ENOMEM;
    if (r < 0)
        r = explain(&w, r, said.len ? said.data : "", why);
    words_done(&w.given);
    buf_done(&w.path);
    buf_done(&w.asked);
    return r;
}
