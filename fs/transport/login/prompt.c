/* SPDX-License-Identifier: MIT */
/*
 * The terminal gives byte by byte and no signals while it is read, so that Ctrl-C can be seen here
 * and never leaves it without echo.
 */
#include "prompt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "parser/text/safe_text.h"
#include "transport/child/program.h"

/* The server may have chosen the words. */
static void show(int tty, const char *text)
{
    BUF_AUTO safe = {0};
    if (safe_text_add(&safe, span_of(text)) == 0)
        dprintf(tty, "%s", safe.data);
}

/* One character typed. 1: the line is complete; 0: go on; -errno. */
static int take(struct secret *line, char c, int tty, const struct termios *keys, bool echo)
{
    const cc_t typed = (cc_t)c;
    if (c == '\n' || c == '\r')
        return 1;
    if (typed == keys->c_cc[VINTR] || typed == keys->c_cc[VQUIT] ||
        (typed == keys->c_cc[VEOF] && secret_len(line) == 0))
        return -ECANCELED;
    if (typed == keys->c_cc[VKILL]) {
        secret_chop(line, 0);
    } else if (typed == keys->c_cc[VERASE]) {
        if (secret_len(line) > 0)
            secret_chop(line, secret_len(line) - 1);
    } else {
        if (echo)
            dprintf(tty, "%c", iscntrl((unsigned char)c) ? '?' : c);
        return secret_add(line, c);
    }
    return 0;
}

static int read_typed(int tty, struct secret *line, const struct termios *keys, bool echo)
{
    for (;;) {
        char c;
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ECANCELED;
        int r = take(line, c, tty, keys, echo);
        explicit_bzero(&c, 1);
        if (r != 0)
            return r < 0 ? r : 0;
    }
}

static int ask_terminal(int tty, const struct termios *before, const char *text, bool echo,
                        struct secret **ret)
{
    struct secret *line;
    int r = secret_new(&line);
    if (r < 0)
        return r;
    struct termios quiet = *before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    tcsetattr(tty, TCSAFLUSH, &quiet);
    show(tty, text);
    r = read_typed(tty, line, before, echo);
    tcsetattr(tty, TCSAFLUSH, before);
    dprintf(tty, "\n");
    if (r < 0)
        secret_free(line);
    else
        *ret = line;
    return r;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* As ssh decides. */
static bool is_for_program(bool has_terminal)
{
    const char *require = getenv("SSH_ASKPASS_REQUIRE");
    bool allowed = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    if (require && strcasecmp(require, "never") == 0)
        return false;
    if (require && strcasecmp(require, "force") == 0)
        return true;
    return allowed && (!has_terminal || (require && strcasecmp(require, "prefer") == 0));
}

/* A program that gives no answer is nobody. */
static int ask_program(const char *text, struct secret **ret)
{
    int ends[2];
    WORDS_AUTO argv = {0};
    const char *program = getenv("SSH_ASKPASS");
    words_add(&argv, program && *program ? program : "/usr/bin/ssh-askpass");
    words_add(&argv, text);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    FD_AUTO from = ends[0];
    FD_AUTO to = ends[1];
    pid_t pid;
    int r = program_start_asking(&argv, to, &pid);
    if (r < 0) {
        log_debug("cannot run SSH_ASKPASS: %s", strerror(-r));
        return -ENOKEY;
    }
    close(steal_fd(&to));
    struct secret *line = NULL;
    r = secret_read_line(from, &line);
    close(steal_fd(&from));
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r == 0 && status == 0) {
        size_t n = strcspn(secret_text(line), "\r");
        secret_chop(line, n);
        *ret = line;
        return 0;
    }
    log_debug("SSH_ASKPASS gave no answer");
    secret_free(line);
    return r == -ENOMEM ? r : -ENOKEY;
}

static int ask(const char *text, bool echo, struct secret **ret)
{
    FD_AUTO tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    bool has_terminal = tty >= 0 && tcgetattr(tty, &before) == 0;
    if (is_for_program(has_terminal))
        return ask_program(text, ret);
    return has_terminal ? ask_terminal(tty, &before, text, echo, ret) : -ENOKEY;
}

int prompt_find(struct keyring *ring, const char *purpose, const char *text, bool echo,
                bool may_ask, const struct secret **ret)
{
    const struct secret *known = keyring_find(ring, purpose);
    if (!known) {
        struct secret *typed = NULL;
        int r = may_ask ? ask(text, echo, &typed) : -ENOKEY;
        r = r ?: keyring_put(ring, purpose, typed);
        if (r < 0)
            return r;
        known = typed;
    }
    *ret = known;
    return 0;
}
