/* SPDX-License-Identifier: MIT */
#include "ssh_config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

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
        "proxyjump",
        "proxycommand",
        "certificatefile",
        "bindaddress",
        "bindinterface",
        "pkcs11provider",
        "knownhostscommand",
        "revokedhostkeys",
        "verifyhostkeydns",
        "hostbasedauthentication",
        "preferredauthentications",
        "nohostauthenticationforlocalhost",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return !is_no(value);
    }
    return false;
}

/* Keywords of the command line: those that are read below, and those that make no difference to a
 * connection that libssh2 makes. Of all others ssh is to do what they say. */
static bool is_honoured(const char *keyword)
{
    static const char *const names[] = {
        "addkeystoagent",
        "addressfamily",
        "batchmode",
        "challengeresponseauthentication",
        "checkhostip",
        "ciphers",
        "clearallforwardings",
        "compression",
        "compressionlevel",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "connectionattempts",
        "connecttimeout",
        "escapechar",
        "exitonforwardfailure",
        "forwardagent",
        "forwardx11",
        "forwardx11trusted",
        "globalknownhostsfile",
        "hashknownhosts",
        "hostkeyalgorithms",
        "hostkeyalias",
        "hostname",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "kbdinteractiveauthentication",
        "kexalgorithms",
        "localcommand",
        "loglevel",
        "macs",
        "numberofpasswordprompts",
        "passwordauthentication",
        "permitlocalcommand",
        "port",
        "pubkeyauthentication",
        "serveralivecountmax",
        "serveraliveinterval",
        "stricthostkeychecking",
        "tcpkeepalive",
        "updatehostkeys",
        "user",
        "userknownhostsfile",
        "visualhostkey",
    };
    const size_t len = strcspn(keyword, "=");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && strncasecmp(keyword, names[i], len) == 0)
            return true;
    }
    return false;
}

/* A first one stays; what comes of a lack of memory is in c->strings. */
static void set_beyond(struct ssh_config *c, const char *key)
{
    if (!c->beyond)
        c->beyond = words_add(&c->strings, key);
}

static void set_choice(struct ssh_config *c, const char *key, const char *value)
{
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
    if (strcmp(key, "identityfile") == 0 && !is_no(value))
        words_add(&c->identity_files, value);
    if (strcmp(key, "controlpath") == 0 && !is_no(value))
        c->control_path = words_add(&c->strings, value);
    if (strcmp(key, "identityagent") == 0 && strcmp(value, "SSH_AUTH_SOCK") != 0)
        c->identity_agent = words_add(&c->strings, value);
}

/* A path ends before a space behind which another one begins. */
static size_t path_length(const char *text)
{
    size_t n = 0;
    for (;;) {
        n += strcspn(text + n, " \t");
        const char *next = text + n + strspn(text + n, " \t");
        if (!*next || strchr("/~%$\"", *next))
            return n;
        n = (size_t)(next - text);
    }
}

void ssh_config_add_paths(struct words *ret, const char *value)
{
    if (strcmp(value, "none") == 0)
        return;
    while (*(value += strspn(value, " \t"))) {
        bool quoted = *value == '"';
        value += quoted;
        size_t n = quoted ? strcspn(value, "\"") : path_length(value);
        if (n > 0)
            words_addf(ret, "%.*s", (int)n, value);
        value += n;
        value += quoted && *value;
    }
}

static void set_field(struct ssh_config *c, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **string;
        bool *is_on;
        struct words *paths;
    } fields[] = {
        {"hostname", .string = &c->hostname},
        {"user", .string = &c->user},
        {"hostkeyalias", .string = &c->host_key_alias},
        {"kexalgorithms", .string = &c->kex},
        {"ciphers", .string = &c->ciphers},
        {"macs", .string = &c->macs},
        {"hostkeyalgorithms", .string = &c->host_key_algorithms},
        {"identitiesonly", .is_on = &c->identities_only},
        {"pubkeyauthentication", .is_on = &c->use_keys},
        {"passwordauthentication", .is_on = &c->use_password},
        {"kbdinteractiveauthentication", .is_on = &c->use_keyboard_interactive},
        {"challengeresponseauthentication", /* before 8.7 */
         .is_on = &c->use_keyboard_interactive},
        {"batchmode", .is_on = &c->batch},
        {"compression", .is_on = &c->compression},
        {"hashknownhosts", .is_on = &c->hash_known_hosts},
        {"userknownhostsfile", .paths = &c->user_known_hosts},
        {"globalknownhostsfile", .paths = &c->global_known_hosts},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(key, fields[i].key) != 0)
            continue;
        if (fields[i].string)
            *fields[i].string = words_add(&c->strings, value);
        else if (fields[i].is_on)
            *fields[i].is_on = !is_no(value);
        else
            ssh_config_add_paths(fields[i].paths, value);
    }
}

