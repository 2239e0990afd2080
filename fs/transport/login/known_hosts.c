/* SPDX-License-Identifier: MIT */
#include "known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "transport/child/argv.h"

enum { KNOWN_FILE_MAX = 16 << 20, KNOWN_LINE_MAX = 32 << 10, SSH_PORT = 22 };

enum line_kind { LINE_EXACT, LINE_PLAIN, LINE_REVOKED };

struct known_line {
    enum line_kind kind;
    char *type, *key;
    struct known_place place;
    struct known_line *next;
};

struct known_hosts {
    LIBSSH2_SESSION *session; /* libssh2 wants one to parse a line; it is never connected */
    char *exact;              /* "[host]:port", or "host" */
    char *plain;              /* "host", NULL where that is exact */
    struct words files;
    struct known_line *lines;
    struct known_place beyond;
};

/* The fields of a line: [@marker] hosts type key [comment]. */
struct fields {
    struct span marker, hosts, type, key;
};

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

static int set_names(struct known_hosts *k, const char *host, unsigned port)
{
    bool other_port = port != 0 && port != SSH_PORT;
    if (!other_port)
        k->exact = strdup(host);
    else if (asprintf(&k->exact, "[%s]:%u", host, port) < 0)
        k->exact = NULL;
    if (other_port)
        k->plain = strdup(host);
    if (!k->exact || (other_port && !k->plain))
        return -ENOMEM;
    lower(k->exact);
    if (k->plain)
        lower(k->plain);
    return 0;
}

int known_hosts_new(const char *host, unsigned port, struct known_hosts **ret)
{
    struct known_hosts *k = calloc(1, sizeof(*k));
    if (!k)
        return -ENOMEM;
    k->session = libssh2_session_init();
    if (!k->session || set_names(k, host, port) < 0) {
        known_hosts_free(k);
        return -ENOMEM;
    }
    *ret = k;
    return 0;
}

static void line_free(struct known_line *l)
{
    free(l->type);
    free(l->key);
    free(l);
}

void known_hosts_free(struct known_hosts *k)
{
    if (!k)
        return;
    struct known_line *l, *next;
    LL_FOREACH_SAFE(k->lines, l, next)
    {
        line_free(l);
    }
    if (k->session)
        libssh2_session_free(k->session);
    words_done(&k->files);
    free(k->exact);
    free(k->plain);
    free(k);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span skip_space(struct span s)
{
    while (s.n && is_space(*s.p))
        s = (struct span){s.p + 1, s.n - 1};
    return s;
}

static struct span take_field(struct span *s)
{
    *s = skip_space(*s);
    size_t n = 0;
    while (n < s->n && !is_space(s->p[n]))
        n++;
    struct span field = {s->p, n};
    *s = (struct span){s->p + n, s->n - n};
    return field;
}

static struct fields split(struct span line)
{
    struct fields f = {0};
    if (line.n && *line.p == '@')
        f.marker = take_field(&line);
    f.hosts = take_field(&line);
    f.type = take_field(&line);
    f.key = take_field(&line);
    return f;
}

static bool has_any(struct span s, const char *chars)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] && strchr(chars, s.p[i]))
            return true;
    }
    return false;
}

