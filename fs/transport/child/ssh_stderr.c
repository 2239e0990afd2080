/* SPDX-License-Identifier: MIT */
#include "ssh_stderr.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "parser/text/text.h"
#include "argv.h"
#include "transport/login/host_key_policy.h"

enum { SAYS_MAX = 60 }; /* of what is no SSH server */

static bool next_line(const char **rest, struct span *ret)
{
    if (!**rest)
        return false;
    size_t n = strcspn(*rest, "\n");
    *ret = (struct span){*rest, n};
    *rest += n + ((*rest)[n] ? 1 : 0);
    while (ret->n && (ret->p[ret->n - 1] == '\r' || ret->p[ret->n - 1] == ' '))
        ret->n--;
    return true;
}

/* What stands behind the mark in the first line that begins with it. */
static struct span behind(const char *words, const char *mark)
{
    struct span line;
    while (next_line(&words, &line)) {
        if (span_starts_with(line, span_of(mark)))
            return span_from(line, strlen(mark));
    }
    return SPAN_LITERAL("");
}

static const char *find(struct span text, const char *mark)
{
    return text.n > 0 ? memmem(text.p, text.n, mark, strlen(mark)) : NULL;
}

/* Over a connection that another ssh has open, there is no login of its own. */
bool child_words_connected(const char *words)
{
    return behind(words, "Authenticated to ").n > 0 ||
           behind(words, "debug1: mux_client_request_session: master session id: ").n > 0;
}

unsigned child_words_steps(const char *words)
{
    unsigned n = 0;
    struct span line;
    while (next_line(&words, &line))
        n += span_starts_with(line, SPAN_LITERAL("Authenticated using ")) &&
             span_ends_with(line, SPAN_LITERAL(" with partial success."));
    return n;
}

bool child_words_ended(const char *words)
{
    struct span line;
    while (next_line(&words, &line)) {
        if (span_starts_with(line, SPAN_LITERAL("exec request failed on channel ")) ||
            (span_starts_with(line, SPAN_LITERAL("debug1: client_input_channel_req: ")) &&
             find(line, " rtype exit-status ")))
            return true;
    }
    return false;
}

static bool is_among(struct span line, const char *const *marks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (span_starts_with(line, span_of(marks[i])))
            return true;
    }
    return false;
}

/* What ssh says for its own use, or to say good-bye. */
static bool is_chatter(struct span line)
{
    static const char *const marks[] = {
        "debug",         "Authenticated ",
        "Transferred: ", "Bytes per second: ",
        "OpenSSH_",      "Warning: Permanently added ",
    };
    return line.n == 0 || is_among(line, marks, sizeof(marks) / sizeof(marks[0]));
}

/* What ssh says of a connection that has ended, whatever ended it. */
static bool is_consequence(struct span line)
{
    static const char *const marks[] = {
        "Disconnected from ", "kex_exchange_identification: ", "Connection closed by ",
        "banner exchange: ",  "stdio forwarding failed",       "Connection to UNKNOWN ",
    };
    return is_among(line, marks, sizeof(marks) / sizeof(marks[0]));
}

/* The last line that is meant for people. "Disconnected" follows a line that says why. */
static struct span last_line(const char *words)
{
    struct span line, last = {0};
    while (next_line(&words, &line)) {
        if (!is_chatter(line) &&
            !(last.n && span_starts_with(line, SPAN_LITERAL("Disconnected from "))))
            last = line;
    }
    return last;
}

/* The last one that tells a cause; empty without one. */
static struct span last_cause(const char *words)
{
    struct span line, last = {0};
    while (next_line(&words, &line)) {
        if (!is_chatter(line) && !is_consequence(line))
            last = line;
    }
    return last;
}

/* "ED25519 SHA256:..." of the question "... ED25519 key fingerprint is SHA256:... ..." */
static int add_asked_key(struct span asked, struct buf *ret)
{
    static const char mark[] = " key fingerprint is ";
    const char *at = find(asked, mark);
    if (!at)
        return -ENOENT;
    struct span before = span_head(asked, (size_t)(at - asked.p));
    const char *space = memrchr(before.p, ' ', before.n);
    if (space)
        before = span_from(before, (size_t)(space + 1 - before.p));
    const char *key = at + sizeof(mark) - 1; /* the line ends with a NUL or a newline */
    size_t n = strcspn(key, " \r\n");
    n -= n > 0 && key[n - 1] == '.';
    return buf_addf(ret, "%.*s %.*s", (int)before.n, before.p, (int)n, key);
}

