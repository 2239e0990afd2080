/* SPDX-License-Identifier: MIT */
/* Which program carries a connection, how failures are told, and what is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
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
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static void auto_prefers_libssh2(void **state)
{
    (void)state;
    struct connect_options o = server_options(&server);
    o.via = CONNECT_AUTO;
    assert_non_null(strstr(attempt(&o).about, "libssh2"));
}

static void rsa_only_server_goes_through_ssh(void **state)
{
    (void)state;
    struct server rsa = {0};
    server_start(&rsa, "SSHD_HOST_KEYS=rsa", "'HostKeyAlgorithms rsa-sha2-256,rsa-sha2-512'");
    struct connect_options o = server_options(&rsa);
    struct attempt a = attempt(&o);
    o.via = CONNECT_AUTO;
    struct attempt b = attempt(&o);
    server_stop(&rsa);
    if (a.result != 0) { /* libssh2 before 1.11 */
        assert_int_equal(a.result, -EOPNOTSUPP);
        assert_non_null(strstr(a.why.text, "has none of the types of host key that are known"));
        assert_non_null(strstr(a.why.text, "transport=openssh"));
        assert_non_null(strstr(b.about, "openssh"));
    }
    assert_int_equal(b.result, 0);
}

static void rsa_user_key_goes_through_ssh(void **state)
{
    (void)state;
    char key[128];
    server_shell(&server,
                 "ssh-keygen -q -t rsa -N '' -f $DIR/rsa;"
                 "cat $DIR/rsa.pub >>$DIR/authorized_keys");
    snprintf(key, sizeof(key), "%s", server_path(&server, "rsa"));
    struct connect_options o = server_options(&server);
    o.identity_file = key;
    o.via = CONNECT_AUTO;
    struct attempt a = attempt(&o);
    assert_string_equal(a.why.text, "");
    assert_int_equal(a.result, 0);
    assert_string_not_equal(a.about, "");
}

static void ssh_command_takes_its_own_configuration(void **state)
{
    (void)state;
    char command[160];
    snprintf(command, sizeof(command), "ssh  -F %s", server_path(&server, "ssh_config"));
    const struct connect_options o = {
        .host = "an-alias", .ssh_command = command, .timeout_ms = 10000};
    struct attempt a = attempt(&o);
    assert_string_equal(a.why.text, "");
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "openssh"));
}

static void sftp_server_may_be_a_program(void **state)
{
    (void)state;
    struct server bare = {0};
    server_start(&bare, "", "'Subsystem other /bin/true'");
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&bare);
        o.via = ways[i];
        o.sftp_server = "/usr/lib/openssh/sftp-server";
        assert_string_not_equal(attempt(&o).about, "");
        o.sftp_server = "other"; /* a subsystem that ends at once */
        struct attempt a = attempt(&o);
        assert_int_equal(a.result, 0);
        assert_string_equal(a.about, "");
    }
    server_stop(&bare);
}

static struct transport *connected(const struct connect_options *o, struct connector **ret)
{
    struct transport *t = NULL;
    struct diag why = {0};
    assert_int_equal(connector_new(o, ret, &why), 0);
    int r = connector_connect(*ret, false, &t, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(r, 0);
    return t;
}

static void missing_subsystem_is_told(void **state)
{
    (void)state;
    struct server bare = {0};
    server_start(&bare, "", "'Subsystem other /bin/true'");
    struct connect_options o = server_options(&bare);
    struct attempt a = attempt(&o);
    assert_true(a.result < 0);
    assert_non_null(strstr(a.why.text, "-o sftp_server"));

    struct connector *c;
    struct diag why = {0};
    o.via = CONNECT_OPENSSH;
    struct transport *t = connected(&o, &c);
    assert_false(transport_greets(t));
    assert_int_equal(transport_last_words(t, &why), -EPROTO);
    assert_non_null(strstr(why.text, "-o sftp_server"));
    transport_free(t);
    connector_free(c);
    server_stop(&bare);
}

static void local_source_needs_no_network(void **state)
{
    (void)state;
    struct connect_options o = {.timeout_ms = 5000};
    struct attempt a = attempt(&o);
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "local"));
    o.sftp_server = "/nonexistent/sftp-server";
    a = attempt(&o);
    assert_int_equal(a.result, -ENOENT);
    assert_non_null(strstr(a.why.text, "/nonexistent/sftp-server"));
}

static void names_that_are_options_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"-oProxyCommand=touch /tmp/owned", "", "a b", "a\nb"};
    for (size_t n = 0; n < sizeof(hosts) / sizeof(hosts[0]); n++) {
        for (size_t i = 0; i < WAYS; i++) {
            struct connect_options o = server_options(&server);
            o.via = ways[i];
            o.host = hosts[n];
            assert_int_equal(attempt(&o).result, -EINVAL);
        }
    }
    struct connect_options o = server_options(&server);
    o.user = "-v";
    assert_int_equal(attempt(&o).result, -EINVAL);
}

