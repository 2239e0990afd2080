/* SPDX-License-Identifier: MIT */
/* Any bytes as what "ssh -G" prints: what is taken from it is whole, and in its bounds. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "transport/ssh_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct connect_options plain = {.host = "alias"};
static const struct connect_options strict = {.host = "-odd %h",
                                              .identity_file = "~/%d/key",
                                              .known_hosts_file = "\"/a %n\"",
                                              .strict = CONNECT_STRICT_ACCEPT_NEW};

static void check_words(const struct words *words)
{
    assert(words->error == 0);
    for (size_t i = 0; i < words->n; i++)
        assert(words->list[i]);
    assert(words->n == 0 || !words->list[words->n]);
}

static size_t count_names(const char *list)
{
    size_t n = 0;
    for (; *list; list += strspn(list, ",")) {
        size_t len = strcspn(list, ",");
        n += len > 0;
        list += len;
    }
    return n;
}

static bool has_a(const void *ctx, const char *name)
{
    (void)ctx;
    return strchr(name, 'a') != NULL;
}

/* The names with the mark come first, and none is lost. */
static void check_prefer(const char *list)
{
    BUF_AUTO sorted = {0};
    bool others = false;
    int r = ssh_config_prefer(list, has_a, NULL, &sorted);
    assert(r == 0);
    const char *names = sorted.data ? sorted.data : "";
    assert(count_names(names) == count_names(list));
    while (*names) {
        size_t n = strcspn(names, ",");
        bool marked = memchr(names, 'a', n) != NULL;
        assert(n > 0 && !(marked && others));
        others = others || !marked;
        names += n + (names[n] == ',');
    }
}

static void check_config(const struct ssh_config *c)
{
    const char *const lines[] = {c->hostname, c->user, c->kex,
                                 c->ciphers,  c->macs, c->host_key_algorithms};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert(lines[i] && !strchr(lines[i], '\n'));
    assert(c->alias && c->home && c->port > 0 && c->port <= 65535);
    assert(c->family == AF_UNSPEC || c->family == AF_INET || c->family == AF_INET6);
    assert(c->strict != CONNECT_STRICT_CONFIG);
    check_words(&c->identity_files);
    check_words(&c->user_known_hosts);
    check_words(&c->global_known_hosts);
    check_prefer(c->kex);
    check_prefer(c->host_key_algorithms);
}

static void parse(struct span text, const struct connect_options *options)
{
    struct ssh_config *c;
    int r = ssh_config_parse(text, options, &c);
    assert(r == 0 || r == -EINVAL);
    if (r != 0)
        return;
    check_config(c);
    assert(options->strict == CONNECT_STRICT_CONFIG || c->strict == options->strict);
    assert(!options->known_hosts_file || c->user_known_hosts.n == 1);
    assert(c->named_identity == (options->identity_file != NULL));
    ssh_config_unref(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    parse(text, &plain);
    parse(text, &strict);
    return 0;
}