/* The key that ssh was shown. */
static int add_key(const char *words, struct buf *ret)
{
    if (add_asked_key(behind(words, CHILD_WORDS_ASKED), ret) == 0)
        return 0;
    struct span key = behind(words, "debug1: Server host key: ");
    if (key.n == 0)
        key = behind(words, "debug1: Server host certificate: ");
    return buf_add(ret, key.n ? key : SPAN_LITERAL("ssh did not show it"));
}

/* host: for the sentence; name: for ssh; advice: what else would make it known. */
static int explain_host_key(const char *words, const char *host, const char *name,
                            const char *advice, struct diag *why)
{
    BUF_AUTO key = {0};
    if (add_key(words, &key) < 0)
        return 0;
    /* Some ssh say the whole command, with the file and the name in it. */
    struct span remove = behind(words, "  ssh-keygen -f ");
    if (strstr(words, "HOST IDENTIFICATION HAS CHANGED"))
        diag_set(why,
                 "the host key of %s has changed: it is %s. Somebody may be listening in. If "
                 "the host has a new key: ssh-keygen %s%.*s",
                 host, key.data, remove.n ? "-f " : "-R ", remove.n ? (int)remove.n : INT_MAX,
                 remove.n ? remove.p : name);
    else if (strstr(words, "revoked"))
        diag_set(why,
                 "the host key of %s (%s) is revoked: do not use this host until it has a "
                 "new key",
                 host, key.data);
    else
        diag_set(why,
                 "the host key of %s is not known: %s. If that is right, connect once with "
                 "\"ssh %s\"%s",
                 host, key.data, name, advice);
    return -EPERM;
}

/* What a line means: its errno and what to do, NULL for what explain_host_key says; or false. */
static bool judge(struct span line, int *ret_error, const char **ret_advice)
{
    static const struct {
        const char *says;
        int error;
        const char *advice;
    } table[] = {
        {"Host key verification failed", -EPERM, NULL},
        {"Permission denied (", -EACCES,
         "put the public key into the host's authorized_keys, or check the password"},
        {"Too many authentication failures", -EACCES,
         "name the right key: -o IdentityFile=KEY,IdentitiesOnly=yes"},
        {"Could not resolve hostname", -EHOSTUNREACH, "check the name"},
        {"Name or service not known", -EHOSTUNREACH, "check the name"},
        {"No route to host", -EHOSTUNREACH, "check the network"},
        {"Network is unreachable", -EHOSTUNREACH, "check the network"},
        {"Connection refused", -ECONNREFUSED, "start the host's SSH service, or check the port"},
        {"timed out", -ETIMEDOUT, "check the network and the host's firewall"},
        {"subsystem request failed", -EPROTO,
         "enable the host's SFTP server, or name one with -o sftp_server"},
        {"Bad configuration option", -EINVAL, "mend ssh_config"},
        {"client_loop: send disconnect: ", -ECONNRESET,
         "the host closed the connection after the login: may the account log in, has it expired, "
         "has it too many sessions?"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!find(line, table[i].says))
            continue;
        *ret_error = table[i].error;
        *ret_advice = table[i].advice;
        return true;
    }
    return false;
}

/* How many ssh in a chain of jump hosts have seen the way before them end. */
static size_t cut_ways(const char *words)
{
    size_t n = 0;
    struct span line;
    while (next_line(&words, &line))
        n += span_starts_with(line, SPAN_LITERAL("Connection closed by UNKNOWN port")) ||
             span_starts_with(line, SPAN_LITERAL("banner exchange: Connection to UNKNOWN port"));
    return n;
}

