/* SPDX-License-Identifier: MIT */
/* Which host keys are accepted, through libssh2 and through the ssh program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "transport/login/askpass.h"

static const enum connect_via ways[] = {CONNECT_LIBSSH2, CONNECT_OPENSSH};
enum { WAYS = 2 };

static struct server server;
static char file[128]; /* the known_hosts of a test */

static int start(void **state)
{
    (void)state;
    unsetenv("SSH_AUTH_SOCK");
    server_start(&server, "", "");
    snprintf(file, sizeof(file), "%s", server_path(&server, "known"));
    server_shell(&server,
                 "ssh-keygen -q -t ed25519 -N '' -f $DIR/stranger;"
                 "ssh-keygen -q -t ecdsa -N '' -f $DIR/stranger_ecdsa;"
                 "ssh-keygen -lf $DIR/host_ed25519.pub | cut -d' ' -f2 >$DIR/prints;"
                 "ssh-keygen -lf $DIR/host_ecdsa.pub | cut -d' ' -f2 >>$DIR/prints");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static struct connect_options options(enum connect_via via)
{
    struct connect_options o = server_options(&server);
    o.known_hosts_file = file;
    o.via = via;
    return o;
}

/* A fingerprint of the server stands in the text, as ssh-keygen shows it. */
static bool shows_fingerprint(const char *text)
{
    char print[128];
    bool shown = false;
    FILE *f = fopen(server_path(&server, "prints"), "re");
    while (f && fgets(print, sizeof(print), f)) {
        print[strcspn(print, "\n")] = '\0';
        shown |= strstr(text, print) != NULL;
    }
    if (f)
        fclose(f);
    return shown;
}

/* What the shell writes to $DIR/known, and what must come of it both ways. */
static const struct {
    const char *name, *makes;
    int result;
    const char *says;
} cases[] = {
    {"known", "cp $DIR/known_hosts $DIR/known", 0, NULL},
    {"hashed", "cp $DIR/known_hosts $DIR/known; ssh-keygen -q -H -f $DIR/known >/dev/null 2>&1", 0,
     NULL},
    {"only one type", "sed -n /ecdsa/p $DIR/known_hosts >$DIR/known", 0, NULL},
    {"after rubbish",
     "(echo '# no'; echo; echo rubbish; echo 'a b'; printf '[127.0.0.1]:%s ssh-ed25519\\n' $PORT;"
     "head -c 5000 /dev/zero | tr '\\0' x; echo; cat $DIR/known_hosts) >$DIR/known",
     0, NULL},
    {"without the port", "sed 's/^[^ ]*/127.0.0.1/' $DIR/known_hosts >$DIR/known", 0, NULL},
    {"a second key that fits",
     "(printf '[127.0.0.1]:%s ' $PORT; cat $DIR/stranger.pub; cat $DIR/known_hosts) >$DIR/known", 0,
     NULL},
    {"empty", ": >$DIR/known", -EPERM, "not known"},
    {"no file", "rm -f $DIR/known", -EPERM, "not known"},
    {"another port", "sed 's/^[^ ]*/[127.0.0.1]:9/' $DIR/known_hosts >$DIR/known", -EPERM,
     "not known"},
    {"changed", "(printf '[127.0.0.1]:%s ' $PORT; cat $DIR/stranger.pub) >$DIR/known", -EPERM,
     "has changed"},
    {"changed for the port, right for the host",
     "(printf '[127.0.0.1]:%s ' $PORT; cat $DIR/stranger.pub;"
     " sed 's/^[^ ]*/127.0.0.1/' $DIR/known_hosts) >$DIR/known",
     -EPERM, "has changed"},
    {"hashed and changed",
     "(printf '[127.0.0.1]:%s ' $PORT; cat $DIR/stranger.pub) >$DIR/known;"
     "ssh-keygen -q -H -f $DIR/known >/dev/null 2>&1",
     -EPERM, "has changed"},
    {"revoked", "(cat $DIR/known_hosts; sed 's/^/@revoked /' $DIR/known_hosts) >$DIR/known", -EPERM,
     "revoked"},
    {"revoked for all",
     "(cat $DIR/known_hosts; sed 's/^[^ ]*/@revoked */' $DIR/known_hosts) >$DIR/known", -EPERM,
     "revoked"},
};

static void keys_are_judged(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (size_t i = 0; i < WAYS; i++) {
            struct connect_options o = options(ways[i]);
            server_shell(&server, cases[n].makes);
            struct attempt a = attempt(&o);
            if (a.result != cases[n].result ||
                (cases[n].says && !strstr(a.why.text, cases[n].says)))
                fail_msg("%s, way %zu: %d, %s", cases[n].name, i, a.result, a.why.text);
            if (cases[n].result == 0)
                assert_string_not_equal(a.about, "");
            else if (!shows_fingerprint(a.why.text))
                fail_msg("no fingerprint: %s", a.why.text);
            assert_false(a.refused); /* no login was */
        }
    }
}

