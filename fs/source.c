/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "parser/text/text.h"

static int no_memory(struct diag *why)
{
    diag_set(why, "out of memory");
    return -ENOMEM;
}

/* An argument of ssh must not pass for an option. */
static int check_host(const struct options *o, struct diag *why)
{
    if (o->host[0] && o->host[0] != '-' && (!o->user || o->user[0] != '-'))
        return 0;
    diag_set(why, "%s: invalid hostname; SOURCE is [user@]host:[path]", o->source);
    return -EINVAL;
}

/* ---- [user@]host:[path]; an IPv6 address stands in brackets */

/* There may be an "@" in the path, and in the name of the user. */
static int parse_remote(struct options *o, struct diag *why)
{
    const char *at = memrchr(o->source, '@', strcspn(o->source, ":/["));
    const char *host = at ? at + 1 : o->source;
    const char *colon;
    if (*host == '[') {
        const char *close = strchr(host, ']');
        colon = close && close[1] == ':' ? close + 1 : NULL;
        if (colon)
            o->host = strndup(host + 1, (size_t)(close - host - 1));
    } else {
        colon = strchr(host, ':');
        if (colon)
            o->host = strndup(host, (size_t)(colon - host));
    }
    if (!colon) {
        diag_set(why,
                 "%s: SOURCE is [user@]host:[path], sftp://[user@]host[:port]/path, or a directory "
                 "that begins with / or ./",
                 o->source);
        return -EINVAL;
    }
    o->path = strdup(colon + 1);
    if (host > o->source)
        o->user = strndup(o->source, (size_t)(host - o->source - 1));
    if (!o->host || !o->path || (host > o->source && !o->user))
        return no_memory(why);
    return check_host(o, why);
}

/* ---- sftp://[user@]host[:port][/path] */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Puts bytes in the place of %-escapes. NULL with *why. The caller frees it. */
static char *unescape(const struct options *o, struct span text, struct diag *why)
{
    FREE_AUTO char *ret = strndup(text.p, text.n);
    size_t n = 0;
    if (!ret) {
        no_memory(why);
        return NULL;
    }
    for (size_t i = 0; i < text.n; i++, n++) {
        ret[n] = text.p[i];
        if (text.p[i] != '%')
            continue;
        int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            diag_set(why,
                     "%s: after a \"%%\" two hexadecimal digits follow, not 00; the character "
                     "itself is %%25",
                     o->source);
            return NULL;
        }
        ret[n] = (char)(high << 4 | low);
        i += 2;
    }
    ret[n] = '\0';
    return steal(ret);
}

static int parse_port(struct options *o, struct span text, struct diag *why)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.n && port <= UINT16_MAX; i++)
        port = isdigit((unsigned char)text.p[i]) ? port * 10 + (unsigned)(text.p[i] - '0')
                                                 : UINT16_MAX + 1;
    if (port == 0 || port > UINT16_MAX) {
        diag_set(why, "%s: the port must be from 1 to %d", o->source, UINT16_MAX);
        return -EINVAL;
    }
    if (!o->port)
        o->port = port;
    return 0;
}

static int parse_user(struct options *o, struct span user, struct diag *why)
{
    if (text_find(user, ':') < user.n) {
        diag_set(why,
                 "%.*s: a password in SOURCE could be seen by everybody; leave it out, and use a "
                 "key, an agent or -o password_stdin",
                 (int)(text_find(span_of(o->source), ':') + 3), o->source);
        return -EINVAL;
    }
    o->user = unescape(o, user, why);
    return o->user ? 0 : -EINVAL;
}

/* host, [address], or either with :port. */
static int parse_place(struct options *o, struct span place, struct diag *why)
{
    const bool brackets = place.n > 0 && place.p[0] == '[';
    size_t end = text_find(place, brackets ? ']' : ':');
    struct span host = span_head(place, end);
    if (brackets) {
        if (end == place.n) {
            diag_set(why, "%s: the address has no closing bracket", o->source);
            return -EINVAL;
        }
        host = span_from(host, 1);
        end++;
    }
    struct span rest = span_from(place, end);
    o->host = unescape(o, host, why);
    if (!o->host)
        return -EINVAL;
    if (rest.n == 0)
        return 0;
    if (rest.p[0] != ':') {
        diag_set(why, "%s: after the address only a port can follow", o->source);
        return -EINVAL;
    }
    return rest.n > 1 ? parse_port(o, span_from(rest, 1), why) : 0;
}

/* /path is absolute, /~/path is below the user's own directory, and nothing is where the server
 * puts us. */
static int parse_path(struct options *o, struct span path, struct diag *why)
{
    FREE_AUTO char *plain = unescape(o, path, why);
    if (!plain)
        return -EINVAL;
    const char *text = plain;
    if (strcmp(text, "/~") == 0 || strcmp(text, "/~/") == 0)
        text = ".";
    else if (strncmp(text, "/~/", 3) == 0)
        text += 3 + strspn(text + 3, "/");
    o->path = strdup(text[0] || !plain[0] ? text : ".");
    return o->path ? 0 : no_memory(why);
}

static int parse_uri(struct options *o, const char *after_scheme, struct diag *why)
{
    struct span rest = span_of(after_scheme);
    struct span place = span_head(rest, text_find(rest, '/'));
    const char *at = memrchr(place.p, '@', place.n);
    const size_t user = at ? (size_t)(at - place.p) : 0;
    int r = at ? parse_user(o, span_head(place, user), why) : 0;
    return r
        ?: parse_place(o, at ? span_from(place, user + 1) : place, why)
        ?: parse_path(o, span_from(rest, place.n), why)
        ?: check_host(o, why);
}

/* ---- a local directory */

static int parse_local(struct options *o, struct diag *why)
{
    if (o->ssh_keywords.n > 0) {
        diag_set(why, "%s: unknown option for a local directory; vmxfs -h lists all options",
                 o->ssh_keywords.list[0]);
        return -EINVAL;
    }
    struct stat st;
    o->path = realpath(o->source, NULL);
    if (!o->path) {
        diag_set(why, "%s: %s", o->source, strerror(errno));
        return -errno;
    }
    if (stat(o->path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        diag_set(why, "%s: is not a directory", o->source);
        return -ENOTDIR;
    }
    return 0;
}

/* ---- */

static bool is_local(const char *s)
{
    return s[0] == '/' || strncmp(s, "./", 2) == 0 || strncmp(s, "../", 3) == 0 ||
           strcmp(s, ".") == 0 || strcmp(s, "..") == 0;
}

int source_parse(struct options *o, struct diag *why)
{
    static const char program[] = "vmxfs#";
    static const char *const schemes[] = {"sftp://", "ssh://"};
    const size_t len = strlen(program);
    if (strncmp(o->source, program, len) == 0)
        memmove(o->source, o->source + len, strlen(o->source + len) + 1);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncasecmp(o->source, schemes[i], strlen(schemes[i])) == 0)
            return parse_uri(o, o->source + strlen(schemes[i]), why);
    }
    return is_local(o->source) ? parse_local(o, why) : parse_remote(o, why);
}