static void refused_connection_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.port = 1;
        struct attempt a = attempt(&o);
        assert_int_equal(a.result, -ECONNREFUSED);
        assert_non_null(strstr(a.why.text, "SSH service"));
        assert_false(a.refused); /* may be tried again */
    }
}

static void unknown_name_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.host = "no-such-host.invalid";
        struct attempt a = attempt(&o);
        assert_int_equal(a.result, -EHOSTUNREACH);
        assert_non_null(strstr(a.why.text, "no-such-host.invalid"));
        assert_non_null(strstr(a.why.text, "check the name"));
    }
}

/* A port that takes connections and never says anything. */
static void silent_server_times_out(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        o.port = ntohs(at.sin_port);
        o.timeout_ms = 1000;
        int64_t begin = clock_ms();
        struct attempt a = attempt(&o);
        int64_t took = clock_ms() - begin;
        assert_int_equal(a.result, -ETIMEDOUT);
        assert_true(took >= 900);
    }
    close(fd);
}

static void missing_ssh_program_is_told(void **state)
{
    (void)state;
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    struct attempt a[WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        a[i] = attempt(&o);
    }
    setenv("PATH", path, 1);
    free(path);
    for (size_t i = 0; i < WAYS; i++) {
        assert_int_equal(a[i].result, -ENOENT);
        assert_non_null(strstr(a[i].why.text, "install the OpenSSH client"));
    }
}

/* Waits for the end of the stream; anything but 0 is not one. */
static int wait_end(struct transport *t)
{
    char bytes[4096];
    for (;;) {
        struct pollfd p = {.fd = t->fd, .events = t->ops->events(t)};
        if (poll(&p, 1, 5000) != 1)
            return -ETIMEDOUT;
        if (p.revents & POLLOUT)
            t->ops->flush(t);
        ssize_t n = t->ops->read(t, bytes, sizeof(bytes));
        if (n <= 0 && n != -EAGAIN)
            return 0;
    }
}

static void sudden_death_is_seen_at_once(void **state)
{
    (void)state;
    struct transport *t[WAYS];
    struct connector *c[WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        t[i] = connected(&o, &c[i]);
        assert_true(transport_greets(t[i]));
    }
    server_kill(&server);
    for (size_t i = 0; i < WAYS; i++)
        assert_int_equal(wait_end(t[i]), 0);
    for (size_t i = 0; i < WAYS; i++)
        transport_free(t[i]);

    /* The same connectors connect again. */
    server_restart(&server, "", "");
    for (size_t i = 0; i < WAYS; i++) {
        struct diag why = {0};
        assert_int_equal(connector_connect(c[i], false, &t[i], &why), 0);
        assert_true(transport_greets(t[i]));
        transport_free(t[i]);
        connector_free(c[i]);
    }
}

/* A server that is frozen must not hold up the end of a connection. */
static void silent_connection_ends(void **state)
{
    (void)state;
    static const char data[30000];
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        struct connector *c;
        o.via = ways[i];
        struct transport *t = connected(&o, &c);
        server_signal(&server, "STOP");
        for (int n = 0; n < 1000 && t->ops->write(t, data, sizeof(data)) > 0; n++)
            t->ops->flush(t);
        transport_free(t);
        server_signal(&server, "CONT");
        connector_free(c);
    }
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    char stranger[128];
    server_shell(&server, "ssh-keygen -q -t ed25519 -N '' -f $DIR/stranger");
    snprintf(stranger, sizeof(stranger), "%s", server_path(&server, "stranger"));
    int descriptors = count_descriptors();
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = server_options(&server);
        o.via = ways[i];
        for (int n = 0; n < 3; n++) {
            assert_int_equal(attempt(&o).result, 0);
            struct connect_options bad = o;
            bad.identity_file = stranger;
            assert_int_equal(attempt(&bad).result, -EACCES);
            bad.known_hosts_file = "/dev/null";
            assert_int_equal(attempt(&bad).result, -EPERM);
        }
    }
    const struct connect_options local = {.timeout_ms = 5000};
    assert_int_equal(attempt(&local).result, 0);
    assert_int_equal(count_descriptors(), descriptors);
    assert_false(has_children());
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_prefers_libssh2),
        cmocka_unit_test(rsa_only_server_goes_through_ssh),
        cmocka_unit_test(rsa_user_key_goes_through_ssh),
        cmocka_unit_test(ssh_command_takes_its_own_configuration),
        cmocka_unit_test(sftp_server_may_be_a_program),
        cmocka_unit_test(missing_subsystem_is_told),
        cmocka_unit_test(local_source_needs_no_network),
        cmocka_unit_test(names_that_are_options_are_refused),
        cmocka_unit_test(refused_connection_is_told),
        cmocka_unit_test(unknown_name_is_told),
        cmocka_unit_test(silent_server_times_out),
        cmocka_unit_test(missing_ssh_program_is_told),
        cmocka_unit_test(sudden_death_is_seen_at_once),
        cmocka_unit_test(silent_connection_ends),
        cmocka_unit_test(nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
