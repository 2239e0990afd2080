/* SPDX-License-Identifier: MIT */
#include "ssh_config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "transport/child/program.h"

enum { CONFIG_TIMEOUT_MS = 15000 };

static bool is_no(const char *value)
{
    return strcmp(value, "no") == 0 || strcmp(value, "false") == 0 || strcmp(value, "none") == 0;
}

/* What libssh2, or our use of it, does not do. ssh -G shows these only when they are set, or with a
 * value that says no. */
static bool is_beyond(const char *key, const char *value)
{
    static const char *const keys[] = {
        "proxyjump",         "proxycommand",
        "certificatefile",   "bindaddress",
        "bindinterface",     "pkcs11provider",
        "knownhostscommand", "revokedhostkeys",
        "verifyhostkeydns",  "hostbasedauthentication",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return !is_no(value);
    }
    return false;
}

static int set_string(char **field, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int set_strings(struct ssh_config *c, const char *key, const char *value)
{
    const struct {
        const char *key;
        char **field;
    } strings[] = {
        {"hostname", &c->hostname},
        {"user", &c->user},
        {"hostkeyalias", &c->host_key_alias},
        {"kexalgorithms", &c->kex},
        {"ciphers", &c->ciphers},
        {"macs", &c->macs},
        {"hostkeyalgorithms", &c->host_key_algorithms},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (strcmp(key, strings[i].key) == 0)
            return set_string(strings[i].field, value);
    }
    return 0;
}

static void set_switches(struct ssh_config *c, const char *key, const char *value)
{
    const struct {
        const char *key;
        bool *field;
    } switches[] = {
        {"identitiesonly", &c->identities_only},
        {"pubkeyauthentication", &c->use_keys},
        {"passwordauthentication", &c->use_password},
        {"kbdinteractiveauthentication", &c->use_keyboard_interactive},
        {"challengeresponseauthentication", &c->use_keyboard_interactive}, /* before 8.7 */
        {"batchmode", &c->batch},
    };
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (strcmp(key, switches[i].key) == 0)
            *switches[i].field = !is_no(value);
    }
    if (strcmp(key, "addressfamily") == 0)
        c->family = strcmp(value, "inet") == 0    ? AF_INET
                    : strcmp(value, "inet6") == 0 ? AF_INET6
                                                  : AF_UNSPEC;
    if (strcmp(key, "port") == 0)
        c->port = (unsigned)strtoul(value, NULL, 10);
    if (strcmp(key, "stricthostkeychecking") == 0)
        c->strict = strcmp(value, "accept-new") == 0            ? CONNECT_STRICT_ACCEPT_NEW
                    : is_no(value) || strcmp(value, "off") == 0 ? CONNECT_STRICT_NO
                                                                : CONNECT_STRICT_YES;
}

static void set_lists(struct ssh_config *c, const char *key, const char *value)
{
    if (strcmp(key, "identityfile") == 0 && !is_no(value))
        words_add(&c->identity_files, value);
    if (strcmp(key, "userknownhostsfile") == 0)
        words_split(&c->user_known_hosts, value);
    if (strcmp(key, "globalknownhostsfile") == 0)
        words_split(&c->global_known_hosts, value);
}

static int set_line(struct ssh_config *c, char *line)
{
    char *value = strchr(line, ' ');
    if (!value)
        return 0;
    *value++ = '\0';
    set_switches(c, line, value);
    set_lists(c, line, value);
    if (!c->beyond && is_beyond(line, value))
        return set_string(&c->beyond, line);
    if (strcmp(line, "identityagent") == 0 && strcmp(value, "SSH_AUTH_SOCK") != 0)
        return set_string(&c->identity_agent, value);
    return set_strings(c, line, value);
}

/* ssh takes the home directory from the user database, not from $HOME. */
static int set_home(struct ssh_config *c)
{
    char names[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, names, sizeof(names), &found) != 0)
        found = NULL;
    return set_string(&c->home, found ? found->pw_dir : "/");
}

/* The value of a %-token; NULL for one that we do not know. */
static const char *token(const struct ssh_config *c, char letter, char scratch[static 32])
{
    switch (letter) {
    case '%':
        return "%";
    case 'd':
        return c->home;
    case 'h':
        return c->hostname;
    case 'n':
        return c->alias;
    case 'k':
        return c->host_key_alias ? c->host_key_alias : c->alias;
    case 'r':
        return c->user;
    case 'p':
        snprintf(scratch, 32, "%u", c->port);
        return scratch;
    case 'i':
        snprintf(scratch, 32, "%u", (unsigned)getuid());
        return scratch;
    default:
        return NULL;
    }
}

