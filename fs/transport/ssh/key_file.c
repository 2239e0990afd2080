/* SPDX-License-Identifier: MIT */
#include "key_file.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "parser/text/text.h"

enum { KEY_FILE_MAX = 64 << 10 };

/* Takes a string of SSH's format off; false where there is none. */
static bool take_string(struct span *rest, struct span *ret)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    if (rest->n < 4)
        return false;
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (n > rest->n - 4)
        return false;
    *ret = (struct span){rest->p + 4, n};
    *rest = span_from(*rest, n + 4);
    return true;
}

static int set_public(struct key_file *file, struct span blob)
{
    struct span type, rest = blob;
    BUF_AUTO text = {0};
    if (!take_string(&rest, &type))
        return 0;
    int r = base64_encode(blob, &text);
    if (r < 0)
        return r;
    words_addf(&file->fields, "%.*s", (int)type.n, type.p);
    words_add(&file->fields, text.data);
    return file->fields.error;
}

/* The name of the format, cipher, kdf, its options, the number of keys, the public key, ... */
static int parse_openssh(struct span bytes, struct key_file *file)
{
    static const char magic[] = "openssh-key-v1"; /* with its NUL */
    enum { NUMBER = 4 };
    struct span rest, cipher, blob;
    if (bytes.n < sizeof(magic) || memcmp(bytes.p, magic, sizeof(magic)) != 0)
        return 0;
    rest = span_from(bytes, sizeof(magic));
    if (!take_string(&rest, &cipher))
        return 0;
    file->encrypted = !span_eq(cipher, SPAN_LITERAL("none"));
    int r = file->encrypted ? buf_add(&file->cipher, cipher) : 0;
    if (r < 0 || !take_string(&rest, &blob) || !take_string(&rest, &blob) || rest.n < NUMBER)
        return r;
    rest = span_from(rest, NUMBER);
    return take_string(&rest, &blob) ? set_public(file, blob) : 0;
}

static int parse(const char *text, struct key_file *file)
{
    static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    const char *p = strstr(text, begin);
    file->encrypted = strstr(text, "ENCRYPTED") != NULL;
    if (!p)
        return 0;
    BUF_AUTO bytes = {0};
    int r =
        base64_decode(span_of(p + strlen(begin)), &bytes) ?: parse_openssh(buf_span(&bytes), file);
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.len);
    return r;
}

/* "TYPE BASE64 [COMMENT]" */
static int parse_public(const char *text, struct key_file *file)
{
    words_split(&file->fields, text, " \t\r\n");
    return file->fields.error;
}

static bool is_public(const char *text)
{
    return strncmp(text, "ssh-", 4) == 0 || strncmp(text, "ecdsa-", 6) == 0 ||
           strncmp(text, "sk-", 3) == 0;
}

static int read_beside(const char *path, struct key_file *file)
{
    BUF_AUTO name = {0};
    BUF_AUTO text = {0};
    int r = buf_addf(&name, "%s.pub", path);
    if (r == 0 && file_read(name.data, KEY_FILE_MAX, &text) == -ENOMEM)
        r = -ENOMEM;
    return r ?: text.len ? parse_public(text.data, file) : 0;
}

int key_file_read(const char *path, struct key_file *ret)
{
    BUF_AUTO text = {0};
    *ret = (struct key_file){.error = file_read(path, KEY_FILE_MAX, &text)};
    if (ret->error == 0 && text.len == 0)
        ret->error = -ENODATA;
    int r = ret->error == -ENOMEM ? -ENOMEM : 0;
    if (r == 0 && ret->error == 0)
        r = is_public(text.data) ? parse_public(text.data, ret) : parse(text.data, ret);
    if (text.data)
        explicit_bzero(text.data, text.len);
    if (r == 0 && ret->fields.n < 2) {
        words_done(&ret->fields);
        r = read_beside(path, ret);
    }
    return r;
}

void key_file_done(struct key_file *file)
{
    words_done(&file->fields);
    buf_done(&file->cipher);
}

static const char *field(const struct key_file *file, size_t i)
{
    return file->fields.n >= 2 ? file->fields.list[i] : "";
}

const char *key_file_type(const struct key_file *file)
{
    return field(file, 0);
}

const char *key_file_public(const struct key_file *file)
{
    return field(file, 1);
}
