/* SPDX-License-Identifier: MIT */
/* Further connections with the login of the first one: what carries them, and that nobody is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "transport/login/askpass.h"
#include "transport/ssh_config.h"
#include "transport/login/secret.h"

#define PASSWORD "se cret"

static const enum connect_via ways[] = {CONNECT_AUTO, CONNECT_LIBSSH2, CONNECT_OPENSSH};
enum { WAYS = 3 };

static struct server server;

static int start(void **state)
{
    (void)state;
    unsetenv("SSH_AUTH_SOCK");
    server_start(&server, getuid() == 0 ? "SSHD_PASSWORD='" PASSWORD "'" : "", "");
    server_shell(&server,
                 "ssh-keygen -q -t ed25519 -N 'open it' -f $DIR/locked;"
                 "cat $DIR/locked.pub >>$DIR/authorized_keys");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static struct connector *connected(const struct connect_options *o)
{
    struct connector *c;
    struct transport *t = NULL;
    struct diag why = {0};
    assert_int_equal(connector_new(o, &c, &why), 0);
    int r = connector_connect(c, true, &t, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(r, 0);
    transport_free(t);
    return c;
}

static void must_carry(struct connector *c, const char *expected)
{
    struct transport *t = NULL;
    struct diag why = {0};
    BUF_AUTO about = {0};
    int r = connector_connect_bulk(c, &t, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(r, 0);
    assert_int_equal(t->ops->describe(t, &about), 0);
    assert_non_null(strstr(about.data, expected));
    assert_true(transport_greets(t));
    transport_free(t);
}

static void the_ssh_program_carries_them(void **state)
{
    (void)state;
    static const char *const expected[WAYS] = {"openssh", "libssh2", "openssh"};
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        struct connector *c = connected(&o);
        must_carry(c, expected[i]);
        must_carry(c, expected[i]);
        connector_free(c);
    }
    const struct connect_options local = {.timeout_ms = 5000};
    struct connector *c = connected(&local);
    must_carry(c, "local sftp-server");
    connector_free(c);
}

static void an_unknown_host_key_is_refused_for_them_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        struct transport *t = NULL;
        struct diag why = {0};
        char known[128];
        snprintf(known, sizeof(known), "%s", server_path(&server, "known_for_now"));
        server_shell(&server, "cp $DIR/known_hosts $DIR/known_for_now");
        o.via = ways[i];
        o.known_hosts_file = known;
        struct connector *c = connected(&o);
        server_shell(&server, ": >$DIR/known_for_now");
        assert_int_equal(connector_connect_bulk(c, &t, &why), -EPERM);
        server_shell(&server, "cp $DIR/known_hosts $DIR/known_for_now");
        assert_int_equal(connector_connect(c, false, &t, &why), 0); /* nothing was spoilt */
        transport_free(t);
        connector_free(c);
    }
}

static void none_comes_before_the_first_login(void **state)
{
    (void)state;
    const struct connect_options o = server_options(&server);
    struct connector *c;
    struct transport *t = NULL;
    struct diag why = {0};
    assert_int_equal(connector_new(&o, &c, &why), 0);
    assert_int_equal(connector_connect_bulk(c, &t, &why), -EACCES);
    connector_free(c);
}

/* In a child, with a terminal. */
static int connect_and_bulk(void *ctx)
{
    struct connector *c;
    struct transport *t;
    struct diag why = {0};
    if (connector_new(ctx, &c, &why) < 0)
        return 10;
    int r = connector_connect(c, true, &t, &why);
    if (r < 0)
        return 11;
    transport_free(t);
    for (int i = 0; i < 2; i++) {
        r = connector_connect_bulk(c, &t, &why);
        if (r < 0) {
            printf("%s\n", why.text);
            fflush(stdout);
            return 12;
        }
        bool greets = transport_greets(t);
        transport_free(t);
        if (!greets)
            return 13;
    }
    connector_free(c);
    return 0;
}

static void must_ask_once(struct connect_options *o, const char *answer, const char *question)
{
    for (size_t i = 0; i < WAYS; i++) {
        char seen[4096];
        o->via = ways[i];
        int status = with_terminal(connect_and_bulk, o, answer, seen, sizeof(seen));
        if (status != 0)
            fail_msg("status %d, way %zu: %s", status, i, seen);
        const char *prompt = strcasestr(seen, question);
        assert_non_null(prompt);
        assert_null(strcasestr(prompt + 1, question));
    }
}

static void a_passphrase_is_typed_once(void **state)
{
    (void)state;
    struct connect_options o = server_options(&server);
    char key[128];
    snprintf(key, sizeof(key), "%s", server_path(&server, "locked"));
    o.identity_file = key;
    must_ask_once(&o, "open it", "Enter passphrase");
}

static void a_password_is_typed_once(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip(); /* only root can start a server with passwords */
    struct connect_options o = server_options(&server);
    o.identity_file = "/nonexistent/key";
    must_ask_once(&o, PASSWORD, "password: ");
}