/* The jump hosts in order, of "ssh -J FIRST,SECOND ... -W '[%h]:%p' LAST". */
static int read_jumps(struct span command, struct words *ret)
{
    BUF_AUTO text = {0};
    WORDS_AUTO argv = {0};
    int r = buf_add(&text, command);
    if (r < 0)
        return r;
    words_split(&argv, text.data, " ");
    for (size_t i = 0; i + 1 < argv.n; i++) {
        if (strcmp(argv.list[i], "-J") == 0)
            words_split(ret, argv.list[i + 1], ",");
    }
    if (argv.n > 0)
        words_add(ret, argv.list[argv.n - 1]);
    return argv.error ? argv.error : ret->n > 0 ? ret->error : -ENOENT;
}

static int explain_jump(const char *words, struct span command, const char *host, struct diag *why)
{
    WORDS_AUTO jumps = {0};
    int r = read_jumps(command, &jumps);
    if (r < 0)
        return 0;
    size_t cut = cut_ways(words);
    size_t i = cut == 0 ? jumps.n - 1 : cut < jumps.n ? jumps.n - cut : 0;
    const char *jump = jumps.list[i];
    const char *next = i + 1 < jumps.n ? jumps.list[i + 1] : host;
    struct span line = last_cause(words);
    const char *advice = NULL;
    int error = -ECONNRESET;
    bool known = judge(line, &error, &advice);
    BUF_AUTO name = {0};
    if (find(line, "open failed: "))
        diag_set(why, "%s: the jump host %s cannot reach %s: %.*s%s%s", host, jump, next,
                 (int)line.n, line.p, advice ? ": " : "", advice ? advice : "");
    else if (known && !advice)
        return buf_addf(&name, "the jump host %s", jump) < 0
                   ? 0
                   : explain_host_key(words, name.data, jump, "", why);
    else if (line.n == 0)
        diag_set(why,
                 "%s: the jump host %s does not let us through, and said no reason: try \"ssh %s\"",
                 host, jump, jump);
    else
        diag_set(why, "%s: the jump host %s: %.*s%s%s", host, jump, (int)line.n, line.p,
                 advice ? ": " : "", advice ? advice : "");
    return error;
}

/* What leads to the host instead of a connection of ssh's own. */
static struct span proxy_command(const char *words)
{
    struct span command = behind(words, "debug1: Executing proxy command: ");
    const struct span exec = SPAN_LITERAL("exec ");
    return span_starts_with(command, exec) ? span_from(command, exec.n) : command;
}

const char *child_words_way(const char *words, struct buf *scratch)
{
    struct span command = proxy_command(words);
    buf_clear(scratch);
    return command.n && buf_add(scratch, command) == 0 ? scratch->data : NULL;
}

static int explain_proxy(const char *words, const char *host, struct diag *why)
{
    struct span command = proxy_command(words);
    struct span line = last_cause(words);
    struct span banner = behind(words, "debug1: kex_exchange_identification: banner line 0: ");
    const int n = (int)command.n;
    if (line.n)
        diag_set(why, "%s: its ProxyCommand \"%.*s\" failed: %.*s", host, n, command.p, (int)line.n,
                 line.p);
    else if (banner.n)
        diag_set(why, "%s: its ProxyCommand \"%.*s\" leads to no SSH server: it says \"%.*s\"",
                 host, n, command.p, (int)(banner.n < SAYS_MAX ? banner.n : SAYS_MAX), banner.p);
    else if (find(last_line(words), "invalid"))
        diag_set(why, "%s: its ProxyCommand \"%.*s\" leads to no SSH server", host, n, command.p);
    else
        diag_set(why, "%s: its ProxyCommand \"%.*s\" ended, and said no reason", host, n,
                 command.p);
    return -ECONNRESET;
}

/* Where ssh did not even come to the host: what is said of who was to lead there. 0: nobody was. */
static int explain_way(const char *words, const char *host, struct diag *why)
{
    struct span jump = behind(words, "debug1: Setting implicit ProxyCommand from ProxyJump: ");
    if (proxy_command(words).n == 0 || behind(words, "debug1: Remote protocol version ").n > 0)
        return 0;
    int r = jump.n ? explain_jump(words, jump, host, why) : 0;
    return r ? r : explain_proxy(words, host, why);
}

