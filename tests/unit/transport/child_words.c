/* SPDX-License-Identifier: MIT */
/* Understanding what the ssh program says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "transport/child/ssh_stderr.h"

static void authentication_is_noticed(void **state)
{
    (void)state;
    assert_true(
        child_words_connected("debug1: x\r\nAuthenticated to h ([::1]:22) using \"none\".\r\n"));
    assert_true(child_words_connected("Authenticated to h (via proxy) using \"publickey\"."));
    assert_true(
        child_words_connected("debug1: mux_client_request_session: master session id: 2\r\n"));
    assert_false(child_words_connected(""));
    assert_false(child_words_connected("debug1: Authenticated to nobody\n"));
}

static void endings_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int error;
        const char *says;
    } table[] = {
        {"", 0, ""},
        {"debug1: only this\r\n", 0, ""},
        {"debug1: a\r\nroot@h: Permission denied (publickey,password).\r\n", -EACCES,
         "root@h: Permission denied (publickey,password)."},
        {"Load key \"/k\": Permission denied\r\nssh: connect to host h port 22: Connection "
         "refused\r\n",
         -ECONNREFUSED, "Connection refused"},
        {"Load key \"/k\": bad permissions\r\nroot@h: Permission denied (publickey).\r\n", -EACCES,
         "(publickey). (cannot load the key \"/k\": bad permissions): put"},
        {"ssh: Could not resolve hostname h: Name or service not known\r\n", -EHOSTUNREACH,
         "check the name"},
        {"ssh: connect to host h port 22: Connection timed out\n", -ETIMEDOUT, "timed out"},
        {"debug1: Server host key: ssh-ed25519 SHA256:abc\r\nHost key verification failed.\r\n",
         -EPERM, "is not known: ssh-ed25519 SHA256:abc"},
        {"debug1: Server host key: ssh-rsa SHA256:abc\r\n"
         "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification "
         "failed.\r\n",
         -EPERM, "has changed: it is ssh-rsa SHA256:abc"},
        {"debug1: Server host key: ssh-rsa SHA256:abc\r\n"
         "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n  remove with:\r\n"
         "  ssh-keygen -f \"/k\" -R \"[h.example]:222\"\r\nHost key verification failed.\r\n",
         -EPERM, "new key: ssh-keygen -f \"/k\" -R \"[h.example]:222\""},
        {"Authenticated to h\nsubsystem request failed on channel 0\nTransferred: sent 1\r\n",
         -EPROTO, "-o sftp_server"},
        {"something new\ndebug1: Exit status 255\n", -ECONNRESET, "something new"},
        {"debug1: Authentications that can continue: publickey\r\nConnection closed by ::1 port "
         "22\r\n",
         -ECONNRESET,
         "h closed the connection during authentication (Connection closed by ::1 port 22)"},
        {"A banner\r\nAuthenticated to h\r\ndebug1: Exit status 1\r\n", 0, ""},
        {"A banner\r\nAuthenticated to h\r\nPassword change required\r\n", -ECONNRESET,
         "h: Password change required"},
        {"Authenticated to h\r\nclient_loop: send disconnect: Broken pipe\r\n", -ECONNRESET,
         "Broken pipe: the host closed the connection after the login"},
        {"kex_exchange_identification: Connection closed by remote host\r\nConnection closed by "
         "127.0.0.1 port 22\r\n",
         -ECONNRESET, "after failed logins (PerSourcePenalties)"},
        {"kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by ::1 "
         "port 22\r\n",
         -ECONNRESET, "(Connection reset by ::1 port 22)"},
        {"Welcome\r\nReceived disconnect from ::1 port 22:2: Too many authentication failures\r\n"
         "Disconnected from ::1 port 22\r\n",
         -EACCES, "IdentitiesOnly=yes"},
        {"Disconnected from ::1 port 22\r\n", -ECONNRESET, "h: Disconnected from"},
        {"debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc\r\nHost key "
         "verification failed.\r\n",
         -EPERM, "is not known: ssh-ed25519-cert-v01@openssh.com SHA256:abc"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct diag why = {0};
        assert_int_equal(child_words_explain(table[i].words, "h", &why), table[i].error);
        if (!strstr(why.text, table[i].says))
            fail_msg("%s", why.text);
    }
}

#define JUMP(command)                                                                              \
    "debug1: Setting implicit ProxyCommand from ProxyJump: " command                               \
    "\r\n"                                                                                         \
    "debug1: Executing proxy command: exec " command "\r\n"
#define ONE "ssh -W '[%h]:%p' j1"
#define TWO "ssh -F c -J j1,u@j2 -W '[%h]:%p' j3"
#define PROXY(command) "debug1: Executing proxy command: exec " command "\r\n"
#define CUT                                                                                        \
    "kex_exchange_identification: Connection closed by remote host\r\n"                            \
    "Connection closed by UNKNOWN port 65535\r\n"
#define FORWARD                                                                                    \
    "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n"

/* Each names who failed, and why. */
static void what_leads_to_the_host_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int error;
        const char *says;
    } table[] = {
        {JUMP(ONE) "r@1: Permission denied (publickey).\r\n" CUT, -EACCES,
         "h: the jump host j1: r@1: Permission denied (publickey).: put"},
        {JUMP(ONE) "Host key verification failed.\r\n" CUT "\n" CHILD_WORDS_ASKED
                   "The authenticity of host 'x' can't be established. "
                   "ED25519 key fingerprint is SHA256:abc. This key is not known.\n",
         -EPERM,
         "the host key of the jump host j1 is not known: ED25519 SHA256:abc. If that is right, "
         "connect once with \"ssh j1\""},
        {JUMP(ONE) "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification "
                   "failed.\r\n" CUT,
         -EPERM, "the host key of the jump host j1 has changed"},
        {JUMP(ONE) "ssh: Could not resolve hostname j: Name or service not known\r\n" CUT,
         -EHOSTUNREACH, "the jump host j1: ssh: Could not resolve hostname j"},
        {JUMP(ONE) "ssh: connect to host 1 port 2: Connection refused\r\n" CUT, -ECONNREFUSED,
         "the jump host j1: ssh: connect to host 1 port 2: Connection refused: start"},
        {JUMP(ONE) FORWARD CUT, -ECONNREFUSED, "the jump host j1 cannot reach h: channel 0"},
        {JUMP(ONE) CUT, -ECONNRESET, "the jump host j1 does not let us through"},
        {JUMP(TWO) FORWARD CUT, -ECONNREFUSED, "the jump host j3 cannot reach h"},
        {JUMP(TWO) FORWARD CUT CUT, -ECONNREFUSED, "the jump host u@j2 cannot reach j3"},
        {JUMP(TWO) "r@1: Permission denied (publickey).\r\n" CUT CUT CUT, -EACCES,
         "the jump host j1: r@1"},
        {JUMP(TWO) "it ended\r\n" CUT CUT CUT CUT, -ECONNRESET, "the jump host j1: it ended"},
        {JUMP(ONE) "debug1: Remote protocol version 2.0, remote software version x\r\n"
                   "r@1: Permission denied (publickey).\r\n",
         -EACCES, "h: r@1: Permission denied"},
        {PROXY("false") CUT, -ECONNRESET, "h: its ProxyCommand \"false\" ended"},
        {PROXY("/x y") "/bin/sh: 1: /x: not found\r\n" CUT, -ECONNRESET,
         "h: its ProxyCommand \"/x y\" failed: /bin/sh: 1: /x: not found"},
        {PROXY("x") "debug1: kex_exchange_identification: banner line 0: HTTP/1.1 400\r\n" CUT,
         -ECONNRESET, "leads to no SSH server: it says \"HTTP/1.1 400\""},
        {PROXY("x") "banner exchange: Connection to UNKNOWN port 65535: invalid format\r\n",
         -ECONNRESET, "\"x\" leads to no SSH server"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct diag why = {0};
        int r = child_words_explain(table[i].words, "h", &why);
        if (r != table[i].error || !strstr(why.text, table[i].says))
            fail_msg("%zu: %d, %s", i, r, why.text);
    }
}