/* With a password from standard input. */
static struct connector *connected_by_password(enum connect_via via)
{
    int ends[2];
    int before = dup(STDIN_FILENO);
    struct connect_options o = server_options(&server);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], PASSWORD "\n", sizeof(PASSWORD)), sizeof(PASSWORD));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    o.via = via;
    o.password_stdin = true;
    struct connector *c = connected(&o);
    dup2(before, STDIN_FILENO);
    close(before);
    return c;
}

static void a_refusal_is_the_last_one_and_theirs_alone(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    for (size_t i = 0; i < WAYS; i++) {
        struct connector *c = connected_by_password(ways[i]);
        struct transport *t = NULL;
        struct diag why = {0};
        server_shell(&server, "printf changed >$DIR/password");
        int failed = server_refusals(&server);
        for (int n = 0; n < 3; n++)
            assert_int_equal(connector_connect_bulk(c, &t, &why), -EACCES);
        server_shell(&server, "printf '" PASSWORD "' >$DIR/password");
        assert_int_equal(server_refusals_await(&server, failed + 1), failed + 1);
        assert_int_equal(connector_connect_bulk(c, &t, &why), -EACCES);
        assert_false(connector_refused(c));
        assert_int_equal(connector_connect(c, false, &t, &why), 0);
        transport_free(t);
        connector_free(c);
    }
}

static void *reconnect(void *ctx)
{
    struct transport *t = NULL;
    struct diag why = {0};
    int r = connector_connect(ctx, false, &t, &why);
    if (r == 0)
        transport_free(t);
    return r == 0 ? ctx : NULL;
}

static void both_kinds_are_made_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        pthread_t thread;
        void *done = NULL;
        o.via = ways[i];
        struct connector *c = connected(&o);
        assert_int_equal(pthread_create(&thread, NULL, reconnect, c), 0);
        must_carry(c, "transport: ");
        pthread_join(thread, &done);
        assert_ptr_equal(done, c);
        connector_free(c);
    }
}

static void questions_have_purposes(void **state)
{
    (void)state;
    static const struct {
        const char *question, *purpose;
        bool lasts;
    } table[] = {
        {"root@esxi's password: ", "password", true},
        {"(root@esxi) Password: ", "password", true},
        {"Enter passphrase for key '/home/a b/.ssh/id': ", "/home/a b/.ssh/id", true},
        {"(root@esxi) One-time password: ", "(root@esxi) One-time password: ", false},
        {"(root@esxi) Verification code: ", "(root@esxi) Verification code: ", false},
        {"Enter PIN for ED25519-SK key: ", "Enter PIN for ED25519-SK key: ", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO scratch = {0};
        struct keyring ring = {0};
        struct keyring copy = {0};
        struct secret *secret;
        const char *purpose = secret_purpose(table[i].question, &scratch);
        assert_string_equal(purpose, table[i].purpose);
        assert_true(keyring_lasts(&ring));
        assert_int_equal(secret_new(&secret), 0);
        assert_int_equal(secret_add(secret, 'x'), 0);
        assert_int_equal(keyring_put(&ring, purpose, secret), 0);
        assert_int_equal(keyring_lasts(&ring), table[i].lasts);
        assert_int_equal(keyring_copy(&ring, &copy), 0);
        keyring_wipe(&ring);
        assert_string_equal(secret_text(keyring_find(&copy, purpose)), "x");
        keyring_wipe(&copy);
    }
}

static bool has_mark(const void *mark, const char *name)
{
    return strstr(name, mark) != NULL;
}

static void what_is_preferred_goes_first_and_nothing_is_added(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        {"-gcm@", "", ""},
        {"-gcm@", "aes128-ctr", "aes128-ctr"},
        {"-gcm@",
         "chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com,aes128-gcm@openssh.com",
         "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr"},
        {"-gcm@", "aes128-gcm@openssh.com,aes128-ctr", "aes128-gcm@openssh.com,aes128-ctr"},
        {"curve25519-", "sntrup761x25519-sha512,curve25519-sha256,ecdh-sha2-nistp256",
         "curve25519-sha256,sntrup761x25519-sha512,ecdh-sha2-nistp256"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(ssh_config_prefer(table[i][1], has_mark, table[i][0], &out), 0);
        assert_string_equal(out.len ? out.data : "", table[i][2]);
    }
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_have_purposes),
        cmocka_unit_test(what_is_preferred_goes_first_and_nothing_is_added),
        cmocka_unit_test(the_ssh_program_carries_them),
        cmocka_unit_test(an_unknown_host_key_is_refused_for_them_too),
        cmocka_unit_test(none_comes_before_the_first_login),
        cmocka_unit_test(a_passphrase_is_typed_once),
        cmocka_unit_test(a_password_is_typed_once),
        cmocka_unit_test(a_refusal_is_the_last_one_and_theirs_alone),
        cmocka_unit_test(both_kinds_are_made_at_a_time),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
