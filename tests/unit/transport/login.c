/* SPDX-License-Identifier: MIT */
/* Logging in to a real server, through libssh2 and through the ssh program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "server.h"

static struct server server;

static int start(void **state)
{
    (void)state;
    server_start(&server, "", "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static void key_file_logs_in(void **state)
{
    (void)state;
    struct connect_options o = server_options(&server);
    struct attempt a = attempt(&o);
    assert_string_equal(a.why.text, "");
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "transport: libssh2"));
    o.via = CONNECT_OPENSSH;
    a = attempt(&o);
    assert_string_equal(a.why.text, "");
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "transport: openssh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_file_logs_in),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