static void steps_and_the_way_are_known(void **state)
{
    (void)state;
    static const char step[] = "Authenticated using \"publickey\" with partial success.\r\n";
    struct buf scratch = {0};
    struct buf words = {0};
    assert_int_equal(child_words_steps(""), 0);
    assert_int_equal(buf_addf(&words, "%sAuthenticated using x\r\n%sdebug1: %s", step, step, step),
                     0);
    assert_int_equal(child_words_steps(words.data), 2);
    assert_null(child_words_way(words.data, &scratch));
    assert_string_equal(child_words_way(PROXY("sleep 9"), &scratch), "sleep 9");
    buf_done(&scratch);
    buf_done(&words);
}

static void the_end_of_a_command_is_no_lost_connection(void **state)
{
    (void)state;
    static const char exit_status[] =
        "debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\r\n";
    static const struct {
        const char *words;
        bool ended;
    } table[] = {
        {"", false},
        {exit_status, true},
        {"exec request failed on channel 0\r\n", true},
        {"debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\r\n", false},
        {"debug1: client_input_channel_req: channel 0 rtype keepalive@openssh.com reply 1\r\n",
         false},
        {"rtype exit-status reply 0\r\n", false},
        {"Connection to h closed by remote host.\r\ndebug1: Exit status -1\r\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(child_words_ended(table[i].words), table[i].ended);
}

static void what_was_agreed_on_is_described(void **state)
{
    (void)state;
    static const char words[] =
        "debug1: Remote protocol version 2.0, remote software version OpenSSH_10.0p2 Debian-7\r\n"
        "debug1: kex: algorithm: sntrup761x25519-sha512\r\n"
        "debug1: kex: host key algorithm: ssh-ed25519\r\n"
        "debug1: kex: server->client cipher: a MAC: b compression: none\r\n"
        "debug1: kex: client->server cipher: chacha20-poly1305@openssh.com MAC: <implicit> "
        "compression: none\r\n"
        "debug1: Server host key: ssh-ed25519 SHA256:abc\r\n"
        "Authenticated to h ([127.0.0.1]:22) using \"publickey\".\r\n"
        "debug1: kex: algorithm: of-a-rekey\r\n";
    struct buf text = {0};
    assert_int_equal(child_words_describe(words, &text), 0);
    assert_string_equal(text.data,
                        "server: SSH-2.0-OpenSSH_10.0p2 Debian-7\n"
                        "host-key: ED25519 SHA256:abc\n"
                        "key-exchange: sntrup761x25519-sha512\n"
                        "cipher: chacha20-poly1305@openssh.com\n"
                        "mac: <implicit>\n"
                        "compression: none\n"
                        "login: publickey\n");
    buf_clear(&text);
    assert_int_equal(child_words_describe("debug1: kex: client->server cipher: a\n", &text), 0);
    assert_string_equal(text.data, "cipher: a\n");
    buf_clear(&text);
    assert_int_equal(child_words_describe("who knows\n", &text), 0);
    assert_int_equal(text.len, 0);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentication_is_noticed),
        cmocka_unit_test(endings_are_explained),
        cmocka_unit_test(what_leads_to_the_host_is_named),
        cmocka_unit_test(steps_and_the_way_are_known),
        cmocka_unit_test(what_was_agreed_on_is_described),
        cmocka_unit_test(the_end_of_a_command_is_no_lost_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
