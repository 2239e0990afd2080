/* SPDX-License-Identifier: MIT */
/* Commands over a real sshd, by libssh2 and by the ssh program. */
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

#include "base/clock.h"
#include "host/shell/exec.h"
#include "transport/login/askpass.h"
#include "unit/transport/server.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PASSWORD "se cret"

static const enum connect_via ways[] = {CONNECT_AUTO, CONNECT_LIBSSH2, CONNECT_OPENSSH};
enum { WAYS = 3 };

static struct server server;

static int start(void **state)
{
    (void)state;
    unsetenv("SSH_AUTH_SOCK");
    server_start(&server, getuid() == 0 ? "SSHD_PASSWORD='" PASSWORD "'" : "", "");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static int connect_shell(void *ctx, struct transport **ret, struct diag *why)
{
    return connector_connect_shell(ctx, ret, why);
}

/* A connector that has connected once, as at a mount, and that connection. */
struct mounted {
    struct connector *connector;
    struct transport *sftp;
    struct exec *exec;
};

static struct mounted mounted(const struct connect_options *options)
{
    struct mounted m = {0};
    struct diag why = {0};
    assert_int_equal(connector_new(options, &m.connector, &why), 0);
    int r = connector_connect(m.connector, true, &m.sftp, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(r, 0);
    const struct exec_options exec_options = {.connect = connect_shell, .ctx = m.connector};
    assert_int_equal(exec_new(&exec_options, &m.exec), 0);
    return m;
}

static struct mounted mounted_by(const struct server *s, enum connect_via way)
{
    struct connect_options o = server_options(s);
    o.via = way;
    return mounted(&o);
}

static void done(struct mounted *m)
{
    exec_free(m->exec);
    transport_free(m->sftp);
    connector_free(m->connector);
}

static int run(struct mounted *m, int ms, const char *const *words, struct buf *ret_out)
{
    const struct wait wait = wait_for_ms(ms);
    struct diag why = {0};
    int status = -1;
    buf_clear(ret_out);
    int r = exec_run(m->exec, words, &wait, ret_out, &status, &why);
    assert_int_equal(r < 0, why.text[0] != '\0');
    return r < 0 ? r : status;
}

static void must_print(struct mounted *m, const char *const *words, const char *expected)
{
    BUF_AUTO out = {0};
    assert_int_equal(run(m, 20000, words, &out), 0);
    assert_string_equal(out.data, expected);
}

static void commands_run_beside_the_one_session_of_a_connection(void **state)
{
    (void)state;
    struct server hardened;
    server_start(&hardened, "",
                 "'MaxSessions 1' 'AllowTcpForwarding no' 'PermitTTY no' 'Banner /etc/passwd'");
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&hardened, ways[i]);
        assert_true(transport_greets(m.sftp));
        int logins = server_log_count(&hardened, "Accepted publickey");
        for (int n = 0; n < 3; n++)
            must_print(&m, WORDS("printf", "%s", "[ds 1] it's/a $(b) `c`.vmx"),
                       "[ds 1] it's/a $(b) `c`.vmx");
        BUF_AUTO out = {0};
        assert_int_equal(run(&m, 20000, WORDS("sh", "-c", "echo no >&2; exit 5"), &out), 5);
        assert_string_equal(out.data, "no\n");
        assert_int_equal(run(&m, 20000, WORDS("head", "-c", "5000000", "/dev/zero"), &out), 0);
        assert_int_equal(out.len, 5000000);
        assert_int_equal(server_log_await(&hardened, "Accepted publickey", logins + 1), logins + 1);
        done(&m);
    }
    server_stop(&hardened);
}

static void a_command_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&server, ways[i]);
        BUF_AUTO out = {0};
        must_print(&m, WORDS("echo", "up"), "up\n");
        int64_t before = clock_ms();
        assert_int_equal(run(&m, 300, WORDS("sh", "-c", "sleep 1; echo late"), &out), -EIO);
        while (clock_ms() - before < 1500)
            must_print(&m, WORDS("echo", "now"), "now\n");
        done(&m);
    }
}

/* Until those have noticed that their connection is lost. */
static void await_end_of_ssh_programs(void)
{
    char command[64];
    snprintf(command, sizeof(command), "pgrep -r R,S,D -P %d -x ssh >/dev/null", (int)getpid());
    while (system(command) == 0)
        usleep(20000);
}

static void a_lost_connection_costs_the_command_under_way_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&server, ways[i]);
        BUF_AUTO out = {0};
        /* The login shell of the user may stand in between. */
        assert_int_equal(run(&m, 20000, WORDS("sh", "-c", "kill -9 $PPID; sleep 1"), &out), -EIO);
        must_print(&m, WORDS("echo", "on"), "on\n");
        server_kill(&server);
        server_restart(&server, getuid() == 0 ? "SSHD_PASSWORD='" PASSWORD "'" : "", "");
        await_end_of_ssh_programs();
        must_print(&m, WORDS("echo", "again"), "again\n"); /* nothing was sent before */
        done(&m);
    }
}

static void a_server_that_is_down_is_asked_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&server, ways[i]);
        BUF_AUTO out = {0};
        server_kill(&server);
        assert_int_equal(run(&m, 20000, WORDS("true"), &out), -EIO);
        server_restart(&server, getuid() == 0 ? "SSHD_PASSWORD='" PASSWORD "'" : "", "");
        must_print(&m, WORDS("echo", "on"), "on\n");
        done(&m);
    }
}

static void a_server_that_stops_is_not_waited_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&server, ways[i]);
        BUF_AUTO out = {0};
        must_print(&m, WORDS("echo", "up"), "up\n");
        server_signal(&server, "STOP");
        int r = run(&m, 500, WORDS("true"), &out);
        server_signal(&server, "CONT");
        assert_int_equal(r, -EIO);
        must_print(&m, WORDS("echo", "on"), "on\n");
        done(&m);
    }
}

