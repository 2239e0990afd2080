/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "parser/text/safe_text.h"

enum {
    NOISE_MAX = 64 << 10, /* what a login may print before the shell answers */
    CHUNK = 32 << 10,
    LOOK_MS = 100, /* between looks for an interrupt */
};

/* The path is the hosts'. The rest is what could change what commands print, or how they end. The
 * date is the last line that it prints. */
static const char setup[] =
    "PATH=/bin:/sbin:$PATH; export PATH; LC_ALL=C; export LC_ALL; "
    "unset LANGUAGE POSIXLY_CORRECT ENV BASH_ENV CDPATH; cd /; "
    "printf '\\n%s' \"$(date -u +%s 2>/dev/null)\"";

/* A command under way. */
struct talk {
    struct transport *transport;
    struct span out; /* not sent yet */
    bool sent;       /* some of it was */
    struct buf in;
    size_t max; /* of in, without the mark */
    char mark[64];
    size_t mark_len;
    size_t end; /* of the output; while it is not complete: the mark does not begin before that */
    int status;
};

/* The number that follows the mark on its line; -1: it is not a command's status. */
static int read_status(const char *text)
{
    enum { DIGITS = 3 };
    int status = 0;
    int n = 0;
    for (; n < DIGITS && text[n] >= '0' && text[n] <= '9'; n++)
        status = 10 * status + (text[n] - '0');
    return n > 0 && (text[n] == '\n' || text[n] == '\r') ? status : -1;
}

/* Looks for the mark and what follows it: true when both are there. */
static bool is_complete(struct talk *k)
{
    const struct buf *in = &k->in;
    if (in->len - k->end < k->mark_len)
        return false;
    const char *mark = memmem(in->data + k->end, in->len - k->end, k->mark, k->mark_len);
    if (!mark) {
        k->end = in->len - k->mark_len + 1;
        return false;
    }
    k->end = (size_t)(mark - in->data);
    const char *status = mark + k->mark_len;
    if (!memchr(status, '\n', in->len - (size_t)(status - in->data)))
        return false;
    k->status = read_status(status);
    return true;
}

/* A transport's error is never taken for the end of a wait. */
static int lost(ssize_t error)
{
    return error == -ENOMEM ? -ENOMEM : -ECONNRESET;
}

/* 1 when something went out, 0 when nothing can or need, -errno. */
static int send_some(struct talk *k)
{
    size_t before = k->out.n;
    int r = transport_push(k->transport, &k->out);
    bool any = k->out.n < before;
    k->sent |= any;
    return r < 0 ? lost(r) : any;
}

/* 1 when something came, 0 when nothing is there, -errno. */
static int receive_some(struct talk *k)
{
    struct transport *t = k->transport;
    if (buf_reserve(&k->in, CHUNK) < 0)
        return -ENOMEM;
    ssize_t n = t->ops->read(t, k->in.data + k->in.len, CHUNK);
    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return lost(n);
    k->in.len += (size_t)n;
    k->in.data[k->in.len] = '\0';
    return 1;
}

static int check(const struct wait *wait)
{
    if (wait->interrupted && wait->interrupted(wait->ctx))
        return -EINTR;
    return clock_ms() < wait->deadline ? 0 : -ETIMEDOUT;
}

/* Until the transport has something to say, or it is time to look at the wait again. */
static int wait_for_event(const struct talk *k, const struct wait *wait)
{
    struct transport *t = k->transport;
    int64_t left = wait->deadline - clock_ms();
    if (left < 0)
        left = 0;
    struct pollfd p = {.fd = t->fd, .events = t->ops->events(t)};
    int n = poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS);
    if (n < 0 && errno != EINTR)
        return -errno;
    int r = n > 0 && (p.revents & POLLOUT) ? t->ops->flush(t) : 0;
    return r < 0 ? lost(r) : 0;
}

/* Sends and receives until the answer is complete. */
static int converse(struct talk *k, const struct wait *wait)
{
    for (;;) {
        int r = check(wait);
        if (r < 0)
            return r;
        int sent = send_some(k);
        if (k->sent && wait->committed)
            *wait->committed = true;
        int received = receive_some(k);
        if (received < 0)
            return received;
        if (is_complete(k))
            return k->end > k->max ? -EFBIG : 0;
        if (k->in.len > k->max + sizeof(k->mark))
            return -EFBIG;
        if (received > 0) /* also from a server that listens no more, and says why */
            continue;
        r = sent == 0 ? wait_for_event(k, wait) : sent;
        if (r < 0)
            return r;
    }
}

/* Bytes that came after the last command belong to none. */
static int drain(struct transport *t)
{
    enum { TURNS = 64 };
    char chunk[4096];
    for (int i = 0; i < TURNS; i++) {
        ssize_t n = t->ops->read(t, chunk, sizeof(chunk));
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return lost(n);
    }
    return -ECONNRESET;
}

