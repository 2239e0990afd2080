/* SPDX-License-Identifier: MIT */
/*
 * Lines as the words of a command line: what is accepted names a host or a folder that ssh cannot
 * take for an option, and numbers in their bounds; what is refused has a sentence.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fuse_log.h>

#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 32 };

static void say_nothing(enum fuse_log_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
}

static void check_source(const struct options *o)
{
    assert(o->source && (o->mountpoint || o->doctor) && o->path);
    if (!o->host) {
        assert(o->path[0] == '/' && !o->user);
        return;
    }
    assert(o->host[0] && o->host[0] != '-');
    assert(!o->user || o->user[0] != '-');
    assert(strlen(o->host) + strlen(o->path) < strlen(o->source));
}

static void check_numbers(const struct options *o)
{
    assert(o->port <= 65535 && (o->port > 0 || !o->port_text));
    assert(o->timeout_s >= 1 && o->timeout_s <= 86400 && o->cache_timeout_s <= 86400);
    assert(o->cache_mib >= 1 && o->cache_mib <= 1U << 20);
    assert(o->vmx_max_kib >= 1 && o->vmx_max_kib <= 64U << 10 && o->umask <= 0777);
    assert(o->uid != UINT32_MAX && o->gid != UINT32_MAX);
}

static void check_connect(const struct options *o)
{
    struct connect_options c = options_connect(o);
    assert(c.host == o->host && c.user == o->user && c.port == o->port);
    assert(c.timeout_ms >= 1000);
    assert(!o->ssh_command || c.via == CONNECT_OPENSSH);
}

/* What is handed on to libfuse is a list of strings. */
static void check_fuse(const struct fuse_args *args)
{
    assert(args->argc >= 1 && !args->argv[args->argc]);
    for (int i = 0; i < args->argc; i++)
        assert(args->argv[i]);
}

static void parse(int argc, char **argv)
{
    struct options o;
    struct diag why = {0};
    int r = options_parse(argc, argv, &o, &why);
    assert(r <= 0 && (r < 0) == (why.text[0] != '\0'));
    if (r < 0)
        return;
    check_fuse(&o.fuse);
    if (!o.help && !o.version) {
        check_source(&o);
        check_numbers(&o);
        check_connect(&o);
    }
    options_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "vmxfs";
    char *words[WORDS_MAX + 1] = {name};
    char *text = malloc(size + 1);
    int n = 1;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    fuse_set_log_func(say_nothing);
    char *rest = text;
    while (rest && *rest && n < WORDS_MAX)
        words[n++] = strsep(&rest, "\n");
    parse(n, words);
    free(text);
    return 0;
}
