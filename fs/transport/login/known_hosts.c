/* SPDX-License-Identifier: MIT */
#include "known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <libssh2.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "parser/text/text.h"
#include "transport/child/argv.h"

enum { KNOWN_FILE_MAX = 16 << 20, KNOWN_LINE_MAX = 32 << 10, SSH_PORT = 22 };

enum line_kind { LINE_EXACT, LINE_PLAIN, LINE_REVOKED };

struct known_line {
    enum line_kind kind;
    struct words fields;
    const char *type, *key; /* of the fields */
    struct known_place place;
    struct known_line *next;
};

struct known_hosts {
    LIBSSH2_SESSION *session; /* libssh2 wants one to parse a line; it is never connected */
    struct words names;       /* the exact one; "host" too where that is "[host]:port" */
    struct words files;
    struct known_line *lines;
    struct known_place beyond;
};

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

int known_hosts_new(const char *host, unsigned port, struct known_hosts **ret)
{
    struct known_hosts *k = calloc(1, sizeof(*k));
    if (!k)
        return -ENOMEM;
    k->session = libssh2_session_init();
    if (port != 0 && port != SSH_PORT)
        words_addf(&k->names, "[%s]:%u", host, port);
    words_add(&k->names, host);
    for (size_t i = 0; i < k->names.n; i++)
        lower(k->names.list[i]);
    if (!k->session || k->names.error) {
        known_hosts_free(k);
        return -ENOMEM;
    }
    *ret = k;
    return 0;
}

void known_hosts_free(struct known_hosts *k)
{
    if (!k)
        return;
    struct known_line *l, *next;
    LL_FOREACH_SAFE(k->lines, l, next)
    {
        words_done(&l->fields);
        free(l);
    }
    if (k->session)
        libssh2_session_free(k->session);
    words_done(&k->files);
    words_done(&k->names);
    free(k);
}

/* Any key will do for the question whether a name is there: libssh2 then says "mismatch". */
static bool knows_name(LIBSSH2_KNOWNHOSTS *hosts, const char *name)
{
    int r = libssh2_knownhost_check(
        hosts, name, "?", 1, LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW, NULL);
    return r == LIBSSH2_KNOWNHOST_CHECK_MATCH || r == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

/* Is a line of these fields about our host? 1 and the kind, 0, -ENOMEM. libssh2 takes less freedom
 * with spaces and case than ssh does. */
static int match(const struct known_hosts *k, char *hosts, const char *type, const char *key,
                 enum line_kind *ret)
{
    BUF_AUTO line = {0};
    if (*hosts != '|')
        lower(hosts);
    if (buf_addf(&line, "%s %s %s", hosts, type, key) < 0)
        return -ENOMEM;
    LIBSSH2_KNOWNHOSTS *known = libssh2_knownhost_init(k->session);
    if (!known)
        return -ENOMEM;
    int found = 0;
    /* libssh2 may have read a part of a line that it refuses, as one with a long name. */
    libssh2_knownhost_readline(known, line.data, line.len, LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    for (size_t i = 0; !found && i < k->names.n; i++) {
        found = knows_name(known, k->names.list[i]);
        *ret = i == 0 ? LINE_EXACT : LINE_PLAIN;
    }
    libssh2_knownhost_free(known);
    return found;
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
static bool is_good_hash(const char *hosts)
{
    enum { SALT_AT = 3, HASH_AT = 32, LENGTH = 60 };
    return strlen(hosts) == LENGTH && strncmp(hosts, "|1|", SALT_AT) == 0 &&
           is_sha1(hosts + SALT_AT) && hosts[HASH_AT - 1] == '|' && is_sha1(hosts + HASH_AT);
}

/* [@marker] hosts type key [comment]: takes the fields if something is known by the line. */
static int add_fields(struct known_hosts *k, struct words *fields, struct known_place place)
{
    size_t marker = fields->n > 0 && *fields->list[0] == '@';
    if (fields->n < marker + 3 || *fields->list[0] == '#')
        return 0;
    char *hosts = fields->list[marker];
    const char *type = fields->list[marker + 1];
    const char *key = fields->list[marker + 2];
    bool hashed = *hosts == '|';
    bool revoked = marker && strcmp(fields->list[0], "@revoked") == 0;
    /* A digit where the type should be: a key of SSH 1. */
    if (!isalpha((unsigned char)*type) || (!revoked && hashed && !is_good_hash(hosts)))
        return 0;
    if (!revoked && (marker || (!hashed && strpbrk(hosts, "*?!")))) {
        if (!k->beyond.file)
            k->beyond = place;
        return 0;
    }
    enum line_kind kind = LINE_REVOKED;
    int r = revoked ? 1 : match(k, hosts, type, key, &kind);
    if (r <= 0)
        return r;
    struct known_line *l = malloc(sizeof(*l));
    if (!l)
        return -ENOMEM;
    *l = (struct known_line){
        .kind = kind, .fields = *fields, .type = type, .key = key, .place = place};
    *fields = (struct words){0};
    LL_APPEND(k->lines, l);
    return 0;
}

static int add_line(struct known_hosts *k, struct span line, struct known_place place)
{
    if (line.n > KNOWN_LINE_MAX)
        return 0;
    FREE_AUTO char *text = strndup(line.p, line.n);
    if (!text)
        return -ENOMEM;
    WORDS_AUTO fields = {0};
    words_split(&fields, text, " \t\r");
    return fields.error ? fields.error : add_fields(k, &fields, place);
}

int known_hosts_add_text(struct known_hosts *k, struct span text, const char *path)
{
    struct known_place place = {.file = words_add(&k->files, path)};
    int r = k->files.error;
    while (r == 0 && text.n) {
        size_t n = text_find(text, '\n');
        place.line++;
        r = add_line(k, span_head(text, n), place);
        text = span_from(text, n < text.n ? n + 1 : n);
    }
    return r;
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

/* The verdict of one line. Verdicts are ordered: the last one in the enum of those given wins. */
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
        if (l->kind == counts && (!type || strcmp(l->type, type) == 0))
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
    return k->names.list[0];
}