int child_words_explain(const char *words, const char *host, struct diag *why)
{
    /* What comes before a login, as the server's banner, does not explain what comes after it. */
    const char *authenticated = strstr(words, "\nAuthenticated to ");
    struct span last = last_line(authenticated ? authenticated : words);
    const char *advice;
    int error;
    if (last.n == 0)
        return 0;
    int r = explain_way(words, host, why);
    if (r < 0)
        return r;
    if (judge(last, &error, &advice)) {
        if (!advice)
            return explain_host_key(words, host, host,
                                    ", or use -o StrictHostKeyChecking=accept-new", why);
        /* A key that ssh did not take, as one that others may read. */
        struct span key = error == -EACCES ? behind(words, "Load key ") : SPAN_LITERAL("");
        diag_set(why, "%s: %.*s%s%.*s%s: %s", host, (int)last.n, last.p,
                 key.n ? " (cannot load the key " : "", (int)key.n, key.p, key.n ? ")" : "",
                 advice);
        return error;
    }
    if (!authenticated && span_starts_with(last, SPAN_LITERAL("Connection closed by ")) &&
        behind(words, "debug1: Authentications that can continue: ").n > 0)
        diag_set(why,
                 "%s closed the connection during authentication (%.*s). Has the account expired? "
                 "Were there too many keys? Then name the right one: -o "
                 "IdentityFile=KEY,IdentitiesOnly=yes",
                 host, (int)last.n, last.p);
    else if (strstr(words, "kex_exchange_identification: "))
        diag_set(
            why,
            "%s closed the connection before the handshake (%.*s): no SSH server at that port, "
            "or one with too many connections, or one that shuts this address out for a while "
            "after failed logins (PerSourcePenalties): try again in a minute",
            host, (int)last.n, last.p);
    else
        diag_set(why, "%s: %.*s", host, (int)last.n, last.p);
    return -ECONNRESET;
}

static int add_line(struct buf *ret, const char *name, const char *before, struct span value)
{
    return value.n ? buf_addf(ret, "%s: %s%.*s\n", name, before, (int)value.n, value.p) : 0;
}

static struct span up_to(struct span text, const char *mark)
{
    const char *end = find(text, mark);
    return end ? span_head(text, (size_t)(end - text.p)) : text;
}

/* What follows the mark that ends the head; empty without one. */
static struct span behind_mark(struct span text, struct span head, const char *mark)
{
    return head.n < text.n ? span_from(text, head.n + strlen(mark)) : SPAN_LITERAL("");
}

/* "CIPHER MAC: MAC compression: none" */
static int describe_cipher(struct span text, struct buf *ret)
{
    static const char mac_mark[] = " MAC: ";
    static const char compression_mark[] = " compression: ";
    struct span cipher = up_to(text, mac_mark);
    struct span rest = behind_mark(text, cipher, mac_mark);
    struct span mac = up_to(rest, compression_mark);
    return add_line(ret, "cipher", "", cipher)
        ?: add_line(ret, "mac", "", mac)
        ?: add_line(ret, "compression", "", behind_mark(rest, mac, compression_mark));
}

/* "HOST ([ADDRESS]:PORT) using "publickey"." */
static struct span login_method(const char *words)
{
    static const char mark[] = " using \"";
    struct span line = behind(words, "Authenticated to ");
    return up_to(behind_mark(line, up_to(line, mark), mark), "\"");
}

int child_words_describe(const char *words, struct buf *ret)
{
    int r =
        add_line(ret, "server", "SSH-2.0-",
                 behind(words, "debug1: Remote protocol version 2.0, remote software version "));
    struct span key = behind(words, "debug1: Server host key: ");
    if (key.n == 0)
        key = up_to(behind(words, "debug1: Server host certificate: "), ",");
    struct span type = up_to(key, " ");
    return r
        ?: add_line(ret, "host-key", host_key_type_name(type),
                   span_from(key, type.n))
        ?: add_line(ret, "key-exchange", "", behind(words, "debug1: kex: algorithm: "))
        ?: describe_cipher(behind(words, "debug1: kex: client->server cipher: "), ret)
        ?: add_line(ret, "login", "", login_method(words));
}