static void set_line(struct ssh_config *c, char *line)
{
    char *value = strchr(line, ' ');
    if (!value)
        return;
    *value++ = '\0';
    set_choice(c, line, value);
    set_field(c, line, value);
    if (is_beyond(line, value))
        set_beyond(c, line);
}

/* ssh takes the home directory from the user database, not from $HOME. */
static void set_home(struct ssh_config *c)
{
    char names[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, names, sizeof(names), &found) != 0)
        found = NULL;
    c->home = words_add(&c->strings, found ? found->pw_dir : "/");
}

/* Appends the value of a %-token. */
static int add_token(const struct ssh_config *c, char letter, struct buf *ret)
{
    switch (letter) {
    case '%':
        return buf_add_char(ret, '%');
    case 'd':
        return buf_add_str(ret, c->home);
    case 'h':
        return buf_add_str(ret, c->hostname);
    case 'n':
        return buf_add_str(ret, c->alias);
    case 'k':
        return buf_add_str(ret, c->host_key_alias ? c->host_key_alias : c->alias);
    case 'r':
        return buf_add_str(ret, c->user);
    case 'p':
        return buf_addf(ret, "%u", c->port);
    case 'i':
        return buf_addf(ret, "%u", (unsigned)getuid());
    default:
        return -ENOTSUP;
    }
}

static int add_variable(struct span name, struct buf *ret)
{
    FREE_AUTO char *copy = strndup(name.p, name.n);
    const char *value = copy ? getenv(copy) : NULL;
    return value ? buf_add_str(ret, value) : -ENOTSUP;
}

/* As ssh does: ~/, %-tokens, ${NAME}. 0, -ENOMEM; -ENOTSUP for a token that we do not know. */
static int expand(const struct ssh_config *c, const char *path, struct buf *ret)
{
    bool tilde = strncmp(path, "~/", 2) == 0;
    int r = buf_add_str(ret, tilde ? c->home : "");
    path += tilde;
    while (r == 0 && *path) {
        const char *end = strncmp(path, "${", 2) == 0 ? strchr(path, '}') : NULL;
        if (*path == '%') {
            r = add_token(c, path[1], ret);
            path += 2;
        } else if (end) {
            r = add_variable((struct span){path + 2, (size_t)(end - path - 2)}, ret);
            path = end + 1;
        } else {
            r = buf_add_char(ret, *path++);
        }
    }
    return r;
}

static int expand_all(struct ssh_config *c, struct words *paths, const char *key)
{
    WORDS_AUTO given = *paths;
    *paths = (struct words){0};
    for (size_t i = 0; i < given.n; i++) {
        BUF_AUTO expanded = {0};
        int r = expand(c, given.list[i], &expanded);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            set_beyond(c, key);
        words_add(paths, r < 0 ? given.list[i] : expanded.data);
    }
    return given.error ? given.error : paths->error;
}

static int expand_agent(struct ssh_config *c)
{
    BUF_AUTO expanded = {0};
    const char *path = c->identity_agent;
    if (!path || is_no(path))
        return 0;
    if (path[0] == '$' && path[1] != '{') /* the name of a variable that holds the path */
        path = getenv(path + 1);
    int r = path ? expand(c, path, &expanded) : -ENOTSUP;
    if (r == -ENOMEM)
        return r;
    c->identity_agent = words_add(&c->strings, r < 0 ? "none" : expanded.data);
    return 0;
}

static bool is_complete(const struct ssh_config *c)
{
    return c->hostname && c->user && c->port > 0 && c->port <= 65535 && c->kex && c->ciphers &&
           c->macs && c->host_key_algorithms;
}

static int parse(struct ssh_config *c, char *text, const struct connect_options *options)
{
    set_home(c);
    c->alias = words_add(&c->strings, options->host);
    if (options->sftp_server)
        c->sftp_server = words_add(&c->strings, options->sftp_server);
    c->named_identity = options->identity_file != NULL;
    c->password_only = options->password_stdin;
    c->timeout_ms = options->timeout_ms;
    for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n"))
        set_line(c, line);
    for (size_t i = 0; options->keywords && i < options->keywords->n; i++) {
        if (!is_honoured(options->keywords->list[i]))
            set_beyond(c, options->keywords->list[i]);
    }
    if (options->known_hosts_file) {
        words_done(&c->user_known_hosts);
        ssh_config_add_paths(&c->user_known_hosts, options->known_hosts_file);
    }
    if (options->strict != CONNECT_STRICT_CONFIG)
        c->strict = options->strict;
    if (c->strings.error)
        return c->strings.error;
    if (!is_complete(c))
        return -EINVAL;
    return expand_all(c, &c->identity_files, "identityfile")
        ?: expand_all(c, &c->user_known_hosts, "userknownhostsfile")
        ?: expand_all(c, &c->global_known_hosts, "globalknownhostsfile")
        ?: expand_agent(c)
        ?: c->strings.error;
}

