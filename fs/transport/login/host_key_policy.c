/* SPDX-License-Identifier: MIT */
#include "host_key_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "transport/child/program.h"

enum { KEYGEN_TIMEOUT_MS = 10000, LINE_MAX_BYTES = 32 << 10 };

int host_key_load(const struct ssh_config *config, struct known_hosts **ret, struct diag *why)
{
    struct known_hosts *known;
    const char *name = config->host_key_alias ? config->host_key_alias : config->hostname;
    int r = known_hosts_new(name, config->host_key_alias ? 0 : config->port, &known);
    if (r < 0) {
        diag_set(why, "cannot read known_hosts: %s", strerror(-r));
        return r;
    }
    const struct words *lists[] = {&config->user_known_hosts, &config->global_known_hosts};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            r = known_hosts_add_file(known, lists[l]->list[i]);
            if (r < 0) {
                diag_set(why, "cannot read %s: %s", lists[l]->list[i], strerror(-r));
                known_hosts_free(known);
                return r;
            }
        }
    }
    *ret = known;
    return 0;
}

static bool is_known(const void *known, const char *algorithm)
{
    /* One type of key, three ways to sign with it. */
    if (strncmp(algorithm, "rsa-sha2-", 9) == 0)
        algorithm = "ssh-rsa";
    return known_hosts_has_type(known, algorithm);
}

int host_key_order(const struct ssh_config *config, const struct known_hosts *known,
                   struct buf *ret)
{
    return ssh_config_prefer(config->host_key_algorithms, is_known, known, ret);
}

bool host_key_is_out_of_reach(const struct known_hosts *known, const char *algorithms)
{
    WORDS_AUTO names = {0};
    words_split(&names, algorithms, ",");
    if (names.error || !known_hosts_has_type(known, NULL))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        if (is_known(known, names.list[i]))
            return false;
    }
    return true;
}

/* The type is the blob's first string. */
static struct span blob_type(struct span blob)
{
    const unsigned char *p = (const unsigned char *)blob.p;
    if (blob.n < 4)
        return SPAN_LITERAL("unknown");
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (n > blob.n - 4)
        return SPAN_LITERAL("unknown");
    return (struct span){blob.p + 4, n};
}

const char *host_key_type_name(struct span type)
{
    if (span_eq(type, SPAN_LITERAL("ssh-ed25519")))
        return "ED25519";
    if (span_starts_with(type, SPAN_LITERAL("ecdsa-")))
        return "ECDSA";
    return span_eq(type, SPAN_LITERAL("ssh-rsa")) ? "RSA" : "other";
}

int host_key_describe(const struct host_key *key, struct buf *ret)
{
    int r = buf_addf(ret, "%s SHA256:", host_key_type_name(blob_type(key->blob)))
                ?: base64_encode(key->sha256, ret);
    while (r == 0 && ret->data[ret->len - 1] == '=') /* ssh shows no padding */
        ret->data[--ret->len] = '\0';
    return r;
}

static int append_line(const char *path, const struct buf *line)
{
    FD_AUTO fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    char last = '\n';
    off_t end = lseek(fd, 0, SEEK_END);
    if (end > 0 && pread(fd, &last, 1, end - 1) < 0)
        return -errno;
    if (last != '\n' && write(fd, "\n", 1) < 0)
        return -errno;
    ssize_t n = write(fd, line->data, line->len);
    return n < 0 ? -errno : (size_t)n < line->len ? -ENOSPC : 0;
}