/* Appends the value of what begins at p ("%h", "${NAME}" or a plain character), and returns its
 * length; 0 for a token that we do not know. */
static size_t expand_one(const struct ssh_config *c, const char *p, struct buf *ret, int *error)
{
    char scratch[32];
    if (*p == '%') {
        const char *value = p[1] ? token(c, p[1], scratch) : NULL;
        *error = value ? buf_add_str(ret, value) : 0;
        return value ? 2 : 0;
    }
    const char *end = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;
    if (end) {
        FREE_AUTO char *name = strndup(p + 2, (size_t)(end - p - 2));
        const char *value = name ? getenv(name) : NULL;
        *error = value ? buf_add_str(ret, value) : 0;
        return value ? (size_t)(end - p) + 1 : 0;
    }
    *error = buf_add_char(ret, *p);
    return 1;
}

/* As ssh does: ~/, %-tokens, ${NAME}. 0, -ENOMEM; -ENOTSUP for a token that we do not know. */
static int expand(const struct ssh_config *c, const char *path, char **ret)
{
    BUF_AUTO out = {0};
    int r = 0;
    if (strncmp(path, "~/", 2) == 0) {
        r = buf_add_str(&out, c->home);
        path++;
    }
    while (r == 0 && *path) {
        size_t n = expand_one(c, path, &out, &r);
        if (n == 0)
            return -ENOTSUP;
        path += n;
    }
    if (r < 0)
        return r;
    char *done = buf_steal(&out);
    if (!done)
        return -ENOMEM;
    *ret = done;
    return 0;
}

static int expand_all(struct ssh_config *c, struct words *paths, const char *key)
{
    for (size_t i = 0; i < paths->n; i++) {
        char *expanded;
        int r = expand(c, paths->list[i], &expanded);
        if (r == -ENOTSUP && !c->beyond)
            r = set_string(&c->beyond, key);
        else if (r == 0) {
            free(paths->list[i]);
            paths->list[i] = expanded;
        }
        if (r < 0 && r != -ENOTSUP)
            return r;
    }
    return paths->error;
}

static int expand_paths(struct ssh_config *c)
{
    int r = expand_all(c, &c->identity_files, "identityfile")
        ?: expand_all(c, &c->user_known_hosts, "userknownhostsfile")
        ?: expand_all(c, &c->global_known_hosts, "globalknownhostsfile");
    if (r < 0 || !c->identity_agent || is_no(c->identity_agent))
        return r;
    /* "$NAME" names a variable that holds the path. */
    const char *path = c->identity_agent;
    if (path[0] == '$' && path[1] != '{')
        path = getenv(path + 1);
    char *expanded;
    r = path ? expand(c, path, &expanded) : -ENOTSUP;
    if (r == -ENOTSUP)
        return set_string(&c->identity_agent, "none");
    if (r == 0) {
        free(c->identity_agent);
        c->identity_agent = expanded;
    }
    return r;
}

static bool is_complete(const struct ssh_config *c)
{
    return c->hostname && c->user && c->port > 0 && c->port <= 65535 && c->kex && c->ciphers &&
           c->macs && c->host_key_algorithms;
}

static int parse(struct ssh_config *c, struct span text, const struct connect_options *options)
{
    FREE_AUTO char *copy = text.n ? strndup(text.p, text.n) : strdup("");
    int r = copy ? set_string(&c->alias, options->host) : -ENOMEM;
    r = r ?: set_home(c);
    c->named_identity = options->identity_file != NULL;
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); r == 0 && line; line = strsep(&rest, "\n"))
        r = set_line(c, line);
    if (r == 0 && !is_complete(c))
        r = -EINVAL;
    if (options->known_hosts_file) {
        words_done(&c->user_known_hosts);
        words_add(&c->user_known_hosts, options->known_hosts_file);
    }
    if (options->strict != CONNECT_STRICT_CONFIG)
        c->strict = options->strict;
    return r ?: expand_paths(c);
}