/* Any key will do for the question whether a name is there: libssh2 then says "mismatch". */
static bool knows_name(LIBSSH2_KNOWNHOSTS *hosts, const char *name)
{
    int r = libssh2_knownhost_check(
        hosts, name, "?", 1, LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW, NULL);
    return r == LIBSSH2_KNOWNHOST_CHECK_MATCH || r == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

/* libssh2 takes less freedom with spaces and case than ssh does. */
static int tidy(const struct fields *f, struct buf *ret)
{
    const struct span space = SPAN_LITERAL(" ");
    const struct span parts[] = {f->hosts, space, f->type, space, f->key};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
        r = buf_add(ret, parts[i]);
    if (r == 0 && *f->hosts.p != '|') {
        for (size_t i = 0; i < f->hosts.n; i++)
            ret->data[i] = (char)tolower((unsigned char)ret->data[i]);
    }
    return r;
}

/* Is the line about our host? 1 and the kind, 0, -ENOMEM. */
static int match(const struct known_hosts *k, const struct fields *f, enum line_kind *ret)
{
    BUF_AUTO line = {0};
    if (tidy(f, &line) < 0)
        return -ENOMEM;
    LIBSSH2_KNOWNHOSTS *hosts = libssh2_knownhost_init(k->session);
    if (!hosts)
        return -ENOMEM;
    int found = 0;
    /* What libssh2 refuses of a line, such as an over-long name, it may have read in part. */
    libssh2_knownhost_readline(hosts, line.data, line.len, LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    if (knows_name(hosts, k->exact)) {
        *ret = LINE_EXACT;
        found = 1;
    } else if (k->plain && knows_name(hosts, k->plain)) {
        *ret = LINE_PLAIN;
        found = 1;
    }
    libssh2_knownhost_free(hosts);
    return found;
}

static int keep(struct known_hosts *k, enum line_kind kind, const struct fields *f,
                struct known_place place)
{
    struct known_line *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    *l = (struct known_line){.kind = kind,
                             .type = strndup(f->type.p, f->type.n),
                             .key = strndup(f->key.p, f->key.n),
                             .place = place};
    if (!l->type || !l->key) {
        line_free(l);
        return -ENOMEM;
    }
    LL_APPEND(k->lines, l);
    return 0;
}

/* 20 bytes in base64. */
static bool is_sha1(const char *p)
{
    enum { DIGITS = 27 };
    for (size_t i = 0; i < DIGITS; i++) {
        if (!isalnum((unsigned char)p[i]) && p[i] != '+' && p[i] != '/')
            return false;
    }
    return p[DIGITS] == '=';
}

/* "|1|salt|hash", each of SHA-1's length: with others libssh2 1.10 leaks memory. */
static bool is_good_hash(struct span hosts)
{
    enum { SALT_AT = 3, HASH_AT = 32, LENGTH = 60 };
    return hosts.n == LENGTH && span_starts_with(hosts, SPAN_LITERAL("|1|")) &&
           is_sha1(hosts.p + SALT_AT) && hosts.p[HASH_AT - 1] == '|' && is_sha1(hosts.p + HASH_AT);
}

static int add_line(struct known_hosts *k, struct span line, struct known_place place)
{
    line = skip_space(line);
    if (line.n == 0 || *line.p == '#' || line.n > KNOWN_LINE_MAX)
        return 0;
    struct fields f = split(line);
    /* A digit where the type should be: a key of SSH 1. */
    if (f.key.n == 0 || !isalpha((unsigned char)*f.type.p))
        return 0;
    if (span_eq(f.marker, SPAN_LITERAL("@revoked")))
        return keep(k, LINE_REVOKED, &f, place);
    bool hashed = *f.hosts.p == '|';
    if (hashed && !is_good_hash(f.hosts))
        return 0;
    if (f.marker.n || (!hashed && has_any(f.hosts, "*?!"))) {
        if (!k->beyond.file)
            k->beyond = place;
        return 0;
    }
    enum line_kind kind = LINE_EXACT;
    int r = match(k, &f, &kind);
    return r == 1 ? keep(k, kind, &f, place) : r;
}

int known_hosts_add_text(struct known_hosts *k, struct span text, const char *path)
{
    words_add(&k->files, path);
    if (k->files.error)
        return -ENOMEM;
    struct known_place place = {.file = k->files.list[k->files.n - 1]};
    while (text.n) {
        const char *end = memchr(text.p, '\n', text.n);
        struct span line = {text.p, end ? (size_t)(end - text.p) : text.n};
        place.line++;
        int r = add_line(k, line, place);
        if (r < 0)
            return r;
        size_t used = line.n + (end ? 1 : 0);
        text = (struct span){text.p + used, text.n - used};
    }
    return 0;
}

int known_hosts_add_file(struct known_hosts *k, const char *path)
{
    BUF_AUTO text = {0};
    int r = file_read(path, KNOWN_FILE_MAX, &text);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    return r < 0 ? r : known_hosts_add_text(k, buf_span(&text), path);
}

/* Lines for "host" count only where none is for "[host]:port". */
static enum line_kind kind_that_counts(const struct known_hosts *k)
{
    const struct known_line *l;
    LL_FOREACH (k->lines, l) {
        if (l->kind == LINE_EXACT)
            return LINE_EXACT;
    }
    return LINE_PLAIN;
}

/* What one line says. Verdicts are ordered: the last one in the enum of those given wins. */
static enum known_verdict line_says(const struct known_line *l, enum line_kind counts,
                                    const char *type, const char *key)
{
    bool same = strcmp(l->key, key) == 0;
    if (l->kind == LINE_REVOKED)
        return same ? KNOWN_REVOKED : KNOWN_NOT;
    if (l->kind != counts)
        return KNOWN_NOT;
    if (same)
        return KNOWN_MATCH;
    if (counts == LINE_PLAIN) /* another port of the host may well have another key */
        return KNOWN_NOT;
    return strcmp(l->type, type) == 0 ? KNOWN_CHANGED : KNOWN_OTHER;
}

enum known_verdict known_hosts_check(const struct known_hosts *k, const char *type, const char *key,
                                     struct known_place *ret)
{
    enum line_kind counts = kind_that_counts(k);
    enum known_verdict verdict = KNOWN_NOT;
    const struct known_line *l;
    *ret = (struct known_place){0};
    LL_FOREACH (k->lines, l) {
        enum known_verdict says = line_says(l, counts, type, key);
        if (says > verdict) {
            verdict = says;
            *ret = l->place;
        }
    }
    return verdict;
}

bool known_hosts_has_type(const struct known_hosts *k, const char *type)
{
    enum line_kind counts = kind_that_counts(k);
    const struct known_line *l;
    LL_FOREACH (k->lines, l) {
        if (l->kind == counts && strcmp(l->type, type) == 0)
            return true;
    }
    return false;
}

bool known_hosts_beyond(const struct known_hosts *k, struct known_place *ret)
{
    if (k->beyond.file)
        *ret = k->beyond;
    return k->beyond.file != NULL;
}

const char *known_hosts_name(const struct known_hosts *k)
{
    return k->exact;
}
