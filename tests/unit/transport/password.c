/* SPDX-License-Identifier: MIT */
/*
 * Passwords, by keyboard-interactive authentication (which ends, as on ESXi, with a round of zero
 * questions) and by password authentication; through libssh2 and through the ssh program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "transport/login/askpass.h"

#define PASSWORD "se cret"

static const enum connect_via ways[] = {CONNECT_LIBSSH2, CONNECT_OPENSSH};
enum { WAYS = 2, SERVERS = 3 };

/* One asks by keyboard-interactive, one by password, one by either. */
static struct server servers[SERVERS];

static int start(void **state)
{
    (void)state;
    static const char *const lines[SERVERS] = {
        "'PasswordAuthentication no' 'PubkeyAuthentication no'",
        "'KbdInteractiveAuthentication no' 'PubkeyAuthentication no'",
        "'PubkeyAuthentication no'",
    };
    unsetenv("SSH_AUTH_SOCK");
    if (getuid() != 0) {
        print_message("only root can start a server with passwords: nothing tested\n");
        exit(77);
    }
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "SSHD_PASSWORD='" PASSWORD "'", lines[i]);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVERS; i++)
        server_stop(&servers[i]);
    return 0;
}

/* An attempt with this text on standard input. */
static struct attempt attempt_with(struct connect_options o, const char *input)
{
    int ends[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(write(ends[1], input, strlen(input)) >= 0);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    o.password_stdin = true;
    struct attempt a = attempt(&o);
    dup2(before, STDIN_FILENO);
    close(before);
    return a;
}

static void password_from_standard_input_logs_in(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVERS; s++) {
        for (size_t i = 0; i < WAYS; i++) {
            struct connect_options o = server_options(&servers[s]);
            o.via = ways[i];
            struct attempt a = attempt_with(o, PASSWORD "\nmore");
            assert_string_equal(a.why.text, "");
            assert_int_equal(a.result, 0);
            assert_string_not_equal(a.about, "");
            assert_int_equal(server_refusals(&servers[s]), 0);
        }
    }
}

static void wrong_password_is_sent_once(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVERS; s++) {
        for (size_t i = 0; i < WAYS; i++) {
            int before = server_refusals(&servers[s]);
            struct connect_options o = server_options(&servers[s]);
            o.via = ways[i];
            struct attempt a = attempt_with(o, "wrong\n");
            assert_int_equal(a.result, -EACCES);
            assert_true(a.refused);
            assert_non_null(strstr(a.why.text, "refuses the password"));
            assert_null(strstr(a.why.text, "wrong"));
            assert_int_equal(server_refusals_await(&servers[s], before + 1), before + 1);
        }
    }
}

static void nobody_to_ask_sends_nothing(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVERS; s++) {
        for (size_t i = 0; i < WAYS; i++) {
            int before = server_refusals(&servers[s]);
            struct connect_options o = server_options(&servers[s]);
            o.via = ways[i];
            struct attempt a = attempt(&o);
            assert_int_equal(a.result, -EACCES);
            assert_non_null(strstr(a.why.text, "nobody to ask"));
            assert_int_equal(server_refusals_await(&servers[s], before), before);
        }
    }
}

static int connect_twice(void *ctx)
{
    const struct connect_options *o = ctx;
    struct connector *c;
    struct diag why = {0};
    if (connector_new(o, &c, &why) < 0)
        return 10;
    for (int i = 0; i < 2; i++) {
        struct transport *t;
        int r = connector_connect(c, i == 0, &t, &why);
        if (r < 0)
            return r == -EACCES ? 11 : 12;
        transport_free(t);
    }
    connector_free(c);
    return 0;
}

static void typed_password_serves_the_reconnect(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVERS; s++) {
        for (size_t i = 0; i < WAYS; i++) {
            char seen[4096];
            struct connect_options o = server_options(&servers[s]);
            o.via = ways[i];
            assert_int_equal(with_terminal(connect_twice, &o, PASSWORD, seen, sizeof(seen)), 0);
            assert_non_null(strcasestr(seen, "password: "));
            assert_null(strstr(seen, PASSWORD));
        }
    }
}

static void mistyped_password_is_not_asked_for_again(void **state)
{
    (void)state;
    for (size_t s = 0; s < SERVERS; s++) {
        for (size_t i = 0; i < WAYS; i++) {
            char seen[4096];
            struct connect_options o = server_options(&servers[s]);
            o.via = ways[i];
            assert_int_equal(with_terminal(connect_twice, &o, "no|no", seen, sizeof(seen)), 11);
            const char *prompt = strcasestr(seen, "password: ");
            assert_non_null(prompt);
            assert_null(strcasestr(prompt + 1, "password: "));
        }
    }
}

static void empty_input_is_said(void **state)
{
    (void)state;
    struct attempt a = attempt_with(server_options(&servers[0]), "");
    assert_int_equal(a.result, -EINVAL);
    assert_non_null(strstr(a.why.text, "standard input"));
}

/* A refused reconnect ends the connector too, and no secret is left for a third try. */
static void password_changed_meanwhile_is_tried_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&servers[0]);
        struct connector *c;
        struct transport *t;
        struct diag why = {0};
        int ends[2], before = dup(STDIN_FILENO);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], PASSWORD "\n", sizeof(PASSWORD)), sizeof(PASSWORD));
        close(ends[1]);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        o.via = ways[i];
        o.password_stdin = true;
        assert_int_equal(connector_new(&o, &c, &why), 0);
        dup2(before, STDIN_FILENO);
        close(before);
        assert_int_equal(connector_connect(c, false, &t, &why), 0);
        transport_free(t);

        server_shell(&servers[0], "printf changed >$DIR/password");
        int failed = server_refusals(&servers[0]);
        for (int n = 0; n < 3; n++)
            assert_int_equal(connector_connect(c, false, &t, &why), -EACCES);
        server_shell(&servers[0], "printf '" PASSWORD "' >$DIR/password");
        assert_int_equal(server_refusals_await(&servers[0], failed + 1), failed + 1);
        connector_free(c);
    }
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_from_standard_input_logs_in),
        cmocka_unit_test(wrong_password_is_sent_once),
        cmocka_unit_test(nobody_to_ask_sends_nothing),
        cmocka_unit_test(typed_password_serves_the_reconnect),
        cmocka_unit_test(mistyped_password_is_not_asked_for_again),
        cmocka_unit_test(empty_input_is_said),
        cmocka_unit_test(password_changed_meanwhile_is_tried_once),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