int ssh_config_parse(struct span text, const struct connect_options *options,
                     struct ssh_config *ret)
{
    struct ssh_config c = {
        .port = 22,
        .strict = CONNECT_STRICT_YES,
        .use_keys = true,
        .use_password = true,
        .use_keyboard_interactive = true,
    };
    int r = parse(&c, text, options);
    if (r < 0)
        ssh_config_done(&c);
    else
        *ret = c;
    return r;
}

int ssh_config_read(const struct connect_options *options, struct ssh_config *ret, struct diag *why)
{
    WORDS_AUTO argv = {0};
    words_split(&argv, "ssh -G -T");
    if (options->port)
        words_addf(&argv, "-p%u", options->port);
    if (options->user)
        words_addf(&argv, "-l%s", options->user);
    /* Not -i, which forgets a file that is not there. */
    if (options->identity_file)
        words_addf(&argv, "-oIdentityFile=\"%s\"", options->identity_file);
    words_add(&argv, "--");
    words_add(&argv, options->host);

    BUF_AUTO out = {0};
    BUF_AUTO err = {0};
    int status;
    int r = program_run(&argv, CONFIG_TIMEOUT_MS, &out, &err, &status);
    if (r == -ENOENT)
        diag_set(why, "no ssh program in PATH: install the OpenSSH client");
    else if (r < 0)
        diag_set(why, "cannot run \"ssh -G %s\": %s", options->host, strerror(-r));
    if (r < 0)
        return r;
    if (status != 0) {
        size_t n = err.len ? strcspn(err.data, "\r\n") : 0;
        diag_set(why, "ssh refuses %s: %.*s", options->host, (int)n, err.len ? err.data : "");
        return -EINVAL;
    }
    r = ssh_config_parse(buf_span(&out), options, ret);
    if (r < 0)
        diag_set(why, "cannot understand what \"ssh -G %s\" says: %s", options->host, strerror(-r));
    return r;
}

static int add_names(const char *list, const char *mark, bool has, struct buf *ret)
{
    int r = 0;
    while (r == 0 && *list) {
        struct span word = {list, strcspn(list, ",")};
        bool marked = memmem(word.p, word.n, mark, strlen(mark)) != NULL;
        if (word.n && marked == has)
            r = buf_addf(ret, "%s%.*s", ret->len ? "," : "", (int)word.n, word.p);
        list += word.n + (list[word.n] != '\0');
    }
    return r;
}

int ssh_config_prefer(const char *list, const char *mark, struct buf *ret)
{
    return add_names(list, mark, true, ret) ?: add_names(list, mark, false, ret);
}

enum { STRINGS = 11 };

static void strings_of(struct ssh_config *c, char **ret[STRINGS])
{
    char **const all[STRINGS] = {&c->alias,          &c->home,           &c->hostname,
                                 &c->user,           &c->host_key_alias, &c->kex,
                                 &c->ciphers,        &c->macs,           &c->host_key_algorithms,
                                 &c->identity_agent, &c->beyond};
    memcpy(ret, all, sizeof(all));
}

static struct words copy_words(const struct words *from)
{
    struct words to = {0};
    for (size_t i = 0; i < from->n; i++)
        words_add(&to, from->list[i]);
    return to;
}

int ssh_config_copy(const struct ssh_config *config, struct ssh_config *ret)
{
    struct ssh_config c = *config;
    char **strings[STRINGS];
    bool failed = false;
    strings_of(&c, strings);
    for (size_t i = 0; i < STRINGS; i++) {
        const char *string = *strings[i];
        *strings[i] = string ? strdup(string) : NULL;
        failed |= string && !*strings[i];
    }
    c.identity_files = copy_words(&config->identity_files);
    c.user_known_hosts = copy_words(&config->user_known_hosts);
    c.global_known_hosts = copy_words(&config->global_known_hosts);
    if (failed || c.identity_files.error || c.user_known_hosts.error ||
        c.global_known_hosts.error) {
        ssh_config_done(&c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void ssh_config_done(struct ssh_config *c)
{
    char **strings[STRINGS];
    strings_of(c, strings);
    for (size_t i = 0; i < STRINGS; i++)
        free(*strings[i]);
    words_done(&c->identity_files);
    words_done(&c->user_known_hosts);
    words_done(&c->global_known_hosts);
    *c = (struct ssh_config){0};
}