static void a_server_for_files_alone_is_asked_once(void **state)
{
    (void)state;
    static const char polite[] =
        "if [ \"$SSH_ORIGINAL_COMMAND\" = /usr/lib/openssh/sftp-server ]; then "
        "exec /usr/lib/openssh/sftp-server; fi; echo This account is not for people; exit 1";
    static const char *const forced[] = {"internal-sftp", "/usr/lib/openssh/sftp-server", polite};
    for (size_t f = 0; f < sizeof(forced) / sizeof(forced[0]); f++) {
        struct server strict;
        char line[512];
        snprintf(line, sizeof(line), "'ForceCommand %s'", forced[f]);
        server_start(&strict, "", line);
        for (size_t i = 0; i < WAYS; i++) {
            struct mounted m = mounted_by(&strict, ways[i]);
            BUF_AUTO out = {0};
            int before = server_log_count(&strict, "Connection from");
            for (int n = 0; n < 3; n++)
                assert_int_equal(run(&m, 20000, WORDS("true"), &out), -EOPNOTSUPP);
            assert_int_equal(server_log_await(&strict, "Connection from", before + 1), before + 1);
            done(&m);
        }
        server_stop(&strict);
    }
}

/* As a profile that prints does. */
static void what_a_login_prints_is_passed_over(void **state)
{
    (void)state;
    struct server talkative;
    server_start(&talkative, "",
                 "'ForceCommand [ \"$SSH_ORIGINAL_COMMAND\" = /usr/lib/openssh/sftp-server ] || "
                 "{ echo Welcome; printf \"0:0 0 \"; }; eval \"$SSH_ORIGINAL_COMMAND\"'");
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by(&talkative, ways[i]);
        must_print(&m, WORDS("echo", "on"), "on\n");
        done(&m);
    }
    server_stop(&talkative);
}

static void a_local_directory_has_no_commands(void **state)
{
    (void)state;
    const struct connect_options local = {.timeout_ms = 5000};
    struct mounted m = mounted(&local);
    BUF_AUTO out = {0};
    assert_int_equal(run(&m, 5000, WORDS("true"), &out), -EOPNOTSUPP);
    done(&m);
}

/* With a password from standard input. */
static struct mounted mounted_by_password(enum connect_via way)
{
    int ends[2];
    int before = dup(STDIN_FILENO);
    struct connect_options o = server_options(&server);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], PASSWORD "\n", sizeof(PASSWORD)), sizeof(PASSWORD));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    o.via = way;
    o.password_stdin = true;
    struct mounted m = mounted(&o);
    dup2(before, STDIN_FILENO);
    close(before);
    return m;
}

static void a_password_serves_again_and_is_refused_once(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip(); /* only root can start a server with passwords */
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m = mounted_by_password(ways[i]);
        struct transport *t = NULL;
        struct diag why = {0};
        BUF_AUTO out = {0};
        must_print(&m, WORDS("echo", "on"), "on\n");
        exec_tidy(m.exec);
        server_shell(&server, "printf changed >$DIR/password");
        int failed = server_refusals(&server);
        for (int n = 0; n < 3; n++)
            assert_int_equal(run(&m, 20000, WORDS("true"), &out), -EACCES);
        assert_int_equal(server_refusals_await(&server, failed + 1), failed + 1);
        server_shell(&server, "printf '" PASSWORD "' >$DIR/password");
        assert_int_equal(run(&m, 20000, WORDS("true"), &out), -EACCES);
        assert_false(connector_refused(m.connector));
        assert_int_equal(connector_connect(m.connector, false, &t, &why), 0);
        transport_free(t);
        assert_int_equal(connector_connect_bulk(m.connector, &t, &why), 0);
        transport_free(t);
        done(&m);
    }
}

/* The main one, one for bulk data, and a shell. */
static void *connect_main(void *ctx)
{
    struct transport *t = NULL;
    int r = connector_connect(ctx, false, &t, NULL);
    transport_free(t);
    return r == 0 ? ctx : NULL;
}

static void *connect_bulk(void *ctx)
{
    struct transport *t = NULL;
    int r = connector_connect_bulk(ctx, &t, NULL);
    transport_free(t);
    return r == 0 ? ctx : NULL;
}

static void all_kinds_are_made_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct mounted m =
            getuid() == 0 ? mounted_by_password(ways[i]) : mounted_by(&server, ways[i]);
        pthread_t threads[2];
        void *results[2];
        for (int n = 0; n < 3; n++) {
            pthread_create(&threads[0], NULL, connect_main, m.connector);
            pthread_create(&threads[1], NULL, connect_bulk, m.connector);
            must_print(&m, WORDS("echo", "on"), "on\n");
            for (int k = 0; k < 2; k++) {
                pthread_join(threads[k], &results[k]);
                assert_ptr_equal(results[k], m.connector);
            }
            exec_tidy(m.exec);
        }
        done(&m);
    }
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_run_beside_the_one_session_of_a_connection),
        cmocka_unit_test(a_command_that_does_not_end_is_given_up),
        cmocka_unit_test(a_lost_connection_costs_the_command_under_way_alone),
        cmocka_unit_test(a_server_that_is_down_is_asked_again),
        cmocka_unit_test(a_server_that_stops_is_not_waited_for),
        cmocka_unit_test(a_server_for_files_alone_is_asked_once),
        cmocka_unit_test(what_a_login_prints_is_passed_over),
        cmocka_unit_test(a_local_directory_has_no_commands),
        cmocka_unit_test(a_password_serves_again_and_is_refused_once),
        cmocka_unit_test(all_kinds_are_made_at_a_time),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
