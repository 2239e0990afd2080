/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utlist.h>

#include "base/log.h"

struct secret {
    size_t len;
    char text[SECRET_MAX + 1];
};

struct keyring_entry {
    char *purpose;
    struct secret *secret;
    struct keyring_entry *next;
};

int secret_new(struct secret **ret)
{
    struct secret *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return -errno;
    /* A user may have no right to lock memory, and an old kernel no MADV_DONTDUMP: worth a word,
     * not a refusal. */
    if (mlock(s, sizeof(*s)) < 0 || madvise(s, sizeof(*s), MADV_DONTDUMP) < 0)
        log_debug("a secret's memory cannot be protected: %s", strerror(errno));
    *ret = s;
    return 0;
}

int secret_add(struct secret *secret, char c)
{
    if (secret->len == SECRET_MAX)
        return -E2BIG;
    secret->text[secret->len++] = c;
    return 0;
}

void secret_chop(struct secret *secret, size_t n)
{
    assert(n <= secret->len);
    explicit_bzero(secret->text + n, secret->len - n);
    secret->len = n;
}

const char *secret_text(const struct secret *secret)
{
    return secret->text;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, sizeof(*secret));
    munmap(secret, sizeof(*secret));
}

/* A line may end as in a file of Windows, too. */
static void chop_return(struct secret *line)
{
    if (line->len > 0 && line->text[line->len - 1] == '\r')
        secret_chop(line, line->len - 1);
}

static int read_line(int fd, struct secret *into)
{
    for (bool any = false;; any = true) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return any ? 0 : -ENODATA;
        if (c == '\n') {
            chop_return(into);
            return 0;
        }
        int r = secret_add(into, c);
        explicit_bzero(&c, 1);
        if (r < 0)
            return r;
    }
}

int secret_read_line(int fd, struct secret **ret)
{
    struct secret *s;
    int r = secret_new(&s);
    if (r < 0)
        return r;
    r = read_line(fd, s);
    if (r < 0)
        secret_free(s);
    else
        *ret = s;
    return r;
}

static struct keyring_entry *find(const struct keyring *ring, const char *purpose)
{
    struct keyring_entry *e;
    LL_FOREACH (ring->entries, e) {
        if (strcmp(e->purpose, purpose) == 0)
            return e;
    }
    return NULL;
}

const struct secret *keyring_find(const struct keyring *ring, const char *purpose)
{
    const struct keyring_entry *e = find(ring, purpose);
    return e ? e->secret : NULL;
}

int keyring_put(struct keyring *ring, const char *purpose, struct secret *secret)
{
    struct keyring_entry *e = malloc(sizeof(*e));
    char *copy = strdup(purpose);
    if (!e || !copy) {
        free(e);
        free(copy);
        secret_free(secret);
        return -ENOMEM;
    }
    keyring_forget(ring, purpose);
    *e = (struct keyring_entry){.purpose = copy, .secret = secret};
    LL_PREPEND(ring->entries, e);
    return 0;
}

int keyring_copy(const struct keyring *ring, struct keyring *ret)
{
    const struct keyring_entry *e;
    LL_FOREACH (ring->entries, e) {
        struct secret *copy;
        int r = secret_new(&copy);
        if (r < 0)
            return r;
        *copy = *e->secret;
        r = keyring_put(ret, e->purpose, copy);
        if (r < 0)
            return r;
    }
    return 0;
}

bool keyring_lasts(const struct keyring *ring)
{
    const struct keyring_entry *e;
    LL_FOREACH (ring->entries, e) {
        if (strncmp(e->purpose, "password", strlen("password")) != 0 && e->purpose[0] != '/')
            return false;
    }
    return true;
}

const char *secret_purpose(const char *question, struct buf *scratch)
{
    static const char passphrase[] = "Enter passphrase for key '/";
    if (strncmp(question, passphrase, sizeof(passphrase) - 1) == 0) {
        const char *path = question + sizeof(passphrase) - 2;
        const char *end = strrchr(path, '\'');
        buf_clear(scratch);
        if (end && buf_add(scratch, (struct span){path, (size_t)(end - path)}) == 0)
            return scratch->data;
    }
    bool lasts = !strcasestr(question, "one-time") && !strcasestr(question, "one time");
    return lasts && strcasestr(question, "password") ? "password" : question;
}

bool secret_is_to_change(const char *question)
{
    static const char *const words[] = {
        "new password",         "old password",     "current password",     "(current)",
        "password has expired", "password expired", "change your password",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(question, words[i]))
            return true;
    }
    return false;
}

void keyring_forget(struct keyring *ring, const char *purpose)
{
    struct keyring_entry *e = find(ring, purpose);
    if (!e)
        return;
    LL_DELETE(ring->entries, e);
    secret_free(e->secret);
    free(e->purpose);
    free(e);
}

void keyring_wipe(struct keyring *ring)
{
    while (ring->entries)
        keyring_forget(ring, ring->entries->purpose);
}