static void new_key_is_stored_when_accepted(void **state)
{
    (void)state;
    static const struct {
        enum connect_via via;
        const char *before;
    } table[] = {
        {CONNECT_LIBSSH2, "rm -f $DIR/known"},
        {CONNECT_OPENSSH, "rm -f $DIR/known"},
        {CONNECT_LIBSSH2, "printf '# no newline at the end' >$DIR/known"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        server_shell(&server, table[i].before);
        struct connect_options o = options(table[i].via);
        o.strict = CONNECT_STRICT_ACCEPT_NEW;
        assert_int_equal(attempt(&o).result, 0);
        o.strict = CONNECT_STRICT_YES;
        assert_int_equal(attempt(&o).result, 0);
        /* And ssh itself agrees. */
        server_shell(&server, "ssh-keygen -F \"[127.0.0.1]:$PORT\" -f $DIR/known >/dev/null");
    }
}

static void changed_key_is_not_new(void **state)
{
    (void)state;
    server_shell(&server, "(printf '[127.0.0.1]:%s ' $PORT; cat $DIR/stranger.pub) >$DIR/known");
    for (size_t i = 0; i < WAYS; i++) {
        struct connect_options o = options(ways[i]);
        o.strict = CONNECT_STRICT_ACCEPT_NEW;
        struct attempt a = attempt(&o);
        assert_int_equal(a.result, -EPERM);
        assert_non_null(strstr(a.why.text, "has changed"));
        o.strict = CONNECT_STRICT_NO; /* keys, but no passwords */
        assert_int_equal(attempt(&o).result, 0);
    }
}

static void unknown_type_of_a_known_host_is_not_new(void **state)
{
    (void)state;
    server_shell(&server,
                 "(printf '[127.0.0.1]:%s ' $PORT;"
                 " sed 's/nistp256/nistp521/' $DIR/stranger_ecdsa.pub) >$DIR/known");
    struct connect_options o = options(CONNECT_LIBSSH2);
    o.strict = CONNECT_STRICT_ACCEPT_NEW;
    struct attempt a = attempt(&o);
    assert_int_equal(a.result, -EPERM);
    assert_non_null(strstr(a.why.text, "another type"));
}

static void wildcards_are_left_to_the_ssh_program(void **state)
{
    (void)state;
    server_shell(&server, "sed 's/^[^ ]*/[127.0.0.*]:*/' $DIR/known_hosts >$DIR/known");
    struct connect_options o = options(CONNECT_LIBSSH2);
    struct attempt a = attempt(&o);
    assert_int_equal(a.result, -EOPNOTSUPP);
    assert_non_null(strstr(a.why.text, "known:1"));
    o.via = CONNECT_AUTO;
    a = attempt(&o);
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "openssh"));
}

static void certificate_authority_is_left_to_the_ssh_program(void **state)
{
    (void)state;
    server_shell(&server,
                 "ssh-keygen -q -t ed25519 -N '' -f $DIR/ca;"
                 "ssh-keygen -q -s $DIR/ca -h -I host -n 127.0.0.1 $DIR/host_ed25519.pub;"
                 "(printf '@cert-authority * '; cat $DIR/ca.pub) >$DIR/known");
    struct server second = server;
    server_kill(&server);
    server_restart(&second, "", "\"HostCertificate $DIR/host_ed25519-cert.pub\"");
    struct connect_options o = options(CONNECT_AUTO);
    o.port = second.port;
    struct attempt a = attempt(&o);
    server.port = second.port;
    assert_string_equal(a.why.text, "");
    assert_int_equal(a.result, 0);
    assert_non_null(strstr(a.about, "openssh"));
}

int main(int argc, char **argv)
{
    if (askpass_wanted())
        return askpass_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_judged),
        cmocka_unit_test(new_key_is_stored_when_accepted),
        cmocka_unit_test(changed_key_is_not_new),
        cmocka_unit_test(unknown_type_of_a_known_host_is_not_new),
        cmocka_unit_test(wildcards_are_left_to_the_ssh_program),
        cmocka_unit_test(certificate_authority_is_left_to_the_ssh_program),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
