/* SPDX-License-Identifier: MIT */
/* SOURCE, as people write it. */
#include "source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void done(struct options *o)
{
    free(o->source);
    free(o->host);
    free(o->user);
    free(o->path);
}

static void sources_are_taken_apart(void **state)
{
    static const struct {
        const char *source, *user, *host;
        unsigned port;
        const char *path;
    } rows[] = {
        {"esxi:", NULL, "esxi", 0, ""},
        {"root@esxi:/vmfs/volumes", "root", "esxi", 0, "/vmfs/volumes"},
        {"a@b@esxi:x", "a@b", "esxi", 0, "x"},
        {"root@[fe80::1%eth0]:/a", "root", "fe80::1%eth0", 0, "/a"},
        {"vmxfs#root@esxi:/a#b", "root", "esxi", 0, "/a#b"},
        {"sftp://esxi", NULL, "esxi", 0, ""},
        {"sftp://esxi/", NULL, "esxi", 0, "/"},
        {"sftp://esxi/a/b", NULL, "esxi", 0, "/a/b"},
        {"SFTP://root@esxi:2222/a", "root", "esxi", 2222, "/a"},
        {"ssh://esxi:65535", NULL, "esxi", 65535, ""},
        {"ssh://esxi:/a", NULL, "esxi", 0, "/a"},
        {"vmxfs#ssh://esxi/a", NULL, "esxi", 0, "/a"},
        {"sftp://esxi/~/a", NULL, "esxi", 0, "a"},
        {"sftp://esxi/~//a", NULL, "esxi", 0, "a"},
        {"sftp://esxi/~", NULL, "esxi", 0, "."},
        {"sftp://esxi/~/", NULL, "esxi", 0, "."},
        {"sftp://esxi/~root/a", NULL, "esxi", 0, "/~root/a"},
        {"sftp://esxi/a%20b%2Fc%25", NULL, "esxi", 0, "/a b/c%"},
        {"sftp://a%40b%3a@esxi/", "a@b:", "esxi", 0, "/"},
        {"sftp://a@b@esxi/x@y:1", "a@b", "esxi", 0, "/x@y:1"},
        {"sftp://[2001:db8::1]/a", NULL, "2001:db8::1", 0, "/a"},
        {"sftp://u@[fe80::1%25eth0]:22/a", "u", "fe80::1%eth0", 22, "/a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options o = {.source = strdup(rows[i].source)};
        struct diag why = {0};
        int r = source_parse(&o, &why);
        if (r != 0 || strcmp(o.host, rows[i].host) != 0 || strcmp(o.path, rows[i].path) != 0 ||
            o.port != rows[i].port)
            fail_msg("%s: %d %s; host %s, port %u, path %s", rows[i].source, r, why.text, o.host,
                     o.port, o.path);
        assert_true(rows[i].user ? o.user && strcmp(o.user, rows[i].user) == 0 : !o.user);
        done(&o);
    }
}

static void what_is_no_source_is_refused_with_the_reason(void **state)
{
    static const char *const rows[][2] = {
        {"esxi", "SOURCE is [user@]host:[path]"},
        {"[::1]", "SOURCE is"},
        {":/a", "invalid hostname"},
        {"-oProxyCommand=x:/a", "invalid hostname"},
        {"-root@esxi:/a", "invalid hostname"},
        {"sftp://", "invalid hostname"},
        {"sftp:///a", "invalid hostname"},
        {"sftp://-esxi/a", "invalid hostname"},
        {"sftp://%2Desxi/a", "invalid hostname"},
        {"sftp://%2Droot@esxi/a", "invalid hostname"},
        {"sftp://esxi:0/a", "from 1 to 65535"},
        {"sftp://esxi:65536/a", "from 1 to 65535"},
        {"sftp://esxi:99999999999999999999/a", "from 1 to 65535"},
        {"sftp://esxi:22x/a", "from 1 to 65535"},
        {"sftp://[::1/a", "closing bracket"},
        {"sftp://[::1]22/a", "only a port"},
        {"sftp://esxi/a%", "two hexadecimal digits"},
        {"sftp://esxi/a%2", "two hexadecimal digits"},
        {"sftp://esxi/a%g0", "two hexadecimal digits"},
        {"sftp://esxi/a%00", "two hexadecimal digits"},
        {"sftp://root:secret@esxi/a", "a password in SOURCE"},
        {"/nothing/there", "No such file"},
        {"/dev/null", "is not a directory"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options o = {.source = strdup(rows[i][0])};
        struct diag why = {0};
        int r = source_parse(&o, &why);
        if (r >= 0 || !strstr(why.text, rows[i][1]) || strstr(why.text, "secret"))
            fail_msg("%s: %d %s", rows[i][0], r, why.text);
        done(&o);
    }
}

static void a_port_that_is_an_option_wins(void **state)
{
    struct options o = {.source = strdup("sftp://esxi:2222/"), .port = 22};
    struct diag why = {0};
    (void)state;
    assert_int_equal(source_parse(&o, &why), 0);
    assert_int_equal(o.port, 22);
    done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_taken_apart),
        cmocka_unit_test(what_is_no_source_is_refused_with_the_reason),
        cmocka_unit_test(a_port_that_is_an_option_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
