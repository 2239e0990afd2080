/* SPDX-License-Identifier: MIT */
#include "secret_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "files.h"

enum { DIGITS = 2 * SECRET_KEY_BYTES };

static int parse(struct span text, struct secret_key *ret)
{
    struct secret_key key;
    text = text_trim(span_head(text, text_find(text, '\n')));
    if (text.n != DIGITS)
        return -EBADMSG;
    for (size_t i = 0; i < SECRET_KEY_BYTES; i++) {
        const unsigned high = text_digit(text.p[2 * i]);
        const unsigned low = text_digit(text.p[2 * i + 1]);
        if (high > 15 || low > 15)
            return -EBADMSG;
        key.bytes[i] = (unsigned char)(high << 4 | low);
    }
    *ret = key;
    return 0;
}

/* The file appears whole, and only one of several processes that make it at the same time does. */
static int make(const char *path)
{
    struct secret_key key;
    char text[DIGITS + 2];
    FREE_AUTO char *new = NULL;
    if (getrandom(key.bytes, sizeof(key.bytes), 0) != (ssize_t)sizeof(key.bytes))
        return -EIO;
    for (size_t i = 0; i < SECRET_KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", key.bytes[i]);
    text[DIGITS] = '\n';
    if (asprintf(&new, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    FD_AUTO fd = mkostemp(new, O_CLOEXEC); /* its mode is 0600 */
    if (fd < 0)
        return -errno;
    int r = files_write_all(fd, (struct span){text, DIGITS + 1});
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && link(new, path) < 0 && errno != EEXIST)
        r = -errno;
    unlink(new);
    return r ?: files_sync_folder_of(path);
}

int secret_key_get(const char *dir, struct secret_key *ret, struct diag *why)
{
    FREE_AUTO char *path = NULL;
    if (asprintf(&path, "%s.key", dir) < 0)
        return -ENOMEM;
    BUF_AUTO text = {0};
    int r = file_read(path, 4096, &text);
    if (r == -ENOENT)
        r = make(path) ?: file_read(path, 4096, &text);
    r = r ?: parse(buf_span(&text), ret);
    if (r == -EBADMSG)
        diag_set(why, "%s is no key of a history", path);
    else if (r < 0)
        diag_set(why, "the key of the history, %s: %s", path, strerror(-r));
    return r;
}

/* The name counts, so that one password in two places does not show as one; its case does not. */
int secret_key_mark(void *key, struct span name, struct span value, uint32_t *ret)
{
    const struct secret_key *k = key;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    BUF_AUTO text = {0};
    int r = buf_reserve(&text, name.n + 1 + value.n);
    for (size_t i = 0; r == 0 && i < name.n; i++) {
        const char c = name.p[i];
        r = buf_add_char(&text, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    r = r ?: buf_add_char(&text, '\0') ?: buf_add(&text, value);
    if (r < 0)
        return r;
    if (!HMAC(EVP_sha256(), k->bytes, SECRET_KEY_BYTES, (const unsigned char *)text.data, text.len,
              mac, &n) ||
        n < 4)
        return -EIO;
    *ret = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
    return 0;
}