static int make_parent(const char *path)
{
    FREE_AUTO char *parent = strdup(path);
    if (!parent)
        return -ENOMEM;
    char *slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return 0;
    *slash = '\0';
    return mkdir(parent, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Lets ssh-keygen hash the name in a line, in a file of its own. */
static int hash_name(struct buf *line)
{
    char folder[] = "/tmp/vmxfs-XXXXXX";
    if (!mkdtemp(folder))
        return -errno;
    BUF_AUTO file = {0};
    BUF_AUTO old = {0};
    BUF_AUTO said = {0};
    WORDS_AUTO argv = {0};
    int status = 0;
    words_split(&argv, "ssh-keygen -q -H -f", " ");
    int r = buf_addf(&file, "%s/line", folder)
        ?: buf_addf(&old, "%s.old", file.data)
        ?: append_line(file.data, line);
    if (r == 0)
        words_add(&argv, file.data);
    r = r ?: program_run(&argv, KEYGEN_TIMEOUT_MS, &said, &said, &status);
    if (r == 0)
        r = status == 0 ? 0 : -EIO;
    if (r == 0) {
        buf_clear(line);
        r = file_read(file.data, LINE_MAX_BYTES, line);
    }
    if (file.len)
        unlink(file.data);
    if (old.len)
        unlink(old.data);
    rmdir(folder);
    return r;
}

/* As ssh does, a key that cannot be stored is used all the same. */
static void store(const struct ssh_config *config, const struct known_hosts *known,
                  const char *type, const char *key)
{
    if (config->user_known_hosts.n == 0)
        return;
    const char *path = config->user_known_hosts.list[0];
    BUF_AUTO line = {0};
    int r = buf_addf(&line, "%s %s %s\n", known_hosts_name(known), type, key);
    if (r == 0 && config->hash_known_hosts)
        r = hash_name(&line);
    r = r ?: make_parent(path) ?: append_line(path, &line);
    if (r < 0)
        log_warning("cannot store the host key of %s in %s: %s", config->hostname, path,
                    strerror(-r));
    else
        log_debug("stored the host key of %s in %s", config->hostname, path);
}

static int refuse(enum known_verdict verdict, const struct ssh_config *config, const char *name,
                  const char *shown, const struct known_place *place, struct diag *why)
{
    const char *host = config->alias;
    switch (verdict) {
    case KNOWN_REVOKED:
        diag_set(why,
                 "the host key of %s (%s) is revoked by %s:%u: do not use this host until it "
                 "has a new key",
                 host, shown, place->file, place->line);
        break;
    case KNOWN_CHANGED:
        diag_set(why,
                 "the host key of %s has changed: it is %s, %s:%u holds another. Somebody may "
                 "be listening in. If the host has a new key: ssh-keygen -R '%s' -f %s",
                 host, shown, place->file, place->line, name, place->file);
        break;
    case KNOWN_OTHER:
        diag_set(why,
                 "the host key of %s (%s) is not known, %s:%u holds one of another type. If it "
                 "is right, add it: ssh-keyscan -p %u %s",
                 host, shown, place->file, place->line, config->port, config->hostname);
        break;
    case KNOWN_MATCH:
    case KNOWN_NOT:
        diag_set(why,
                 "the host key of %s is not known: %s. If that is right, connect once with "
                 "\"ssh -p %u %s\", or use -o StrictHostKeyChecking=accept-new",
                 host, shown, config->port, host);
        break;
    }
    return -EPERM;
}

static int judge(const struct ssh_config *config, const struct known_hosts *known,
                 const struct host_key *key, const char *type, const char *base64,
                 bool has_other_way, bool *ret_doubtful, struct diag *why)
{
    struct known_place place;
    enum known_verdict verdict = known_hosts_check(known, type, base64, &place);
    *ret_doubtful = false;
    if (verdict == KNOWN_MATCH)
        return 0;

    BUF_AUTO shown = {0};
    int r = host_key_describe(key, &shown);
    if (r < 0)
        return r;
    struct known_place beyond;
    bool may_be_known = verdict == KNOWN_NOT || (verdict != KNOWN_REVOKED && has_other_way);
    if (may_be_known && known_hosts_beyond(known, &beyond)) {
        diag_set(why,
                 "the host key of %s (%s) is not one that is known by name, and %s:%u has a "
                 "wildcard or a certificate authority, which only transport=openssh understands",
                 config->alias, shown.data, beyond.file, beyond.line);
        return -EOPNOTSUPP;
    }
    bool takes_new =
        config->strict == CONNECT_STRICT_ACCEPT_NEW || config->strict == CONNECT_STRICT_NO;
    if (verdict == KNOWN_NOT && takes_new) {
        store(config, known, type, base64);
        return 0;
    }
    if (verdict != KNOWN_REVOKED && config->strict == CONNECT_STRICT_NO) {
        log_warning(
            "the host key of %s has changed (%s): connecting all the same, without "
            "passwords, because of StrictHostKeyChecking=no",
            config->alias, shown.data);
        *ret_doubtful = true;
        return 0;
    }
    return refuse(verdict, config, known_hosts_name(known), shown.data, &place, why);
}

int host_key_check(const struct ssh_config *config, const struct known_hosts *known,
                   const struct host_key *key, bool has_other_way, bool *ret_doubtful,
                   struct diag *why)
{
    struct span name = blob_type(key->blob);
    FREE_AUTO char *type = strndup(name.p, name.n);
    BUF_AUTO base64 = {0};
    int r = type ? base64_encode(key->blob, &base64) : -ENOMEM;
    if (r == 0 && base64.len == 0)
        r = -EPROTO;
    if (r < 0) {
        diag_set(why, "cannot check the host key of %s: %s", config->alias, strerror(-r));
        return r;
    }
    return judge(config, known, key, type, base64.data, has_other_way, ret_doubtful, why);
}
