/* SPDX-License-Identifier: MIT */
/* Keys: files, encrypted ones, the agent; through libssh2 and through the ssh program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server.h"
#include "transport/login/askpass.h"

static const enum connect_via ways[] = {CONNECT_LIBSSH2, CONNECT_OPENSSH};
enum { WAYS = 2 };

static struct server server;

static int start(void **state)
{
    (void)state;
    unsetenv("SSH_AUTH_SOCK");
    server_start(&server, "", "");
    server_shell(&server,
                 "ssh-keygen -q -t ed25519 -N '' -f $DIR/other;"
                 "ssh-keygen -q -t ed25519 -N 'open it' -f $DIR/locked;"
                 "ssh-keygen -q -t ecdsa -m PEM -N 'open it' -f $DIR/locked_pem;"
                 "cat $DIR/locked.pub $DIR/locked_pem.pub >>$DIR/authorized_keys");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static void key_file_logs_in(void **state)
{
    (void)state;
    static const char *const says[] = {"transport: libssh2", "transport: openssh"};
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        struct attempt a = attempt(&o);
        assert_string_equal(a.why.text, "");
        assert_int_equal(a.result, 0);
        assert_non_null(strstr(a.about, says[i]));
    }
}

static void wrong_key_is_refused_for_good(void **state)
{
    (void)state;
    char key[128];
    snprintf(key, sizeof(key), "%s", server_path(&server, "other"));
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.identity_file = key;
        struct connector *c;
        struct transport *t = NULL;
        struct diag why = {0};
        assert_int_equal(connector_new(&o, &c, &why), 0);
        assert_int_equal(connector_connect(c, false, &t, &why), -EACCES);
        assert_non_null(strstr(why.text, "publickey")); /* what the server offers */
        if (ways[i] == CONNECT_LIBSSH2)
            assert_non_null(strstr(why.text, key)); /* what was tried */
        assert_non_null(strstr(why.text, "authorized_keys"));
        assert_true(connector_refused(c));

        int logins = server_log_count(&server, "Connection from");
        assert_int_equal(connector_connect(c, true, &t, &why), -EACCES);
        assert_int_equal(server_log_count(&server, "Connection from"), logins);
        connector_free(c);
    }
}

static void missing_key_file_is_named(void **state)
{
    (void)state;
    struct connect_options o = server_options(&server);
    o.identity_file = "/nonexistent/key";
    struct attempt a = attempt(&o);
    assert_int_equal(a.result, -EACCES);
    assert_non_null(strstr(a.why.text, "/nonexistent/key (No such file"));
}

/* In a child: connect as a person at a terminal would, twice. The second time nobody is asked. */
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
        if (r < 0) {
            printf("%s\n", why.text);
            fflush(stdout);
            return r == -EACCES ? 11 : r == -ECANCELED ? 12 : 13;
        }
        bool greets = transport_greets(t);
        transport_free(t);
        if (!greets)
            return 14;
    }
    connector_free(c);
    return 0;
}

static void passphrase_is_asked_for_once(void **state)
{
    (void)state;
    static const char *const keys[] = {"locked", "locked_pem"};
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t k = 0; k < 2; k++) {
            char key[128], seen[4096];
            snprintf(key, sizeof(key), "%s", server_path(&server, keys[k]));
            struct connect_options o = server_options(&server);
            o.via = ways[i];
            o.identity_file = key;
            int status = with_terminal(connect_twice, &o, "open it", seen, sizeof(seen));
            assert_int_equal(status, 0);
            const char *prompt = strstr(seen, "Enter passphrase for key");
            assert_non_null(prompt);
            assert_non_null(strstr(prompt, key));
            assert_null(strstr(prompt + 1, "Enter passphrase"));
            assert_null(strstr(seen, "open it")); /* not shown */
        }
    }
}

static void passphrase_may_be_mistyped(void **state)
{
    (void)state;
    char key[128], seen[4096];
    snprintf(key, sizeof(key), "%s", server_path(&server, "locked"));
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.identity_file = key;
        assert_int_equal(with_terminal(connect_twice, &o, "no|oper\177n it", seen, sizeof(seen)),
                         0);
        assert_int_equal(with_terminal(connect_twice, &o, "no|no|no", seen, sizeof(seen)), 11);
    }
}

static void prompt_can_be_cancelled(void **state)
{
    (void)state;
    char key[128], seen[4096];
    snprintf(key, sizeof(key), "%s", server_path(&server, "locked"));
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.identity_file = key;
        assert_int_equal(with_terminal(connect_twice, &o, "op\003", seen, sizeof(seen)), 12);
        assert_non_null(strstr(seen, "cancelled"));
    }
}

static void nobody_to_ask_is_a_refusal(void **state)
{
    (void)state;
    char key[128];
    snprintf(key, sizeof(key), "%s", server_path(&server, "locked"));
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.identity_file = key;
        struct attempt a = attempt(&o);
        assert_int_equal(a.result, -EACCES);
    }
}

/* Stands before the C library's, for libssh2 too. */
static atomic_int closed_twice;

int close(int fd)
{
    int r = (int)syscall(SYS_close, fd);
    if (r < 0 && errno == EBADF)
        atomic_fetch_add(&closed_twice, 1);
    return r;
}

/* The second time a descriptor is closed it may be another thread's. */
static void an_agent_that_is_gone_is_passed_over_and_its_descriptor_closed_once(void **state)
{
    (void)state;
    char socket[128];
    snprintf(socket, sizeof(socket), "%s", server_path(&server, "gone"));
    server_shell(&server,
                 "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"'$DIR'/gone\")'");
    setenv("SSH_AUTH_SOCK", socket, 1);
    struct connect_options o = server_options(&server);
    o.via = CONNECT_LIBSSH2;
    atomic_store(&closed_twice, 0);
    struct attempt a = attempt(&o);
    unsetenv("SSH_AUTH_SOCK");
    assert_int_equal(a.result, 0);
    assert_int_equal(atomic_load(&closed_twice), 0);
}

static void agent_logs_in(void **state)
{
    (void)state;
    char socket[128];
    server_shell(&server,
                 "ssh-agent -a $DIR/agent >$DIR/agent.env && SSH_AUTH_SOCK=$DIR/agent "
                 "ssh-add -q $DIR/other $DIR/id && mv $DIR/id $DIR/id.away");
    snprintf(socket, sizeof(socket), "%s", server_path(&server, "agent"));
    setenv("SSH_AUTH_SOCK", socket, 1);
    struct attempt a[WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.identity_file = NULL;
        a[i] = attempt(&o);
    }
    unsetenv("SSH_AUTH_SOCK");
    server_shell(&server,
                 "mv $DIR/id.away $DIR/id; . $DIR/agent.env >/dev/null;"
                 "kill $SSH_AGENT_PID");
    for (size_t i = 0; i < WAYS; i++) {
        assert_string_equal(a[i].why.text, "");
        assert_int_equal(a[i].result, 0);
    }
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_file_logs_in),
        cmocka_unit_test(wrong_key_is_refused_for_good),
        cmocka_unit_test(missing_key_file_is_named),
        cmocka_unit_test(passphrase_is_asked_for_once),
        cmocka_unit_test(passphrase_may_be_mistyped),
        cmocka_unit_test(prompt_can_be_cancelled),
        cmocka_unit_test(nobody_to_ask_is_a_refusal),
        cmocka_unit_test(agent_logs_in),
        cmocka_unit_test(an_agent_that_is_gone_is_passed_over_and_its_descriptor_closed_once),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
