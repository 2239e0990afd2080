/* SPDX-License-Identifier: MIT */
#include "ssh_stderr.h"

#include <errno.h>
#include <string.h>

#include "parser/text/text.h"
#include "transport/login/host_key_policy.h"

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
    return memmem(text.p, text.n, mark, strlen(mark));
}

bool child_words_connected(const char *words)
{
    return behind(words, "Authenticated to ").n > 0;
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

/* The last line that is meant for people. */
static struct span last_line(const char *words)
{
    struct span line, last = {0};
    while (next_line(&words, &line)) {
        if (line.n && !span_starts_with(line, SPAN_LITERAL("debug")) &&
            !span_starts_with(line, SPAN_LITERAL("Authenticated to ")) &&
            !span_starts_with(line, SPAN_LITERAL("Transferred: ")) &&
            !span_starts_with(line, SPAN_LITERAL("Bytes per second: ")) &&
            !span_starts_with(line, SPAN_LITERAL("OpenSSH_")))
            last = line;
    }
    return last;
}

static void explain_host_key(const char *words, const char *host, struct diag *why)
{
    struct span key = behind(words, "debug1: Server host key: ");
    if (key.n == 0)
        key = SPAN_LITERAL("unknown");
    if (strstr(words, "HOST IDENTIFICATION HAS CHANGED"))
        diag_set(why,
                 "the host key of %s has changed: it is %.*s. Somebody may be listening in. If "
                 "the host has a new key: ssh-keygen -R %s",
                 host, (int)key.n, key.p, host);
    else if (strstr(words, "revoked"))
        diag_set(why,
                 "the host key of %s (%.*s) is revoked: do not use this host until it has a "
                 "new key",
                 host, (int)key.n, key.p);
    else
        diag_set(why,
                 "the host key of %s is not known: %.*s. If that is right, connect once with "
                 "\"ssh %s\", or use -o StrictHostKeyChecking=accept-new",
                 host, (int)key.n, key.p, host);
}

int child_words_explain(const char *words, const char *host, struct diag *why)
{
    static const struct {
        const char *says;
        int error;
        const char *advice;
    } table[] = {
        {"Host key verification failed", -EPERM, NULL},
        {"Permission denied (", -EACCES,
         "put the public key into the host's authorized_keys, or check the password"},
        {"Too many authentication failures", -EACCES, "name one key with -o IdentityFile"},
        {"Could not resolve hostname", -EHOSTUNREACH, "check the name"},
        {"No route to host", -EHOSTUNREACH, "check the network"},
        {"Network is unreachable", -EHOSTUNREACH, "check the network"},
        {"Connection refused", -ECONNREFUSED, "start the host's SSH service, or check the port"},
        {"timed out", -ETIMEDOUT, "check the network and the host's firewall"},
        {"subsystem request failed", -EPROTO,
         "enable the host's SFTP server, or name one with -o sftp_server"},
        {"Bad configuration option", -EINVAL, "mend ssh_config"},
    };
    struct span last = last_line(words);
    if (last.n == 0)
        return 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!find(last, table[i].says))
            continue;
        if (table[i].advice)
            diag_set(why, "%s: %.*s: %s", host, (int)last.n, last.p, table[i].advice);
        else
            explain_host_key(words, host, why);
        return table[i].error;
    }
    /* Behind a ProxyCommand ssh knows no port: what failed is the command. */
    if (strstr(words, "kex_exchange_identification: ") && !strstr(words, "UNKNOWN port"))
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

int child_words_describe(const char *words, struct buf *ret)
{
    int r =
        add_line(ret, "server", "SSH-2.0-",
                 behind(words, "debug1: Remote protocol version 2.0, remote software version "));
    struct span key = behind(words, "debug1: Server host key: ");
    struct span type = up_to(key, " ");
    return r
        ?: add_line(ret, "host-key", host_key_type_name(type),
                   span_from(key, type.n))
        ?: add_line(ret, "key-exchange", "", behind(words, "debug1: kex: algorithm: "))
        ?: describe_cipher(behind(words, "debug1: kex: client->server cipher: "), ret);
}