/* Runs a line; *k is what became of it, also on failure, and the caller's to end. */
static int run(struct shell *s, const char *line, size_t max, const struct wait *wait,
               struct talk *k)
{
    BUF_AUTO text = {0};
    s->count++;
    *k = (struct talk){.transport = s->transport, .max = max};
    k->mark_len = (size_t)snprintf(k->mark, sizeof(k->mark), "\n%s:%lu ", s->nonce, s->count);
    int r =
        buf_addf(&text, "%s; printf '\\n%%s:%%s %%d\\n' %s %lu \"$?\"\n", line, s->nonce, s->count);
    if (r < 0)
        return r;
    k->out = buf_span(&text);
    r = converse(k, wait);
    k->out = (struct span){0};
    return r;
}

static int make_nonce(struct shell *s)
{
    unsigned char bytes[(sizeof(s->nonce) - 1) / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(s->nonce + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* True when what the stream led to has ended it in good order. */
static bool has_ended(struct transport *t)
{
    char chunk[4096];
    ssize_t n;
    do
        n = t->ops->read(t, chunk, sizeof(chunk));
    while (n > 0);
    return n == 0;
}

/* The first line of what came instead, for a message. */
static void quote_line(const struct buf *in, char *ret, size_t size)
{
    const char *p = in->len ? in->data : "";
    snprintf(ret, size, "%.*s", (int)strcspn(p, "\r\n"), p);
    safe_text_make(ret, strlen(ret));
}

/* Why there is no shell. */
static int explain_begin(struct shell *s, int r, const struct talk *k, struct diag *why)
{
    if (r == -ENOMEM || r == -EINTR) {
        diag_set(why, "cannot start a shell on the server: %s", strerror(-r));
        return r;
    }
    if (r == -EFBIG) {
        diag_set(why, "the server runs something that is not a shell");
        return -EOPNOTSUPP;
    }
    if (r == -ETIMEDOUT) {
        diag_set(why, "the server's shell does not answer");
        return -EIO;
    }
    struct diag words = {0};
    int known = transport_last_words(s->transport, &words);
    if (known == 0 && has_ended(s->transport)) {
        char line[200];
        quote_line(&k->in, line, sizeof(line));
        diag_set(why, "the server runs no commands%s%s", line[0] ? ": " : "", line);
        return -EOPNOTSUPP;
    }
    diag_set(why, "%s", known ? words.text : "the connection for commands was lost");
    return known == -EOPNOTSUPP || known == -EACCES ? known : -EIO;
}

/* The number that is the last line; 0: it is none. */
static int64_t read_date(const char *text, size_t n)
{
    enum { DIGITS = 12 };
    const char *line = memrchr(text, '\n', n);
    int64_t date = 0;
    line = line ? line + 1 : text;
    if (text + n - line > DIGITS)
        return 0;
    for (; line < text + n; line++) {
        if (*line < '0' || *line > '9')
            return 0;
        date = 10 * date + (*line - '0');
    }
    return date;
}

int shell_begin(struct shell *shell, struct transport *transport, const struct wait *wait,
                struct diag *why)
{
    struct talk k = {0};
    *shell = (struct shell){.transport = transport};
    int r = make_nonce(shell);
    if (r < 0)
        diag_set(why, "the system gives no random numbers");
    else
        r = run(shell, setup, NOISE_MAX, wait, &k);
    if (r < 0)
        r = explain_begin(shell, r, &k, why);
    else
        shell->date_s = read_date(k.in.data, k.end);
    buf_done(&k.in);
    return r;
}

static int explain_run(int r, const struct talk *k, struct diag *why)
{
    const char *known = k->sent ? "; what it did is not known" : ", before it began";
    if (r == -EFBIG)
        diag_set(why, "a command on the server prints more than %d bytes%s", SHELL_OUTPUT_MAX,
                 known);
    else if (r == -EINTR)
        diag_set(why, "the wait for a command on the server was interrupted%s", known);
    else if (r == -ENOMEM)
        diag_set(why, "no memory for a command on the server%s", known);
    else if (r == -ETIMEDOUT)
        diag_set(why, "a command on the server did not end in time%s", known);
    else
        diag_set(why, "the connection for a command on the server was lost%s", known);
    if (r == -EFBIG || r == -EINTR || r == -ENOMEM)
        return r;
    return r != -ETIMEDOUT && !k->sent ? -ENOTCONN : -EIO;
}

int shell_run(struct shell *shell, const char *line, const struct wait *wait, struct buf *ret_out,
              int *ret_status, struct diag *why)
{
    struct talk k = {0};
    int r = drain(shell->transport)
        ?: run(shell, line, SHELL_OUTPUT_MAX, wait, &k)
        ?: buf_add(ret_out, (struct span){k.in.data, k.end});
    if (r < 0)
        r = explain_run(r, &k, why);
    else
        *ret_status = k.status;
    buf_done(&k.in);
    return r;
}