int ssh_config_parse(struct span text, const struct connect_options *options,
                     struct ssh_config **ret)
{
    FREE_AUTO char *copy = text.n ? strndup(text.p, text.n) : strdup("");
    struct ssh_config *c = copy ? calloc(1, sizeof(*c)) : NULL;
    if (!c)
        return -ENOMEM;
    atomic_init(&c->refs, 1);
    c->port = 22;
    c->strict = CONNECT_STRICT_YES;
    c->use_keys = c->use_password = c->use_keyboard_interactive = true;
    int r = parse(c, copy, options);
    if (r < 0)
        ssh_config_unref(c);
    else
        *ret = c;
    return r;
}

void ssh_config_arguments(const struct connect_options *options, struct words *argv)
{
    if (options->config_file)
        words_addf(argv, "-F%s", options->config_file);
    /* Not -i, which forgets a file that is not there. */
    if (options->identity_file) {
        const char *quote = options->identity_file[0] == '"' ? "" : "\"";
        words_addf(argv, "-oIdentityFile=%s%s%s", quote, options->identity_file, quote);
    }
    for (size_t i = 0; options->keywords && i < options->keywords->n; i++)
        words_addf(argv, "-o%s", options->keywords->list[i]);
    if (options->port)
        words_addf(argv, "-p%u", options->port);
    if (options->user)
        words_addf(argv, "-l%s", options->user);
}

/* An option of ours that ssh does not know is told in our words; what is wrong in a file, in ssh's,
 * which name the file and the line. */
static int refuse(const struct connect_options *options, const char *said, struct diag *why)
{
    static const char unknown[] = "Bad configuration option: ";
    const char *name = strncmp(said, "command-line", 12) == 0 ? strstr(said, unknown) : NULL;
    said = name ? name + strlen(unknown) : said;
    const int n = (int)strcspn(said, "\r\n");
    if (name)
        return diag_set(why,
                        "%.*s: unknown option, to vmxfs and to ssh_config(5); vmxfs -h lists all "
                        "options",
                        n, said);
    return diag_set(why, "ssh refuses %s: %.*s", options->host, n, said);
}

int ssh_config_read(const struct connect_options *options, struct ssh_config **ret,
                    struct diag *why)
{
    WORDS_AUTO argv = {0};
    words_split(&argv, "ssh -G -T", " ");
    ssh_config_arguments(options, &argv);
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
    if (status != 0)
        return refuse(options, err.len ? err.data : "", why);
    r = ssh_config_parse(buf_span(&out), options, ret);
    if (r < 0)
        diag_set(why, "cannot understand what \"ssh -G %s\" says: %s", options->host, strerror(-r));
    return r;
}

bool ssh_config_has_master(const struct ssh_config *c, const struct connect_options *options)
{
    if (!c->control_path || access(c->control_path, F_OK) < 0)
        return false;
    WORDS_AUTO argv = {0};
    words_split(&argv, "ssh -O check", " ");
    ssh_config_arguments(options, &argv);
    words_add(&argv, "--");
    words_add(&argv, options->host);
    BUF_AUTO said = {0};
    int status;
    return program_run(&argv, CONFIG_TIMEOUT_MS, &said, &said, &status) == 0 && status == 0;
}

int ssh_config_prefer(const char *list, bool (*preferred)(const void *ctx, const char *name),
                      const void *ctx, struct buf *ret)
{
    WORDS_AUTO names = {0};
    words_split(&names, list, ",");
    int r = names.error;
    for (int wanted = 1; wanted >= 0; wanted--) {
        for (size_t i = 0; r == 0 && i < names.n; i++) {
            if (preferred(ctx, names.list[i]) == wanted)
                r = buf_addf(ret, "%s%s", ret->len ? "," : "", names.list[i]);
        }
    }
    return r;
}

struct ssh_config *ssh_config_ref(struct ssh_config *config)
{
    atomic_fetch_add(&config->refs, 1);
    return config;
}

void ssh_config_unref(struct ssh_config *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    words_done(&c->strings);
    words_done(&c->identity_files);
    words_done(&c->user_known_hosts);
    words_done(&c->global_known_hosts);
    free(c);
}
