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
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "parser/text/safe_text.h"

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

static int ask(const char *text, bool echo, struct secret **ret)
{
    FD_AUTO tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    if (tty < 0 || tcgetattr(tty, &before) < 0)
        return -ENOKEY;
    struct secret *line;
    int r = secret_new(&line);
    if (r < 0)
        return r;
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    tcsetattr(tty, TCSAFLUSH, &quiet);
    show(tty, text);
    r = read_typed(tty, line, &before, echo);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    if (r < 0)
        secret_free(line);
    else
        *ret = line;
    return r;
}

int prompt_find(struct keyring *ring, const char *purpose, const char *text, bool echo,
                bool may_ask, const struct secret **ret)
{
    const struct secret *known = keyring_find(ring, purpose);
    if (!known) {
        struct secret *typed;
        int r = may_ask ? ask(text, echo, &typed) : -ENOKEY;
        r = r ?: keyring_put(ring, purpose, typed);
        if (r < 0)
            return r;
        known = typed;
    }
    *ret = known;
    return 0;
}
