/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int file_read_fd(int fd, size_t max, struct buf *ret)
{
    char chunk[4096];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        if ((size_t)n > max - ret->len || ret->len > max)
            return -EFBIG;
        int r = buf_add(ret, (struct span){chunk, (size_t)n});
        if (r < 0)
            return r;
    }
}

int file_read(const char *path, size_t max, struct buf *ret)
{
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : file_read_fd(fd, max, ret);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct span bytes, struct buf *ret)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    int r = 0;
    for (size_t i = 0; r == 0 && i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        char quad[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                        left > 2 ? digits[v & 63] : '='};
        r = buf_add(ret, (struct span){quad, sizeof(quad)});
    }
    return r;
}

int base64_decode(struct span text, struct buf *ret)
{
    unsigned v = 0, bits = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < text.n; i++) {
        const char *digit = memchr(digits, text.p[i], sizeof(digits) - 1);
        if (text.p[i] == '\r' || text.p[i] == '\n')
            continue;
        if (!digit)
            break;
        v = (v << 6 | (unsigned)(digit - digits)) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        r = buf_add_char(ret, (char)(v >> bits & 0xff));
    }
    return r;
}
