/* SPDX-License-Identifier: MIT */
/*
 * What a host's shell sends back. The first byte says how large the pieces are and what the
 * transport says last; in the rest 01 stands for the line that ends the output of the command under
 * way (without its status), 02 for "nothing is there yet", 03 for the end of the stream and 04 for
 * an error; all other bytes are themselves. A command's output is exactly what came before its end.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "host/shell/shell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MARK = 1,
    NOTHING_YET = 2,
    STREAM_END = 3,
    ERROR = 4,
    PIECES = 64,
    LOOKS = 40,
    COMMANDS = 4
};

struct host {
    struct transport transport; /* first */
    struct shell shell;
    const uint8_t *script;
    size_t left;
    size_t piece;
    int last_words;
    struct buf mark; /* what is left to be sent of it */
    struct buf said; /* since the command under way was given */
    int looks;       /* until its caller is interrupted */
};

static int ready_fd(void)
{
    static int always_ready = -1;
    if (always_ready < 0)
        always_ready = eventfd(1, EFD_CLOEXEC);
    return always_ready;
}

static short host_events(const struct transport *t)
{
    (void)t;
    return POLLIN;
}

static int make_mark(struct host *h)
{
    buf_clear(&h->mark);
    return buf_addf(&h->mark, "\n%s:%lu ", h->shell.nonce, h->shell.count);
}

static ssize_t give(struct host *h, const void *bytes, size_t n, void *ret)
{
    memcpy(ret, bytes, n);
    return buf_add(&h->said, (struct span){bytes, n}) == 0 ? (ssize_t)n : -ENOMEM;
}

static ssize_t give_mark(struct host *h, void *bytes, size_t size)
{
    size_t n = h->mark.len < size ? h->mark.len : size;
    n = n < h->piece ? n : h->piece;
    ssize_t given = give(h, h->mark.data, n, bytes);
    memmove(h->mark.data, h->mark.data + n, h->mark.len - n);
    h->mark.len -= n;
    return given;
}

static ssize_t host_read(struct transport *t, void *bytes, size_t size)
{
    struct host *h = (struct host *)t;
    if (h->mark.len > 0)
        return give_mark(h, bytes, size);
    if (h->left == 0)
        return -EAGAIN;
    size_t n = 0;
    while (n < h->left && n < size && n < h->piece && h->script[n] > ERROR)
        n++;
    ssize_t given = n > 0 ? give(h, h->script, n, bytes) : 0;
    size_t taken = n > 0 ? n : 1;
    uint8_t code = n > 0 ? 0 : h->script[0];
    h->script += taken;
    h->left -= taken;
    switch (code) {
    case MARK:
        return make_mark(h) == 0 ? give_mark(h, bytes, size) : -ENOMEM;
    case NOTHING_YET:
        return -EAGAIN;
    case STREAM_END:
        return 0;
    case ERROR:
        return -ECONNRESET;
    default: /* a NUL is a byte like others */
        return n > 0 ? given : give(h, &code, 1, bytes);
    }
}

static ssize_t host_write(struct transport *t, const void *bytes, size_t size)
{
    struct host *h = (struct host *)t;
    (void)bytes;
    buf_clear(&h->said);
    return (ssize_t)size;
}

static int host_flush(struct transport *t)
{
    (void)t;
    return 0;
}

static int host_last_words(struct transport *t, struct diag *why)
{
    struct host *h = (struct host *)t;
    if (h->last_words)
        diag_set(why, "the last words");
    return h->last_words;
}

static const struct transport_ops host_ops = {
    .events = host_events,
    .read = host_read,
    .write = host_write,
    .flush = host_flush,
    .last_words = host_last_words,
};

static bool interrupted(void *ctx)
{
    struct host *h = ctx;
    return h->looks-- <= 0;
}

/* Up to three digits that are a line's all; -1 else. */
static int status_of(const char *line, size_t size)
{
    char digits[5] = "";
    int n = 0;
    memcpy(digits, line, size < 4 ? size : 4);
    if (sscanf(digits, "%*3[0-9]%n", &n) != 0 || n == 0 || !strchr("\r\n", digits[n]) || !digits[n])
        return -1;
    return atoi(digits);
}

static void check_output(const struct host *h, const struct buf *out, int status)
{
    char mark[64];
    snprintf(mark, sizeof(mark), "\n%s:%lu ", h->shell.nonce, h->shell.count);
    const char *end = memmem(h->said.data, h->said.len, mark, strlen(mark));
    assert(end && (size_t)(end - h->said.data) == out->len);
    assert(out->len == 0 || memcmp(h->said.data, out->data, out->len) == 0);
    const char *line = end + strlen(mark);
    assert(status == status_of(line, h->said.len - (size_t)(line - h->said.data)));
}

static int run(struct host *h)
{
    static const int errors[] = {ENOTCONN, EIO, EINTR, EFBIG, ENOMEM};
    const struct wait wait = {.deadline = clock_ms() + 60000, .interrupted = interrupted, .ctx = h};
    struct diag why = {0};
    BUF_AUTO out = {0};
    int status = 0;
    bool known = false;
    h->looks = LOOKS;
    int r = shell_run(&h->shell, "true", &wait, &out, &status, &why);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        known = known || r == -errors[i];
    assert(r == 0 || (known && why.text[0]));
    if (r == 0)
        check_output(h, &out, status);
    return r;
}

static void talk(struct host *h)
{
    struct diag why = {0};
    const struct wait wait = {.deadline = clock_ms() + 60000, .interrupted = interrupted, .ctx = h};
    h->looks = LOOKS;
    int r = shell_begin(&h->shell, &h->transport, &wait, &why);
    assert(h->shell.date_s >= 0 && h->shell.date_s < 1000000000000);
    assert(r == 0 ||
           ((r == -EOPNOTSUPP || r == -EACCES || r == -EIO || r == -EINTR) && why.text[0]));
    for (int i = 0; i < COMMANDS && r == 0; i++)
        r = run(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int last_words[] = {0, -EACCES, -EOPNOTSUPP, -ECONNRESET};
    if (size == 0)
        return 0;
    struct host h = {.transport = {.ops = &host_ops, .fd = ready_fd()},
                     .script = data + 1,
                     .left = size - 1,
                     .piece = 1 + data[0] % PIECES,
                     .last_words = last_words[data[0] / PIECES]};
    talk(&h);
    buf_done(&h.mark);
    buf_done(&h.said);
    return 0;
}
